// JSON pointers (RFC 6901) on the text of a body: what is read and what is left alone stays exactly as it stands.

/**
 * Where a value stands in a text.
 *
 * @typedef {object} Span
 * @property {number} start
 * @property {number} end
 *
 * @typedef {object} Member
 * @property {string | number} key
 * @property {number} start Where the member begins: with its name, if it has one.
 * @property {Span} value
 */

/** Why a document cannot be read or changed as asked. */
export class Fault extends Error {}

/**
 * The text at a pointer, exactly as it stands there.
 *
 * @param {string} text
 * @param {string} pointer
 * @returns {string | undefined}
 */
export function at(text, pointer) {
  const tokens = tokensOf(pointer);
  check(text);
  /** @type {Span | undefined} */
  let span = root(text);
  for (const token of tokens) {
    span = child(text, span, token)?.value;
    if (span === undefined) return undefined;
  }
  return text.slice(span.start, span.end);
}

/**
 * What `body.text` says of a JSON text: strings decoded, numbers and booleans as they stand.
 *
 * @param {string} json
 * @returns {string | undefined}
 */
export function plain(json) {
  if (json.startsWith('"')) return JSON.parse(json);
  return /^[{[n]/.test(json) ? undefined : json;
}

/**
 * The text with a value set or added; missing parent objects are made, `-` appends to an array.
 *
 * @param {string} text
 * @param {string} pointer
 * @param {string} value JSON.
 * @returns {string}
 */
export function set(text, pointer, value) {
  const tokens = tokensOf(pointer);
  check(text);
  let span = root(text);
  for (const [index, token] of tokens.entries()) {
    const found = child(text, span, token);
    if (found !== undefined) {
      span = found.value;
      continue;
    }
    const inside = members(text, span);
    if (inside === undefined) throw new Fault(`\`${pointer}\` leads into a value that is neither object nor array`);
    const added = below(tokens.slice(index + 1), pointer, value);
    if (text[span.start] === "{") return insert(text, span, inside, `${JSON.stringify(token)}:${added}`);
    if (token !== "-" && indexOf(token) !== inside.length) throw new Fault(`\`${pointer}\` leads past the end of an array`);
    return insert(text, span, inside, added);
  }
  return text.slice(0, span.start) + value + text.slice(span.end);
}

/**
 * The text without a value, if it is there.
 *
 * @param {string} text
 * @param {string} pointer
 * @returns {string}
 */
export function remove(text, pointer) {
  const tokens = tokensOf(pointer);
  const last = tokens.pop();
  if (last === undefined) throw new Fault("the whole body cannot be removed");
  check(text);
  let span = root(text);
  for (const token of tokens) {
    const found = child(text, span, token);
    if (found === undefined) return text;
    span = found.value;
  }
  const inside = members(text, span) ?? [];
  const found = child(text, span, last);
  if (found === undefined) return text;
  const place = inside.findIndex(({ start }) => start === found.start);
  const [before, after] = [inside[place - 1], inside[place + 1]];
  // With the comma that stood between it and its neighbour.
  if (after !== undefined) return text.slice(0, found.start) + text.slice(after.start);
  return text.slice(0, before?.value.end ?? found.start) + text.slice(found.value.end);
}

/**
 * @param {string} text
 * @param {Span} container
 * @param {Member[]} inside
 * @param {string} added
 */
function insert(text, container, inside, added) {
  const last = inside.at(-1);
  const place = last?.value.end ?? container.start + 1;
  return `${text.slice(0, place)}${last === undefined ? "" : ","}${added}${text.slice(place)}`;
}

/**
 * The value inside of new objects, one for each token that leads to it.
 *
 * @param {string[]} tokens
 * @param {string} pointer
 * @param {string} value
 */
function below(tokens, pointer, value) {
  return tokens.reduceRight((inner, token) => {
    if (token === "-") throw new Fault(`\`${pointer}\` appends to an array that is not there`);
    return `{${JSON.stringify(token)}:${inner}}`;
  }, value);
}

/** @param {string} text */
function check(text) {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Fault(`not JSON: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} pointer */
function tokensOf(pointer) {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new Fault(`\`${pointer}\` is no JSON pointer, which is empty or begins with \`/\``);
  return pointer.slice(1).split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** @param {string} token */
function indexOf(token) {
  return /^(0|[1-9][0-9]*)$/.test(token) ? Number(token) : undefined;
}

/**
 * @param {string} text
 * @returns {Span}
 */
function root(text) {
  const start = skip(text, 0);
  return { start, end: end(text, start) };
}

/**
 * @param {string} text
 * @param {Span} span
 * @param {string} token
 * @returns {Member | undefined}
 */
function child(text, span, token) {
  const key = text[span.start] === "[" ? indexOf(token) : token;
  // Of members of the same name the last one counts, as for `JSON.parse`.
  return key === undefined ? undefined : members(text, span)?.findLast((member) => member.key === key);
}

/**
 * What is in an object or array; undefined for any other value. The text is JSON.
 *
 * @param {string} text
 * @param {Span} span
 * @returns {Member[] | undefined}
 */
function members(text, span) {
  const open = text[span.start];
  if (open !== "{" && open !== "[") return undefined;
  /** @type {Member[]} */
  const found = [];
  let place = skip(text, span.start + 1);
  while (text[place] !== "}" && text[place] !== "]") {
    const start = place;
    /** @type {string | number} */
    let key = found.length;
    if (open === "{") {
      const name = end(text, place);
      key = /** @type {string} */ (JSON.parse(text.slice(place, name)));
      // Past the colon.
      place = skip(text, skip(text, name) + 1);
    }
    const value = { start: place, end: end(text, place) };
    found.push({ key, start, value });
    place = skip(text, value.end);
    if (text[place] === ",") place = skip(text, place + 1);
  }
  return found;
}

/**
 * @param {string} text
 * @param {number} place
 */
function skip(text, place) {
  while (/[ \t\n\r]/.test(text[place] ?? "")) place++;
  return place;
}

/**
 * Where the value that begins here ends. The text is JSON.
 *
 * @param {string} text
 * @param {number} start
 */
function end(text, start) {
  let depth = 0;
  let place = start;
  do {
    const letter = text[place];
    if (letter === '"') {
      place++;
      while (text[place] !== '"') place += text[place] === "\\" ? 2 : 1;
      place++;
    } else if (letter === "{" || letter === "[") {
      depth++;
      place++;
    } else if (letter === "}" || letter === "]") {
      depth--;
      place++;
    } else if (depth > 0) {
      place++;
    } else {
      while (/[-+.0-9a-zA-Z]/.test(text[place] ?? "")) place++;
    }
  } while (depth > 0);
  return place;
}
