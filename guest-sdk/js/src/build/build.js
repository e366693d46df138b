// From a filter's source to its component.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { componentize } from "@bytecodealliance/componentize-js";

import { bundle } from "./bundle.js";
import { declared } from "./declaration.js";
import { Problem } from "./problem.js";
import { withManifest } from "./section.js";

const WIT = fileURLToPath(new URL("../../wit/filter.wit", import.meta.url));
/**
 * Parts of the engine that a filter has no use for: there is no network. Clock, random numbers and `console` are the host's
 * own, by way of WASI.
 *
 * @type {("http" | "fetch-event")[]}
 */
const WITHOUT = ["http", "fetch-event"];
/** Where the source is, unless somebody says so. */
const ENTRIES = ["src/filter.js", "src/filter.ts", "src/filter.mjs"];

/**
 * @typedef {object} Built
 * @property {string} file
 * @property {number} bytes
 * @property {import("../filter.js").Manifest} manifest
 */

/**
 * Builds the project in the current folder.
 *
 * @param {{ entry?: string, out?: string, say: (what: string, text: string) => void }} options
 * @returns {Promise<Built>}
 * @throws {Problem}
 */
export async function build({ entry, out, say }) {
  const project = readProject();
  const source = findEntry(entry, project);
  const file = out ?? `${nameOf(project)}.wasm`;

  say("bundle", source);
  const path = isAbsolute(source) || source.startsWith(".") ? source : `./${source}`;
  const { code, files } = await bundle(path, "component");
  say("", `${plural(files.length, "file")}, ${size(Buffer.byteLength(code))} with the SDK`);

  say("load", "for what the filter asks for");
  const manifest = declared((await bundle(path, "manifest")).code);
  say("", asked(manifest));

  say("compile", "the module together with a JavaScript engine; takes some seconds");
  const component = withManifest(await compiled(code), manifest);
  writeFileSync(file, component);
  say("wrote", `${file}, ${size(component.length)}`);
  return { file, bytes: component.length, manifest };
}

/** @param {string} code */
async function compiled(code) {
  const folder = mkdtempSync(join(tmpdir(), "snaphook-js-"));
  try {
    const sourcePath = join(folder, "filter.js");
    writeFileSync(sourcePath, code);
    const { component } = await componentize({ sourcePath, witPath: WIT, worldName: "filter", disableFeatures: WITHOUT });
    return component;
  } catch (error) {
    // The module was loaded before without a fault, so this is about the engine or the machine.
    throw new Problem(`the component cannot be made: ${error instanceof Error ? error.message : error}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns {{ name?: unknown, main?: unknown }} */
function readProject() {
  if (!existsSync("package.json")) {
    throw new Problem(`there is no package.json in ${resolve(".")}: go to the folder of a filter, or make one with \`snaphook new\``);
  }
  try {
    return JSON.parse(readFileSync("package.json", "utf8"));
  } catch (error) {
    throw new Problem(`package.json: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * @param {string | undefined} entry
 * @param {{ main?: unknown }} project
 */
function findEntry(entry, project) {
  const named = entry ?? (typeof project.main === "string" ? project.main : undefined);
  if (named !== undefined) {
    if (!existsSync(named)) throw new Problem(`there is no file \`${named}\`${entry === undefined ? ", which package.json says is `main`" : ""}`);
    return named;
  }
  const found = ENTRIES.find((file) => existsSync(file));
  if (found === undefined) throw new Problem(`there is none of ${ENTRIES.join(", ")}: name the filter's module, or say which it is as \`main\` in package.json`);
  return found;
}

/** @param {{ name?: unknown }} project */
function nameOf(project) {
  const name = typeof project.name === "string" ? project.name.split("/").at(-1) : undefined;
  if (name === undefined || name === "") throw new Problem("package.json: `name` is missing, which the component is named after");
  return name;
}

/** @param {import("../filter.js").Manifest} manifest */
function asked(manifest) {
  const lists = /** @type {const} */ (["secrets", "optional_secrets", "reveal", "kv", "optional_kv", "keys"]).filter((key) => manifest[key].length > 0);
  const facts = [`body ${manifest.body}`, ...lists.map((key) => `${key.replace("_", " ")} ${manifest[key].join(", ")}`)];
  facts.push(manifest.config_schema === undefined ? "no configuration" : "a configuration");
  return facts.join("; ");
}

/**
 * @param {number} count
 * @param {string} what
 */
function plural(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** @param {number} bytes */
function size(bytes) {
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
