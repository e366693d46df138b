import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Test } from "snaphook-sdk/testing";

import filter from "../src/filter.js";

test("greets who has a token", () => {
  const example = readFileSync(new URL("../events/example.json", import.meta.url), "utf8");
  const outcome = new Test(filter).event(example).run();
  assert.equal(outcome.event.header("x-hello"), "world");
});

test("refuses who has none", () => {
  const outcome = new Test(filter).run();
  assert.deepEqual([outcome.status, outcome.reason], [401, "no token"]);
});
