// A filter as the exports of a component. The build tool puts this around the author's module; nobody else needs it.

import * as clock from "snaphook:filter/clock@0.1.0";
import * as config from "snaphook:filter/config@0.1.0";
import * as crypto from "snaphook:filter/crypto@0.1.0";
import * as event from "snaphook:filter/event@0.1.0";
import * as keys from "snaphook:filter/keys@0.1.0";
import * as kv from "snaphook:filter/kv@0.1.0";
import * as log from "snaphook:filter/log@0.1.0";
import * as random from "snaphook:filter/random@0.1.0";
import * as secrets from "snaphook:filter/secrets@0.1.0";

/** @type {import("./host.js").Host} */
const host = { clock, config, crypto, event, keys, kv, log, random, secrets };

/**
 * What the component exports as `snaphook:filter/handler`.
 *
 * @template C
 * @param {import("./filter.js").Filter<C>} filter
 */
export function component(filter) {
  // The same for all events of an instance.
  /** @type {C | undefined} */
  let restored;
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  return {
    /**
     * @param {import("./host.js").Head} head
     * @param {import("./host.js").RawBody} body
     */
    handle(head, body) {
      restored ??= filter.restore(decoder.decode(config.prepared()));
      const handled = filter.handle(host, head, body, restored);
      // What is thrown as a string is the error arm of the result.
      if ("failed" in handled) throw handled.failed;
      return handled.decision;
    },

    /** @param {string} text */
    configure(text) {
      const configured = filter.configure(host, text);
      if ("problem" in configured) throw configured.problem;
      return encoder.encode(configured.prepared);
    },
  };
}
