// Message authentication with secrets that the filter may use and never sees.
//
// Secrets go by the names that the attachment grants; a filter names those it needs with `secrets: ["name"]` in `filter`. A
// secret may have several valid values while it is rotated.

import { bytes, own } from "./bytes.js";
import { Body } from "./body.js";
import { call } from "./host.js";

/**
 * @typedef {"hmac-sha1" | "hmac-sha256" | "hmac-sha512"} Algorithm
 */

/**
 * A piece of the message; the host joins the pieces. A string or bytes stand for themselves, a body for the whole of it,
 * straight from the host's memory; `{ header }` for the exact bytes of the first value of this header, as the filter was
 * given it, empty if there is none.
 *
 * @typedef {string | Uint8Array | Body | { header: string }} Part
 */

/**
 * Bytes of a MAC.
 *
 * @type {Readonly<Record<Algorithm, number>>}
 */
export const LENGTH = { "hmac-sha1": 20, "hmac-sha256": 32, "hmac-sha512": 64 };

/**
 * Whether `signature` is the MAC of the parts, joined, under any of the secret's valid values. Constant time in the
 * signature.
 *
 * ```js
 * // Signed are the time, a dot and the body.
 * const parts = [{ header: "x-timestamp" }, ".", event.body.original()];
 * if (!hmac.verify("webhook", "hmac-sha256", parts, signature)) refuse(401, "signature does not match");
 * ```
 *
 * @param {string} secret
 * @param {Algorithm} algorithm
 * @param {readonly Part[]} parts At most 32, one of them a body.
 * @param {Uint8Array} signature
 * @returns {boolean}
 * @throws {import("./error.js").CallError} `denied` without a grant of the secret.
 */
export function verify(secret, algorithm, parts, signature) {
  return call((host) => host.crypto.macVerify(secret, algorithm, parts.map(raw), bytes(signature, "the signature")));
}

/**
 * The MAC of the parts, joined, under the secret's newest value.
 *
 * @param {string} secret
 * @param {Algorithm} algorithm
 * @param {readonly Part[]} parts At most 32, one of them a body.
 * @returns {Uint8Array}
 * @throws {import("./error.js").CallError} `denied` without a grant of the secret.
 */
export function sign(secret, algorithm, parts) {
  return own(call((host) => host.crypto.macSign(secret, algorithm, parts.map(raw))));
}

/**
 * @param {Part} part
 * @returns {import("snaphook:filter/crypto@0.1.0").Part}
 */
function raw(part) {
  if (part instanceof Body) return { tag: "body", val: Body.raw(part) };
  if (typeof part === "object" && "header" in part) return { tag: "header", val: part.header };
  return { tag: "literal", val: bytes(part, "a part of the message") };
}
