// Hexadecimal digits, as signatures are written in headers.

/**
 * The bytes that pairs of digits in either case stand for; undefined for anything else.
 *
 * @param {string} digits
 * @returns {Uint8Array | undefined}
 */
export function decode(digits) {
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/**
 * Two lower-case digits for each byte.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encode(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
