/**
 * Declares a filter. Export what it returns as the module's default:
 *
 * ```js
 * export default filter({
 *   body: "none",
 *   handle(event) {
 *     event.header("x-token") ?? refuse(401, "no token");
 *     return Verdict.edit().setHeader("x-hello", "world");
 *   },
 * });
 * ```
 *
 * What is asked for here is granted by the operator who attaches the filter.
 *
 * Throws a `TypeError` that says what is wrong: a member that no filter has, a value that is none of the member's, a `handle`
 * that is missing or `async`.
 *
 * @template [C=Record<string, never>]
 * @param {Definition<C>} definition
 * @returns {Filter<C>}
 */
export function filter<C = Record<string, never>>(definition: Definition<C>): Filter<C>;
/**
 * A filter, for the build tool and for `Test`. Made by `filter`.
 *
 * @template C
 */
export class Filter<C> {
    /** @internal @param {Definition<C>} definition */
    constructor(definition: Definition<C>);
    /**
     * @readonly
     * @type {Manifest}
     */
    readonly manifest: Manifest;
    /**
     * The host's `configure`: what is kept for `restore`, or what is wrong with the configuration.
     *
     * @internal
     * @param {import("./host.js").Host} host
     * @param {string} json
     * @returns {{ prepared: string } | { problem: string }}
     */
    configure(host: import("./host.js").Host, json: string): {
        prepared: string;
    } | {
        problem: string;
    };
    /**
     * The configuration out of what `configure` made.
     *
     * @internal
     * @param {string} prepared
     * @returns {C}
     */
    restore(prepared: string): C;
    /**
     * The host's `handle`: the verdict, or the text of a failure.
     *
     * @internal
     * @param {import("./host.js").Host} host
     * @param {import("./host.js").Head} head
     * @param {import("./host.js").RawBody} raw
     * @param {C} config
     * @returns {{ decision: import("./verdict.js").Decision } | { failed: string }}
     */
    handle(host: import("./host.js").Host, head: import("./host.js").Head, raw: import("./host.js").RawBody, config: C): {
        decision: import("./verdict.js").Decision;
    } | {
        failed: string;
    };
    #private;
}
export type Definition<C> = {
    /**
     * `none` if the filter never looks at the body, so that the host may stream it past;
     * else `buffered`, which is the default.
     */
    body?: "none" | "buffered" | undefined;
    /**
     * Names of the secrets that it verifies and signs with.
     */
    secrets?: readonly string[] | undefined;
    /**
     * Names of the secrets that it reads in the clear.
     */
    reveal?: readonly string[] | undefined;
    /**
     * Names of its key-value namespaces.
     */
    kv?: readonly string[] | undefined;
    /**
     * Names of secrets that it verifies and signs with, or not, as it is configured.
     */
    optionalSecrets?: readonly string[] | undefined;
    /**
     * Names of key-value namespaces that it uses, or not, as it is configured.
     */
    optionalKv?: readonly string[] | undefined;
    /**
     * Beginnings of URLs from which it may have keys fetched, as it is configured. `*` stands
     * for one label of the host.
     */
    keys?: readonly string[] | undefined;
    /**
     * What an operator configures. Without it the filter takes no configuration and refuses any.
     */
    config?: Schema<C> | undefined;
    /**
     * What the schema cannot say about a configuration: throws an error that says
     * what is wrong, for the operator. Called when the configuration is written, not for each event.
     */
    validate?: ((config: C) => void) | undefined;
    /**
     * Judges one event. Do not count on anything that an earlier call
     * left in memory, nor on its not being there: the operator decides whether instances are fresh or used again. A `Refusal`
     * that is thrown rejects the event; everything else is failure class `failed`, and the attachment's policy decides.
     */
    handle: (event: Event, config: C) => Verdict;
};
/**
 * What a module says about itself, in its custom section `snaphook:manifest`. It requests, it never grants.
 */
export type Manifest = {
    sdk: string;
    body: "none" | "buffered";
    secrets: readonly string[];
    reveal: readonly string[];
    kv: readonly string[];
    optional_secrets: readonly string[];
    optional_kv: readonly string[];
    keys: readonly string[];
    config_schema?: import("./schema.js").JsonSchema | undefined;
};
import { Schema } from "./schema.js";
import { Event } from "./event.js";
import { Verdict } from "./verdict.js";
