/**
 * The bytes that letters of either alphabet stand for, padded or not; undefined for anything else.
 *
 * @param {string} letters
 * @returns {Uint8Array | undefined}
 */
export function decode(letters: string): Uint8Array | undefined;
/**
 * The standard alphabet, padded.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encode(bytes: Uint8Array): string;
