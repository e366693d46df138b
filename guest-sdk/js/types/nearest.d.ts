/**
 * The known name that takes the fewest letters to be added, left out or replaced; undefined if that would be more than half
 * of them. Case does not count.
 *
 * @param {string} name
 * @param {readonly string[]} known
 * @returns {string | undefined}
 */
export function nearest(name: string, known: readonly string[]): string | undefined;
