// What the host computes with secrets and keys, computed by Node on the author's machine.

import { constants, createHash, createHmac, createPublicKey, timingSafeEqual, verify, X509Certificate } from "node:crypto";

import * as base64 from "../base64.js";
import * as hex from "../hex.js";
import { text } from "../bytes.js";
import { refused } from "./refused.js";

/**
 * @typedef {import("../error.js").Header} Header
 * @typedef {import("snaphook:filter/crypto@0.1.0").Part} Part
 * @typedef {import("snaphook:filter/crypto@0.1.0").Key} Key
 *
 * @typedef {object} Scheme How a signature is checked.
 * @property {string} kind Of the key.
 * @property {string} [curve]
 * @property {string | null} hash
 * @property {import("node:crypto").VerifyKeyObjectInput | object} [options]
 */

const PARTS_MOST = 32;
const MACS = ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"];
const HASHES = ["sha1", "sha256", "sha384", "sha512"];
/** Hashes of a message of which the key is a part. */
const KEYED = ["sha1", "sha256", "sha512"];

const [FIXED, DER] = [{ dsaEncoding: "ieee-p1363" }, { dsaEncoding: "der" }];
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

/** @type {Readonly<Record<string, Scheme>>} */
const SCHEMES = {
  "ed25519": { kind: "ed25519", hash: null },
  "ecdsa-p256-sha256": { kind: "ec", curve: "prime256v1", hash: "sha256", options: DER },
  "ecdsa-p256-sha1": { kind: "ec", curve: "prime256v1", hash: "sha1", options: DER },
  "ecdsa-p256-sha256-fixed": { kind: "ec", curve: "prime256v1", hash: "sha256", options: FIXED },
  "ecdsa-p384-sha384-fixed": { kind: "ec", curve: "secp384r1", hash: "sha384", options: FIXED },
  "rsa-pkcs1-sha1": { kind: "rsa", hash: "sha1" },
  "rsa-pkcs1-sha256": { kind: "rsa", hash: "sha256" },
  "rsa-pkcs1-sha384": { kind: "rsa", hash: "sha384" },
  "rsa-pkcs1-sha512": { kind: "rsa", hash: "sha512" },
  "rsa-pss-sha256": { kind: "rsa", hash: "sha256", options: PSS },
  "rsa-pss-sha512": { kind: "rsa", hash: "sha512", options: PSS },
};

/** What stands before a raw key in DER (RFC 8410, RFC 5480), by the kind or curve and the length of the key. */
const BEFORE_RAW = /** @type {Record<string, string | undefined>} */ ({
  "ed25519 32": "302a300506032b6570032100",
  "prime256v1 65": "3059301306072a8648ce3d020106082a8648ce3d030107034200",
  "secp384r1 97": "3076301006072a8648ce3d020106052b81040022036200",
});

/**
 * The message. It holds the key if and only if there is one here.
 *
 * @param {Part[]} parts
 * @param {Header[]} headers
 * @param {Uint8Array} [key]
 */
export function joined(parts, headers, key) {
  const count = (/** @type {Part["tag"]} */ tag) => parts.filter((part) => part.tag === tag).length;
  if (parts.length > PARTS_MOST) throw refused("invalid", `${parts.length} parts are too many: at most ${PARTS_MOST}`);
  if (count("body") > 1) throw refused("invalid", `the body is ${count("body")} parts of the message: at most one may be`);
  if (key === undefined && count("key") > 0) {
    throw refused("invalid", "the key is a part of the message, which it may be of digests with a key only");
  }
  if (key !== undefined && count("key") === 0) {
    throw refused("invalid", "the key is no part of the message: a digest without it proves nothing");
  }
  return Buffer.concat(parts.map((part) => {
    if (part.tag === "literal") return part.val;
    if (part.tag === "body") return part.val.readAll();
    if (part.tag === "key") return key ?? new Uint8Array(0);
    const name = part.val.toLowerCase();
    return headers.find(([known]) => known === name)?.[1] ?? new Uint8Array(0);
  }));
}

/**
 * The MAC of a message; used by tests to sign as well.
 *
 * @param {string} algorithm
 * @param {Uint8Array} key
 * @param {Uint8Array} message
 */
export function mac(algorithm, key, message) {
  if (!MACS.includes(algorithm)) throw refused("invalid", `\`${algorithm}\` is no algorithm: ${MACS.join(", ")}`);
  return new Uint8Array(createHmac(algorithm.slice("hmac-".length), key).update(message).digest());
}

/**
 * @param {string} algorithm
 * @param {Uint8Array} message
 * @param {readonly string[]} [known]
 */
export function hash(algorithm, message, known = HASHES) {
  if (!known.includes(algorithm)) throw refused("invalid", `\`${algorithm}\` is no digest: ${known.join(", ")}`);
  return new Uint8Array(createHash(algorithm).update(message).digest());
}

/**
 * The MAC, or the hash of parts of which the key is one, under one value of the key's secret.
 *
 * @param {Uint8Array} value
 * @param {Key} key
 * @param {string} algorithm
 * @param {Part[]} parts
 * @param {Header[]} headers
 */
export function made(value, key, algorithm, parts, headers) {
  const bytes = derived(value, key);
  if (KEYED.includes(algorithm)) return hash(algorithm, joined(parts, headers, bytes));
  return mac(algorithm, bytes, joined(parts, headers));
}

/**
 * The key that one value of a secret stands for.
 *
 * @param {Uint8Array} value
 * @param {Key} key
 * @returns {Uint8Array}
 */
export function derived(value, { prefix, form }) {
  const start = Buffer.from(prefix);
  const rest = start.equals(value.subarray(0, start.length)) ? value.subarray(start.length) : value;
  if (form === "utf8") return rest;
  if (form === "sha1") return hash("sha1", rest);
  if (form !== "base64" && form !== "hex") throw refused("invalid", `\`${form}\` is no form of a key: utf8, base64, hex or sha1`);
  const written = text(rest)?.trim() ?? "";
  const key = (form === "hex" ? hex : base64).decode(written);
  if (key === undefined || key.length === 0) throw refused("invalid", `the secret is not ${form}`);
  return key;
}

/**
 * Whether two values are the same, in a time that does not tell where they differ.
 *
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export function same(one, other) {
  return one.length === other.length && timingSafeEqual(one, other);
}

/**
 * Whether the signature is that of the message under a public key.
 *
 * @param {string} algorithm
 * @param {Uint8Array} key
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 */
export function signed(algorithm, key, message, signature) {
  const scheme = SCHEMES[algorithm];
  if (scheme === undefined) throw refused("invalid", `\`${algorithm}\` is no signature: ${Object.keys(SCHEMES).join(", ")}`);
  const from = publicKey(algorithm, scheme, key);
  const { modulusLength } = from.asymmetricKeyDetails ?? {};
  // As for the host, such a key is one, and proves nothing.
  if (modulusLength !== undefined && (modulusLength < 2048 || modulusLength > 8192)) return false;
  return verify(scheme.hash, message, { key: from, ...scheme.options }, signature);
}

/**
 * @param {string} algorithm
 * @param {Scheme} scheme
 * @param {Uint8Array} bytes
 */
function publicKey(algorithm, { kind, curve }, bytes) {
  try {
    const key = parsed(bytes, BEFORE_RAW[`${curve ?? kind} ${bytes.length}`]);
    if (key.asymmetricKeyType === kind && key.asymmetricKeyDetails?.namedCurve === curve) return key;
  } catch {
    // What it is instead, nobody needs to know.
  }
  throw refused("invalid", `the key is no public key for ${algorithm}`);
}

/**
 * @param {Uint8Array} bytes
 * @param {string | undefined} beforeRaw
 */
function parsed(bytes, beforeRaw) {
  const written = text(bytes)?.trim() ?? "";
  const pem = (/** @type {string} */ label) => new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----`).exec(written)?.[0];
  if (written.startsWith("-----BEGIN")) {
    const certificate = pem("CERTIFICATE");
    return certificate === undefined ? createPublicKey(pem("PUBLIC KEY") ?? "") : new X509Certificate(certificate).publicKey;
  }
  if (written.startsWith("{")) return createPublicKey({ key: JSON.parse(written), format: "jwk" });
  const der = Buffer.concat([Buffer.from(beforeRaw ?? "", "hex"), bytes]);
  return createPublicKey({ key: der, format: "der", type: "spki" });
}
