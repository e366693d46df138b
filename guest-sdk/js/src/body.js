// The body, which stays in the host's memory until a filter asks for some of it.

import { bytes, own, text, whole, U32 } from "./bytes.js";
import { CallError, Refusal } from "./error.js";
import { call } from "./host.js";

/**
 * @template T
 * @typedef {import("./schema.js").Schema<T>} Schema
 */

/**
 * @typedef {"sha1" | "sha256" | "sha512"} Hash A hash that the host computes.
 * @typedef {import("./hmac.js").Algorithm} Algorithm
 */

/** What the host takes in one call of `json-each`. */
const POINTERS_MOST = 64;
const EACH_BYTES_MOST = 4 << 20;

/** A handle to the body: nothing is copied until a method asks for it. Good for the call that it was made in. */
export class Body {
  /** @type {import("./host.js").RawBody} */
  #raw;
  /** @type {Body | undefined} */
  #original;

  /** @internal @param {import("./host.js").RawBody} raw */
  constructor(raw) {
    this.#raw = raw;
  }

  /**
   * @internal
   * @param {Body} body
   */
  static raw(body) {
    return body.#raw;
  }

  /**
   * Gives back what was taken from the host on the way. An instance may serve many events: waiting for the garbage
   * collector would pile handles up.
   *
   * @internal
   * @param {Body} body
   */
  static release(body) {
    if (body.#original !== undefined) {
      Body.release(body.#original);
      body.#original.#raw[Symbol.dispose]();
      body.#original = undefined;
    }
  }

  /** Bytes. */
  get length() {
    return Number(call(() => this.#raw.len()));
  }

  get isEmpty() {
    return this.length === 0;
  }

  /**
   * At most `max` bytes from `offset` on; fewer at the end, none past it.
   *
   * @param {number} offset
   * @param {number} max At most 4 294 967 295.
   * @returns {Uint8Array}
   */
  read(offset, max) {
    const from = BigInt(whole(offset, Number.MAX_SAFE_INTEGER, "the offset"));
    return own(call(() => this.#raw.read(from, whole(max, U32, "the number of bytes"))));
  }

  /**
   * The whole body.
   *
   * @returns {Uint8Array}
   */
  bytes() {
    return own(call(() => this.#raw.readAll()));
  }

  /**
   * The whole body as text.
   *
   * @returns {string}
   * @throws {Refusal} With 400 if it is not UTF-8.
   */
  text() {
    const found = text(this.bytes());
    if (found === undefined) throw new Refusal(400, "the body is not text: it is not UTF-8");
    return found;
  }

  /**
   * The whole body, parsed in the filter. To look at a few values of a large body, `pointer` is quicker: there the host
   * parses, once for the whole chain.
   *
   * @template [T=any]
   * @param {Schema<T>} [schema] What it must look like. Without one it comes as the sender wrote it: nothing checks its form.
   * @returns {T}
   * @throws {Refusal} With 400 if it is not JSON of this form.
   */
  json(schema) {
    return parsed(this.text(), "the body", schema);
  }

  /**
   * The value at a JSON pointer (RFC 6901), parsed in the filter; undefined if the pointer leads nowhere.
   *
   * @template [T=any]
   * @param {string} pointer
   * @param {Schema<T>} [schema] What it must look like.
   * @returns {T | undefined}
   * @throws {Refusal} With 400 if the body is not JSON or the value not of this form, or the pointer is none.
   */
  jsonAt(pointer, schema) {
    let found;
    try {
      found = this.jsonText(pointer);
    } catch (error) {
      if (error instanceof CallError) throw new Refusal(400, error.message);
      throw error;
    }
    return found === undefined ? undefined : parsed(found, pointer, schema);
  }

  /**
   * The string at a JSON pointer (RFC 6901), decoded; or the number, `true` or `false` there as its text. Undefined for
   * everything else: a pointer that leads nowhere, `null`, objects, arrays, a body that is not JSON.
   *
   * @param {string} pointer
   * @returns {string | undefined}
   */
  pointer(pointer) {
    try {
      return call(() => this.#raw.text(pointer)) ?? undefined;
    } catch (error) {
      if (error instanceof CallError) return undefined;
      throw error;
    }
  }

  /**
   * The JSON text at a pointer (empty for the whole), exactly as it stands in the body; undefined if it leads nowhere.
   *
   * @param {string} pointer
   * @returns {string | undefined}
   * @throws {CallError} `invalid` if the body is not JSON or the pointer is none.
   */
  jsonText(pointer) {
    return call(() => this.#raw.json(pointer)) ?? undefined;
  }

  /**
   * Like `jsonText` for each of these pointers, in their order. The host is asked for as many at a time as it takes,
   * which is 64 unless the body is long.
   *
   * @param {readonly string[]} pointers
   * @returns {(string | undefined)[]}
   * @throws {CallError} As `jsonText`; the first pointer that is none fails the call.
   */
  jsonTexts(pointers) {
    const most = Math.floor(EACH_BYTES_MOST / Math.max(this.length, 1));
    const step = Math.min(Math.max(most, 1), POINTERS_MOST);
    /** @type {(string | undefined)[]} */
    const found = [];
    for (let at = 0; at < pointers.length; at += step) {
      const some = call(() => this.#raw.jsonEach(pointers.slice(at, at + step)));
      for (const text of some) found.push(text ?? undefined);
    }
    return found;
  }

  /**
   * The hash of the whole body, computed by the host.
   *
   * @param {Hash} hash
   * @returns {Uint8Array}
   */
  digest(hash) {
    return own(call(() => this.#raw.digest(hash)));
  }

  /**
   * Whether `signature` is the MAC of the whole body under any valid value of a granted secret, in constant time.
   *
   * @param {string} secret
   * @param {Algorithm} algorithm
   * @param {Uint8Array} signature
   * @returns {boolean}
   * @throws {CallError} `denied` without a grant of the secret.
   */
  macVerify(secret, algorithm, signature) {
    return call(() => this.#raw.macVerify(secret, algorithm, bytes(signature, "the signature")));
  }

  /**
   * The body as it was received, whatever earlier filters made of it. Signatures are checked over this one.
   *
   * @returns {Body}
   */
  original() {
    this.#original ??= new Body(call(() => this.#raw.original()));
    return this.#original;
  }
}

/**
 * @template T
 * @param {string} json
 * @param {string} what
 * @param {Schema<T> | undefined} schema
 * @returns {T}
 */
function parsed(json, what, schema) {
  try {
    const value = JSON.parse(json);
    return schema === undefined ? value : schema.read(value);
  } catch (error) {
    throw new Refusal(400, `${what} is not as expected: ${/** @type {Error} */ (error).message}`);
  }
}
