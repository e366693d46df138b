// Filters that the documentation shows are filters.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import * as sdk from "snaphook-sdk";
import { Test } from "snaphook-sdk/testing";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const README = join(PACKAGE, "README.md");
const GUIDE = join(PACKAGE, "../../docs/filters-js.md");
const noGuide = !existsSync(GUIDE) && "not in the repository";
/** @type {string[]} */
const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/**
 * A folder with the whole filters that a page shows, each with its tests if they come next; and the filters' modules.
 *
 * @param {string} page
 */
function written(page) {
  const blocks = [...readFileSync(page, "utf8").matchAll(/```js\n([^]*?)```/g)].map(([, code = ""]) => code);
  // In the package, where its own name finds it.
  const folder = mkdtempSync(join(PACKAGE, "test/.shown-"));
  folders.push(folder);
  /** @type {string[]} */
  const modules = [];
  for (const code of blocks) {
    if (code.includes("export default filter(")) {
      const imports = code.includes("import {") ? "" : `import { ${Object.keys(sdk).join(", ")} } from "snaphook-sdk";\n`;
      writeFileSync(join(folder, `${modules.length}.js`), imports + code);
      modules.push(join(folder, `${modules.length}.js`));
    } else if (code.includes("\ntest(")) {
      writeFileSync(join(folder, `${modules.length - 1}.test.js`), code.replace("../src/filter.js", `./${modules.length - 1}.js`));
    }
  }
  return { folder, modules };
}

/** @param {string} page */
function shown(page) {
  const filters = written(page).modules.map(async (module) => (await import(pathToFileURL(module).href)).default);
  return Promise.all(/** @type {Promise<sdk.Filter<any>>[]} */ (filters));
}

/**
 * As JavaScript, and as TypeScript.
 *
 * @param {string} page
 */
function checked(page) {
  const { folder, modules } = written(page);
  for (const [index, module] of modules.entries()) copyFileSync(module, join(folder, `typed-${index}.ts`));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../template/tsconfig.json", include: ["*"] }));
  const { status, stdout } = spawnSync(process.execPath, [join(PACKAGE, "node_modules/typescript/bin/tsc"), "-p", folder], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
}

test("filters of the README pass the check of types of a new project", () => checked(README));

test("filters of the guide pass the check of types of a new project", { skip: noGuide }, () => checked(GUIDE));

test("filters of the README are filters", async () => {
  const filters = await shown(README);
  assert.equal(filters.length, 5);
  const [hello, configured, , standard, once] = filters;
  assert.ok(hello && configured && standard && once);
  assert.equal(new Test(hello).run().status, 401);
  assert.equal(new Test(configured).config({ header: "x" }).run().status, 401);
  // Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
  const signed = () => new Test(standard).secret("webhook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").body('{"test": 2432232314}').clockMs(1_614_265_330_000)
    .header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek").header("webhook-timestamp", "1614265330")
    .header("webhook-signature", "v1,AAAA v1a,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  assert.equal(signed().run().name, "pass");
  assert.equal(signed().body("{}").run().reason, "signature does not match");
  assert.equal(signed().clockMs(1_614_265_630_001).run().reason, "webhook-timestamp is not within 300 seconds");
  assert.equal(signed().header("webhook-timestamp", "now").run().reason, "webhook-timestamp is not within 300 seconds");
  const missing = new Test(standard).secret("webhook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").run();
  assert.deepEqual([missing.status, missing.reason], [401, "no webhook-timestamp"]);
  assert.equal(new Test(once).header("x-github-delivery", "1").run().name, "pass");
});

test("the filters of the guide do what they say", { skip: noGuide }, async () => {
  const [guard, keyed, router, ...more] = await shown(GUIDE);
  assert.ok(guard && keyed && router && more.length === 0);
  const delivered = new Test(guard).secret("webhook", "s3cret").body("{}").signed("webhook").header("x-github-delivery", "1");
  assert.equal(delivered.run().event.header("x-verified"), "github");
  assert.equal(delivered.run().answerText, "duplicate");
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const document = JSON.stringify({ keys: [publicKey.export({ format: "jwk" })] });
  const signature = sign(null, Buffer.from("7.{}"), privateKey).toString("base64");
  const signed = () => new Test(keyed).secret("api", "client").document("https://id.example.com/jwks.json", document)
    .header("x-time", "7").header("x-signature", signature).body("{}");
  assert.equal(signed().run().name, "pass");
  assert.equal(signed().body("[]").run().reason, "signature does not match");
  assert.equal(signed().header("x-signature", "?").run().reason, "the signature is no base64");
});

test("the tests of the guide pass", { skip: noGuide }, () => {
  const { folder } = written(GUIDE);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, ["--test", join(folder, "2.test.js")], { env, encoding: "utf8" });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /pass 2/);
});
