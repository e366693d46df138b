declare module 'snaphook:filter/log@0.1.0' {
  /**
   * One line of the filter's log, kept with the event's record. Lines and bytes per call are limited; past the limit
   * lines are counted and left out.
   */
  export function log(level: Level, message: string): void;
  /**
   * # Variants
   * 
   * ## `"trace"`
   * 
   * ## `"debug"`
   * 
   * ## `"info"`
   * 
   * ## `"warn"`
   * 
   * ## `"error"`
   */
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
}
