/**
 * Namespace and key as one text; names of namespaces hold no space.
 *
 * @param {string} namespace
 * @param {string} key
 */
export function placeOf(namespace: string, key: string): string;
/** What one call left behind beside its verdict. */
export class Said {
    /** @type {{ level: import("../log.js").Level, message: string }[]} */
    logs: {
        level: import("../log.js").Level;
        message: string;
    }[];
    /** @type {string[]} */
    denied: string[];
    /** @type {Map<string, string>} */
    labels: Map<string, string>;
    /** @type {string | undefined} */
    idempotencyKey: string | undefined;
    /** @type {string | undefined} */
    orderKey: string | undefined;
    /** @type {number | undefined} */
    deliverAfter: number | undefined;
    /** @type {{ status: number, headers: Header[], body: Uint8Array } | undefined} */
    answer: {
        status: number;
        headers: Header[];
        body: Uint8Array;
    } | undefined;
    /**
     * Reserved by this event, and when they expire once they are committed.
     *
     * @type {Reserved[]}
     */
    reserved: Reserved[];
}
/** What one attachment has, as the functions that a filter imports. */
export class FakeHost {
    /** While `configure` runs, only log, clock and random work. */
    configuring: boolean;
    configText: string;
    prepared: string;
    now: number;
    /** What the random numbers of the call begin with. */
    seed: bigint;
    /**
     * Valid values, the newest first.
     *
     * @type {Map<string, Uint8Array[]>}
     */
    secretValues: Map<string, Uint8Array[]>;
    /** @type {Map<string, Uint8Array>} */
    revealed: Map<string, Uint8Array>;
    /**
     * What is fetched, by its URL.
     *
     * @type {Map<string, Uint8Array>}
     */
    documents: Map<string, Uint8Array>;
    /** @type {Set<string>} */
    namespaces: Set<string>;
    /** @type {Map<string, { value: Uint8Array, expires: number | undefined }>} */
    values: Map<string, {
        value: Uint8Array;
        expires: number | undefined;
    }>;
    /**
     * Committed keys and when they expire.
     *
     * @type {Map<string, number>}
     */
    known: Map<string, number>;
    /**
     * Keys that another event holds.
     *
     * @type {Set<string>}
     */
    held: Set<string>;
    /**
     * The event's headers, as the filter was given them.
     *
     * @type {Header[]}
     */
    headers: Header[];
    said: Said;
    /** @returns {Host} */
    imports(): Host;
    /**
     * @param {string} secret
     * @param {string} algorithm
     * @param {Uint8Array} message
     * @param {Uint8Array} signature
     */
    macVerify(secret: string, algorithm: string, message: Uint8Array, signature: Uint8Array): boolean;
    #private;
}
/**
 * A body in memory.
 *
 * @implements {RawBody}
 */
export class FakeBody implements RawBody {
    /**
     * @param {FakeHost} host
     * @param {Uint8Array} current
     * @param {Uint8Array} original
     */
    constructor(host: FakeHost, current: Uint8Array, original: Uint8Array);
    len(): bigint;
    /**
     * @param {bigint} offset
     * @param {number} max
     */
    read(offset: bigint, max: number): Uint8Array<ArrayBuffer>;
    readAll(): Uint8Array<ArrayBuffer>;
    /** @param {string} algorithm */
    digest(algorithm: string): Uint8Array<ArrayBuffer>;
    /**
     * @param {string} secret
     * @param {string} algorithm
     * @param {Uint8Array} signature
     */
    macVerify(secret: string, algorithm: string, signature: Uint8Array): boolean;
    /** @param {string} pointer */
    json(pointer: string): string | undefined;
    /** @param {string[]} pointers */
    jsonEach(pointers: string[]): (string | undefined)[];
    /** @param {string} pointer */
    text(pointer: string): string | undefined;
    /** @returns {RawBody} */
    original(): RawBody;
    [Symbol.dispose](): void;
    #private;
}
export type Host = import("../host.js").Host;
export type RawBody = import("../host.js").RawBody;
export type Header = import("../error.js").Header;
export type Part = import("snaphook:filter/crypto@0.1.0").Part;
export type PublicKey = import("snaphook:filter/crypto@0.1.0").PublicKey;
export type Request = import("snaphook:filter/keys@0.1.0").Request;
export type Reserved = {
    /**
     * Namespace and key.
     */
    place: string;
    expires: number;
};
