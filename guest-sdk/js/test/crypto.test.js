// What the test host computes, and what it fetches.

import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";

import { base64, crypto, filter, hex, keys, schema, Verdict } from "snaphook-sdk";
import { Test } from "snaphook-sdk/testing";

import { digests, macs, otherKeys, refusals, SECRETS, signatures } from "./calls.js";
import told from "./told.js";

/**
 * @param {import("./calls.js").Told[]} calls
 * @param {(test: Test) => Test} [prepare]
 */
function check(calls, prepare = (test) => test) {
  const granted = Object.entries(SECRETS).reduce((test, [name, value]) => test.secret(name, value), new Test(told).header("x-what", "nothing?"));
  const outcome = prepare(granted).body(JSON.stringify({ calls: calls.map(([call]) => call) })).run();
  assert.equal(outcome.name, "respond", outcome.reason);
  calls.forEach(([call, expected], index) => assert.deepEqual(JSON.parse(outcome.answerText)[index] ?? null, expected, JSON.stringify(call)));
}

test("MACs are those of the standards, under keys of every form", () => check(macs()));

test("digests and tokens are compared", () => {
  // The body is what the calls are in; its digest is that of what was received.
  check(digests("received"), (test) => test.originalBody("received"));
});

test("signatures of every algorithm are checked, with keys of every form", () => check(signatures()));

test("keys of other makers are taken, and what is no key is not", () => check(otherKeys()));

test("what cannot be is refused as by the host", () => check(refusals()));

test("any valid value verifies, and the newest signs", () => {
  const mac = { hex: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" };
  const parts = ["what do ya want for nothing?"];
  check([
    [["tokenEqual", "plain", "new"], true],
    [["tokenEqual", "plain", "Jefe"], true],
    [["hmacVerify", "plain", "hmac-sha1", parts, mac], true],
    [["verify", { secret: "plain" }, "hmac-sha1", parts, mac], true],
    [["sign", { secret: "plain" }, "hmac-sha1", parts], hex.encode(createHmac("sha1", "new").update(parts.join("")).digest())],
  ], (test) => test.secret("plain", "new"));
  const pair = generateKeyPairSync("ed25519");
  const signature = { hex: sign(null, Buffer.from("a"), pair.privateKey).toString("hex") };
  const key = pair.publicKey.export({ type: "spki", format: "pem" });
  const verified = ["signatureVerify", { secret: "public" }, "ed25519", ["a"], signature];
  check([[["signatureVerify", { secret: "public" }, "ed25519", ["b"], signature], false], [/** @type {[string]} */ (verified), true]], (test) =>
    test.secret("public", key).secret("public", generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" })));
});

test("keys are fetched", () => {
  const url = "http://127.0.0.1/keys";
  const basic = { headers: { authorization: ["Basic ", { secretBase64: "plain" }], "x-a": { secret: "hexed" } }, body: ["{", { secretJson: "plain" }, "}"], keepSeconds: 60 };
  const absent = { headers: { "x-a": { secretJson: "absent" } } };
  check([
    [["fetch", url], "646f63"],
    [["fetch", url, basic], "646f63"],
    [["fetch", url, absent], "denied secrets.absent"],
    [["fetch", url, { body: { secret: "absent" } }], "denied secrets.absent"],
    [["fetch", `${url}/other`], `denied keys=${url}/other`],
  ], (test) => test.document(url, "doc"));
  assert.throws(() => new Test(told).document("http://localhost/keys", ""), /does not ask for `http:\/\/localhost\/keys`, or a beginning of it, in `keys`/);
  const starred = new Test(filter({ keys: ["https://*.example.com/v1/"], handle: () => Verdict.pass() }));
  starred.document("https://a-1.example.com/v1/keys?x=1", "");
  for (const wrong of ["https://example.com/v1/", "https://a.b.example.com/v1/", "https://aXexample.com/v1/", "https://a.example.com/v2/"]) {
    assert.throws(() => starred.document(wrong, ""), /does not ask for/, wrong);
  }
});

test("nothing is computed or fetched while a configuration is checked", () => {
  for (const [call, denied] of /** @type {[() => unknown, string][]} */ ([
    [() => crypto.digest("sha1", []), "crypto"],
    [() => crypto.signatureVerify("key", "ed25519", [], new Uint8Array(64)), "crypto"],
    [() => crypto.tokenEqual("plain", ""), "secrets.plain"],
    [() => keys.fetch("http://127.0.0.1/keys"), "keys=http://127.0.0.1/keys"],
  ])) {
    const early = filter({ config: schema.object({}), secrets: ["plain"], keys: ["http://127.0.0.1/"], validate: () => void call(), handle: () => Verdict.pass() });
    assert.equal(new Test(early).secret("plain", "").document("http://127.0.0.1/keys", "").configure(), `no grant for ${denied}`);
  }
});

test("what no host would take is told", () => {
  for (const [call, problem] of /** @type {[() => unknown, string][]} */ ([
    [() => crypto.digest("sha1", /** @type {any} */ ("text")), "the parts are not in an array: write `[part]`"],
    [() => crypto.digest("sha1", [/** @type {any} */ (7)]), "a part of the message is a number, not a string, a Uint8Array, a body or `{ header: NAME }`"],
    [() => crypto.sign(/** @type {any} */ ("plain"), "sha1", []), "the key is a string, not `{ secret: NAME }`"],
    [() => crypto.verify({ secret: "plain" }, "sha1", [], /** @type {any} */ (7)), "the signature is a number, not a string or a Uint8Array"],
    [() => keys.fetch("http://127.0.0.1/", { body: /** @type {any} */ (7) }), "the body is a number, not a string or a secret: `{ secret: NAME }`"],
    [() => keys.fetch("http://127.0.0.1/", { headers: { "x-a": [/** @type {any} */ ({})] } }), "the value of header `x-a` is an object, not a string or a secret: `{ secret: NAME }`"],
  ])) {
    const outcome = new Test(filter({ handle: () => (call(), Verdict.pass()) })).run();
    assert.equal(outcome.reason, `TypeError: ${problem}`);
  }
  const outcome = new Test(filter({ handle: () => (keys.fetch("http://127.0.0.1/", { keepSeconds: 1.5 }), Verdict.pass()) })).run();
  assert.match(outcome.reason, /^RangeError: `keepSeconds` is 1\.5, not a whole number/);
});

test("an event is for the host that its sender called", () => {
  const seen = (/** @type {Test} */ test) => test.run().reason;
  const called = filter({ handle: (event) => Verdict.drop(event.authority) });
  assert.deepEqual([seen(new Test(called)), seen(new Test(called).authority("example.com:81"))], ["hooks.example.com", "example.com:81"]);
});

test("base64 is read in every form, and written in one", () => {
  // Source of the first: RFC 4648, section 10.
  for (const [written, read] of /** @type {[string, string][]} */ ([["", ""], ["Zg==", "f"], ["Zm8", "fo"], ["Zm9v", "foo"], ["-_-_", "\xfb\xff\xbf"], ["+/+/", "\xfb\xff\xbf"]])) {
    assert.equal(Buffer.from(base64.decode(written) ?? "none").toString("latin1"), read, written);
  }
  for (const wrong of ["Z", "Zm9vY", "Zm 9v", "Zm9v\n", "Zg===", "=", "é"]) assert.equal(base64.decode(wrong), undefined, wrong);
  assert.equal(base64.encode(Uint8Array.of(251, 255, 191, 0)), "+/+/AA==");
});
