// The host's part on the author's machine.

import { text } from "../bytes.js";
import * as crypto from "./crypto.js";
import * as document from "./document.js";
import { refused } from "./refused.js";

/**
 * @typedef {import("../host.js").Host} Host
 * @typedef {import("../host.js").RawBody} RawBody
 * @typedef {import("../error.js").Header} Header
 * @typedef {import("snaphook:filter/crypto@0.1.0").Part} Part
 * @typedef {import("snaphook:filter/crypto@0.1.0").PublicKey} PublicKey
 * @typedef {import("snaphook:filter/keys@0.1.0").Request} Request
 *
 * @typedef {object} Reserved
 * @property {string} place Namespace and key.
 * @property {number} expires
 */

/** Of a body. */
const HASHES = ["sha1", "sha256", "sha512"];

/** What one call left behind beside its verdict. */
export class Said {
  /** @type {{ level: import("../log.js").Level, message: string }[]} */
  logs = [];
  /** @type {string[]} */
  denied = [];
  /** @type {Map<string, string>} */
  labels = new Map();
  /** @type {string | undefined} */
  idempotencyKey;
  /** @type {string | undefined} */
  orderKey;
  /** @type {number | undefined} */
  deliverAfter;
  /** @type {{ status: number, headers: Header[], body: Uint8Array } | undefined} */
  answer;
  /**
   * Reserved by this event, and when they expire once they are committed.
   *
   * @type {Reserved[]}
   */
  reserved = [];
}

/** What one attachment has, as the functions that a filter imports. */
export class FakeHost {
  /** While `configure` runs, only log, clock and random work. */
  configuring = false;
  configText = "{}";
  prepared = "";
  now = 1_790_000_000_000;
  /** What the random numbers of the call begin with. */
  seed = 0n;
  /**
   * Valid values, the newest first.
   *
   * @type {Map<string, Uint8Array[]>}
   */
  secretValues = new Map();
  /** @type {Map<string, Uint8Array>} */
  revealed = new Map();
  /**
   * What is fetched, by its URL.
   *
   * @type {Map<string, Uint8Array>}
   */
  documents = new Map();
  /** @type {Set<string>} */
  namespaces = new Set();
  /** @type {Map<string, { value: Uint8Array, expires: number | undefined }>} */
  values = new Map();
  /**
   * Committed keys and when they expire.
   *
   * @type {Map<string, number>}
   */
  known = new Map();
  /**
   * Keys that another event holds.
   *
   * @type {Set<string>}
   */
  held = new Set();
  /**
   * The event's headers, as the filter was given them.
   *
   * @type {Header[]}
   */
  headers = [];
  said = new Said();

  /** @returns {Host} */
  imports() {
    return {
      log: { log: (level, message) => void this.said.logs.push({ level, message }) },
      config: { raw: () => this.configText, prepared: () => new TextEncoder().encode(this.prepared) },
      clock: { now: () => BigInt(this.now) },
      random: { bytes: (length) => this.#random(length) },
      event: {
        setLabel: (name, value) => this.#setLabel(name, value),
        setIdempotencyKey: (key) => void (this.#event().idempotencyKey = eventKey(key)),
        setOrderKey: (key) => void (this.#event().orderKey = eventKey(key)),
        setDeliverAfter: (time) => void (this.#event().deliverAfter = Number(time)),
        setAnswer: (status, headers, body) => void (this.#event().answer = { status, headers, body }),
      },
      crypto: {
        macVerify: (secret, algorithm, parts, signature) => this.macVerify(secret, algorithm, this.#joined(parts), signature),
        macSign: (secret, algorithm, parts) => crypto.mac(algorithm, this.#secret(secret)[0], this.#joined(parts)),
        keyVerify: (key, algorithm, parts, signature) => {
          const made = this.#secret(key.secret).map((value) => crypto.made(value, key, algorithm, parts, this.headers));
          return made.some((right) => crypto.same(right, signature));
        },
        keySign: (key, algorithm, parts) => crypto.made(this.#secret(key.secret)[0], key, algorithm, parts, this.headers),
        digest: (algorithm, parts) => (this.#handling("crypto"), crypto.hash(algorithm, this.#joined(parts))),
        tokenEqual: (secret, token) => this.#secret(secret).some((value) => crypto.same(value, token)),
        signatureVerify: (key, algorithm, parts, signature) => {
          const message = (this.#handling("crypto"), this.#joined(parts));
          return this.#publicKeys(key).some((bytes) => crypto.signed(algorithm, bytes, message, signature));
        },
      },
      keys: { fetch: (request) => this.#fetch(request) },
      secrets: { reveal: (name) => this.#reveal(name) },
      kv: {
        get: (namespace, key) => this.#value(this.#place(namespace, key)),
        set: (namespace, key, value, ttl) => this.#store(this.#place(namespace, key, ttl), value, ttl),
        delete: (namespace, key) => void this.values.delete(this.#place(namespace, key)),
        increment: (namespace, key, delta, ttl) => this.#increment(this.#place(namespace, key, ttl), key, delta, ttl),
        compareAndSwap: (namespace, key, expected, value, ttl) => {
          const place = this.#place(namespace, key, ttl);
          const there = this.#value(place);
          const same = there === undefined || expected === undefined ? there === expected : Buffer.compare(there, expected) === 0;
          if (same) this.#store(place, value, ttl);
          return same;
        },
        once: (namespace, key, ttl) => this.#once(this.#place(namespace, key, ttl), ttl),
      },
    };
  }

  /**
   * @param {string} secret
   * @param {string} algorithm
   * @param {Uint8Array} message
   * @param {Uint8Array} signature
   */
  macVerify(secret, algorithm, message, signature) {
    return this.#secret(secret).some((value) => crypto.same(crypto.mac(algorithm, value, message), signature));
  }

  /** @param {string} name */
  #deny(name) {
    this.said.denied.push(name);
    return refused("denied", name);
  }

  /** What is said about the event; there is none while a configuration is checked. */
  #event() {
    this.#handling("event");
    return this.said;
  }

  /**
   * Nothing of this works while a configuration is checked.
   *
   * @param {string} what
   */
  #handling(what) {
    if (this.configuring) throw this.#deny(what);
  }

  /**
   * @param {string} name
   * @returns {[Uint8Array, ...Uint8Array[]]}
   */
  #secret(name) {
    const [newest, ...older] = this.configuring ? [] : (this.secretValues.get(name) ?? []);
    if (newest === undefined) throw this.#deny(`secrets.${name}`);
    return [newest, ...older];
  }

  /** @param {string} name */
  #reveal(name) {
    const value = this.configuring ? undefined : this.revealed.get(name);
    if (value === undefined) throw this.#deny(`reveal.${name}`);
    return value;
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #setLabel(name, value) {
    if (!/^[a-z0-9_.-]{1,64}$/.test(name)) {
      throw refused("invalid", `\`${name}\` is no label, which has 1 to 64 characters of a-z 0-9 _ . -`);
    }
    const length = Buffer.byteLength(value);
    if (length > 256) throw refused("invalid", `the value of a label has at most 256 bytes, not ${length}`);
    const { labels } = this.#event();
    labels.delete(name);
    labels.set(name, value);
  }

  /** @param {number} length */
  #random(length) {
    if (length > 65_536) throw refused("invalid", `at most 65536 bytes a call, not ${length}`);
    return Uint8Array.from({ length }, () => this.#splitMix());
  }

  /** Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
  #splitMix() {
    const cut = (/** @type {bigint} */ number) => BigInt.asUintN(64, number);
    this.seed = cut(this.seed + 0x9e37_79b9_7f4a_7c15n);
    let mixed = this.seed;
    mixed = cut((mixed ^ (mixed >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
    mixed = cut((mixed ^ (mixed >> 27n)) * 0x94d0_49bb_1331_11ebn);
    return Number(mixed >> 56n);
  }

  /** @param {Part[]} parts */
  #joined(parts) {
    return crypto.joined(parts, this.headers);
  }

  /** @param {PublicKey} key */
  #publicKeys({ tag, val }) {
    return tag === "given" ? [val] : this.#secret(val.secret).map((value) => crypto.derived(value, val));
  }

  /** @param {Request} request */
  #fetch({ url, headers, body = [] }) {
    const document = this.configuring ? undefined : this.documents.get(url);
    if (document === undefined) throw this.#deny(`keys=${url}`);
    for (const { tag, val } of [...headers.flatMap(([, value]) => value), ...body]) if (tag !== "literal") this.#secret(val);
    return document.slice();
  }

  /**
   * @param {string} namespace
   * @param {string} key
   * @param {number} [ttl]
   */
  #place(namespace, key, ttl) {
    if (this.configuring || !this.namespaces.has(namespace)) throw this.#deny(`kv.${namespace}`);
    const length = Buffer.byteLength(key);
    if (length < 1 || length > 512) throw refused("invalid", `a key has 1 to 512 bytes, not ${length}`);
    if (ttl !== undefined && (ttl < 1 || ttl > 400 * 86_400)) {
      throw refused("invalid", `a time to live is 1 second to 400 days, not ${ttl} seconds`);
    }
    return placeOf(namespace, key);
  }

  /** @param {string} place */
  #value(place) {
    const stored = this.values.get(place);
    const there = stored !== undefined && (stored.expires === undefined || stored.expires > this.now);
    return there ? stored.value : undefined;
  }

  /**
   * @param {string} place
   * @param {Uint8Array} value
   * @param {number | undefined} ttl
   */
  #store(place, value, ttl) {
    if (value.length > 64 << 10) throw refused("invalid", `a value has at most 65536 bytes, not ${value.length}`);
    this.values.set(place, { value: value.slice(), expires: ttl === undefined ? undefined : this.now + ttl * 1000 });
  }

  /**
   * @param {string} place
   * @param {string} key
   * @param {bigint} delta
   * @param {number | undefined} ttl
   */
  #increment(place, key, delta, ttl) {
    const value = this.#value(place);
    if (value === undefined) {
      this.#store(place, Buffer.from(String(delta)), ttl);
      return delta;
    }
    const written = text(value) ?? "";
    const sum = /^[+-]?[0-9]+$/.test(written) ? BigInt(written) + delta : undefined;
    if (sum === undefined || BigInt.asIntN(64, sum) !== sum) {
      throw refused("invalid", `\`${key}\` holds no counter, or the sum is out of range`);
    }
    /** @type {{ value: Uint8Array }} */ (this.values.get(place)).value = Buffer.from(String(sum));
    return sum;
  }

  /**
   * @param {string} place
   * @param {number} ttl
   */
  #once(place, ttl) {
    if ((this.known.get(place) ?? 0) > this.now) return "known";
    if (this.held.has(place)) return "pending";
    this.said.reserved = this.said.reserved.filter((reserved) => reserved.place !== place);
    this.said.reserved.push({ place, expires: this.now + ttl * 1000 });
    return "first";
  }
}

/**
 * A body in memory.
 *
 * @implements {RawBody}
 */
export class FakeBody {
  #host;
  #current;
  #original;

  /**
   * @param {FakeHost} host
   * @param {Uint8Array} current
   * @param {Uint8Array} original
   */
  constructor(host, current, original) {
    this.#host = host;
    this.#current = current;
    this.#original = original;
  }

  len() {
    return BigInt(this.#current.length);
  }

  /**
   * @param {bigint} offset
   * @param {number} max
   */
  read(offset, max) {
    const from = Math.min(Number(offset), this.#current.length);
    return this.#current.slice(from, from + max);
  }

  readAll() {
    return this.#current.slice();
  }

  /** @param {string} algorithm */
  digest(algorithm) {
    return crypto.hash(algorithm, this.#current, HASHES);
  }

  /**
   * @param {string} secret
   * @param {string} algorithm
   * @param {Uint8Array} signature
   */
  macVerify(secret, algorithm, signature) {
    return this.#host.macVerify(secret, algorithm, this.#current, signature);
  }

  /** @param {string} pointer */
  json(pointer) {
    const written = text(this.#current);
    if (written === undefined) throw refused("invalid", "not JSON: it is not UTF-8");
    try {
      return document.at(written, pointer);
    } catch (error) {
      if (error instanceof document.Fault) throw refused("invalid", error.message);
      throw error;
    }
  }

  /** @param {string[]} pointers */
  jsonEach(pointers) {
    return pointers.map((pointer) => this.json(pointer));
  }

  /** @param {string} pointer */
  text(pointer) {
    const json = this.json(pointer);
    return json === undefined ? undefined : document.plain(json);
  }

  /** @returns {RawBody} */
  original() {
    return new FakeBody(this.#host, this.#original, this.#original);
  }

  [Symbol.dispose]() {}
}

/**
 * Namespace and key as one text; names of namespaces hold no space.
 *
 * @param {string} namespace
 * @param {string} key
 */
export function placeOf(namespace, key) {
  return `${namespace} ${key}`;
}

/** @param {string} key */
function eventKey(key) {
  const length = Buffer.byteLength(key);
  if (length < 1 || length > 255) throw refused("invalid", `a key has 1 to 255 bytes, not ${length}`);
  return key;
}
