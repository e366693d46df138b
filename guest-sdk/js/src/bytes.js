// Text and bytes. What the host hands over is bytes, which need not be UTF-8.

const encoder = new TextEncoder();
// A byte order mark is part of the text: what comes out of `text` goes in again as it was.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The bytes of a text; bytes as they are.
 *
 * @param {string | Uint8Array} value
 * @param {string} what For the error.
 * @returns {Uint8Array}
 */
export function bytes(value, what) {
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${what} is ${kind(value)}, not a string or a Uint8Array`);
}

/**
 * Bytes of the host as bytes of the author's: the bindings of a component are of another realm, where `Uint8Array` is
 * another one. Nothing is copied.
 *
 * @param {Uint8Array} value
 * @returns {Uint8Array}
 */
export function own(value) {
  if (value instanceof Uint8Array) return value;
  const { buffer, byteOffset, byteLength } = /** @type {Uint8Array} */ (value);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * The text, if it is UTF-8.
 *
 * @param {Uint8Array} value
 * @returns {string | undefined}
 */
export function text(value) {
  try {
    return decoder.decode(value);
  } catch {
    return undefined;
  }
}

/**
 * What somebody who reads an error calls a value.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function kind(value) {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * A number that the host takes as an unsigned integer. Without this check it would be cut to size silently.
 *
 * @param {number} value
 * @param {number} most
 * @param {string} what For the error.
 * @returns {number}
 */
export function whole(value, most, what) {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RangeError(`${what} is ${typeof value === "number" ? value : kind(value)}, not a whole number from 0 to ${most}`);
}

/** The largest 32-bit number. */
export const U32 = 0xffff_ffff;
