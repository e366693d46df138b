// Event files, as `snaphook test` and `snaphook send` read them.

import * as base64 from "../base64.js";
import { bytes, kind } from "../bytes.js";
import * as document from "./document.js";

/**
 * @typedef {object} EventFile
 * @property {string} method
 * @property {string} path
 * @property {string | undefined} query
 * @property {number | undefined} receivedMs
 * @property {import("../error.js").Header[]} headers
 * @property {Uint8Array} body
 */

const BODIES = /** @type {const} */ (["body", "body_text", "body_base64"]);
const MEMBERS = ["method", "path", "query", "received_ms", "headers", ...BODIES];

/**
 * The event that a file describes.
 *
 * @param {string} file Its text.
 * @returns {EventFile}
 * @throws {Error}
 */
export function readEventFile(file) {
  const read = JSON.parse(file);
  if (typeof read !== "object" || read === null || Array.isArray(read)) throw wrong(`it is ${kind(read)}, not an object`);
  const odd = Object.keys(read).find((name) => !MEMBERS.includes(name));
  if (odd !== undefined) throw wrong(`it has no member \`${odd}\``);
  const { method = "POST", path = "/", headers = [] } = read;
  if (!Array.isArray(headers)) throw wrong(`\`headers\` is ${kind(headers)}, not a list of pairs`);
  return {
    method: string(method, "method"),
    path: string(path, "path"),
    query: read.query === undefined || read.query === null ? undefined : string(read.query, "query"),
    receivedMs: received(read.received_ms ?? undefined),
    headers: headers.map(header),
    body: body(read, file),
  };
}

/** @param {unknown} time */
function received(time) {
  if (time === undefined) return undefined;
  if (typeof time === "number" && Number.isSafeInteger(time) && time >= 0) return time;
  throw wrong("`received_ms` is no whole number of milliseconds");
}

/**
 * @param {unknown} pair
 * @param {number} index
 * @returns {import("../error.js").Header}
 */
function header(pair, index) {
  const at = `headers[${index}]`;
  if (!Array.isArray(pair) || pair.length !== 2) throw wrong(`\`${at}\` is no pair: write ["name", "value"]`);
  const [name, value] = pair;
  const encoded = value?.base64;
  if (typeof encoded === "string" && Object.keys(value).length === 1) return [string(name, at), decoded(encoded, at)];
  if (typeof value !== "string") throw wrong(`the value in \`${at}\` is ${kind(value)}, not a string or {"base64": "…"}`);
  return [string(name, at), bytes(value, at)];
}

/**
 * @param {any} read
 * @param {string} file
 */
function body(read, file) {
  // As for the host, `null` is no body.
  const [name, second] = BODIES.filter((name) => read[name] !== undefined && read[name] !== null);
  if (second !== undefined) throw wrong("it has one of `body`, `body_text` and `body_base64`");
  if (name === undefined) return new Uint8Array(0);
  if (name === "body") return bytes(compact(document.at(file, "/body") ?? ""), name);
  const text = string(read[name], name);
  return name === "body_text" ? bytes(text, name) : decoded(text, name);
}

/**
 * JSON as the host writes it, without spaces. Out of the text, because a value would have lost the order of members and what
 * is exact about numbers.
 *
 * @param {string} json
 */
function compact(json) {
  return json.replace(/"(?:[^"\\]|\\.)*"|-?[0-9][-+.0-9eE]*|[ \t\r\n]+/g, (token) => {
    if (token.startsWith('"')) return JSON.stringify(JSON.parse(token));
    if (/^[ \t\r\n]/.test(token)) return "";
    if (/^-?[0-9]+$/.test(token)) return token;
    const number = Number(token);
    return Number.isInteger(number) && Math.abs(number) < 1e16 ? `${number}.0` : String(number);
  });
}

/**
 * @param {string} text
 * @param {string} at
 */
function decoded(text, at) {
  const octets = /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? base64.decode(text) : undefined;
  if (octets === undefined) throw wrong(`\`${at}\` is no base64`);
  return octets;
}

/**
 * @param {unknown} value
 * @param {string} at
 */
function string(value, at) {
  if (typeof value !== "string") throw wrong(`\`${at}\` is ${kind(value)}, not a string`);
  return value;
}

/** @param {string} why */
function wrong(why) {
  return new Error(`this is no event file: ${why}`);
}
