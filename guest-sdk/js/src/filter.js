// What an author declares, and how the host's two calls reach it.

import { kind } from "./bytes.js";
import { Body } from "./body.js";
import { failure, Refusal } from "./error.js";
import { Event } from "./event.js";
import { withHost } from "./host.js";
import { nearest } from "./nearest.js";
import { Schema } from "./schema.js";
import { RejectVerdict, Verdict } from "./verdict.js";

/**
 * @template C
 * @typedef {object} Definition
 * @property {"none" | "buffered"} [body] `none` if the filter never looks at the body, so that the host may stream it past;
 *   else `buffered`, which is the default.
 * @property {readonly string[]} [secrets] Names of the secrets that it verifies and signs with.
 * @property {readonly string[]} [reveal] Names of the secrets that it reads in the clear.
 * @property {readonly string[]} [kv] Names of its key-value namespaces.
 * @property {readonly string[]} [optionalSecrets] Names of secrets that it verifies and signs with, or not, as it is configured.
 * @property {readonly string[]} [optionalKv] Names of key-value namespaces that it uses, or not, as it is configured.
 * @property {readonly string[]} [keys] Beginnings of URLs from which it may have keys fetched, as it is configured. `*` stands
 *   for one label of the host.
 * @property {Schema<C>} [config] What an operator configures. Without it the filter takes no configuration and refuses any.
 * @property {(config: C) => void} [validate] What the schema cannot say about a configuration: throws an error that says
 *   what is wrong, for the operator. Called when the configuration is written, not for each event.
 * @property {(event: Event, config: C) => Verdict} handle Judges one event. Do not count on anything that an earlier call
 *   left in memory, nor on its not being there: the operator decides whether instances are fresh or used again. A `Refusal`
 *   that is thrown rejects the event; everything else is failure class `failed`, and the attachment's policy decides.
 */

/**
 * What a module says about itself, in its custom section `snaphook:manifest`. It requests, it never grants.
 *
 * @typedef {object} Manifest
 * @property {string} sdk
 * @property {"none" | "buffered"} body
 * @property {readonly string[]} secrets
 * @property {readonly string[]} reveal
 * @property {readonly string[]} kv
 * @property {readonly string[]} optional_secrets
 * @property {readonly string[]} optional_kv
 * @property {readonly string[]} keys
 * @property {import("./schema.js").JsonSchema} [config_schema]
 */

/** The version of the SDK, as the manifest says it; a test keeps it equal to that of the package. */
const SDK = "js-0.1.0";

/** What an author may declare: all of `Definition`. */
const MEMBERS = ["body", "secrets", "reveal", "kv", "optionalSecrets", "optionalKv", "keys", "config", "validate", "handle"];

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
export function filter(definition) {
  return new Filter(definition);
}

/**
 * A filter, for the build tool and for `Test`. Made by `filter`.
 *
 * @template C
 */
export class Filter {
  #definition;

  /** @internal @param {Definition<C>} definition */
  constructor(definition) {
    for (const name of Object.keys(definition ?? {})) known(name);
    if (typeof definition?.handle !== "function") throw new TypeError("a filter has a function `handle`");
    if (Object.prototype.toString.call(definition.handle) !== "[object Function]") {
      throw new TypeError("`handle` must not be `async`, nor a generator: there is nothing to wait for in a filter");
    }
    const { body = "buffered", secrets = [], reveal = [], kv = [], config } = definition;
    const { optionalSecrets = [], optionalKv = [], keys = [] } = definition;
    if (body !== "none" && body !== "buffered") throw new TypeError(`\`body\` is \`none\` or \`buffered\`, not \`${body}\``);
    if (config !== undefined && !(config instanceof Schema)) throw new TypeError("`config` is made by the functions of `schema`");
    this.#definition = definition;
    /**
     * @readonly
     * @type {Manifest}
     */
    this.manifest = {
      sdk: SDK,
      body,
      secrets: names("secrets", secrets),
      reveal: names("reveal", reveal),
      kv: names("kv", kv),
      optional_secrets: names("optionalSecrets", optionalSecrets),
      optional_kv: names("optionalKv", optionalKv),
      keys: beginnings(keys),
      ...(config === undefined ? {} : { config_schema: config.json }),
    };
  }

  /**
   * The host's `configure`: what is kept for `restore`, or what is wrong with the configuration.
   *
   * @internal
   * @param {import("./host.js").Host} host
   * @param {string} json
   * @returns {{ prepared: string } | { problem: string }}
   */
  configure(host, json) {
    try {
      return { prepared: withHost(host, () => this.#prepare(json)) };
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
  }

  /** @param {string} json */
  #prepare(json) {
    const { config: schema, validate } = this.#definition;
    const given = JSON.parse(json);
    if (schema === undefined) {
      refuseAny(given);
      return "";
    }
    const config = schema.read(given);
    validate?.(config);
    return JSON.stringify(config);
  }

  /**
   * The configuration out of what `configure` made.
   *
   * @internal
   * @param {string} prepared
   * @returns {C}
   */
  restore(prepared) {
    return prepared === "" ? /** @type {C} */ ({}) : JSON.parse(prepared);
  }

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
  handle(host, head, raw, config) {
    const body = new Body(raw);
    try {
      return { decision: withHost(host, () => decided(refusing(() => this.#definition.handle(new Event(head, body), config)))) };
    } catch (error) {
      return { failed: failure(error) };
    } finally {
      Body.release(body);
    }
  }
}

/**
 * A refusal that is thrown is a verdict.
 *
 * @param {() => unknown} run
 */
function refusing(run) {
  try {
    return run();
  } catch (error) {
    if (error instanceof Refusal) return RejectVerdict.of(error);
    throw error;
  }
}

/** @param {unknown} verdict */
function decided(verdict) {
  if (verdict instanceof Verdict) return verdict.decision;
  if (verdict instanceof Promise) throw new TypeError("`handle` returned a promise: it must not be `async`");
  throw new TypeError(`\`handle\` returned ${kind(verdict)}, not a \`Verdict\``);
}

/** @param {unknown} given */
function refuseAny(given) {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new Error("this filter takes no configuration: write `{}` or leave it out");
  }
  const name = Object.keys(given)[0];
  if (name !== undefined) throw new Error(`this filter takes no configuration: remove \`${name}\``);
}

/** @param {string} name */
function known(name) {
  if (MEMBERS.includes(name)) return;
  const meant = nearest(name, MEMBERS);
  const hint = meant === undefined ? `: it has ${MEMBERS.map((one) => `\`${one}\``).join(", ")}` : `: do you mean \`${meant}\`?`;
  throw new TypeError(`\`${name}\` is no member of a filter${hint}`);
}

/**
 * @param {string} what
 * @param {readonly string[]} list
 */
function names(what, list) {
  for (const name of listed(what, list, "names")) {
    if (typeof name !== "string" || !/^[a-z0-9._-]{1,63}$/.test(name)) {
      throw new TypeError(`\`${what}\`: \`${name}\` is no name, which has 1 to 63 characters of a-z, 0-9, \`-\`, \`_\` and \`.\``);
    }
  }
  return [...list];
}

/** @param {readonly string[]} urls */
function beginnings(urls) {
  for (const url of listed("keys", urls, "URLs")) {
    if (typeof url !== "string" || !/^https?:\/\/[^\s"\\/]+\/[^\s"\\*]*$/.test(url)) {
      throw new TypeError(`\`keys\`: \`${url}\` is no beginning of a URL: write https://HOST/PATH, where * may be a label of the host`);
    }
  }
  return [...urls];
}

/**
 * @template T
 * @param {string} what
 * @param {readonly T[]} list
 * @param {string} kinds
 */
function listed(what, list, kinds) {
  if (!Array.isArray(list)) throw new TypeError(`\`${what}\` is ${kind(list)}, not an array of ${kinds}`);
  return list;
}
