// The types that the package ships are made of its sources: those of the host's interface by jco, the others by tsc.
// `npm run types` writes them anew; the tests ask whether they are what would be written.

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
/** Where jco writes, and where tsc does. */
const FOLDERS = ["wit/types", "types"];

/**
 * Makes all types.
 *
 * @returns {string} The folder that they are in.
 */
export function made() {
  const folder = mkdtempSync(join(tmpdir(), "snaphook-types-"));
  const run = (/** @type {string} */ tool, /** @type {string[]} */ ...options) =>
    execFileSync(process.execPath, [join(PACKAGE, "node_modules", tool), ...options], { cwd: PACKAGE, stdio: ["ignore", "pipe", "inherit"] });
  run("@bytecodealliance/jco/src/jco.js", "guest-types", "wit/filter.wit", "-n", "filter", "-q", "-o", join(folder, "wit/types"));
  run("typescript/bin/tsc", "-p", "tsconfig.json", "--outDir", join(folder, "types"));
  for (const name of readdirSync(join(folder, "types"))) {
    if (!name.endsWith(".ts")) continue;
    // tsc writes the way from here to the package; in the package it is another one.
    const text = readFileSync(join(folder, "types", name), "utf8");
    writeFileSync(join(folder, "types", name), text.replace(/(<reference path=")[^"]*(\/wit\/types\/)/, "$1..$2"));
  }
  return folder;
}

/**
 * The files of a folder's types, and what is in them.
 *
 * @param {string} folder
 */
export function read(folder) {
  const files = FOLDERS.flatMap((types) => {
    const names = readdirSync(join(folder, types), { recursive: true, encoding: "utf8" });
    return names.filter((name) => name.endsWith(".ts")).map((name) => join(types, name));
  });
  return new Map(files.sort().map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === "--write") {
  const folder = made();
  for (const types of FOLDERS) {
    rmSync(join(PACKAGE, types), { recursive: true, force: true });
    cpSync(join(folder, types), join(PACKAGE, types), { recursive: true });
  }
  rmSync(folder, { recursive: true });
}
