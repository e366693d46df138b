// Secrets in the clear. Needs a grant of its own, which is rarely right: prefer `hmac` and `verify`, where the secret stays
// with the host.

import { bytes, own } from "./bytes.js";
import { call } from "./host.js";

/**
 * The newest value of a secret that is granted to be revealed; say so with `reveal: ["name"]` in `filter`.
 *
 * @param {string} name
 * @returns {Uint8Array}
 * @throws {import("./error.js").CallError} `denied` without a grant.
 */
export function reveal(name) {
  return own(call((host) => host.secrets.reveal(name)));
}

/**
 * Whether two values are the same, in a time that does not tell where they differ.
 *
 * @param {string | Uint8Array} one
 * @param {string | Uint8Array} other
 * @returns {boolean}
 */
export function equal(one, other) {
  const [a, b] = [bytes(one, "the value"), bytes(other, "the value")];
  let differing = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) differing |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return differing === 0;
}
