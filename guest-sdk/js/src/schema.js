// What JSON looks like. One declaration of a filter's configuration gives the type of `config` in `handle`, the check with
// its message when the configuration is attached, and the JSON Schema in the module's manifest. `event.body.json(…)` takes
// one as well.

import { kind } from "./bytes.js";

/**
 * The type that a schema reads.
 *
 * @template S
 * @typedef {S extends Schema<infer T> ? T : never} Infer
 */

/** @typedef {{ [keyword: string]: unknown }} JsonSchema */

/** What is wrong with a value, and where. */
export class Fault extends Error {
  /**
   * @param {string} place `rules[2].to`; empty for the whole.
   * @param {string} problem
   */
  constructor(place, problem) {
    super(place === "" ? problem : `${place}: ${problem}`);
    this.name = "Fault";
  }
}

/**
 * Reads a value of JSON as one of type `T`. Made by the functions below; never changed, so that one may stand in several
 * places.
 *
 * @template T
 */
export class Schema {
  /** @type {(value: unknown, place: string) => T} */
  #read;
  /** @type {JsonSchema} */
  #json;
  /** @type {(() => T) | undefined} */
  #absent;

  /**
   * @internal
   * @param {(value: unknown, place: string) => T} read
   * @param {JsonSchema} json
   * @param {() => T} [absent]
   */
  constructor(read, json, absent) {
    this.#read = read;
    this.#json = json;
    this.#absent = absent;
  }

  /**
   * The value, with what was left out put in.
   *
   * @param {unknown} value
   * @param {string} [place]
   * @returns {T}
   * @throws {Fault}
   */
  read(value, place = "") {
    return this.#read(value, place);
  }

  /**
   * As JSON Schema (2020-12).
   *
   * @returns {JsonSchema}
   */
  get json() {
    return this.#json;
  }

  /**
   * What stands for it where it is left out of an object; undefined if it must be there.
   *
   * @internal
   * @returns {(() => T) | undefined}
   */
  get absent() {
    return this.#absent;
  }

  /**
   * May be `null`.
   *
   * @returns {Schema<T | null>}
   */
  nullable() {
    const read = this.#read;
    const orNull = (/** @type {unknown} */ value, /** @type {string} */ place) => (value === null ? null : read(value, place));
    return new Schema(orNull, { anyOf: [this.#json, { type: "null" }] }, this.#absent);
  }

  /**
   * May be left out of an object, and is undefined then.
   *
   * @returns {Schema<T | undefined>}
   */
  optional() {
    return new Schema(/** @type {(value: unknown, place: string) => T | undefined} */ (this.#read), this.#json, () => undefined);
  }

  /**
   * May be left out of an object, and is this value then.
   *
   * @param {T} value
   * @returns {Schema<T>}
   */
  default(value) {
    const text = JSON.stringify(value);
    return new Schema(this.#read, { ...this.#json, default: JSON.parse(text) }, () => JSON.parse(text));
  }

  /**
   * Says what it is for.
   *
   * @param {string} description
   * @returns {Schema<T>}
   */
  describe(description) {
    return new Schema(this.#read, { description, ...this.#json }, this.#absent);
  }
}

/**
 * A string.
 *
 * @param {{ pattern?: RegExp, minLength?: number, maxLength?: number }} [limits] Lengths in characters. The pattern is found
 *   anywhere in the string, unless it begins with `^` and ends with `$`; it is written without flags.
 * @returns {Schema<string>}
 */
export function string(limits = {}) {
  const { pattern, minLength, maxLength } = limits;
  if (pattern !== undefined && pattern.flags !== "") throw new TypeError("a pattern of a schema has no flags");
  return new Schema((value, place) => {
    if (typeof value !== "string") throw new Fault(place, `${kind(value)}, expected a string`);
    const length = minLength === undefined && maxLength === undefined ? 0 : Array.from(value).length;
    if (minLength !== undefined && length < minLength) {
      throw new Fault(place, value === "" ? "is empty" : `has ${length} characters, at least ${minLength} are needed`);
    }
    if (maxLength !== undefined && length > maxLength) {
      throw new Fault(place, `has ${length} characters, at most ${maxLength} are allowed`);
    }
    if (pattern !== undefined && !pattern.test(value)) {
      throw new Fault(place, `\`${value}\` does not look like \`${pattern.source}\``);
    }
    return value;
  }, only({ type: "string", pattern: pattern?.source, minLength, maxLength }));
}

/**
 * A number.
 *
 * @param {{ min?: number, max?: number }} [limits]
 * @returns {Schema<number>}
 */
export function number(limits = {}) {
  return new Schema((value, place) => within(value, place, limits), only({ type: "number", minimum: limits.min, maximum: limits.max }));
}

/**
 * A whole number that JavaScript holds exactly.
 *
 * @param {{ min?: number, max?: number }} [limits]
 * @returns {Schema<number>}
 */
export function integer(limits = {}) {
  const least = limits.min ?? Number.MIN_SAFE_INTEGER;
  const most = limits.max ?? Number.MAX_SAFE_INTEGER;
  return new Schema((value, place) => {
    const number = within(value, place, { min: least, max: most });
    if (!Number.isInteger(number)) throw new Fault(place, `${number}, expected a whole number`);
    return number;
  }, { type: "integer", minimum: least, maximum: most });
}

/**
 * `true` or `false`.
 *
 * @returns {Schema<boolean>}
 */
export function boolean() {
  return new Schema((value, place) => {
    if (typeof value !== "boolean") throw new Fault(place, `${kind(value)}, expected \`true\` or \`false\``);
    return value;
  }, { type: "boolean" });
}

/**
 * One of these strings.
 *
 * @template {string} const S
 * @param {readonly S[]} values
 * @returns {Schema<S>}
 */
export function choice(values) {
  const expected = listed(values);
  return new Schema((value, place) => {
    const known = values.find((one) => one === value);
    if (known === undefined) throw new Fault(place, `${typeof value === "string" ? `\`${value}\`` : kind(value)}, expected ${expected}`);
    return known;
  }, { enum: [...values] });
}

/**
 * A list.
 *
 * @template T
 * @param {Schema<T>} element
 * @param {{ min?: number, max?: number }} [limits] How many elements.
 * @returns {Schema<T[]>}
 */
export function array(element, limits = {}) {
  return new Schema((value, place) => {
    if (!Array.isArray(value)) throw new Fault(place, `${kind(value)}, expected an array`);
    if (limits.min !== undefined && value.length < limits.min) throw new Fault(place, `has ${value.length} elements, at least ${limits.min} are needed`);
    if (limits.max !== undefined && value.length > limits.max) throw new Fault(place, `has ${value.length} elements, at most ${limits.max} are allowed`);
    return value.map((one, index) => element.read(one, `${place}[${index}]`));
  }, only({ type: "array", items: element.json, minItems: limits.min, maxItems: limits.max }));
}

/**
 * An object of any member names, whose values are all of one kind.
 *
 * @template T
 * @param {Schema<T>} value
 * @returns {Schema<Record<string, T>>}
 */
export function record(value) {
  return new Schema((whole, place) => {
    const members = Object.entries(membersOf(whole, place)).map(([name, one]) => [name, value.read(one, below(place, name))]);
    return Object.fromEntries(members);
  }, { type: "object", additionalProperties: value.json });
}

/**
 * An object of these members and no others: a misspelt name is refused.
 *
 * @template {Record<string, Schema<any>>} M
 * @param {M} members
 * @returns {Schema<{ [K in keyof M]: Infer<M[K]> }>}
 */
export function object(members) {
  return structure(members, true);
}

/**
 * An object of which only these members are read; others are left out. For what somebody else sends, who may add to it.
 *
 * @template {Record<string, Schema<any>>} M
 * @param {M} members
 * @returns {Schema<{ [K in keyof M]: Infer<M[K]> }>}
 */
export function part(members) {
  return structure(members, false);
}

/**
 * @template {Record<string, Schema<any>>} M
 * @param {M} members
 * @param {boolean} whole Whether there may be no others.
 * @returns {Schema<{ [K in keyof M]: Infer<M[K]> }>}
 */
function structure(members, whole) {
  const names = Object.keys(members);
  const required = names.filter((name) => members[name]?.absent === undefined);
  const read = (/** @type {unknown} */ value, /** @type {string} */ place) => {
    const given = membersOf(value, place);
    for (const name of whole ? Object.keys(given) : []) {
      if (!Object.hasOwn(members, name)) throw new Fault(below(place, name), `unknown field \`${name}\`, expected ${listed(names)}`);
    }
    const known = Object.entries(members).map(([name, member]) => {
      if (Object.hasOwn(given, name)) return [name, member.read(given[name], below(place, name))];
      if (member.absent === undefined) throw new Fault(place, `missing field \`${name}\``);
      return [name, member.absent()];
    });
    return Object.fromEntries(known);
  };
  const properties = Object.fromEntries(Object.entries(members).map(([name, member]) => [name, member.json]));
  return new Schema(read, only({
    type: "object",
    additionalProperties: whole ? false : undefined,
    properties,
    required: required.length === 0 ? undefined : required,
  }));
}

/**
 * Any JSON.
 *
 * @returns {Schema<unknown>}
 */
export function any() {
  return new Schema((value) => value, {});
}

/**
 * @param {unknown} value
 * @param {string} place
 * @returns {Record<string, unknown>}
 */
function membersOf(value, place) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Fault(place, `${kind(value)}, expected an object`);
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * @param {unknown} value
 * @param {string} place
 * @param {{ min?: number, max?: number }} limits
 */
function within(value, place, { min, max }) {
  if (typeof value !== "number") throw new Fault(place, `${kind(value)}, expected a number`);
  if (min !== undefined && value < min) throw new Fault(place, `${value} is less than ${min}`);
  if (max !== undefined && value > max) throw new Fault(place, `${value} is more than ${max}`);
  return value;
}

/**
 * @param {string} place
 * @param {string} name
 */
function below(place, name) {
  return place === "" ? name : `${place}.${name}`;
}

/** @param {readonly string[]} names */
function listed(names) {
  const quoted = names.map((name) => `\`${name}\``);
  if (quoted.length === 0) return "none";
  return quoted.length < 3 ? quoted.join(" or ") : `one of ${quoted.join(", ")}`;
}

/**
 * Without what is undefined.
 *
 * @param {JsonSchema} json
 * @returns {JsonSchema}
 */
function only(json) {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
}
