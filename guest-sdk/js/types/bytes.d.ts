/**
 * The bytes of a text; bytes as they are.
 *
 * @param {string | Uint8Array} value
 * @param {string} what For the error.
 * @returns {Uint8Array}
 */
export function bytes(value: string | Uint8Array, what: string): Uint8Array;
/**
 * Bytes of the host as bytes of the author's: the bindings of a component are of another realm, where `Uint8Array` is
 * another one. Nothing is copied.
 *
 * @param {Uint8Array} value
 * @returns {Uint8Array}
 */
export function own(value: Uint8Array): Uint8Array;
/**
 * The text, if it is UTF-8.
 *
 * @param {Uint8Array} value
 * @returns {string | undefined}
 */
export function text(value: Uint8Array): string | undefined;
/**
 * What somebody who reads an error calls a value.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function kind(value: unknown): string;
/**
 * A number that the host takes as an unsigned integer. Without this check it would be cut to size silently.
 *
 * @param {number} value
 * @param {number} most
 * @param {string} what For the error.
 * @returns {number}
 */
export function whole(value: number, most: number, what: string): number;
/** The largest 32-bit number. */
export const U32: 4294967295;
