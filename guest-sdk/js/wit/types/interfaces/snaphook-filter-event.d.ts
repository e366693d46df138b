/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/event@0.1.0' {
  /**
   * A name of 1 to 64 characters of `a-z 0-9 _ . -`, a value of up to 256 bytes.
   */
  export function setLabel(name: string, value: string): void;
  /**
   * Two accepted events of a route with the same key are one. 1 to 255 bytes.
   */
  export function setIdempotencyKey(key: string): void;
  /**
   * Events with the same key are delivered in the order in which they were accepted. 1 to 255 bytes.
   */
  export function setOrderKey(key: string): void;
  /**
   * Deliver not before this time, milliseconds since 1970-01-01T00:00:00Z.
   */
  export function setDeliverAfter(time: bigint): void;
  /**
   * What the sender is answered once the event is accepted, instead of the route's own acknowledgement.
   */
  export function setAnswer(status: number, headers: Array<Header>, body: Uint8Array): void;
  export type CallError = import('snaphook:filter/types@0.1.0').CallError;
  export type Header = import('snaphook:filter/types@0.1.0').Header;
}
