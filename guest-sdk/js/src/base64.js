// Base64, as signatures and keys are written (RFC 4648).

/**
 * The bytes that letters of either alphabet stand for, padded or not; undefined for anything else.
 *
 * @param {string} letters
 * @returns {Uint8Array | undefined}
 */
export function decode(letters) {
  if (letters.endsWith("=") && letters.length % 4 !== 0) return undefined;
  const standard = letters.replace(/={1,2}$/, "").replaceAll("-", "+").replaceAll("_", "/");
  if (!/^[A-Za-z0-9+/]*$/.test(standard) || standard.length % 4 === 1) return undefined;
  return Uint8Array.from(atob(standard), (letter) => letter.charCodeAt(0));
}

/**
 * The standard alphabet, padded.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encode(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
