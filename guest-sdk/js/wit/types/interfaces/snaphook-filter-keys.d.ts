/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/keys@0.1.0' {
  /**
   * The body of a 200 answer, at most 256 KiB: from the host's memory, or fetched now. `denied` without a grant for the URL,
   * `unavailable` if it cannot be had; what was kept too long is never used.
   */
  export function fetch(request: Request): Uint8Array;
  export type CallError = import('snaphook:filter/types@0.1.0').CallError;
  /**
   * A piece of what is sent. Secrets are granted by name like those of `crypto`, and go nowhere but to granted URLs.
   */
  export type Text = TextLiteral | TextSecret | TextSecretJson | TextSecretBase64;
  export interface TextLiteral {
    tag: 'literal',
    val: string,
  }
  /**
   * The secret's newest value, as it is.
   */
  export interface TextSecret {
    tag: 'secret',
    val: string,
  }
  /**
   * As a JSON string, with its quotes.
   */
  export interface TextSecretJson {
    tag: 'secret-json',
    val: string,
  }
  /**
   * In base64.
   */
  export interface TextSecretBase64 {
    tag: 'secret-base64',
    val: string,
  }
  export interface Request {
    url: string,
    headers: Array<[string, Array<Text>]>,
    /**
     * Sent by POST; none for GET.
     */
    body?: Array<Text>,
    /**
     * How long the answer is kept if it does not say itself, seconds; between a minute and a day.
     */
    keepSeconds: number,
  }
}
