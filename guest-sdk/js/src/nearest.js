// What somebody meant who misspelt a name.

/**
 * The known name that takes the fewest letters to be added, left out or replaced; undefined if that would be more than half
 * of them. Case does not count.
 *
 * @param {string} name
 * @param {readonly string[]} known
 * @returns {string | undefined}
 */
export function nearest(name, known) {
  const found = known.map((one) => ({ one, steps: distance(name.toLowerCase(), one.toLowerCase()) }));
  const [best] = found.sort((a, b) => a.steps - b.steps);
  return best !== undefined && best.steps <= name.length / 2 ? best.one : undefined;
}

/**
 * Levenshtein's: https://en.wikipedia.org/wiki/Levenshtein_distance
 *
 * @param {string} from
 * @param {string} to
 */
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [above, letter] of [...from].entries()) {
    const next = [above + 1];
    for (const [left, other] of [...to].entries()) {
      const replaced = (row[left] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[left + 1] ?? 0) + 1, (next[left] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
