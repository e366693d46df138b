// The project that `snaphook new --lang js` makes: it builds and passes its test as it stands.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const TEMPLATE = join(PACKAGE, "template");
const CLI = join(PACKAGE, "src/build/cli.js");
const read = (/** @type {string} */ file) => readFileSync(join(PACKAGE, file), "utf8");

/** @type {string[]} */
const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A new project in a folder of its own, and how to run a command there, which must come to a good end. */
function project() {
  const folder = mkdtempSync(join(tmpdir(), "snaphook-new-"));
  folders.push(folder);
  cpSync(TEMPLATE, folder, { recursive: true });
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile()) writeFileSync(file, readFileSync(file, "utf8").replaceAll("{{name}}", "my-filter"));
  }
  // In the place of `npm ci`, which would fetch anew what is here.
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(PACKAGE, join(folder, "node_modules/snaphook-sdk"), "dir");
  for (const name of ["@types", ".bin"]) symlinkSync(join(PACKAGE, "node_modules", name), join(folder, "node_modules", name), "dir");
  const run = (/** @type {string} */ program, /** @type {string[]} */ ...options) => {
    // A test runner below this one would report to it instead of by its exit code.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(program, options, { cwd: folder, env, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
    return stdout;
  };
  return { folder, run };
}

test("a new filter passes its test and its check of types, and builds", () => {
  const { run } = project();
  assert.match(run("npm", "test"), /pass 2/);
  run("npm", "run", "check");
  assert.match(run(process.execPath, CLI, "build"), /wrote {2}my-filter\.wasm/);
});

test("so does one in TypeScript, with tests in either language", () => {
  const { folder, run } = project();
  const source = readFileSync(join(folder, "src/filter.js"), "utf8");
  rmSync(join(folder, "src/filter.js"));
  writeFileSync(join(folder, "src/filter.ts"), source.replace("handle(event)", "handle(event): Verdict"));
  // What Node does not read by itself: it is more than types.
  writeFileSync(join(folder, "test/status.ts"), "export enum Status { Refused = 401 }\n");
  writeFileSync(join(folder, "test/typed.test.ts"), `
    import assert from "node:assert/strict";
    import { after, test } from "node:test";
    import { type Outcome, Test } from "snaphook-sdk/testing";
    import filter from "../src/filter.ts";
    import { Status } from "./status.js";

    const status = (outcome: Outcome): number | undefined => outcome.status;
    test("refuses", () => assert.equal(status(new Test(filter).run()), Status.Refused));
  `);
  writeFileSync(join(folder, "package.json"), readFileSync(join(folder, "package.json"), "utf8").replace("src/filter.js", "src/filter.ts"));
  // test/filter.test.js still imports ../src/filter.js.
  assert.match(run("npm", "test"), /pass 3/);
  run("npm", "run", "check");
  assert.match(run(process.execPath, CLI, "build"), /wrote {2}my-filter\.wasm/);
});

test("a new filter pins what this package does", () => {
  const { version, dependencies, devDependencies } = JSON.parse(read("package.json"));
  const lock = JSON.parse(read("template/package-lock.json"));
  const sdk = lock.packages["vendor/snaphook-sdk"];
  assert.deepEqual([sdk.version, sdk.dependencies], [version, dependencies], "make template/package-lock.json anew");
  assert.deepEqual(lock.packages[""].devDependencies, devDependencies);
  assert.deepEqual(JSON.parse(read("template/package.json")).devDependencies, devDependencies);
});

test("the first filter is the one that the README shows", () => {
  const source = read("template/src/filter.js");
  assert.ok(read("README.md").includes(source.slice(source.indexOf("import"))), "copy template/src/filter.js into README.md anew");
});
