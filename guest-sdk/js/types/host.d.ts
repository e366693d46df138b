/// <reference path="../wit/types/filter.d.ts" preserve="true" />
/**
 * Runs a call of the filter with this host in place.
 *
 * @template T
 * @param {Host} host
 * @param {() => T} run
 * @returns {T}
 */
export function withHost<T>(host: Host, run: () => T): T;
/**
 * Calls the host. What it refuses is thrown as a `CallError`.
 *
 * @template T
 * @param {(host: Host) => T} run
 * @returns {T}
 */
export function call<T>(run: (host: Host) => T): T;
export type RawBody = import("snaphook:filter/body@0.1.0").Body;
export type Head = import("snaphook:filter/types@0.1.0").Head;
export type Host = {
    log: typeof import("snaphook:filter/log@0.1.0");
    config: typeof import("snaphook:filter/config@0.1.0");
    clock: typeof import("snaphook:filter/clock@0.1.0");
    random: typeof import("snaphook:filter/random@0.1.0");
    event: typeof import("snaphook:filter/event@0.1.0");
    crypto: typeof import("snaphook:filter/crypto@0.1.0");
    secrets: typeof import("snaphook:filter/secrets@0.1.0");
    keys: typeof import("snaphook:filter/keys@0.1.0");
    kv: typeof import("snaphook:filter/kv@0.1.0");
};
