/**
 * The HMAC-SHA256 of a message, to sign events for tests.
 *
 * @param {string | Uint8Array} key
 * @param {string | Uint8Array} message
 * @returns {Uint8Array}
 */
export function hmacSha256(key: string | Uint8Array, message: string | Uint8Array): Uint8Array;
/** @typedef {import("../host.js").Head} Head */
/** A filter on its route, and the next event for it. What `kv` holds stays from one `run` to the next. */
export class Test {
    /**
     * With configuration `{}`, and an empty `POST /` as the event.
     *
     * @param {Filter<any>} filter What the filter's module exports as its default.
     */
    constructor(filter: Filter<any>);
    /**
     * The configuration: anything that JSON holds.
     *
     * @param {unknown} config
     */
    config(config: unknown): this;
    /**
     * The configuration as it stands in a file.
     *
     * @param {string} json
     */
    configText(json: string): this;
    /**
     * A granted secret. Called again, the new value is the newest one, and the older ones stay valid.
     *
     * @param {string} name One that the filter asks for.
     * @param {string | Uint8Array} value
     */
    secret(name: string, value: string | Uint8Array): this;
    /**
     * A secret that the filter is granted to read.
     *
     * @param {string} name One that the filter asks to reveal.
     * @param {string | Uint8Array} value
     */
    reveal(name: string, value: string | Uint8Array): this;
    /**
     * What is at a URL from which keys are fetched. Every other URL is denied.
     *
     * @param {string} url One whose beginning the filter asks for.
     * @param {string | Uint8Array} document
     */
    document(url: string, document: string | Uint8Array): this;
    /**
     * The destinations that the route lists; choosing another is bad output. Without this every name is right.
     *
     * @param {readonly string[]} names
     */
    destinations(names: readonly string[]): this;
    /** From now on destinations refuse what they get: nothing is accepted, and keys reserved with `once` are released. */
    destinationsRefuse(): this;
    /**
     * Another event, not decided yet, holds this key.
     *
     * @param {string} namespace
     * @param {string} key
     */
    reserved(namespace: string, key: string): this;
    /**
     * The time.
     *
     * @param {number} now Milliseconds since 1970-01-01T00:00:00Z.
     */
    clockMs(now: number): this;
    /** @param {string} method */
    method(method: string): this;
    /**
     * The path, and the query if there is a `?`.
     *
     * @param {string} path
     */
    path(path: string): this;
    /**
     * The host that the sender called, and its port if it named one.
     *
     * @param {string} authority
     */
    authority(authority: string): this;
    /**
     * Sets a header, in place of what it had.
     *
     * @param {string} name
     * @param {string | Uint8Array} value
     */
    header(name: string, value: string | Uint8Array): this;
    /**
     * Adds a value to a header.
     *
     * @param {string} name
     * @param {string | Uint8Array} value
     */
    appendHeader(name: string, value: string | Uint8Array): this;
    /** @param {string | Uint8Array} body */
    body(body: string | Uint8Array): this;
    /**
     * The body as JSON, with its content type.
     *
     * @param {unknown} body
     */
    json(body: unknown): this;
    /**
     * The body as it was received, where an earlier filter changed it.
     *
     * @param {string | Uint8Array} body
     */
    originalBody(body: string | Uint8Array): this;
    /**
     * The event out of an event file, as `snaphook test` and `snaphook send` read them: JSON with `method`, `path`, `query`,
     * `headers` as a list of pairs, `received_ms` (when it arrives), and `body` (JSON, sent compact), `body_text` or
     * `body_base64`. A header's value that is no text is `{"base64": "…"}`.
     *
     * @param {string} file Its text.
     * @throws {Error} If it is no such file; says which member and why.
     */
    event(file: string): this;
    /**
     * Signs the body as GitHub does, with the newest value of a granted secret.
     *
     * @param {string} secret
     */
    signed(secret: string): this;
    /**
     * What stands for `{name}` in the route's path.
     *
     * @param {string} name
     * @param {string} value
     */
    pathParam(name: string, value: string): this;
    /**
     * A label that an earlier filter set.
     *
     * @param {string} name
     * @param {string} value
     */
    label(name: string, value: string): this;
    /** @param {string} address */
    source(address: string): this;
    /**
     * Calls the filter for a destination instead of for the route.
     *
     * @param {string} name
     * @param {number} [attempt]
     */
    forDestination(name: string, attempt?: number): this;
    /** The event is sent again on somebody's request. */
    replay(): this;
    /**
     * What the attachment's author is told: undefined if the configuration is right, else what is wrong with it.
     *
     * @returns {string | undefined}
     */
    configure(): string | undefined;
    /**
     * Configures the filter, hands it the event, and applies its verdict as the host does.
     *
     * @returns {Outcome}
     * @throws {Error} If the filter refuses the configuration; test that with `configure`. If the event is to be signed with a
     *   secret that is not there.
     */
    run(): Outcome;
    #private;
}
export type Head = import("../host.js").Head;
import { Outcome } from "./outcome.js";
import { Sent } from "./outcome.js";
import { Filter } from "../filter.js";
export { Outcome, Sent };
