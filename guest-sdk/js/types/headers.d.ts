/** @typedef {import("./event.js").Event} Event */
/**
 * The media type of the body in lower case, without parameters: `application/json`.
 *
 * @param {Event} event
 * @returns {string | undefined}
 */
export function contentType(event: Event): string | undefined;
/**
 * The token of `Authorization: Bearer TOKEN` (RFC 6750).
 *
 * @param {Event} event
 * @returns {string | undefined}
 */
export function bearer(event: Event): string | undefined;
/**
 * The elements of a header that holds a list (RFC 9110, section 5.6.1), over all its values; empty ones are left out, and
 * values that are not UTF-8.
 *
 * @param {Event} event
 * @param {string} name
 * @returns {string[]}
 */
export function list(event: Event, name: string): string[];
export type Event = import("./event.js").Event;
