/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/body@0.1.0' {
  export type CallError = import('snaphook:filter/types@0.1.0').CallError;
  
  export class Body implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Bytes.
    */
    len(): bigint;
    /**
    * At most `max` bytes from `offset` on; fewer at the end, none past it.
    */
    read(offset: bigint, max: number): Uint8Array;
    readAll(): Uint8Array;
    /**
    * `sha1`, `sha256` or `sha512` of the whole body, computed by the host.
    */
    digest(algorithm: string): Uint8Array;
    /**
    * Whether `signature` is the MAC of the whole body under any of the secret's valid values; constant time.
    * `secret` is a granted name; algorithms as in `crypto.mac-verify`.
    */
    macVerify(secret: string, algorithm: string, signature: Uint8Array): boolean;
    /**
    * The JSON text at a pointer (RFC 6901; empty for the whole), exactly as it stands in the body. None if the
    * pointer leads nowhere, `invalid` if the body is not JSON. The host parses once for the whole chain.
    */
    json(pointer: string): string | undefined;
    /**
    * Like `json` for each of these pointers in one call: at most 64, and of a long body no more than their number times
    * its bytes come to 4 MiB, but always one. `invalid` if they are too many.
    */
    jsonEach(pointers: Array<string>): Array<string | undefined>;
    /**
    * Like `json`, but a string comes decoded, and a number, `true` or `false` as its text. None also for `null`,
    * objects and arrays.
    */
    text(pointer: string): string | undefined;
    /**
    * The body as it was received, whatever earlier filters made of it.
    */
    original(): Body;
    [Symbol.dispose](): void;
  }
}
