// What else the host computes with secrets and keys: keys made of secrets, digests, tokens, public-key signatures. For plain
// message authentication see `hmac`.
//
// Everything is computed by the host, so that no library for it is in the component, and secrets stay where they are.

import { bytes, kind, own } from "./bytes.js";
import { call } from "./host.js";
import { KEY, lowered } from "./parts.js";

export { KEY };

/** @typedef {import("./parts.js").Part} Part */

/**
 * How a secret's text becomes a key: its bytes; decoded (base64 standard or URL-safe, padded or not); the SHA-1 of its bytes.
 *
 * @typedef {"utf8" | "base64" | "hex" | "sha1"} Form
 */

/**
 * A key made of a granted secret.
 *
 * @typedef {object} Key
 * @property {string} secret The name under which the attachment grants it.
 * @property {string} [prefix] Dropped from the secret's text, if it begins so: `whsec_`.
 * @property {Form} [form] `utf8` unless another is given.
 */

/** @typedef {"sha1" | "sha256" | "sha384" | "sha512"} Hash A hash that the host computes. */

/** @typedef {"sha1" | "sha256" | "sha512"} KeyedHash A hash of a message of which the key is a part. */

/**
 * What is checked with a public key. ECDSA signatures are DER, those that end with `fixed` r and s, joined. RSA keys have 2048
 * to 8192 bits.
 *
 * @typedef {"ed25519"
 *   | "ecdsa-p256-sha256" | "ecdsa-p256-sha1" | "ecdsa-p256-sha256-fixed" | "ecdsa-p384-sha384-fixed"
 *   | "rsa-pkcs1-sha1" | "rsa-pkcs1-sha256" | "rsa-pkcs1-sha384" | "rsa-pkcs1-sha512"
 *   | "rsa-pss-sha256" | "rsa-pss-sha512"} Signature
 */

/**
 * Whether `signature` is the MAC of the parts, joined, under any of the secret's valid values; or, with a `KeyedHash`, the
 * hash of parts of which `crypto.KEY` is one. Constant time in the signature.
 *
 * ```ts
 * const key: crypto.Key = { secret: "webhook", prefix: "whsec_", form: "base64" };
 * const parts = [{ header: "webhook-id" }, ".", { header: "webhook-timestamp" }, ".", event.body.original()];
 * if (!crypto.verify(key, "hmac-sha256", parts, signature)) refuse(401, "signature does not match");
 * ```
 *
 * @param {Key} key
 * @param {import("./hmac.js").Algorithm | KeyedHash} algorithm
 * @param {readonly (Part | typeof KEY)[]} parts At most 32, one of them a body.
 * @param {Uint8Array} signature
 * @returns {boolean}
 * @throws {import("./error.js").CallError} `denied` without a grant of the secret; `invalid` if the algorithm is none of
 *   these, a value of the secret is no such key, or the parts are too many.
 */
export function verify(key, algorithm, parts, signature) {
  const given = bytes(signature, "the signature");
  return call((host) => host.crypto.keyVerify(made(key), algorithm, lowered(parts), given));
}

/**
 * The MAC of the parts, joined, under the secret's newest value.
 *
 * @param {Key} key
 * @param {import("./hmac.js").Algorithm | KeyedHash} algorithm
 * @param {readonly (Part | typeof KEY)[]} parts At most 32, one of them a body.
 * @returns {Uint8Array}
 * @throws {import("./error.js").CallError} As `verify`.
 */
export function sign(key, algorithm, parts) {
  return own(call((host) => host.crypto.keySign(made(key), algorithm, lowered(parts))));
}

/**
 * The hash of the parts, joined.
 *
 * @param {Hash} hash
 * @param {readonly Part[]} parts At most 32, one of them a body.
 * @returns {Uint8Array}
 * @throws {import("./error.js").CallError} `invalid` if the hash is none of these, or the parts are too many.
 */
export function digest(hash, parts) {
  return own(call((host) => host.crypto.digest(hash, lowered(parts))));
}

/**
 * Whether the token is one of the secret's valid values, in constant time.
 *
 * @param {string} secret
 * @param {string | Uint8Array} token
 * @returns {boolean}
 * @throws {import("./error.js").CallError} `denied` without a grant of the secret.
 */
export function tokenEqual(secret, token) {
  return call((host) => host.crypto.tokenEqual(secret, bytes(token, "the token")));
}

/**
 * Whether `signature` is that of the parts, joined, under the public key: any valid value of a secret, which is not secret
 * then, but kept and rotated like one; or a key as it is given, as text or bytes. Both are PEM (a public key, or a
 * certificate, of which nothing but the key is looked at), DER (SubjectPublicKeyInfo), a JWK, or raw (Ed25519: 32 bytes;
 * ECDSA: the uncompressed point).
 *
 * @param {Key | string | Uint8Array} key
 * @param {Signature} algorithm
 * @param {readonly Part[]} parts At most 32, one of them a body.
 * @param {Uint8Array} signature
 * @returns {boolean}
 * @throws {import("./error.js").CallError} `denied` without a grant of the secret; `invalid` if the key is none for the
 *   algorithm, the algorithm is none of these, or the parts are too many.
 */
export function signatureVerify(key, algorithm, parts, signature) {
  const given = bytes(signature, "the signature");
  return call((host) => host.crypto.signatureVerify(publicKey(key), algorithm, lowered(parts), given));
}

/**
 * @param {Key | string | Uint8Array} key
 * @returns {import("snaphook:filter/crypto@0.1.0").PublicKey}
 */
function publicKey(key) {
  const isGiven = typeof key === "string" || key instanceof Uint8Array;
  return isGiven ? { tag: "given", val: bytes(key, "the key") } : { tag: "secret", val: made(key) };
}

/**
 * @param {Key} key
 * @returns {import("snaphook:filter/crypto@0.1.0").Key}
 */
function made(key) {
  if (typeof key?.secret !== "string") throw new TypeError(`the key is ${kind(key)}, not \`{ secret: NAME }\``);
  return { secret: key.secret, prefix: key.prefix ?? "", form: key.form ?? "utf8" };
}
