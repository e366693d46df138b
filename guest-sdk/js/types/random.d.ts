/**
 * Any bytes.
 *
 * @param {number} length At most 65536 a call.
 * @returns {Uint8Array}
 */
export function bytes(length: number): Uint8Array;
/**
 * A number from 0 on and less than 1, like that of `Math.random`, with 53 random bits.
 *
 * @returns {number}
 */
export function number(): number;
