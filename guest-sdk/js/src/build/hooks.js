// How Node finds and reads TypeScript: hooks of its loader (https://nodejs.org/api/module.html#customization-hooks).

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { transformSync } from "esbuild";

/**
 * `./filter.js` is `./filter.ts` where only that is there: so TypeScript has it.
 *
 * @template T
 * @param {string} specifier
 * @param {{ parentURL?: string }} context
 * @param {(specifier: string, context: object) => T} next
 */
export function resolve(specifier, context, next) {
  const there = (/** @type {string} */ path) => existsSync(new URL(path, context.parentURL));
  const typed = /^\.{1,2}\/.*\.m?js$/.test(specifier) ? specifier.replace(/js$/, "ts") : specifier;
  return next(typed !== specifier && !there(specifier) && there(typed) ? typed : specifier, context);
}

/**
 * @template T
 * @param {string} url
 * @param {object} context
 * @param {(url: string, context: object) => T} next
 */
export function load(url, context, next) {
  if (!/^file:.*\.m?ts$/.test(url)) return next(url, context);
  const sourcefile = fileURLToPath(url);
  const { code } = transformSync(readFileSync(sourcefile, "utf8"), { sourcefile, loader: "ts", format: "esm", target: "node20", sourcemap: "inline" });
  return { format: "module", source: code, shortCircuit: true };
}
