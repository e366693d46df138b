/** A handle to the body: nothing is copied until a method asks for it. Good for the call that it was made in. */
export class Body {
    /**
     * @internal
     * @param {Body} body
     */
    static raw(body: Body): import("snaphook:filter/body@0.1.0").Body;
    /**
     * Gives back what was taken from the host on the way. An instance may serve many events: waiting for the garbage
     * collector would pile handles up.
     *
     * @internal
     * @param {Body} body
     */
    static release(body: Body): void;
    /** @internal @param {import("./host.js").RawBody} raw */
    constructor(raw: import("./host.js").RawBody);
    /** Bytes. */
    get length(): number;
    get isEmpty(): boolean;
    /**
     * At most `max` bytes from `offset` on; fewer at the end, none past it.
     *
     * @param {number} offset
     * @param {number} max At most 4 294 967 295.
     * @returns {Uint8Array}
     */
    read(offset: number, max: number): Uint8Array;
    /**
     * The whole body.
     *
     * @returns {Uint8Array}
     */
    bytes(): Uint8Array;
    /**
     * The whole body as text.
     *
     * @returns {string}
     * @throws {Refusal} With 400 if it is not UTF-8.
     */
    text(): string;
    /**
     * The whole body, parsed in the filter. To look at a few values of a large body, `pointer` is quicker: there the host
     * parses, once for the whole chain.
     *
     * @template [T=any]
     * @param {Schema<T>} [schema] What it must look like. Without one it comes as the sender wrote it: nothing checks its form.
     * @returns {T}
     * @throws {Refusal} With 400 if it is not JSON of this form.
     */
    json<T = any>(schema?: Schema<T>): T;
    /**
     * The value at a JSON pointer (RFC 6901), parsed in the filter; undefined if the pointer leads nowhere.
     *
     * @template [T=any]
     * @param {string} pointer
     * @param {Schema<T>} [schema] What it must look like.
     * @returns {T | undefined}
     * @throws {Refusal} With 400 if the body is not JSON or the value not of this form, or the pointer is none.
     */
    jsonAt<T = any>(pointer: string, schema?: Schema<T>): T | undefined;
    /**
     * The string at a JSON pointer (RFC 6901), decoded; or the number, `true` or `false` there as its text. Undefined for
     * everything else: a pointer that leads nowhere, `null`, objects, arrays, a body that is not JSON.
     *
     * @param {string} pointer
     * @returns {string | undefined}
     */
    pointer(pointer: string): string | undefined;
    /**
     * The JSON text at a pointer (empty for the whole), exactly as it stands in the body; undefined if it leads nowhere.
     *
     * @param {string} pointer
     * @returns {string | undefined}
     * @throws {CallError} `invalid` if the body is not JSON or the pointer is none.
     */
    jsonText(pointer: string): string | undefined;
    /**
     * Like `jsonText` for each of these pointers, in their order. The host is asked for as many at a time as it takes,
     * which is 64 unless the body is long.
     *
     * @param {readonly string[]} pointers
     * @returns {(string | undefined)[]}
     * @throws {CallError} As `jsonText`; the first pointer that is none fails the call.
     */
    jsonTexts(pointers: readonly string[]): (string | undefined)[];
    /**
     * The hash of the whole body, computed by the host.
     *
     * @param {Hash} hash
     * @returns {Uint8Array}
     */
    digest(hash: Hash): Uint8Array;
    /**
     * Whether `signature` is the MAC of the whole body under any valid value of a granted secret, in constant time.
     *
     * @param {string} secret
     * @param {Algorithm} algorithm
     * @param {Uint8Array} signature
     * @returns {boolean}
     * @throws {CallError} `denied` without a grant of the secret.
     */
    macVerify(secret: string, algorithm: Algorithm, signature: Uint8Array): boolean;
    /**
     * The body as it was received, whatever earlier filters made of it. Signatures are checked over this one.
     *
     * @returns {Body}
     */
    original(): Body;
    #private;
}
export type Schema<T> = import("./schema.js").Schema<T>;
/**
 * A hash that the host computes.
 */
export type Hash = "sha1" | "sha256" | "sha512";
export type Algorithm = import("./hmac.js").Algorithm;
