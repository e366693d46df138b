// Why a filter gives no verdict of its own, and what the host makes of it.

import { bytes } from "./bytes.js";

/** @typedef {[name: string, value: Uint8Array]} Header A header's name and the value's exact bytes. */

/**
 * The event is at fault: thrown out of `handle` it becomes a reject verdict. Everything else that is thrown is failure
 * class `failed`, and the attachment's policy decides what becomes of the event.
 */
export class Refusal extends Error {
  /**
   * @param {number} status 400 to 599.
   * @param {string} reason For the log and the event's record; the sender never sees it.
   */
  constructor(status, reason) {
    super(reason);
    this.name = "Refusal";
    /** @readonly 400 to 599. */
    this.status = status;
    /**
     * Headers of the answer.
     *
     * @readonly
     * @type {Header[]}
     */
    this.headers = [];
  }

  /** For the log and the event's record; the sender never sees it. */
  get reason() {
    return this.message;
  }

  /**
   * Adds a header to the answer, such as `www-authenticate`.
   *
   * @param {string} name
   * @param {string | Uint8Array} value
   * @returns {this}
   */
  header(name, value) {
    this.headers.push([name, bytes(value, `the value of header \`${name}\``)]);
    return this;
  }
}

/**
 * Throws a `Refusal`. For what must be there:
 *
 * ```js
 * const token = event.header("x-token") ?? refuse(401, "no token");
 * ```
 *
 * @param {number} status 400 to 599.
 * @param {string} reason For the log and the event's record; the sender never sees it.
 * @returns {never}
 */
export function refuse(status, reason) {
  throw new Refusal(status, reason);
}

const MEANING = /** @type {const} */ ({
  denied: "no grant for",
  invalid: "invalid argument:",
  limit: "limit reached:",
  unavailable: "unavailable:",
  other: "the host refused:",
});

/** Why a call of the host did not do what was asked. */
export class CallError extends Error {
  /**
   * @param {keyof typeof MEANING} code
   * @param {string} detail
   */
  constructor(code, detail) {
    super(`${MEANING[code]} ${detail}`);
    this.name = "CallError";
    /**
     * - `denied`: the filter has no grant of the name in `detail`. The host counts and logs the call.
     * - `invalid`: an argument cannot be right; `detail` says which and why.
     * - `limit`: a named limit of the attachment is used up.
     * - `unavailable`: the host could not do it this time.
     *
     * @readonly
     */
    this.code = code;
    /** @readonly */
    this.detail = detail;
  }

  /**
   * Out of what a call of the host throws; undefined if it is something else.
   *
   * @internal
   * @param {any} thrown
   * @returns {CallError | undefined}
   */
  static from(thrown) {
    const payload = thrown?.payload;
    return payload?.tag in MEANING ? new CallError(payload.tag, String(payload.val)) : undefined;
  }
}

/**
 * The text of a failure: what went wrong, without a stack, which would show nothing of the author's files.
 *
 * @internal
 * @param {unknown} thrown
 * @returns {string}
 */
export function failure(thrown) {
  if (!(thrown instanceof Error)) return String(thrown);
  // What `throw new Error("…")` and the host say needs no name before it; `TypeError` says who said it.
  const plain = thrown.name === "Error" || thrown instanceof CallError;
  return plain ? thrown.message : `${thrown.name}: ${thrown.message}`;
}
