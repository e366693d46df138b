/**
 * The message. It holds the key if and only if there is one here.
 *
 * @param {Part[]} parts
 * @param {Header[]} headers
 * @param {Uint8Array} [key]
 */
export function joined(parts: Part[], headers: Header[], key?: Uint8Array): Buffer<ArrayBuffer>;
/**
 * The MAC of a message; used by tests to sign as well.
 *
 * @param {string} algorithm
 * @param {Uint8Array} key
 * @param {Uint8Array} message
 */
export function mac(algorithm: string, key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer>;
/**
 * @param {string} algorithm
 * @param {Uint8Array} message
 * @param {readonly string[]} [known]
 */
export function hash(algorithm: string, message: Uint8Array, known?: readonly string[]): Uint8Array<ArrayBuffer>;
/**
 * The MAC, or the hash of parts of which the key is one, under one value of the key's secret.
 *
 * @param {Uint8Array} value
 * @param {Key} key
 * @param {string} algorithm
 * @param {Part[]} parts
 * @param {Header[]} headers
 */
export function made(value: Uint8Array, key: Key, algorithm: string, parts: Part[], headers: Header[]): Uint8Array<ArrayBuffer>;
/**
 * The key that one value of a secret stands for.
 *
 * @param {Uint8Array} value
 * @param {Key} key
 * @returns {Uint8Array}
 */
export function derived(value: Uint8Array, { prefix, form }: Key): Uint8Array;
/**
 * Whether two values are the same, in a time that does not tell where they differ.
 *
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export function same(one: Uint8Array, other: Uint8Array): boolean;
/**
 * Whether the signature is that of the message under a public key.
 *
 * @param {string} algorithm
 * @param {Uint8Array} key
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 */
export function signed(algorithm: string, key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
export type Header = import("../error.js").Header;
export type Part = import("snaphook:filter/crypto@0.1.0").Part;
export type Key = import("snaphook:filter/crypto@0.1.0").Key;
/**
 * How a signature is checked.
 */
export type Scheme = {
    /**
     * Of the key.
     */
    kind: string;
    curve?: string | undefined;
    hash: string | null;
    options?: object | import("crypto").VerifyKeyObjectInput | undefined;
};
