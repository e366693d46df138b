/**
 * The newest value of a secret that is granted to be revealed; say so with `reveal: ["name"]` in `filter`.
 *
 * @param {string} name
 * @returns {Uint8Array}
 * @throws {import("./error.js").CallError} `denied` without a grant.
 */
export function reveal(name: string): Uint8Array;
/**
 * Whether two values are the same, in a time that does not tell where they differ.
 *
 * @param {string | Uint8Array} one
 * @param {string | Uint8Array} other
 * @returns {boolean}
 */
export function equal(one: string | Uint8Array, other: string | Uint8Array): boolean;
