/**
 * As it was written: JSON, `{}` if none was.
 *
 * @returns {string}
 */
export function raw(): string;
