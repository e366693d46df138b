// A filter that makes the calls which the body tells it, and answers what came of each: in tests under the test host, and as a
// component on the real one.

import { CallError, crypto, filter, hex, hmac, keys, Verdict } from "snaphook-sdk";

/** @typedef {import("snaphook-sdk").Event} Event */

/** @type {Record<string, (...given: any[]) => unknown>} */
const CALLS = {
  hmacVerify: hmac.verify,
  hmacSign: hmac.sign,
  verify: crypto.verify,
  sign: crypto.sign,
  digest: crypto.digest,
  tokenEqual: crypto.tokenEqual,
  signatureVerify: crypto.signatureVerify,
  fetch: keys.fetch,
};

export default filter({
  secrets: ["plain", "prefixed", "hexed", "urlsafe"],
  optionalSecrets: ["public", "absent"],
  keys: ["http://127.0.0.1/"],
  handle(event) {
    /** @type {{ calls: [string, ...unknown[]][] }} */
    const { calls } = event.body.json();
    return Verdict.respond(200).body(JSON.stringify(calls.map(([name, ...given]) => came(CALLS[name], given.map((one) => argument(one, event))))));
  },
});

/**
 * @param {((...given: any[]) => unknown) | undefined} call
 * @param {unknown[]} given
 */
function came(call, given) {
  try {
    const result = call?.(...given);
    return result instanceof Uint8Array ? hex.encode(result) : result;
  } catch (error) {
    if (error instanceof CallError) return error.code === "denied" ? `denied ${error.detail}` : error.code;
    throw error;
  }
}

/**
 * JSON as the SDK takes it: `{ hex }` are bytes, `{ is: "body" }` and `{ is: "key" }` the parts of that name.
 *
 * @param {any} written
 * @param {Event} event
 * @returns {unknown}
 */
function argument(written, event) {
  if (Array.isArray(written)) return written.map((one) => argument(one, event));
  if (typeof written?.hex === "string") return hex.decode(written.hex);
  if (written?.is === "body") return event.body.original();
  return written?.is === "key" ? crypto.KEY : written;
}
