// The build command, as an author calls it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../src/build/cli.js", import.meta.url));
/** @type {string[]} */
const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/**
 * A project with these files.
 *
 * @param {Record<string, string>} files
 */
function project(files) {
  const folder = mkdtempSync(join(tmpdir(), "snaphook-project-"));
  folders.push(folder);
  for (const [name, text] of Object.entries({ "package.json": '{"name": "@team/my-filter", "type": "module"}', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/**
 * @param {string} cwd
 * @param {string[]} options
 */
function run(cwd, ...options) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...options], { cwd, encoding: "utf8" });
  return { status, stdout, stderr };
}

/** @param {Record<string, string>} files */
function refused(files) {
  const { status, stderr } = run(project(files), "build");
  assert.equal(status, 1, stderr);
  return stderr;
}

/**
 * The custom sections of a component, by name.
 *
 * @param {Buffer} component
 */
function sections(component) {
  let at = 8;
  const number = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = component[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  /** @type {Map<string, string>} */
  const found = new Map();
  while (at < component.length) {
    const id = component[at++];
    const end = number() + at;
    if (id === 0) {
      const length = number();
      found.set(component.toString("utf8", at, at + length), component.toString("utf8", at + length, end));
    }
    at = end;
  }
  return found;
}

const HELLO = 'import { filter, Verdict } from "snaphook-sdk";\n';

test("TypeScript and what it imports become a component with a manifest", () => {
  const folder = project({
    "src/filter.ts": `${HELLO}import { limit } from "./limit.ts";
      export default filter({
        body: "none", kv: ["seen"], optionalSecrets: ["api"], keys: ["https://id.example.com/"],
        handle: (event): Verdict => Verdict.drop(String(limit satisfies number)),
      });`,
    "src/limit.ts": "export const limit: number = 10;",
  });
  const { status, stdout, stderr } = run(folder, "build");
  assert.equal(status, 0, stderr);
  assert.match(stdout, /bundle {2}src\/filter\.ts\n +2 files, /);
  assert.match(stdout, /body none; optional secrets api; kv seen; keys https:\/\/id\.example\.com\/; no configuration/);
  assert.match(stdout, /wrote {2}my-filter\.wasm, /);
  const component = readFileSync(join(folder, "my-filter.wasm"));
  // The layer of a component, not of a module.
  assert.deepEqual([...component.subarray(0, 8)], [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
  const manifest = JSON.parse(sections(component).get("snaphook:manifest") ?? "");
  const asked = { body: "none", secrets: [], optional_secrets: ["api"], reveal: [], kv: ["seen"], optional_kv: [], keys: ["https://id.example.com/"] };
  assert.deepEqual({ ...manifest, sdk: "" }, { sdk: "", ...asked });
});

test("what is wrong in a file is said with its line", () => {
  assert.match(refused({ "src/filter.js": "const a = 1;\nconst b = ;\n" }), /src\/filter\.js:2:10/);
  assert.match(refused({ "src/filter.js": 'import "./none.js";' }), /Could not resolve "\.\/none\.js"[^]*src\/filter\.js:1:7/);
  const node = refused({ "src/filter.js": '\nimport { readFileSync } from "node:fs";\nreadFileSync("x");' });
  assert.match(node, /src\/filter\.js:2:29[^]*A filter has no files, no network and no Node/);
  assert.match(refused({ "src/filter.js": 'import { Test } from "snaphook-sdk/testing";\nnew Test();' }), /is for tests, on your machine/);
  const thrown = refused({ "src/filter.js": `${HELLO}import { deep } from "./deep.js";\ndeep();\nexport default filter({ handle: () => Verdict.pass() });`, "src/deep.js": 'export const deep = () => {\n  throw new Error("boom");\n};' });
  assert.match(thrown, /the filter cannot be loaded: Error: boom\n[^]*src\/deep\.js:2:9[^]*src\/filter\.js:3:1/);
  assert.doesNotMatch(thrown, /node:internal|loader\.js/);
});

test("what a module does while it is loaded must be what it would always do", () => {
  const early = (/** @type {string} */ code) => refused({ "src/filter.js": `${HELLO}export const early = ${code};\nexport default filter({ handle: () => Verdict.pass() });` });
  assert.match(early("Math.random()"), /no random numbers while the filter is loaded[^]*src\/filter\.js:2:/);
  assert.match(early("crypto.randomUUID()"), /no random numbers while the filter is loaded/);
});

test("what is no filter is refused", () => {
  assert.match(refused({ "src/filter.js": "export default { handle() {} };" }), /the module's default export is no filter/);
  assert.match(refused({ "src/filter.js": "export const a = 1;" }), /No matching export in "src\/filter\.js" for import "default"[^]*write `export default filter/);
  assert.match(refused({ "src/filter.js": `${HELLO}export default filter({ secrets: ["A"], handle: () => Verdict.pass() });` }), /`secrets`: `A` is no name/);
});

test("what is not there is named", () => {
  assert.match(refused({}), /there is none of src\/filter\.js, src\/filter\.ts, src\/filter\.mjs/);
  assert.match(refused({ "package.json": '{"name": "x", "main": "lib.js"}' }), /there is no file `lib\.js`, which package\.json says is `main`/);
  assert.match(refused({ "package.json": "{" }), /package\.json: /);
  assert.match(refused({ "package.json": "{}", "src/filter.js": "" }), /`name` is missing/);
  assert.match(run(project({}), "build", "x.js").stderr, /there is no file `x\.js`/);
});

test("a wrong command is answered with the right ones", () => {
  const folder = project({});
  for (const options of [[], ["make"], ["build", "a", "b"], ["build", "--none"]]) {
    const { status, stderr } = run(folder, ...options);
    assert.equal(status, 2);
    assert.match(stderr, /^error: .*\n\nMakes the component/);
  }
  assert.match(run(folder, "--help").stdout, /snaphook-js build/);
  assert.match(run(folder, "--version").stdout, /^\d+\.\d+\.\d+\n$/);
});
