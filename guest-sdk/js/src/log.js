// The filter's log, kept with the event's record. Lines and bytes per call are limited; past the limit lines are counted
// and left out. What `console` prints arrives there too, as levels `stdout` and `stderr`.

import { call } from "./host.js";

/** @typedef {import("snaphook:filter/log@0.1.0").Level} Level */

/**
 * One line.
 *
 * @param {Level} level
 * @param {string} message
 */
export function line(level, message) {
  call((host) => host.log.log(level, String(message)));
}

/** @param {string} message */
export const trace = (message) => line("trace", message);

/** @param {string} message */
export const debug = (message) => line("debug", message);

/** @param {string} message */
export const info = (message) => line("info", message);

/** @param {string} message */
export const warn = (message) => line("warn", message);

/** @param {string} message */
export const error = (message) => line("error", message);
