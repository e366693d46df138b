// What a filter decides.

import { bytes, kind, whole, U32 } from "./bytes.js";
import { Refusal } from "./error.js";

/**
 * @typedef {import("snaphook:filter/types@0.1.0").Verdict} Decision The verdict, spelled out as the host reads it.
 * @typedef {import("snaphook:filter/types@0.1.0").Edit} Edit One change to the event.
 * @typedef {import("./error.js").Header} Header
 */

const U16 = 0xffff;

/**
 * What becomes of the event. Made by one of the functions below and filled in by the methods of what they return:
 *
 * ```js
 * Verdict.edit().setHeader("x-hello", "world").removeHeader("cookie");
 * Verdict.reject(401).reason("no token").header("www-authenticate", "Bearer");
 * Verdict.respond(200).header("content-type", "text/plain").body("pong");
 * Verdict.retryLater(30);
 * ```
 */
export class Verdict {
  /** @internal @type {Decision} */
  _decision;

  /** @internal @param {Decision} decision */
  constructor(decision) {
    this._decision = decision;
  }

  /**
   * Go on with the event as it is. With an edit it becomes `edit`.
   *
   * @returns {EditVerdict}
   */
  static pass() {
    return new EditVerdict();
  }

  /**
   * Go on with the event changed. Without an edit it is the same as `pass`; without an edit of the body the host's own
   * bytes go out untouched.
   *
   * @returns {EditVerdict}
   */
  static edit() {
    return new EditVerdict();
  }

  /**
   * Refuse the event. For a destination: dead-letter this delivery.
   *
   * @param {number} status 400 to 599.
   * @returns {RejectVerdict}
   */
  static reject(status) {
    return new RejectVerdict(status);
  }

  /**
   * Answer the sender at once and forward nothing; for handshakes. Not allowed for a destination.
   *
   * @param {number} status 200 to 599.
   * @returns {RespondVerdict}
   */
  static respond(status) {
    return new RespondVerdict(status);
  }

  /**
   * Accept the event and forward it nowhere. For a destination: cancel this delivery.
   *
   * @param {string} reason Goes to the log.
   * @returns {Verdict}
   */
  static drop(reason) {
    return new Verdict({ tag: "drop", val: String(reason) });
  }

  /**
   * Ask the sender to come again after this many seconds (503 with `Retry-After`). For a destination: try this delivery
   * again then.
   *
   * @param {number} seconds
   * @returns {Verdict}
   */
  static retryLater(seconds) {
    return new Verdict({ tag: "retry-later", val: whole(seconds, U32, "the number of seconds") });
  }

  /**
   * What the host is told. An edit without edits is a pass.
   *
   * @returns {Decision}
   */
  get decision() {
    const decision = this._decision;
    return decision.tag === "edit" && decision.val.length === 0 ? { tag: "pass" } : decision;
  }
}

/** Go on with the event, changed by a list of edits. They are applied in order, all or none. */
export class EditVerdict extends Verdict {
  /** @type {Edit[]} */
  #edits;

  /** @internal */
  constructor() {
    /** @type {Edit[]} */
    const edits = [];
    super({ tag: "edit", val: edits });
    this.#edits = edits;
  }

  /**
   * Replaces every value of the name.
   *
   * @param {string} name
   * @param {string | Uint8Array} value
   */
  setHeader(name, value) {
    return this.edits([{ tag: "set-header", val: header(name, value) }]);
  }

  /**
   * Adds a value beside those that are there.
   *
   * @param {string} name
   * @param {string | Uint8Array} value
   */
  appendHeader(name, value) {
    return this.edits([{ tag: "append-header", val: header(name, value) }]);
  }

  /**
   * Removing what is not there is no fault.
   *
   * @param {string} name
   */
  removeHeader(name) {
    return this.edits([{ tag: "remove-header", val: string(name, "the name of a header") }]);
  }

  /** @param {string} method */
  setMethod(method) {
    return this.edits([{ tag: "set-method", val: string(method, "the method") }]);
  }

  /** @param {string} path Begins with `/`, no query. */
  setPath(path) {
    return this.edits([{ tag: "set-path", val: string(path, "the path") }]);
  }

  /** @param {string | undefined} query Without the `?`; undefined removes it. */
  setQuery(query) {
    return this.edits([{ tag: "set-query", val: query === undefined ? undefined : string(query, "the query") }]);
  }

  /**
   * The new body, whole.
   *
   * @param {string | Uint8Array} body
   */
  setBody(body) {
    return this.edits([{ tag: "replace-body", val: bytes(body, "the new body") }]);
  }

  /**
   * The new body, as JSON, and a content type to match.
   *
   * @param {unknown} body
   */
  setJson(body) {
    return this.setBody(json(body, "the new body")).setHeader("content-type", "application/json");
  }

  /**
   * Sets or adds the value at a JSON pointer (RFC 6901) of the body; missing parent objects are made, `-` appends to an
   * array. The bytes around it stay as they are.
   *
   * @param {string} pointer
   * @param {unknown} value
   */
  jsonSet(pointer, value) {
    return this.jsonSetText(pointer, json(value, `the value for \`${pointer}\``));
  }

  /**
   * Like `jsonSet`, with a value that is JSON text already.
   *
   * @param {string} pointer
   * @param {string} text
   */
  jsonSetText(pointer, text) {
    return this.edits([{ tag: "json-set", val: [string(pointer, "the pointer"), string(text, "the value")] }]);
  }

  /**
   * Removes the value at a JSON pointer (RFC 6901). Removing what is not there is no fault.
   *
   * @param {string} pointer
   */
  jsonRemove(pointer) {
    return this.edits([{ tag: "json-remove", val: string(pointer, "the pointer") }]);
  }

  /**
   * Where to send to, out of the destinations that the route lists: in mode `forward` exactly one.
   *
   * @param {readonly string[]} destinations Their names.
   */
  choose(destinations) {
    if (!Array.isArray(destinations)) throw new TypeError(`the destinations are ${kind(destinations)}, not an array`);
    return this.edits([{ tag: "choose", val: destinations.map((name) => string(name, "the name of a destination")) }]);
  }

  /**
   * Adds edits that were made elsewhere.
   *
   * @param {Iterable<Edit>} edits
   * @returns {this}
   */
  edits(edits) {
    this.#edits.push(...edits);
    return this;
  }
}

/** Refuse the event. */
export class RejectVerdict extends Verdict {
  /** @type {import("snaphook:filter/types@0.1.0").Rejection} */
  #rejection;

  /** @internal @param {number} status */
  constructor(status) {
    const rejection = { status: whole(status, U16, "the status"), headers: /** @type {Header[]} */ ([]), reason: "" };
    super({ tag: "reject", val: rejection });
    this.#rejection = rejection;
  }

  /**
   * @internal
   * @param {Refusal} refusal
   */
  static of(refusal) {
    const verdict = new RejectVerdict(refusal.status).reason(refusal.reason);
    verdict.#rejection.headers.push(...refusal.headers);
    return verdict;
  }

  /**
   * Why, for the log and the event's record. The sender never sees it.
   *
   * @param {string} reason
   * @returns {this}
   */
  reason(reason) {
    this.#rejection.reason = String(reason);
    return this;
  }

  /**
   * Adds a header to the answer.
   *
   * @param {string} name
   * @param {string | Uint8Array} value
   * @returns {this}
   */
  header(name, value) {
    this.#rejection.headers.push(header(name, value));
    return this;
  }
}

/** Answer the sender at once. */
export class RespondVerdict extends Verdict {
  /** @type {import("snaphook:filter/types@0.1.0").Response} */
  #response;

  /** @internal @param {number} status */
  constructor(status) {
    /** @type {import("snaphook:filter/types@0.1.0").Response} */
    const response = { status: whole(status, U16, "the status"), headers: [], body: new Uint8Array(0) };
    super({ tag: "respond", val: response });
    this.#response = response;
  }

  /**
   * Adds a header to the answer.
   *
   * @param {string} name
   * @param {string | Uint8Array} value
   * @returns {this}
   */
  header(name, value) {
    this.#response.headers.push(header(name, value));
    return this;
  }

  /**
   * The answer's body.
   *
   * @param {string | Uint8Array} body
   * @returns {this}
   */
  body(body) {
    this.#response.body = bytes(body, "the answer's body");
    return this;
  }
}

/**
 * @param {string} name
 * @param {string | Uint8Array} value
 * @returns {Header}
 */
function header(name, value) {
  return [string(name, "the name of a header"), bytes(value, `the value of header \`${name}\``)];
}

/**
 * @param {string} value
 * @param {string} what
 */
function string(value, what) {
  if (typeof value === "string") return value;
  throw new TypeError(`${what} is ${kind(value)}, not a string`);
}

/**
 * @param {unknown} value
 * @param {string} what
 */
function json(value, what) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${what} is ${kind(value)}, which cannot be written as JSON`);
  return text;
}
