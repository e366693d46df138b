/**
 * @typedef {import("../verdict.js").Decision} Decision
 * @typedef {import("./apply.js").Changed} Changed
 * @typedef {import("./fake.js").Said} Said
 */
/** What a filter decided and said, and what the host made of it. */
export class Outcome {
    /**
     * @internal
     * @param {{ decision: Decision } | { failed: string }} decided
     * @param {Changed | undefined} sent
     * @param {Said} said
     */
    constructor(decided: {
        decision: Decision;
    } | {
        failed: string;
    }, sent: Changed | undefined, said: Said);
    /**
     * What was decided, as the host reads it; undefined if the filter failed.
     *
     * @readonly
     */
    readonly decision: import("snaphook:filter/types@0.1.0").Verdict | undefined;
    /**
     * The text of the failure: what `handle` threw, or what the host cannot apply (then it begins with `bad output: `).
     *
     * @readonly
     */
    readonly failure: string | undefined;
    /**
     * Labels that were set.
     *
     * @readonly
     */
    readonly labels: Map<string, string>;
    /** @readonly */
    readonly idempotencyKey: string | undefined;
    /** @readonly */
    readonly orderKey: string | undefined;
    /**
     * Milliseconds since 1970-01-01T00:00:00Z.
     *
     * @readonly
     */
    readonly deliverAfter: number | undefined;
    /**
     * What the sender is answered once the event is accepted.
     *
     * @readonly
     */
    readonly answer: {
        status: number;
        headers: import("./fake.js").Header[];
        body: Uint8Array;
    } | undefined;
    /** @readonly */
    readonly logs: {
        level: import("../log.js").Level;
        message: string;
    }[];
    /**
     * Names that the filter called for without a grant.
     *
     * @readonly
     */
    readonly denied: string[];
    /**
     * The verdict's word, or `failed`.
     *
     * @returns {"pass" | "edit" | "reject" | "respond" | "drop" | "retry-later" | "failed"}
     */
    get name(): "pass" | "edit" | "reject" | "respond" | "drop" | "retry-later" | "failed";
    /**
     * The status of a reject or respond verdict.
     *
     * @returns {number | undefined}
     */
    get status(): number | undefined;
    /** Why the event was rejected or dropped, or the filter failed; else empty. */
    get reason(): string;
    /** The body of a respond verdict, as text; else empty. */
    get answerText(): string;
    /**
     * The event as it goes on. Throws if it does not.
     *
     * @returns {Sent}
     */
    get event(): Sent;
    #private;
}
/** An event on its way to a destination. */
export class Sent {
    /**
     * @internal
     * @param {Changed} sent
     */
    constructor(sent: Changed);
    /** @readonly */
    readonly method: string;
    /** @readonly */
    readonly path: string;
    /** @readonly */
    readonly query: string | undefined;
    /**
     * Lower-case names.
     *
     * @readonly
     */
    readonly headers: import("../error.js").Header[];
    /** @readonly */
    readonly body: Uint8Array<ArrayBufferLike>;
    /**
     * Those that the filter chose, if it did.
     *
     * @readonly
     */
    readonly destinations: string[] | undefined;
    /**
     * The first value of a header, if it is UTF-8.
     *
     * @param {string} name
     * @returns {string | undefined}
     */
    header(name: string): string | undefined;
    /** The body as text. Throws if it is not UTF-8. */
    text(): string;
    /**
     * The body. Throws if it is not JSON.
     *
     * @returns {any}
     */
    json(): any;
}
export type Decision = import("../verdict.js").Decision;
export type Changed = import("./apply.js").Changed;
export type Said = import("./fake.js").Said;
