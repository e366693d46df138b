import assert from "node:assert/strict";
import { test } from "node:test";

import { Test } from "snaphook-sdk/testing";

import rewrite from "../src/filter.js";
import { missing, payloads } from "./payloads.js";

test("every real payload becomes what it must", { skip: missing }, async () => {
  const all = await payloads();
  assert.ok(all.length > 300 && all.filter(({ rewritten }) => rewritten).length > 10, `${all.length}`);
  for (const { name, event, body, expected, rewritten } of all) {
    const outcome = new Test(rewrite).header("x-github-event", event).header("x-hub-signature-256", "sha256=00").body(body).run();
    assert.equal(outcome.event.text(), expected, name);
    assert.equal(outcome.event.header("x-hub-signature-256"), rewritten ? undefined : "sha256=00", name);
  }
});
