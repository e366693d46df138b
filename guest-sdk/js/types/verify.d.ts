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
export function github(event: Event, secret: string): void;
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
export function hmacHex(event: Event, secret: string, algorithm: import("./hmac.js").Algorithm, header: string, prefix: string): undefined;
export type Event = import("./event.js").Event;
