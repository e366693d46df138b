/// <reference path="./snaphook-filter-body.d.ts" />
/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/handler@0.1.0' {
  /**
   * Judges one event. The error arm is failure class `failed`, its text goes to the log.
   */
  export function handle(head: Head, body: Body): Verdict;
  /**
   * Checks a configuration (JSON, `{}` if none was written) when it is attached, under the same limits. The bytes
   * returned are kept with the attachment, and every instance reads them by `config.prepared`. The error says what is
   * wrong with the configuration, for its author. Nothing else that `configure` does survives, and only `log`,
   * `clock` and `random` work while it runs: everything else is denied.
   */
  export function configure(config: string): Uint8Array;
  export type Head = import('snaphook:filter/types@0.1.0').Head;
  export type Verdict = import('snaphook:filter/types@0.1.0').Verdict;
  export type Body = import('snaphook:filter/body@0.1.0').Body;
}
