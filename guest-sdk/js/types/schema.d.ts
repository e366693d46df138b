/**
 * A string.
 *
 * @param {{ pattern?: RegExp, minLength?: number, maxLength?: number }} [limits] Lengths in characters. The pattern is found
 *   anywhere in the string, unless it begins with `^` and ends with `$`; it is written without flags.
 * @returns {Schema<string>}
 */
export function string(limits?: {
    pattern?: RegExp;
    minLength?: number;
    maxLength?: number;
}): Schema<string>;
/**
 * A number.
 *
 * @param {{ min?: number, max?: number }} [limits]
 * @returns {Schema<number>}
 */
export function number(limits?: {
    min?: number;
    max?: number;
}): Schema<number>;
/**
 * A whole number that JavaScript holds exactly.
 *
 * @param {{ min?: number, max?: number }} [limits]
 * @returns {Schema<number>}
 */
export function integer(limits?: {
    min?: number;
    max?: number;
}): Schema<number>;
/**
 * `true` or `false`.
 *
 * @returns {Schema<boolean>}
 */
export function boolean(): Schema<boolean>;
/**
 * One of these strings.
 *
 * @template {string} const S
 * @param {readonly S[]} values
 * @returns {Schema<S>}
 */
export function choice<const S extends string>(values: readonly S[]): Schema<S>;
/**
 * A list.
 *
 * @template T
 * @param {Schema<T>} element
 * @param {{ min?: number, max?: number }} [limits] How many elements.
 * @returns {Schema<T[]>}
 */
export function array<T>(element: Schema<T>, limits?: {
    min?: number;
    max?: number;
}): Schema<T[]>;
/**
 * An object of any member names, whose values are all of one kind.
 *
 * @template T
 * @param {Schema<T>} value
 * @returns {Schema<Record<string, T>>}
 */
export function record<T>(value: Schema<T>): Schema<Record<string, T>>;
/**
 * An object of these members and no others: a misspelt name is refused.
 *
 * @template {Record<string, Schema<any>>} M
 * @param {M} members
 * @returns {Schema<{ [K in keyof M]: Infer<M[K]> }>}
 */
export function object<M extends Record<string, Schema<any>>>(members: M): Schema<{ [K in keyof M]: Infer<M[K]>; }>;
/**
 * An object of which only these members are read; others are left out. For what somebody else sends, who may add to it.
 *
 * @template {Record<string, Schema<any>>} M
 * @param {M} members
 * @returns {Schema<{ [K in keyof M]: Infer<M[K]> }>}
 */
export function part<M extends Record<string, Schema<any>>>(members: M): Schema<{ [K in keyof M]: Infer<M[K]>; }>;
/**
 * Any JSON.
 *
 * @returns {Schema<unknown>}
 */
export function any(): Schema<unknown>;
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
    constructor(place: string, problem: string);
}
/**
 * Reads a value of JSON as one of type `T`. Made by the functions below; never changed, so that one may stand in several
 * places.
 *
 * @template T
 */
export class Schema<T> {
    /**
     * @internal
     * @param {(value: unknown, place: string) => T} read
     * @param {JsonSchema} json
     * @param {() => T} [absent]
     */
    constructor(read: (value: unknown, place: string) => T, json: JsonSchema, absent?: () => T);
    /**
     * The value, with what was left out put in.
     *
     * @param {unknown} value
     * @param {string} [place]
     * @returns {T}
     * @throws {Fault}
     */
    read(value: unknown, place?: string): T;
    /**
     * As JSON Schema (2020-12).
     *
     * @returns {JsonSchema}
     */
    get json(): JsonSchema;
    /**
     * What stands for it where it is left out of an object; undefined if it must be there.
     *
     * @internal
     * @returns {(() => T) | undefined}
     */
    get absent(): (() => T) | undefined;
    /**
     * May be `null`.
     *
     * @returns {Schema<T | null>}
     */
    nullable(): Schema<T | null>;
    /**
     * May be left out of an object, and is undefined then.
     *
     * @returns {Schema<T | undefined>}
     */
    optional(): Schema<T | undefined>;
    /**
     * May be left out of an object, and is this value then.
     *
     * @param {T} value
     * @returns {Schema<T>}
     */
    default(value: T): Schema<T>;
    /**
     * Says what it is for.
     *
     * @param {string} description
     * @returns {Schema<T>}
     */
    describe(description: string): Schema<T>;
    #private;
}
/**
 * The type that a schema reads.
 */
export type Infer<S> = S extends Schema<infer T> ? T : never;
export type JsonSchema = {
    [keyword: string]: unknown;
};
