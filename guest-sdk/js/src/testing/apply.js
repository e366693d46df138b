// What the host makes of a verdict, with its checks of what a filter hands over.

import { text } from "../bytes.js";
import * as document from "./document.js";

/**
 * @typedef {import("../verdict.js").Decision} Decision
 * @typedef {import("../verdict.js").Edit} Edit
 * @typedef {import("../error.js").Header} Header
 * @typedef {import("../host.js").Head} Head
 *
 * @typedef {object} Changed The event as it goes on.
 * @property {string} method
 * @property {string} path
 * @property {string | undefined} query
 * @property {Header[]} headers
 * @property {Uint8Array} body
 * @property {string[] | undefined} destinations
 */

/**
 * Headers that the host alone sets: what belongs to one connection (RFC 9110 section 7.6.1), what frames the body, and
 * what says which way the event came. With these, all that begins with `x-forwarded-`.
 */
const OF_THE_HOST = new Set([
  "connection",
  "content-length",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "traceparent",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
/** What a path and a query are made of. */
const TARGET = /^[\x21-\x7e]*$/;

/** Why a decision cannot be applied. */
export class BadOutput extends Error {}

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
export function apply(decision, head, body, destinations) {
  const inDestination = head.phase.tag === "destination";
  switch (decision.tag) {
    case "pass":
    case "edit": {
      const { method, path, query } = head;
      const headers = [...head.headers];
      /** @type {Changed} */
      const changed = { method, path, query, headers, body, destinations: undefined };
      if (decision.tag === "edit") for (const edit of decision.val) change(changed, edit, inDestination, destinations);
      return changed;
    }
    case "reject":
      checkAnswer(decision.val.status, 400, decision.val.headers);
      return undefined;
    case "respond":
      if (inDestination) throw new BadOutput("a filter of a destination cannot respond");
      checkAnswer(decision.val.status, 200, decision.val.headers);
      return undefined;
    default:
      return undefined;
  }
}

/**
 * @param {Changed} event
 * @param {Edit} edit
 * @param {boolean} inDestination
 * @param {readonly string[]} destinations
 */
function change(event, edit, inDestination, destinations) {
  switch (edit.tag) {
    case "set-header":
    case "append-header": {
      checkHeader(edit.val);
      const name = edit.val[0].toLowerCase();
      if (edit.tag === "set-header") event.headers = event.headers.filter(([known]) => known !== name);
      event.headers.push([name, edit.val[1]]);
      break;
    }
    case "remove-header": {
      checkName(edit.val);
      const name = edit.val.toLowerCase();
      event.headers = event.headers.filter(([known]) => known !== name);
      break;
    }
    case "set-method":
      if (!TOKEN.test(edit.val) || edit.val === "CONNECT") throw new BadOutput(`\`${edit.val}\` is no method`);
      event.method = edit.val;
      break;
    case "set-path":
      if (!edit.val.startsWith("/") || edit.val.includes("?") || !isTarget(edit.val)) {
        throw new BadOutput(`\`${edit.val}\` is no path`);
      }
      event.path = edit.val;
      break;
    case "set-query":
      if (edit.val !== undefined && !isTarget(edit.val)) throw new BadOutput(`\`${edit.val}\` is no query`);
      event.query = edit.val;
      break;
    case "replace-body":
      event.body = edit.val;
      break;
    case "json-set":
      event.body = edited(event.body, (json) => {
        const [pointer, value] = edit.val;
        try {
          JSON.parse(value);
        } catch (error) {
          throw new BadOutput(`the value for \`${pointer}\` is not JSON: ${/** @type {Error} */ (error).message}`);
        }
        return document.set(json, pointer, value);
      });
      break;
    case "json-remove":
      event.body = edited(event.body, (json) => document.remove(json, edit.val));
      break;
    case "choose": {
      if (inDestination) throw new BadOutput("a filter of a destination cannot choose another");
      const unknown = edit.val.find((name) => destinations.length > 0 && !destinations.includes(name));
      if (unknown !== undefined) throw new BadOutput(`\`${unknown}\` is not one of the route's destinations`);
      if (edit.val.length === 0) throw new BadOutput("no destination is chosen");
      event.destinations = edit.val;
      break;
    }
    default:
      throw new BadOutput(`there is no edit \`${edit.tag}\``);
  }
}

/**
 * @param {Uint8Array} body
 * @param {(json: string) => string} edit
 */
function edited(body, edit) {
  const json = text(body);
  if (json === undefined) throw new BadOutput("the body is not JSON: it is not UTF-8");
  try {
    return new TextEncoder().encode(edit(json));
  } catch (error) {
    if (error instanceof document.Fault) throw new BadOutput(error.message);
    throw error;
  }
}

/**
 * @param {number} status
 * @param {number} least
 * @param {Header[]} headers
 */
function checkAnswer(status, least, headers) {
  if (status < least || status > 599) throw new BadOutput(`status ${status} is not from ${least} to 599`);
  headers.forEach(checkHeader);
}

/** @param {Header} header */
function checkHeader([name, value]) {
  checkName(name);
  const wrong = value.find((byte) => byte === 127 || (byte < 32 && byte !== 9));
  if (wrong !== undefined) throw new BadOutput(`the value of header \`${name}\` holds byte ${wrong}`);
}

/** @param {string} name */
function checkName(name) {
  if (!TOKEN.test(name)) throw new BadOutput(`\`${name}\` is no name of a header`);
  const lower = name.toLowerCase();
  if (OF_THE_HOST.has(lower) || lower.startsWith("x-forwarded-")) throw new BadOutput(`\`${name}\` is set by the host alone`);
}

/** @param {string} written */
function isTarget(written) {
  return TARGET.test(written) && !/[#<>]/.test(written);
}
