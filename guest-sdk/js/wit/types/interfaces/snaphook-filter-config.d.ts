declare module 'snaphook:filter/config@0.1.0' {
  /**
   * The attachment's configuration, JSON, as it was written.
   */
  export function raw(): string;
  /**
   * What `configure` returned for it.
   */
  export function prepared(): Uint8Array;
}
