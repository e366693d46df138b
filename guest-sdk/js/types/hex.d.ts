/**
 * The bytes that pairs of digits in either case stand for; undefined for anything else.
 *
 * @param {string} digits
 * @returns {Uint8Array | undefined}
 */
export function decode(digits: string): Uint8Array | undefined;
/**
 * Two lower-case digits for each byte.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encode(bytes: Uint8Array): string;
