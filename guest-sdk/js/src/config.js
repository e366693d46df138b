// The attachment's configuration as the host keeps it. `handle` gets it read; this is for what does not fit there.

import { call } from "./host.js";

/**
 * As it was written: JSON, `{}` if none was.
 *
 * @returns {string}
 */
export function raw() {
  return call((host) => host.config.raw());
}
