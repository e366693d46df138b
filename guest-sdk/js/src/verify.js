// Is the event from who it says? Each function returns if it is, and throws a refusal with 401 that says why if not.

import { text } from "./bytes.js";
import { refuse } from "./error.js";
import * as hex from "./hex.js";
import { LENGTH } from "./hmac.js";

/** @typedef {import("./event.js").Event} Event */

/**
 * GitHub's signature: `X-Hub-Signature-256: sha256=HEX`, an HMAC-SHA256 of the body as it was received. Source:
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 *
 * @param {Event} event
 * @param {string} secret The name under which the attachment grants it; say so with `secrets: ["name"]` in `filter`.
 * @throws {import("./error.js").Refusal} With 401 if the header is missing, malformed, there twice, or not the body's.
 * @throws {import("./error.js").CallError} If the secret is not granted.
 */
export function github(event, secret) {
  hmacHex(event, secret, "hmac-sha256", "x-hub-signature-256", "sha256=");
}

/**
 * A header that holds a prefix (which may be empty) and the hexadecimal MAC of the body as it was received. Throws as
 * `github` does.
 *
 * @param {Event} event
 * @param {string} secret
 * @param {import("./hmac.js").Algorithm} algorithm
 * @param {string} header
 * @param {string} prefix
 */
export function hmacHex(event, secret, algorithm, header, prefix) {
  const values = event.headerValues(header);
  const value = values[0] ?? refuse(401, `header ${header} is missing`);
  if (values.length > 1) refuse(401, `header ${header} is there twice`);
  const written = text(value);
  const signature = written?.startsWith(prefix) ? hex.decode(written.slice(prefix.length)) : undefined;
  if (signature?.length !== LENGTH[algorithm]) return refuse(401, `header ${header} is malformed`);
  if (!event.body.original().macVerify(secret, algorithm, signature)) refuse(401, "signature does not match the body");
}
