/** @typedef {import("./host.js").Head} Head */
/**
 * An answer to the sender.
 *
 * @typedef {object} Answer
 * @property {number} status 200 to 599.
 * @property {readonly (readonly [name: string, value: string | Uint8Array])[]} [headers]
 * @property {string | Uint8Array} [body]
 */
/** One received webhook, as earlier filters of the chain left it. */
export class Event {
    /**
     * @internal
     * @param {Head} head
     * @param {Body} body
     */
    constructor(head: Head, body: Body);
    /** `evt_` and 26 characters, ordered by time. */
    get id(): string;
    get project(): string;
    get route(): string;
    /**
     * Where in an event's way the filter is called: `route`, before a destination is chosen, once per event; `destination`,
     * for the one that `destination` names, before its first attempt.
     *
     * @returns {"route" | "destination"}
     */
    get phase(): "route" | "destination";
    /**
     * In phase `destination` its name, else undefined.
     *
     * @returns {string | undefined}
     */
    get destination(): string | undefined;
    /** As received, case kept: `POST`. */
    get method(): string;
    /** `http` or `https`, as the sender saw it. */
    get scheme(): string;
    /** Host and port, if any, as the sender wrote them: `hooks.example.com:8443`. */
    get authority(): string;
    /** Begins with `/`; percent-encoding is kept as it came. */
    get path(): string;
    /**
     * What stands for `{name}` in the route's path.
     *
     * @param {string} name
     * @returns {string | undefined}
     */
    pathParam(name: string): string | undefined;
    /**
     * What follows `?`, without it.
     *
     * @returns {string | undefined}
     */
    get query(): string | undefined;
    /**
     * The first value of this name in the query, decoded.
     *
     * @param {string} name
     * @returns {string | undefined}
     */
    queryValue(name: string): string | undefined;
    /**
     * Names and values of the query in their order, decoded as forms are (`+` is a space, bytes that are not UTF-8 become
     * U+FFFD).
     *
     * @returns {[name: string, value: string][]}
     */
    queryPairs(): [name: string, value: string][];
    /**
     * The first value of a header, if it is UTF-8. Any case finds it.
     *
     * @param {string} name
     * @returns {string | undefined}
     */
    header(name: string): string | undefined;
    /**
     * The first value of a header, its exact bytes.
     *
     * @param {string} name
     * @returns {Uint8Array | undefined}
     */
    headerBytes(name: string): Uint8Array | undefined;
    /**
     * All values of a header, in their order.
     *
     * @param {string} name
     * @returns {Uint8Array[]}
     */
    headerValues(name: string): Uint8Array[];
    /**
     * All headers: lower-case names, exact values; duplicates in their order within a name.
     *
     * @returns {readonly (readonly [name: string, value: Uint8Array])[]}
     */
    get headers(): readonly (readonly [name: string, value: Uint8Array])[];
    /** The sender's IP address; behind a trusted proxy, the one that the proxy names. */
    get source(): string;
    /** When the head arrived, milliseconds since 1970-01-01T00:00:00Z. */
    get receivedMs(): number;
    /** 0 on the route; for a destination the number of the attempt that is prepared, from 1. */
    get attempt(): number;
    /** True if the event is sent again on somebody's request. */
    get isReplay(): boolean;
    /**
     * A label that an earlier filter of the chain set.
     *
     * @param {string} name
     * @returns {string | undefined}
     */
    label(name: string): string | undefined;
    /**
     * A further fact by its full name, such as `path.team` or `label.tenant`.
     *
     * @param {string} name
     * @returns {string | undefined}
     */
    attribute(name: string): string | undefined;
    /**
     * All further facts, by their full names.
     *
     * @returns {readonly (readonly [name: string, value: string])[]}
     */
    get attributes(): readonly (readonly [name: string, value: string])[];
    /**
     * Bytes of the body; undefined if it was not read, because no filter of the route needs it.
     *
     * @returns {number | undefined}
     */
    get bodyLength(): number | undefined;
    /**
     * The body, which stays with the host until some of it is asked for. Empty in a filter that says `body: "none"`, unless
     * another filter of the route needs it.
     */
    get body(): Body;
    /**
     * Valid under any verdict; the last value set wins. Later filters read it with `label`.
     *
     * @param {string} name 1 to 64 characters of `a-z 0-9 _ . -`.
     * @param {string} value Up to 256 bytes.
     */
    setLabel(name: string, value: string): void;
    /**
     * Two accepted events of a route with the same key are one.
     *
     * @param {string} key 1 to 255 bytes.
     */
    setIdempotencyKey(key: string): void;
    /**
     * Events with the same key are delivered in the order in which they were accepted.
     *
     * @param {string} key 1 to 255 bytes.
     */
    setOrderKey(key: string): void;
    /**
     * Deliver not before this time.
     *
     * @param {number} timeMs Milliseconds since 1970-01-01T00:00:00Z.
     */
    setDeliverAfter(timeMs: number): void;
    /**
     * What the sender is answered once the event is accepted, instead of the route's own acknowledgement.
     *
     * @param {Answer} answer
     */
    setAnswer(answer: Answer): void;
    #private;
}
export type Head = import("./host.js").Head;
/**
 * An answer to the sender.
 */
export type Answer = {
    /**
     * 200 to 599.
     */
    status: number;
    headers?: readonly (readonly [name: string, value: string | Uint8Array<ArrayBufferLike>])[] | undefined;
    body?: string | Uint8Array<ArrayBufferLike> | undefined;
};
import { Body } from "./body.js";
