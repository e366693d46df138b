/**
 * Throws a `Refusal`. For what must be there:
 *
 * ```js
 * const token = event.header("x-token") ?? refuse(401, "no token");
 * ```
 *
 * @param {number} status 400 to 599.
 * @param {string} reason For the log and the event's record; the sender never sees it.
 * @returns {never}
 */
export function refuse(status: number, reason: string): never;
/**
 * The text of a failure: what went wrong, without a stack, which would show nothing of the author's files.
 *
 * @internal
 * @param {unknown} thrown
 * @returns {string}
 */
export function failure(thrown: unknown): string;
/** @typedef {[name: string, value: Uint8Array]} Header A header's name and the value's exact bytes. */
/**
 * The event is at fault: thrown out of `handle` it becomes a reject verdict. Everything else that is thrown is failure
 * class `failed`, and the attachment's policy decides what becomes of the event.
 */
export class Refusal extends Error {
    /**
     * @param {number} status 400 to 599.
     * @param {string} reason For the log and the event's record; the sender never sees it.
     */
    constructor(status: number, reason: string);
    /** @readonly 400 to 599. */
    readonly status: number;
    /**
     * Headers of the answer.
     *
     * @readonly
     * @type {Header[]}
     */
    readonly headers: Header[];
    /** For the log and the event's record; the sender never sees it. */
    get reason(): string;
    /**
     * Adds a header to the answer, such as `www-authenticate`.
     *
     * @param {string} name
     * @param {string | Uint8Array} value
     * @returns {this}
     */
    header(name: string, value: string | Uint8Array): this;
}
/** Why a call of the host did not do what was asked. */
export class CallError extends Error {
    /**
     * Out of what a call of the host throws; undefined if it is something else.
     *
     * @internal
     * @param {any} thrown
     * @returns {CallError | undefined}
     */
    static from(thrown: any): CallError | undefined;
    /**
     * @param {keyof typeof MEANING} code
     * @param {string} detail
     */
    constructor(code: keyof typeof MEANING, detail: string);
    /**
     * - `denied`: the filter has no grant of the name in `detail`. The host counts and logs the call.
     * - `invalid`: an argument cannot be right; `detail` says which and why.
     * - `limit`: a named limit of the attachment is used up.
     * - `unavailable`: the host could not do it this time.
     *
     * @readonly
     */
    readonly code: "other" | "invalid" | "denied" | "limit" | "unavailable";
    /** @readonly */
    readonly detail: string;
}
/**
 * A header's name and the value's exact bytes.
 */
export type Header = [name: string, value: Uint8Array];
declare namespace MEANING {
    let denied: "no grant for";
    let invalid: "invalid argument:";
    let limit: "limit reached:";
    let unavailable: "unavailable:";
    let other: "the host refused:";
}
export {};
