/**
 * What becomes of the event. Made by one of the functions below and filled in by the methods of what they return:
 *
 * ```js
 * Verdict.edit().setHeader("x-hello", "world").removeHeader("cookie");
 * Verdict.reject(401).reason("no token").header("www-authenticate", "Bearer");
 * Verdict.respond(200).header("content-type", "text/plain").body("pong");
 * Verdict.retryLater(30);
 * ```
 */
export class Verdict {
    /**
     * Go on with the event as it is. With an edit it becomes `edit`.
     *
     * @returns {EditVerdict}
     */
    static pass(): EditVerdict;
    /**
     * Go on with the event changed. Without an edit it is the same as `pass`; without an edit of the body the host's own
     * bytes go out untouched.
     *
     * @returns {EditVerdict}
     */
    static edit(): EditVerdict;
    /**
     * Refuse the event. For a destination: dead-letter this delivery.
     *
     * @param {number} status 400 to 599.
     * @returns {RejectVerdict}
     */
    static reject(status: number): RejectVerdict;
    /**
     * Answer the sender at once and forward nothing; for handshakes. Not allowed for a destination.
     *
     * @param {number} status 200 to 599.
     * @returns {RespondVerdict}
     */
    static respond(status: number): RespondVerdict;
    /**
     * Accept the event and forward it nowhere. For a destination: cancel this delivery.
     *
     * @param {string} reason Goes to the log.
     * @returns {Verdict}
     */
    static drop(reason: string): Verdict;
    /**
     * Ask the sender to come again after this many seconds (503 with `Retry-After`). For a destination: try this delivery
     * again then.
     *
     * @param {number} seconds
     * @returns {Verdict}
     */
    static retryLater(seconds: number): Verdict;
    /** @internal @param {Decision} decision */
    constructor(decision: Decision);
    /** @internal @type {Decision} */
    _decision: Decision;
    /**
     * What the host is told. An edit without edits is a pass.
     *
     * @returns {Decision}
     */
    get decision(): Decision;
}
/** Go on with the event, changed by a list of edits. They are applied in order, all or none. */
export class EditVerdict extends Verdict {
    /** @internal */
    constructor();
    /**
     * Replaces every value of the name.
     *
     * @param {string} name
     * @param {string | Uint8Array} value
     */
    setHeader(name: string, value: string | Uint8Array): this;
    /**
     * Adds a value beside those that are there.
     *
     * @param {string} name
     * @param {string | Uint8Array} value
     */
    appendHeader(name: string, value: string | Uint8Array): this;
    /**
     * Removing what is not there is no fault.
     *
     * @param {string} name
     */
    removeHeader(name: string): this;
    /** @param {string} method */
    setMethod(method: string): this;
    /** @param {string} path Begins with `/`, no query. */
    setPath(path: string): this;
    /** @param {string | undefined} query Without the `?`; undefined removes it. */
    setQuery(query: string | undefined): this;
    /**
     * The new body, whole.
     *
     * @param {string | Uint8Array} body
     */
    setBody(body: string | Uint8Array): this;
    /**
     * The new body, as JSON, and a content type to match.
     *
     * @param {unknown} body
     */
    setJson(body: unknown): this;
    /**
     * Sets or adds the value at a JSON pointer (RFC 6901) of the body; missing parent objects are made, `-` appends to an
     * array. The bytes around it stay as they are.
     *
     * @param {string} pointer
     * @param {unknown} value
     */
    jsonSet(pointer: string, value: unknown): this;
    /**
     * Like `jsonSet`, with a value that is JSON text already.
     *
     * @param {string} pointer
     * @param {string} text
     */
    jsonSetText(pointer: string, text: string): this;
    /**
     * Removes the value at a JSON pointer (RFC 6901). Removing what is not there is no fault.
     *
     * @param {string} pointer
     */
    jsonRemove(pointer: string): this;
    /**
     * Where to send to, out of the destinations that the route lists: in mode `forward` exactly one.
     *
     * @param {readonly string[]} destinations Their names.
     */
    choose(destinations: readonly string[]): this;
    /**
     * Adds edits that were made elsewhere.
     *
     * @param {Iterable<Edit>} edits
     * @returns {this}
     */
    edits(edits: Iterable<Edit>): this;
    #private;
}
/** Refuse the event. */
export class RejectVerdict extends Verdict {
    /**
     * @internal
     * @param {Refusal} refusal
     */
    static of(refusal: Refusal): RejectVerdict;
    /** @internal @param {number} status */
    constructor(status: number);
    /**
     * Why, for the log and the event's record. The sender never sees it.
     *
     * @param {string} reason
     * @returns {this}
     */
    reason(reason: string): this;
    /**
     * Adds a header to the answer.
     *
     * @param {string} name
     * @param {string | Uint8Array} value
     * @returns {this}
     */
    header(name: string, value: string | Uint8Array): this;
    #private;
}
/** Answer the sender at once. */
export class RespondVerdict extends Verdict {
    /** @internal @param {number} status */
    constructor(status: number);
    /**
     * Adds a header to the answer.
     *
     * @param {string} name
     * @param {string | Uint8Array} value
     * @returns {this}
     */
    header(name: string, value: string | Uint8Array): this;
    /**
     * The answer's body.
     *
     * @param {string | Uint8Array} body
     * @returns {this}
     */
    body(body: string | Uint8Array): this;
    #private;
}
/**
 * The verdict, spelled out as the host reads it.
 */
export type Decision = import("snaphook:filter/types@0.1.0").Verdict;
/**
 * One change to the event.
 */
export type Edit = import("snaphook:filter/types@0.1.0").Edit;
export type Header = import("./error.js").Header;
import { Refusal } from "./error.js";
