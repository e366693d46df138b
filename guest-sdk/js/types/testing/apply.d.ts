/**
 * The event as it goes on, or undefined if it does not.
 *
 * @param {Decision} decision
 * @param {Head} head
 * @param {Uint8Array} body
 * @param {readonly string[]} destinations Empty if every name is right.
 * @returns {Changed | undefined}
 * @throws {BadOutput}
 */
export function apply(decision: Decision, head: Head, body: Uint8Array, destinations: readonly string[]): Changed | undefined;
/** Why a decision cannot be applied. */
export class BadOutput extends Error {
}
export type Decision = import("../verdict.js").Decision;
export type Edit = import("../verdict.js").Edit;
export type Header = import("../error.js").Header;
export type Head = import("../host.js").Head;
/**
 * The event as it goes on.
 */
export type Changed = {
    method: string;
    path: string;
    query: string | undefined;
    headers: Header[];
    body: Uint8Array;
    destinations: string[] | undefined;
};
