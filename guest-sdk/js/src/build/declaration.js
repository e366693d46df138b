// What the author's module declares, found by loading it once here.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Problem } from "./problem.js";

const LOADER = fileURLToPath(new URL("loader.js", import.meta.url));

/**
 * The manifest of a filter. The module is loaded in a process of its own: whatever it does while it is loaded, it does
 * there, and again when the component is made.
 *
 * @param {string} code The bundle for `manifest`.
 * @returns {import("../filter.js").Manifest}
 * @throws {Problem} With file and line, if it cannot be loaded, or is no filter.
 */
export function declared(code) {
  const folder = mkdtempSync(join(tmpdir(), "snaphook-js-"));
  try {
    const [module, answer] = [join(folder, "filter.mjs"), join(folder, "manifest.json")];
    writeFileSync(module, code);
    const options = ["--enable-source-maps", LOADER, module, answer];
    const { status, stderr } = spawnSync(process.execPath, options, { encoding: "utf8", stdio: ["ignore", "inherit", "pipe"] });
    if (status !== 0) throw new Problem(stderr.trimEnd());
    process.stderr.write(stderr);
    return JSON.parse(readFileSync(answer, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
