/**
 * The parts as the host is told them.
 *
 * @param {readonly (Part | typeof KEY)[]} parts
 */
export function lowered(parts: readonly (Part | typeof KEY)[]): import("snaphook:filter/crypto@0.1.0").Part[];
/**
 * A piece of the message; the host joins the pieces. A string or bytes stand for themselves, a body for the whole of it,
 * straight from the host's memory; `{ header }` for the exact bytes of the first value of this header, as the filter was
 * given it, empty if there is none.
 *
 * @typedef {string | Uint8Array | Body | { header: string }} Part
 */
/** As a part: the key itself, for schemes that hash it with the message. */
export const KEY: unique symbol;
/**
 * A piece of the message; the host joins the pieces. A string or bytes stand for themselves, a body for the whole of it,
 * straight from the host's memory; `{ header }` for the exact bytes of the first value of this header, as the filter was
 * given it, empty if there is none.
 */
export type Part = string | Uint8Array | Body | {
    header: string;
};
import { Body } from "./body.js";
