/**
 * A JSON pointer (RFC 6901) of names and indexes as they are, escaped: `json.pointer(["files", "a/b~c", 0])` is
 * `/files/a~1b~0c/0`.
 *
 * @param {readonly (string | number)[]} tokens
 * @returns {string}
 */
export function pointer(tokens: readonly (string | number)[]): string;
