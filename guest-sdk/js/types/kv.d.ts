/**
 * What came of reserving a key for the event.
 *
 * - `first`: the key is new and now reserved. It commits when the event is accepted (mode `forward`: when the destination
 *   answered 2xx) and is released on any other outcome.
 * - `pending`: another event holds the key and is not decided yet.
 * - `known`: the key is committed: an event with it was accepted within the time to live.
 *
 * @typedef {"first" | "pending" | "known"} Reservation
 */
/**
 * A namespace by the name under which it is granted; say so with `kv: ["name"]` in `filter`.
 *
 * ```js
 * // At most ten events of one sender in a minute.
 * if (kv.namespace("rates").increment(event.source, 1, 60) > 10) refuse(429, "too many events");
 * ```
 *
 * @param {string} name
 * @returns {Namespace}
 */
export function namespace(name: string): Namespace;
/**
 * Keys are 1 to 512 bytes, values up to 64 KiB, a time to live 1 second to 400 days; what has outlived it is not there. A
 * write is on disk when the call returns. Each method throws a `CallError`: `denied` without a grant, `invalid` for what is
 * too long, `limit` after too many calls.
 */
export class Namespace {
    /** @internal @param {string} name */
    constructor(name: string);
    /**
     * @param {string} key
     * @returns {Uint8Array | undefined}
     */
    get(key: string): Uint8Array | undefined;
    /**
     * @param {string} key
     * @param {string | Uint8Array} value
     * @param {number} [ttlSeconds] Without it the value stays until it is deleted.
     */
    set(key: string, value: string | Uint8Array, ttlSeconds?: number): void;
    /** @param {string} key */
    delete(key: string): void;
    /**
     * Adds to a counter (a decimal number, 0 if not there) and returns what it is now.
     *
     * @param {string} key
     * @param {number} delta A whole number, not negative: the engine in a component breaks down when it hands the host a
     *   negative 64-bit number (https://github.com/bytecodealliance/ComponentizeJS/issues/343).
     * @param {number} [ttlSeconds] Set when the counter is made.
     * @returns {number}
     * @throws {RangeError} If the counter is past what a number holds exactly; it was added to all the same.
     */
    increment(key: string, delta: number, ttlSeconds?: number): number;
    /**
     * Sets the value if it is `expected` and says whether it did.
     *
     * @param {string} key
     * @param {string | Uint8Array | undefined} expected Undefined: not there.
     * @param {string | Uint8Array} value
     * @param {number} [ttlSeconds] Without it the value stays until it is deleted.
     * @returns {boolean}
     */
    compareAndSwap(key: string, expected: string | Uint8Array | undefined, value: string | Uint8Array, ttlSeconds?: number): boolean;
    /**
     * Reserves a key for this event.
     *
     * @param {string} key
     * @param {number} ttlSeconds
     * @returns {Reservation}
     */
    once(key: string, ttlSeconds: number): Reservation;
    #private;
}
/**
 * What came of reserving a key for the event.
 *
 * - `first`: the key is new and now reserved. It commits when the event is accepted (mode `forward`: when the destination
 *   answered 2xx) and is released on any other outcome.
 * - `pending`: another event holds the key and is not decided yet.
 * - `known`: the key is committed: an event with it was accepted within the time to live.
 */
export type Reservation = "first" | "pending" | "known";
