declare module 'snaphook:filter/clock@0.1.0' {
  /**
   * Milliseconds since 1970-01-01T00:00:00Z. Stands still during one call, so that it measures nothing and a run can
   * be repeated.
   */
  export function now(): bigint;
}
