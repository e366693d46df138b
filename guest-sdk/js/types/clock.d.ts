/**
 * Milliseconds since 1970-01-01T00:00:00Z. Stands still during one call, so that it measures nothing and a run can be
 * repeated. In the component, `Date.now()` says the same; in tests it does not.
 *
 * @returns {number}
 */
export function nowMs(): number;
