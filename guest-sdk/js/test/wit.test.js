// The package ships the interface that the host promises, and types that are made of it.

import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { filter, Verdict } from "snaphook-sdk";

import { made, read } from "./types.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const PROMISED = new URL("../../../wit/filter.wit", import.meta.url);

test("the shipped interface is the promised one", { skip: !existsSync(PROMISED) && "not in the repository" }, () => {
  const shipped = readFileSync(new URL("../wit/filter.wit", import.meta.url), "utf8");
  assert.equal(shipped, readFileSync(PROMISED, "utf8"), "copy wit/filter.wit anew, and run `npm run types`");
});

test("the shipped types are those of the sources", () => {
  const folder = made();
  try {
    assert.deepEqual([...read(PACKAGE)], [...read(folder)], "run `npm run types`");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the manifest names this version", () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  assert.equal(filter({ handle: () => Verdict.pass() }).manifest.sdk, `js-${version}`);
});
