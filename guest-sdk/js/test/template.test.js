// The project that `snaphook new --lang js` makes: it builds and passes its test as it stands.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const TEMPLATE = join(PACKAGE, "template");
const read = (/** @type {string} */ file) => readFileSync(join(PACKAGE, file), "utf8");

test("a new filter passes its test and its check of types, and builds", () => {
  const folder = mkdtempSync(join(tmpdir(), "snaphook-new-"));
  try {
    cpSync(TEMPLATE, folder, { recursive: true });
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath ?? entry.path, entry.name);
      if (entry.isFile()) writeFileSync(file, readFileSync(file, "utf8").replaceAll("{{name}}", "my-filter"));
    }
    // In the place of `npm ci`, which would fetch anew what is here.
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(PACKAGE, join(folder, "node_modules/snaphook-sdk"), "dir");
    symlinkSync(join(PACKAGE, "node_modules/@types"), join(folder, "node_modules/@types"), "dir");
    const run = (/** @type {string[]} */ ...options) => {
      // A test runner below this one would report to it instead of by its exit code.
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const { status, stdout, stderr } = spawnSync(process.execPath, options, { cwd: folder, env, encoding: "utf8" });
      assert.equal(status, 0, stdout + stderr);
      return stdout;
    };
    assert.match(run("--test", "test/filter.test.js"), /pass 2/);
    run(join(PACKAGE, "node_modules/typescript/bin/tsc"));
    assert.match(run(join(PACKAGE, "src/build/cli.js"), "build"), /wrote {2}my-filter\.wasm/);
  } finally {
    rmSync(folder, { recursive: true });
  }
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
