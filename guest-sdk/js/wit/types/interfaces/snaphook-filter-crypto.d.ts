/// <reference path="./snaphook-filter-body.d.ts" />
/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/crypto@0.1.0' {
  /**
   * Whether `signature` is the MAC of the parts, joined, under any of the secret's valid values. Constant time in the
   * signature. Algorithms: `hmac-sha1`, `hmac-sha256`, `hmac-sha512`.
   */
  export function macVerify(secret: string, algorithm: string, parts: Array<Part>, signature: Uint8Array): boolean;
  /**
   * The MAC of the parts, joined, under the secret's newest value.
   */
  export function macSign(secret: string, algorithm: string, parts: Array<Part>): Uint8Array;
  export type CallError = import('snaphook:filter/types@0.1.0').CallError;
  export type Body = import('snaphook:filter/body@0.1.0').Body;
  /**
   * A piece of the message.
   */
  export type Part = PartLiteral | PartHeader | PartBody;
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
}
