/** @typedef {import("snaphook:filter/log@0.1.0").Level} Level */
/**
 * One line.
 *
 * @param {Level} level
 * @param {string} message
 */
export function line(level: Level, message: string): void;
export function trace(message: string): void;
export function debug(message: string): void;
export function info(message: string): void;
export function warn(message: string): void;
export function error(message: string): void;
export type Level = import("snaphook:filter/log@0.1.0").Level;
