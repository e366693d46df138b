/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/secrets@0.1.0' {
  /**
   * The newest value.
   */
  export function reveal(name: string): Uint8Array;
  export type CallError = import('snaphook:filter/types@0.1.0').CallError;
}
