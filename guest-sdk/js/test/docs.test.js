// Filters that the documentation shows are filters.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
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
  assert.equal(signed().clockMs(1_614_265_630_001).run().reason, "signed too long ago");
  assert.equal(signed().header("webhook-timestamp", "").run().reason, "signed too long ago");
  assert.equal(new Test(once).header("x-github-delivery", "1").run().name, "pass");
});

test("the filters of the guide do what they say", { skip: !existsSync(GUIDE) && "not in the repository" }, async () => {
  const [guard, keyed, ...more] = await shown(GUIDE);
  assert.ok(guard && keyed && more.length === 0);
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
