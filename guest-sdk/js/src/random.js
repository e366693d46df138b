// Random numbers, from a generator that is seeded anew for each call of the filter.

import { own, whole, U32 } from "./bytes.js";
import { call } from "./host.js";

/**
 * Any bytes.
 *
 * @param {number} length At most 65536 a call.
 * @returns {Uint8Array}
 */
export function bytes(length) {
  return own(call((host) => host.random.bytes(whole(length, U32, "the number of bytes"))));
}

/**
 * A number from 0 on and less than 1, like that of `Math.random`, with 53 random bits.
 *
 * @returns {number}
 */
export function number() {
  const view = new DataView(bytes(8).slice().buffer);
  return Number(view.getBigUint64(0) >> 11n) / 2 ** 53;
}
