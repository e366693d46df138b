// Pieces of a message that the host hashes or signs.

import { bytes, kind } from "./bytes.js";
import { Body } from "./body.js";

/**
 * A piece of the message; the host joins the pieces. A string or bytes stand for themselves, a body for the whole of it,
 * straight from the host's memory; `{ header }` for the exact bytes of the first value of this header, as the filter was
 * given it, empty if there is none.
 *
 * @typedef {string | Uint8Array | Body | { header: string }} Part
 */

/** As a part: the key itself, for schemes that hash it with the message. */
export const KEY = Symbol("the key");

/**
 * The parts as the host is told them.
 *
 * @param {readonly (Part | typeof KEY)[]} parts
 */
export function lowered(parts) {
  if (!Array.isArray(parts)) throw new TypeError("the parts are not in an array: write `[part]`");
  return parts.map(part);
}

/**
 * @param {Part | typeof KEY} part
 * @returns {import("snaphook:filter/crypto@0.1.0").Part}
 */
function part(part) {
  if (part === KEY) return { tag: "key" };
  if (part instanceof Body) return { tag: "body", val: Body.raw(part) };
  if (typeof part === "string" || part instanceof Uint8Array) return { tag: "literal", val: bytes(part, "a part") };
  if (typeof part?.header === "string") return { tag: "header", val: part.header };
  throw new TypeError(`a part of the message is ${kind(part)}, not a string, a Uint8Array, a body or \`{ header: NAME }\``);
}
