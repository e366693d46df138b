/// <reference path="./snaphook-filter-types.d.ts" />
declare module 'snaphook:filter/kv@0.1.0' {
  export function get(namespace: string, key: string): Uint8Array | undefined;
  /**
   * No time to live keeps the value until it is deleted.
   */
  export function set(namespace: string, key: string, value: Uint8Array, ttlSeconds: number | undefined): void;
  export { _delete as delete };
  function _delete(namespace: string, key: string): void;
  /**
   * Adds to a counter (a decimal number, 0 if not there) and returns what it is now. The time to live is set when the
   * counter is made.
   */
  export function increment(namespace: string, key: string, delta: bigint, ttlSeconds: number | undefined): bigint;
  /**
   * Sets the value if it is `expected` (none: not there) and says whether it did.
   */
  export function compareAndSwap(namespace: string, key: string, expected: Uint8Array | undefined, value: Uint8Array, ttlSeconds: number | undefined): boolean;
  /**
   * Reserves a key for this event. See `reservation`.
   */
  export function once(namespace: string, key: string, ttlSeconds: number): Reservation;
  export type CallError = import('snaphook:filter/types@0.1.0').CallError;
  /**
   * # Variants
   * 
   * ## `"first"`
   * 
   * The key is new and now reserved. It commits when the event is accepted (mode `forward`: when the destination
   * answered 2xx) and is released on any other outcome.
   * ## `"pending"`
   * 
   * Another event holds the key and is not decided yet.
   * ## `"known"`
   * 
   * The key is committed: an event with it was accepted within the time to live.
   */
  export type Reservation = 'first' | 'pending' | 'known';
}
