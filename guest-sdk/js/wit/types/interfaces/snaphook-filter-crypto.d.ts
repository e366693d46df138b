/// <reference path="./snaphook-filter-body.d.ts" />
/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/crypto@0.1.0' {
  /**
   * Whether `signature` is the MAC of the parts, joined, under any of the secret's valid values. Constant time in the
   * signature. Algorithms: `hmac-sha1`, `hmac-sha256`, `hmac-sha384`, `hmac-sha512`.
   */
  export function macVerify(secret: string, algorithm: string, parts: Array<Part>, signature: Uint8Array): boolean;
  /**
   * The MAC of the parts, joined, under the secret's newest value.
   */
  export function macSign(secret: string, algorithm: string, parts: Array<Part>): Uint8Array;
  /**
   * As `mac-verify`, with a key that is made of the secret; also `sha1`, `sha256` and `sha512`, of parts that hold the key.
   * `invalid` if a value of the secret is no such key.
   */
  export function keyVerify(key: Key, algorithm: string, parts: Array<Part>, signature: Uint8Array): boolean;
  /**
   * As `mac-sign`, with a key that is made of the secret's newest value.
   */
  export function keySign(key: Key, algorithm: string, parts: Array<Part>): Uint8Array;
  /**
   * `sha1`, `sha256`, `sha384` or `sha512` of the parts, joined.
   */
  export function digest(algorithm: string, parts: Array<Part>): Uint8Array;
  /**
   * Whether the token is one of the secret's valid values, in constant time.
   */
  export function tokenEqual(secret: string, token: Uint8Array): boolean;
  /**
   * Whether `signature` is that of the parts, joined, under the public key. Algorithms: `ed25519`; `ecdsa-p256-sha256`
   * and `ecdsa-p256-sha1` (DER), `ecdsa-p256-sha256-fixed` and `ecdsa-p384-sha384-fixed` (r and s, joined);
   * `rsa-pkcs1-sha1`, `-sha256`, `-sha384`, `-sha512`; `rsa-pss-sha256` and `-sha512`. RSA keys have 2048 to 8192 bits.
   * `invalid` if the key is none for the algorithm.
   */
  export function signatureVerify(key: PublicKey, algorithm: string, parts: Array<Part>, signature: Uint8Array): boolean;
  export type CallError = import('snaphook:filter/types@0.1.0').CallError;
  export type Body = import('snaphook:filter/body@0.1.0').Body;
  /**
   * A piece of the message.
   */
  export type Part = PartLiteral | PartHeader | PartBody | PartKey;
  export interface PartLiteral {
    tag: 'literal',
    val: Uint8Array,
  }
  /**
   * The exact bytes of the first value of this header, as this filter was given it; empty if there is none.
   */
  export interface PartHeader {
    tag: 'header',
    val: string,
  }
  /**
   * The whole body, straight from the host's memory.
   */
  export interface PartBody {
    tag: 'body',
    val: Body,
  }
  /**
   * The key itself, for schemes that hash it with the message; only where a key is given, and only with `sha1`,
   * `sha256` or `sha512` as the algorithm.
   */
  export interface PartKey {
    tag: 'key',
  }
  /**
   * A key that is made of a secret's text: of what follows `prefix`, if it begins so, decoded as `form` says: `utf8` (its
   * bytes), `base64` (standard or URL-safe, padded or not), `hex`, `sha1` (the SHA-1 of its bytes).
   */
  export interface Key {
    secret: string,
    prefix: string,
    form: string,
  }
  /**
   * A key to verify with: of a secret, which is not secret then but kept and rotated like one, or given. PEM (a public
   * key or a certificate, of which nothing but the key is looked at), DER (SubjectPublicKeyInfo), a JWK (RFC 7517), or raw
   * (Ed25519: 32 bytes; ECDSA: the uncompressed point).
   */
  export type PublicKey = PublicKeySecret | PublicKeyGiven;
  export interface PublicKeySecret {
    tag: 'secret',
    val: Key,
  }
  export interface PublicKeyGiven {
    tag: 'given',
    val: Uint8Array,
  }
}
