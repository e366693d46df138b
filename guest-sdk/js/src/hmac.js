// Message authentication with secrets that the filter may use and never sees.
//
// Secrets go by the names that the attachment grants; a filter names those it needs with `secrets: ["name"]` in `filter`. A
// secret may have several valid values while it is rotated. Keys that a secret's text must be made into first are those of
// `crypto`.

import { bytes, own } from "./bytes.js";
import { call } from "./host.js";
import { lowered } from "./parts.js";

/**
 * @typedef {"hmac-sha1" | "hmac-sha256" | "hmac-sha384" | "hmac-sha512"} Algorithm
 */

/** @typedef {import("./parts.js").Part} Part */

/**
 * Bytes of a MAC.
 *
 * @type {Readonly<Record<Algorithm, number>>}
 */
export const LENGTH = { "hmac-sha1": 20, "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64 };

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
  return call((host) => host.crypto.macVerify(secret, algorithm, lowered(parts), bytes(signature, "the signature")));
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
  return own(call((host) => host.crypto.macSign(secret, algorithm, lowered(parts))));
}
