// Public keys and certificates that others publish: fetched by the host, and kept there. Only from URLs whose beginning the
// attachment grants; say so with `keys: ["https://…"]` in `filter`.

import { kind, own, whole, U32 } from "./bytes.js";
import { call } from "./host.js";

/**
 * A piece of what is sent: a string as it is, or the newest value of a granted secret, which goes nowhere but to granted
 * URLs: as it is, as a JSON string with its quotes, or in base64.
 *
 * @typedef {string | { secret: string } | { secretJson: string } | { secretBase64: string }} Piece
 */

/** @typedef {Piece | readonly Piece[]} Text A piece, or several that the host joins: `["Basic ", { secretBase64: "api" }]`. */

/**
 * @typedef {object} Options
 * @property {Readonly<Record<string, Text>>} [headers]
 * @property {Text} [body] Sent by POST; without one it is a GET.
 * @property {number} [keepSeconds] How long the answer is kept if it does not say itself, between a minute and a day; an hour
 *   unless another is given.
 */

/** @typedef {import("snaphook:filter/keys@0.1.0").Text} Raw */

/** How the host calls the pieces. */
const TAGS = /** @type {const} */ ({ secret: "secret", secretJson: "secret-json", secretBase64: "secret-base64" });

/**
 * The body of a 200 answer, at most 256 KiB: from the host's memory, or fetched now.
 *
 * ```js
 * const certificate = keys.fetch("https://id.example.com/certificate.pem");
 * if (!crypto.signatureVerify(certificate, "rsa-pkcs1-sha256", [event.body.original()], signature)) refuse(401, "not signed by it");
 * ```
 *
 * @param {string} url
 * @param {Options} [options]
 * @returns {Uint8Array}
 * @throws {import("./error.js").CallError} `denied` without a grant for the URL, or for a secret; `unavailable` if it cannot
 *   be had: what was kept too long is never used; `invalid` if what is sent is too much: 2048 bytes of URL, 16 headers, 16 KiB
 *   of body.
 */
export function fetch(url, { headers = {}, body, keepSeconds = 3_600 } = {}) {
  const request = {
    url,
    headers: Object.entries(headers).map(([name, value]) => header(name, value)),
    body: body === undefined ? undefined : lowered(body, "the body"),
    keepSeconds: whole(keepSeconds, U32, "`keepSeconds`"),
  };
  return own(call((host) => host.keys.fetch(request)));
}

/**
 * @param {string} name
 * @param {Text} value
 * @returns {[string, Raw[]]}
 */
function header(name, value) {
  return [name, lowered(value, `the value of header \`${name}\``)];
}

/**
 * @param {Text} text
 * @param {string} what For the error.
 * @returns {Raw[]}
 */
function lowered(text, what) {
  return (Array.isArray(text) ? text : [text]).map((piece) => {
    if (typeof piece === "string") return { tag: "literal", val: piece };
    for (const name of /** @type {(keyof typeof TAGS)[]} */ (Object.keys(TAGS))) {
      if (typeof piece?.[name] === "string") return { tag: TAGS[name], val: piece[name] };
    }
    throw new TypeError(`${what} is ${kind(piece)}, not a string or a secret: \`{ secret: NAME }\``);
  });
}
