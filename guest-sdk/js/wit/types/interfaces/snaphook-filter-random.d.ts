/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/random@0.1.0' {
  /**
   * At most 65536 bytes a call, from a generator seeded anew for each call of the filter.
   */
  export function bytes(len: number): Uint8Array;
  export type CallError = import('snaphook:filter/types@0.1.0').CallError;
}
