/**
 * Filters tested on the author's own machine, with Node's test runner and no host.
 *
 * ```js
 * const test = () => new Test(guard).secret("webhook", "It's a Secret to Everybody").body("Hello, World!");
 *
 * assert.equal(test().signed("webhook").run().event.header("x-verified"), "1");
 *
 * const outcome = test().header("x-hub-signature-256", "sha256=00").run();
 * assert.equal(outcome.status, 401);
 * assert.equal(outcome.reason, "header x-hub-signature-256 is malformed");
 * ```
 *
 * What a filter is granted is what it asks for: a secret or namespace that is missing there is denied here too. Limits of
 * time, memory, log and number of calls are the host's alone.
 *
 * @module
 */

import { bytes } from "../bytes.js";
import { Filter } from "../filter.js";
import * as hex from "../hex.js";
import { apply, BadOutput } from "./apply.js";
import { mac } from "./crypto.js";
import { readEventFile } from "./event-file.js";
import { FakeBody, FakeHost, placeOf, Said } from "./fake.js";
import { Outcome, Sent } from "./outcome.js";

export { Outcome, Sent };

/** @typedef {import("../host.js").Head} Head */

/** A filter on its route, and the next event for it. What `kv` holds stays from one `run` to the next. */
export class Test {
  /** @type {Filter<any>} */
  #filter;
  #host = new FakeHost();
  /** @type {Head} */
  #head = {
    event: "evt_01KB4QJ0000000000000000000",
    project: "default",
    route: "test",
    phase: { tag: "route" },
    method: "POST",
    scheme: "https",
    authority: "hooks.example.com",
    path: "/",
    query: undefined,
    headers: [],
    source: "192.0.2.1",
    received: 0n,
    attempt: 0,
    replay: false,
    bodyLength: undefined,
    attributes: [],
  };
  /** @type {Uint8Array} */
  #body = new Uint8Array(0);
  /** @type {Uint8Array | undefined} */
  #original;
  /** @type {string | undefined} */
  #signed;
  /** @type {string[]} */
  #destinations = [];
  #refusing = false;
  #runs = 0;

  /**
   * With configuration `{}`, and an empty `POST /` as the event.
   *
   * @param {Filter<any>} filter What the filter's module exports as its default.
   */
  constructor(filter) {
    if (!(filter instanceof Filter)) throw new TypeError("`Test` takes what `filter` returned");
    this.#filter = filter;
    this.#host.namespaces = new Set([...filter.manifest.kv, ...filter.manifest.optional_kv]);
  }

  /**
   * The configuration: anything that JSON holds.
   *
   * @param {unknown} config
   */
  config(config) {
    return this.configText(JSON.stringify(config));
  }

  /**
   * The configuration as it stands in a file.
   *
   * @param {string} json
   */
  configText(json) {
    this.#host.configText = json;
    return this;
  }

  /**
   * A granted secret. Called again, the new value is the newest one, and the older ones stay valid.
   *
   * @param {string} name One that the filter asks for.
   * @param {string | Uint8Array} value
   */
  secret(name, value) {
    this.#asked(["secrets", "optional_secrets"], name);
    const values = this.#host.secretValues.get(name) ?? [];
    this.#host.secretValues.set(name, [bytes(value, "the secret"), ...values]);
    return this;
  }

  /**
   * A secret that the filter is granted to read.
   *
   * @param {string} name One that the filter asks to reveal.
   * @param {string | Uint8Array} value
   */
  reveal(name, value) {
    this.#asked(["reveal"], name);
    this.#host.revealed.set(name, bytes(value, "the secret"));
    return this;
  }

  /**
   * What is at a URL from which keys are fetched. Every other URL is denied.
   *
   * @param {string} url One whose beginning the filter asks for.
   * @param {string | Uint8Array} document
   */
  document(url, document) {
    if (!this.#filter.manifest.keys.some((beginning) => beginsSo(url, beginning))) throw new Error(`the filter does not ask for \`${url}\`, or a beginning of it, in \`keys\``);
    this.#host.documents.set(url, bytes(document, "the document"));
    return this;
  }

  /**
   * The destinations that the route lists; choosing another is bad output. Without this every name is right.
   *
   * @param {readonly string[]} names
   */
  destinations(names) {
    this.#destinations = [...names];
    return this;
  }

  /** From now on destinations refuse what they get: nothing is accepted, and keys reserved with `once` are released. */
  destinationsRefuse() {
    this.#refusing = true;
    return this;
  }

  /**
   * Another event, not decided yet, holds this key.
   *
   * @param {string} namespace
   * @param {string} key
   */
  reserved(namespace, key) {
    this.#host.held.add(placeOf(namespace, key));
    return this;
  }

  /**
   * The time.
   *
   * @param {number} now Milliseconds since 1970-01-01T00:00:00Z.
   */
  clockMs(now) {
    this.#host.now = now;
    return this;
  }

  /** @param {string} method */
  method(method) {
    this.#head.method = method;
    return this;
  }

  /**
   * The path, and the query if there is a `?`.
   *
   * @param {string} path
   */
  path(path) {
    const mark = path.indexOf("?");
    this.#head.path = mark < 0 ? path : path.slice(0, mark);
    this.#head.query = mark < 0 ? undefined : path.slice(mark + 1);
    return this;
  }

  /**
   * The host that the sender called, and its port if it named one.
   *
   * @param {string} authority
   */
  authority(authority) {
    this.#head.authority = authority;
    return this;
  }

  /**
   * Sets a header, in place of what it had.
   *
   * @param {string} name
   * @param {string | Uint8Array} value
   */
  header(name, value) {
    this.#head.headers = this.#head.headers.filter(([known]) => known !== name.toLowerCase());
    return this.appendHeader(name, value);
  }

  /**
   * Adds a value to a header.
   *
   * @param {string} name
   * @param {string | Uint8Array} value
   */
  appendHeader(name, value) {
    this.#head.headers.push([name.toLowerCase(), bytes(value, `the value of header \`${name}\``)]);
    return this;
  }

  /** @param {string | Uint8Array} body */
  body(body) {
    this.#body = bytes(body, "the body");
    return this;
  }

  /**
   * The body as JSON, with its content type.
   *
   * @param {unknown} body
   */
  json(body) {
    return this.body(JSON.stringify(body)).header("content-type", "application/json");
  }

  /**
   * The body as it was received, where an earlier filter changed it.
   *
   * @param {string | Uint8Array} body
   */
  originalBody(body) {
    this.#original = bytes(body, "the body");
    return this;
  }

  /**
   * The event out of an event file, as `snaphook test` and `snaphook send` read them: JSON with `method`, `path`, `query`,
   * `headers` as a list of pairs, `received_ms` (when it arrives), and `body` (JSON, sent compact), `body_text` or
   * `body_base64`. A header's value that is no text is `{"base64": "…"}`.
   *
   * @param {string} file Its text.
   * @throws {Error} If it is no such file; says which member and why.
   */
  event(file) {
    const { method, path, query, receivedMs, headers, body } = readEventFile(file);
    this.method(method).path(path).body(body);
    if (receivedMs !== undefined) this.clockMs(receivedMs);
    if (query !== undefined) this.#head.query = query;
    this.#head.headers = [];
    for (const [name, value] of headers) this.appendHeader(name, value);
    return this;
  }

  /**
   * Signs the body as GitHub does, with the newest value of a granted secret.
   *
   * @param {string} secret
   */
  signed(secret) {
    this.#signed = secret;
    return this;
  }

  /**
   * What stands for `{name}` in the route's path.
   *
   * @param {string} name
   * @param {string} value
   */
  pathParam(name, value) {
    return this.#attribute(`path.${name}`, value);
  }

  /**
   * A label that an earlier filter set.
   *
   * @param {string} name
   * @param {string} value
   */
  label(name, value) {
    return this.#attribute(`label.${name}`, value);
  }

  /** @param {string} address */
  source(address) {
    this.#head.source = address;
    return this;
  }

  /**
   * Calls the filter for a destination instead of for the route.
   *
   * @param {string} name
   * @param {number} [attempt]
   */
  forDestination(name, attempt = 1) {
    this.#head.phase = { tag: "destination", val: name };
    this.#head.attempt = attempt;
    return this;
  }

  /** The event is sent again on somebody's request. */
  replay() {
    this.#head.replay = true;
    return this;
  }

  /**
   * What the attachment's author is told: undefined if the configuration is right, else what is wrong with it.
   *
   * @returns {string | undefined}
   */
  configure() {
    this.#host.configuring = true;
    const configured = this.#filter.configure(this.#host.imports(), this.#host.configText);
    this.#host.configuring = false;
    if ("problem" in configured) return configured.problem;
    this.#host.prepared = configured.prepared;
    return undefined;
  }

  /**
   * Configures the filter, hands it the event, and applies its verdict as the host does.
   *
   * @returns {Outcome}
   * @throws {Error} If the filter refuses the configuration; test that with `configure`. If the event is to be signed with a
   *   secret that is not there.
   */
  run() {
    const problem = this.configure();
    if (problem !== undefined) throw new Error(`the configuration is refused: ${problem}`);
    this.#runs += 1;
    const host = this.#host;
    const head = this.#nextHead();
    const body = this.#needsBody ? this.#body : new Uint8Array(0);
    host.headers = head.headers;
    host.seed = BigInt(this.#runs);
    host.said = new Said();
    const raw = new FakeBody(host, body, (this.#needsBody ? this.#original : undefined) ?? body);
    const config = this.#filter.restore(host.prepared);
    const outcome = this.#applied(this.#filter.handle(host.imports(), head, raw, config), head);
    const goesOn = outcome.name === "pass" || outcome.name === "edit";
    if ((goesOn && !this.#refusing) || outcome.name === "drop") {
      for (const { place, expires } of host.said.reserved) host.known.set(place, expires);
    }
    return outcome;
  }

  /**
   * @param {ReturnType<Filter<any>["handle"]>} decided
   * @param {Head} head
   */
  #applied(decided, head) {
    const { said } = this.#host;
    if ("failed" in decided) return new Outcome(decided, undefined, said);
    try {
      return new Outcome(decided, apply(decided.decision, head, this.#body, this.#destinations), said);
    } catch (error) {
      if (error instanceof BadOutput) return new Outcome({ failed: `bad output: ${error.message}` }, undefined, said);
      throw error;
    }
  }

  /** @returns {Head} */
  #nextHead() {
    const head = { ...this.#head, headers: [...this.#head.headers], received: BigInt(this.#host.now) };
    head.bodyLength = this.#needsBody ? BigInt(this.#body.length) : undefined;
    if (this.#signed !== undefined) {
      const [newest] = this.#host.secretValues.get(this.#signed) ?? [];
      if (newest === undefined) throw new Error(`secret \`${this.#signed}\` has no value`);
      const signature = `sha256=${hex.encode(hmacSha256(newest, this.#body))}`;
      head.headers = head.headers.filter(([name]) => name !== "x-hub-signature-256");
      head.headers.push(["x-hub-signature-256", bytes(signature, "the signature")]);
    }
    return head;
  }

  get #needsBody() {
    return this.#filter.manifest.body === "buffered";
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #attribute(name, value) {
    this.#head.attributes = this.#head.attributes.filter(([known]) => known !== name);
    this.#head.attributes.push([name, value]);
    return this;
  }

  /**
   * @param {("secrets" | "optional_secrets" | "reveal")[]} lists
   * @param {string} name
   */
  #asked(lists, name) {
    if (lists.some((list) => this.#filter.manifest[list].includes(name))) return;
    throw new Error(`the filter does not ask for \`${name}\` in \`${lists[0]}\``);
  }
}

/**
 * @param {string} url
 * @param {string} beginning `*` stands for one label of the host.
 */
function beginsSo(url, beginning) {
  const exact = beginning.replace(/[.*+?^${}()|[\]]/g, "\\$&");
  return new RegExp(`^${exact.replaceAll("\\*", "[A-Za-z0-9-]+")}`).test(url);
}

/**
 * The HMAC-SHA256 of a message, to sign events for tests.
 *
 * @param {string | Uint8Array} key
 * @param {string | Uint8Array} message
 * @returns {Uint8Array}
 */
export function hmacSha256(key, message) {
  return mac("hmac-sha256", bytes(key, "the key"), bytes(message, "the message"));
}
