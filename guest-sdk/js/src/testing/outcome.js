// What came of an event.

import { text } from "../bytes.js";

/**
 * @typedef {import("../verdict.js").Decision} Decision
 * @typedef {import("./apply.js").Changed} Changed
 * @typedef {import("./fake.js").Said} Said
 */

/** What a filter decided and said, and what the host made of it. */
export class Outcome {
  #sent;

  /**
   * @internal
   * @param {{ decision: Decision } | { failed: string }} decided
   * @param {Changed | undefined} sent
   * @param {Said} said
   */
  constructor(decided, sent, said) {
    this.#sent = sent === undefined ? undefined : new Sent(sent);
    /**
     * What was decided, as the host reads it; undefined if the filter failed.
     *
     * @readonly
     */
    this.decision = "decision" in decided ? decided.decision : undefined;
    /**
     * The text of the failure: what `handle` threw, or what the host cannot apply (then it begins with `bad output: `).
     *
     * @readonly
     */
    this.failure = "failed" in decided ? decided.failed : undefined;
    /**
     * Labels that were set.
     *
     * @readonly
     */
    this.labels = said.labels;
    /** @readonly */
    this.idempotencyKey = said.idempotencyKey;
    /** @readonly */
    this.orderKey = said.orderKey;
    /**
     * Milliseconds since 1970-01-01T00:00:00Z.
     *
     * @readonly
     */
    this.deliverAfter = said.deliverAfter;
    /**
     * What the sender is answered once the event is accepted.
     *
     * @readonly
     */
    this.answer = said.answer;
    /** @readonly */
    this.logs = said.logs;
    /**
     * Names that the filter called for without a grant.
     *
     * @readonly
     */
    this.denied = said.denied;
  }

  /**
   * The verdict's word, or `failed`.
   *
   * @returns {"pass" | "edit" | "reject" | "respond" | "drop" | "retry-later" | "failed"}
   */
  get name() {
    const tag = this.decision?.tag;
    return tag === undefined || tag === "other" ? "failed" : tag;
  }

  /**
   * The status of a reject or respond verdict.
   *
   * @returns {number | undefined}
   */
  get status() {
    const decision = this.decision;
    return decision?.tag === "reject" || decision?.tag === "respond" ? decision.val.status : undefined;
  }

  /** Why the event was rejected or dropped, or the filter failed; else empty. */
  get reason() {
    if (this.decision?.tag === "reject") return this.decision.val.reason;
    if (this.decision?.tag === "drop") return this.decision.val;
    return this.failure ?? "";
  }

  /** The body of a respond verdict, as text; else empty. */
  get answerText() {
    return this.decision?.tag === "respond" ? (text(this.decision.val.body) ?? "") : "";
  }

  /**
   * The event as it goes on. Throws if it does not.
   *
   * @returns {Sent}
   */
  get event() {
    if (this.#sent === undefined) throw new Error(`the event does not go on: ${this.name} ${this.reason}`);
    return this.#sent;
  }
}

/** An event on its way to a destination. */
export class Sent {
  /**
   * @internal
   * @param {Changed} sent
   */
  constructor(sent) {
    /** @readonly */
    this.method = sent.method;
    /** @readonly */
    this.path = sent.path;
    /** @readonly */
    this.query = sent.query;
    /**
     * Lower-case names.
     *
     * @readonly
     */
    this.headers = sent.headers;
    /** @readonly */
    this.body = sent.body;
    /**
     * Those that the filter chose, if it did.
     *
     * @readonly
     */
    this.destinations = sent.destinations;
  }

  /**
   * The first value of a header, if it is UTF-8.
   *
   * @param {string} name
   * @returns {string | undefined}
   */
  header(name) {
    const wanted = name.toLowerCase();
    const value = this.headers.find(([known]) => known === wanted)?.[1];
    return value === undefined ? undefined : text(value);
  }

  /** The body as text. Throws if it is not UTF-8. */
  text() {
    const found = text(this.body);
    if (found === undefined) throw new Error("the body is not UTF-8");
    return found;
  }

  /**
   * The body. Throws if it is not JSON.
   *
   * @returns {any}
   */
  json() {
    return JSON.parse(this.text());
  }
}
