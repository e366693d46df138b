// The event that a filter judges.

import { bytes, own, text, whole } from "./bytes.js";
import { Body } from "./body.js";
import { call } from "./host.js";

/** @typedef {import("./host.js").Head} Head */

/**
 * An answer to the sender.
 *
 * @typedef {object} Answer
 * @property {number} status 200 to 599.
 * @property {readonly (readonly [name: string, value: string | Uint8Array])[]} [headers]
 * @property {string | Uint8Array} [body]
 */

/** One received webhook, as earlier filters of the chain left it. */
export class Event {
  /** @type {Head} */
  #head;
  /** @type {Body} */
  #body;

  /**
   * @internal
   * @param {Head} head
   * @param {Body} body
   */
  constructor(head, body) {
    this.#head = head;
    this.#body = body;
  }

  /** `evt_` and 26 characters, ordered by time. */
  get id() {
    return this.#head.event;
  }

  get project() {
    return this.#head.project;
  }

  get route() {
    return this.#head.route;
  }

  /**
   * Where in an event's way the filter is called: `route`, before a destination is chosen, once per event; `destination`,
   * for the one that `destination` names, before its first attempt.
   *
   * @returns {"route" | "destination"}
   */
  get phase() {
    return this.#head.phase.tag;
  }

  /**
   * In phase `destination` its name, else undefined.
   *
   * @returns {string | undefined}
   */
  get destination() {
    const phase = this.#head.phase;
    return phase.tag === "destination" ? phase.val : undefined;
  }

  /** As received, case kept: `POST`. */
  get method() {
    return this.#head.method;
  }

  /** `http` or `https`, as the sender saw it. */
  get scheme() {
    return this.#head.scheme;
  }

  /** Host and port, if any, as the sender wrote them: `hooks.example.com:8443`. */
  get authority() {
    return this.#head.authority;
  }

  /** Begins with `/`; percent-encoding is kept as it came. */
  get path() {
    return this.#head.path;
  }

  /**
   * What stands for `{name}` in the route's path.
   *
   * @param {string} name
   * @returns {string | undefined}
   */
  pathParam(name) {
    return this.attribute(`path.${name}`);
  }

  /**
   * What follows `?`, without it.
   *
   * @returns {string | undefined}
   */
  get query() {
    return this.#head.query;
  }

  /**
   * The first value of this name in the query, decoded.
   *
   * @param {string} name
   * @returns {string | undefined}
   */
  queryValue(name) {
    return this.queryPairs().find(([known]) => known === name)?.[1];
  }

  /**
   * Names and values of the query in their order, decoded as forms are (`+` is a space, bytes that are not UTF-8 become
   * U+FFFD).
   *
   * @returns {[name: string, value: string][]}
   */
  queryPairs() {
    // The question mark keeps one that the query begins with.
    return [...new URLSearchParams(`?${this.query ?? ""}`)];
  }

  /**
   * The first value of a header, if it is UTF-8. Any case finds it.
   *
   * @param {string} name
   * @returns {string | undefined}
   */
  header(name) {
    const value = this.headerBytes(name);
    return value === undefined ? undefined : text(value);
  }

  /**
   * The first value of a header, its exact bytes.
   *
   * @param {string} name
   * @returns {Uint8Array | undefined}
   */
  headerBytes(name) {
    const wanted = name.toLowerCase();
    const value = this.#head.headers.find(([known]) => known === wanted)?.[1];
    return value === undefined ? undefined : own(value);
  }

  /**
   * All values of a header, in their order.
   *
   * @param {string} name
   * @returns {Uint8Array[]}
   */
  headerValues(name) {
    const wanted = name.toLowerCase();
    return this.#head.headers.filter(([known]) => known === wanted).map(([, value]) => own(value));
  }

  /**
   * All headers: lower-case names, exact values; duplicates in their order within a name.
   *
   * @returns {readonly (readonly [name: string, value: Uint8Array])[]}
   */
  get headers() {
    return this.#head.headers.map(([name, value]) => /** @type {const} */ ([name, own(value)]));
  }

  /** The sender's IP address; behind a trusted proxy, the one that the proxy names. */
  get source() {
    return this.#head.source;
  }

  /** When the head arrived, milliseconds since 1970-01-01T00:00:00Z. */
  get receivedMs() {
    return Number(this.#head.received);
  }

  /** 0 on the route; for a destination the number of the attempt that is prepared, from 1. */
  get attempt() {
    return this.#head.attempt;
  }

  /** True if the event is sent again on somebody's request. */
  get isReplay() {
    return this.#head.replay;
  }

  /**
   * A label that an earlier filter of the chain set.
   *
   * @param {string} name
   * @returns {string | undefined}
   */
  label(name) {
    return this.attribute(`label.${name}`);
  }

  /**
   * A further fact by its full name, such as `path.team` or `label.tenant`.
   *
   * @param {string} name
   * @returns {string | undefined}
   */
  attribute(name) {
    return this.#head.attributes.find(([known]) => known === name)?.[1];
  }

  /**
   * All further facts, by their full names.
   *
   * @returns {readonly (readonly [name: string, value: string])[]}
   */
  get attributes() {
    return this.#head.attributes;
  }

  /**
   * Bytes of the body; undefined if it was not read, because no filter of the route needs it.
   *
   * @returns {number | undefined}
   */
  get bodyLength() {
    const length = this.#head.bodyLength;
    return length === undefined ? undefined : Number(length);
  }

  /**
   * The body, which stays with the host until some of it is asked for. Empty in a filter that says `body: "none"`, unless
   * another filter of the route needs it.
   */
  get body() {
    return this.#body;
  }

  /**
   * Valid under any verdict; the last value set wins. Later filters read it with `label`.
   *
   * @param {string} name 1 to 64 characters of `a-z 0-9 _ . -`.
   * @param {string} value Up to 256 bytes.
   */
  setLabel(name, value) {
    call((host) => host.event.setLabel(name, value));
  }

  /**
   * Two accepted events of a route with the same key are one.
   *
   * @param {string} key 1 to 255 bytes.
   */
  setIdempotencyKey(key) {
    call((host) => host.event.setIdempotencyKey(key));
  }

  /**
   * Events with the same key are delivered in the order in which they were accepted.
   *
   * @param {string} key 1 to 255 bytes.
   */
  setOrderKey(key) {
    call((host) => host.event.setOrderKey(key));
  }

  /**
   * Deliver not before this time.
   *
   * @param {number} timeMs Milliseconds since 1970-01-01T00:00:00Z.
   */
  setDeliverAfter(timeMs) {
    const time = BigInt(whole(timeMs, Number.MAX_SAFE_INTEGER, "the time"));
    call((host) => host.event.setDeliverAfter(time));
  }

  /**
   * What the sender is answered once the event is accepted, instead of the route's own acknowledgement.
   *
   * @param {Answer} answer
   */
  setAnswer(answer) {
    const status = whole(answer.status, 0xffff, "the status");
    /** @type {[string, Uint8Array][]} */
    const headers = (answer.headers ?? []).map(([name, value]) => [name, bytes(value, `the value of header \`${name}\``)]);
    const body = bytes(answer.body ?? "", "the answer's body");
    call((host) => host.event.setAnswer(status, headers, body));
  }
}
