/**
 * The text at a pointer, exactly as it stands there.
 *
 * @param {string} text
 * @param {string} pointer
 * @returns {string | undefined}
 */
export function at(text: string, pointer: string): string | undefined;
/**
 * What `body.text` says of a JSON text: strings decoded, numbers and booleans as they stand.
 *
 * @param {string} json
 * @returns {string | undefined}
 */
export function plain(json: string): string | undefined;
/**
 * The text with a value set or added; missing parent objects are made, `-` appends to an array.
 *
 * @param {string} text
 * @param {string} pointer
 * @param {string} value JSON.
 * @returns {string}
 */
export function set(text: string, pointer: string, value: string): string;
/**
 * The text without a value, if it is there.
 *
 * @param {string} text
 * @param {string} pointer
 * @returns {string}
 */
export function remove(text: string, pointer: string): string;
/**
 * Where a value stands in a text.
 *
 * @typedef {object} Span
 * @property {number} start
 * @property {number} end
 *
 * @typedef {object} Member
 * @property {string | number} key
 * @property {number} start Where the member begins: with its name, if it has one.
 * @property {Span} value
 */
/** Why a document cannot be read or changed as asked. */
export class Fault extends Error {
}
/**
 * Where a value stands in a text.
 */
export type Span = {
    start: number;
    end: number;
};
/**
 * Where a value stands in a text.
 */
export type Member = {
    key: string | number;
    /**
     * Where the member begins: with its name, if it has one.
     */
    start: number;
    value: Span;
};
