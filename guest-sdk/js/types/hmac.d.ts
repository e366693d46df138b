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
export function verify(secret: string, algorithm: Algorithm, parts: readonly Part[], signature: Uint8Array): boolean;
/**
 * The MAC of the parts, joined, under the secret's newest value.
 *
 * @param {string} secret
 * @param {Algorithm} algorithm
 * @param {readonly Part[]} parts At most 32, one of them a body.
 * @returns {Uint8Array}
 * @throws {import("./error.js").CallError} `denied` without a grant of the secret.
 */
export function sign(secret: string, algorithm: Algorithm, parts: readonly Part[]): Uint8Array;
/**
 * @typedef {"hmac-sha1" | "hmac-sha256" | "hmac-sha384" | "hmac-sha512"} Algorithm
 */
/** @typedef {import("./parts.js").Part} Part */
/**
 * Bytes of a MAC.
 *
 * @type {Readonly<Record<Algorithm, number>>}
 */
export const LENGTH: Readonly<Record<Algorithm, number>>;
export type Algorithm = "hmac-sha1" | "hmac-sha256" | "hmac-sha384" | "hmac-sha512";
export type Part = import("./parts.js").Part;
