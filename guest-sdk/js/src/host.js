/// <reference path="../wit/types/filter.d.ts" preserve="true" />
// The one seam to the host: its imports in a component, a host of its own in tests on the author's machine. Both have the
// functions of `wit/filter.wit`, in the types that jco makes of them.

import { CallError } from "./error.js";

/**
 * @typedef {import("snaphook:filter/body@0.1.0").Body} RawBody
 * @typedef {import("snaphook:filter/types@0.1.0").Head} Head
 *
 * @typedef {object} Host
 * @property {typeof import("snaphook:filter/log@0.1.0")} log
 * @property {typeof import("snaphook:filter/config@0.1.0")} config
 * @property {typeof import("snaphook:filter/clock@0.1.0")} clock
 * @property {typeof import("snaphook:filter/random@0.1.0")} random
 * @property {typeof import("snaphook:filter/event@0.1.0")} event
 * @property {typeof import("snaphook:filter/crypto@0.1.0")} crypto
 * @property {typeof import("snaphook:filter/secrets@0.1.0")} secrets
 * @property {typeof import("snaphook:filter/keys@0.1.0")} keys
 * @property {typeof import("snaphook:filter/kv@0.1.0")} kv
 */

/** @type {Host | undefined} */
let current;

/**
 * Runs a call of the filter with this host in place.
 *
 * @template T
 * @param {Host} host
 * @param {() => T} run
 * @returns {T}
 */
export function withHost(host, run) {
  const before = current;
  current = host;
  try {
    return run();
  } finally {
    current = before;
  }
}

/**
 * Calls the host. What it refuses is thrown as a `CallError`.
 *
 * @template T
 * @param {(host: Host) => T} run
 * @returns {T}
 */
export function call(run) {
  if (current === undefined) {
    throw new Error("the host can be called only while the filter handles an event: in a test, run it with `Test`");
  }
  try {
    return run(current);
  } catch (error) {
    throw CallError.from(error) ?? error;
  }
}
