// Filters that the documentation shows are filters.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import * as sdk from "snaphook-sdk";
import { Test } from "snaphook-sdk/testing";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const GUIDE = join(PACKAGE, "../../docs/filters-js.md");

/** @param {string} file */
async function shown(file) {
  const blocks = [...readFileSync(file, "utf8").matchAll(/```js\n([^]*?)```/g)].map(([, code = ""]) => code);
  // In the package, where its own name finds it.
  const folder = mkdtempSync(join(PACKAGE, "test/.shown-"));
  try {
    const filters = blocks.filter((code) => code.includes("export default filter("));
    return await Promise.all(filters.map(async (code, index) => {
      const module = join(folder, `${index}.js`);
      const imports = code.includes("import {") ? "" : `import { ${Object.keys(sdk).join(", ")} } from "snaphook-sdk";\n`;
      writeFileSync(module, imports + code);
      return /** @type {sdk.Filter<any>} */ ((await import(pathToFileURL(module).href)).default);
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("filters of the README are filters", async () => {
  const filters = await shown(join(PACKAGE, "README.md"));
  assert.equal(filters.length, 4);
  const [hello, configured, , once] = filters;
  assert.ok(hello && configured && once);
  assert.equal(new Test(hello).run().status, 401);
  assert.equal(new Test(configured).config({ header: "x" }).run().status, 401);
  assert.equal(new Test(once).header("x-github-delivery", "1").run().name, "pass");
});

test("the filter of the guide does what it says", { skip: !existsSync(GUIDE) && "not in the repository" }, async () => {
  const [guard] = await shown(GUIDE);
  assert.ok(guard);
  const delivered = new Test(guard).secret("webhook", "s3cret").body("{}").signed("webhook").header("x-github-delivery", "1");
  assert.equal(delivered.run().event.header("x-verified"), "github");
  assert.equal(delivered.run().answerText, "duplicate");
});
