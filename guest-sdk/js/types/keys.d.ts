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
export function fetch(url: string, { headers, body, keepSeconds }?: Options): Uint8Array;
/**
 * A piece of what is sent: a string as it is, or the newest value of a granted secret, which goes nowhere but to granted
 * URLs: as it is, as a JSON string with its quotes, or in base64.
 */
export type Piece = string | {
    secret: string;
} | {
    secretJson: string;
} | {
    secretBase64: string;
};
/**
 * A piece, or several that the host joins: `["Basic ", { secretBase64: "api" }]`.
 */
export type Text = Piece | readonly Piece[];
export type Options = {
    headers?: Readonly<Record<string, Text>> | undefined;
    /**
     * Sent by POST; without one it is a GET.
     */
    body?: Text | undefined;
    /**
     * How long the answer is kept if it does not say itself, between a minute and a day; an hour
     * unless another is given.
     */
    keepSeconds?: number | undefined;
};
export type Raw = import("snaphook:filter/keys@0.1.0").Text;
