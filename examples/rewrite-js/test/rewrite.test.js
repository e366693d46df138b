import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Test } from "snaphook-sdk/testing";

import rewrite from "../src/filter.js";
import { Markup, Message } from "../src/slack.js";

/** @param {string} name */
const file = (name) => readFileSync(new URL(`../events/${name}.json`, import.meta.url), "utf8");
const [PUSH, ISSUE] = [file("push"), file("issue-opened")];
const body = () => JSON.parse(PUSH).body;

/** @param {import("snaphook-sdk/testing").Outcome} outcome */
function texts(outcome) {
  /** @type {any[]} */
  const blocks = outcome.event.json().blocks;
  return blocks.map((block) => (block.type === "section" ? block.text.text : block.elements[0].text));
}

test("a push becomes a message", () => {
  const outcome = new Test(rewrite).event(PUSH).header("x-hub-signature-256", "sha256=00").run();
  assert.equal(outcome.event.json().text, "octocat pushed 2 commits to branch main in octo-org/hello-world");
  assert.deepEqual(texts(outcome), [
    "octocat <https://github.com/octo-org/hello-world/compare/6113728...f95f852|pushed 2 commits to> branch `main`",
    "<https://github.com/octo-org/hello-world/commit/0d1a26e6|0d1a26e> Close doors &amp; windows – Mona\n" +
      "<https://github.com/octo-org/hello-world/commit/f95f852b|f95f852> Say so if &lt;rain&gt; – Octo Cat",
    "<https://github.com/octo-org/hello-world|octo-org/hello-world>",
  ]);
  assert.equal(outcome.event.header("content-type"), "application/json");
  assert.equal(outcome.event.header("x-hub-signature-256"), undefined);
});

test("a push says what became of its branch or tag", () => {
  const summary = (/** @type {object} */ change) => {
    const outcome = new Test(rewrite).header("x-github-event", "push").json({ ...body(), ...change }).run();
    return outcome.event.json().text;
  };
  const commits = [{ id: "0d1a26e6", message: "", url: "", author: { name: "" } }];
  assert.equal(summary({ forced: true, commits }), "octocat force-pushed 1 commit to branch main in octo-org/hello-world");
  assert.equal(summary({ deleted: true, commits: [] }), "octocat deleted branch main in octo-org/hello-world");
  const tag = { created: true, commits: [], ref: "refs/tags/v1" };
  assert.equal(summary(tag), "octocat created tag v1 in octo-org/hello-world");
});

test("an issue becomes a message", () => {
  const outcome = new Test(rewrite).event(ISSUE).run();
  const summary = "octocat opened issue #7 Doors stay open &amp; it rains in in octo-org/hello-world";
  assert.equal(outcome.event.json().text, summary);
  assert.deepEqual(texts(outcome), [
    "octocat opened issue <https://github.com/octo-org/hello-world/issues/7|#7 Doors stay open &amp; it rains in>",
    "See &lt;!channel&gt;\nsecond line",
    "<https://github.com/octo-org/hello-world|octo-org/hello-world> · bug · help wanted",
  ]);
});

test("long texts stay within Slack's limits", () => {
  const commit = { id: "0".repeat(40), message: "& ".repeat(900), url: "https://example.com", author: { name: "é".repeat(500) } };
  const commits = Array.from({ length: 2_000 }, () => commit);
  const shown = texts(new Test(rewrite).header("x-github-event", "push").json({ ...body(), commits }).run());
  assert.ok(shown.length <= 50, `${shown.length}`);
  assert.ok(shown.every((text) => text.length <= 3_000));
  assert.match(shown[48], /^… and /);
});

test("other events pass or drop", () => {
  const other = () => new Test(rewrite).header("x-github-event", "star").json({});
  assert.equal(other().run().name, "pass");
  const outcome = other().config({ otherwise: "drop" }).run();
  assert.deepEqual([outcome.name, outcome.reason], ["drop", "not an event to rewrite"]);
});

test("a body that is not the event's is refused", () => {
  assert.equal(new Test(rewrite).header("x-github-event", "push").body("payload=%7B%7D").run().status, 400);
  const outcome = new Test(rewrite).header("x-github-event", "issues").json({ action: "opened" }).run();
  assert.deepEqual([outcome.status, outcome.reason], [400, "the body is not as expected: missing field `issue`"]);
});

test("only events that are named are rewritten, with the headers that are asked for", () => {
  const named = () => new Test(rewrite).config({ events: ["issues"], headers: { "x-source": "github" } });
  assert.equal(named().event(PUSH).run().name, "pass");
  assert.equal(named().event(ISSUE).run().event.header("x-source"), "github");
});

test("configurations are refused with their fault", () => {
  const fault = (/** @type {unknown} */ config) => new Test(rewrite).config(config).configure();
  assert.equal(fault({ otherwise: "keep" }), "otherwise: `keep`, expected `pass` or `drop`");
  assert.equal(fault({ event: [] }), "event: unknown field `event`, expected one of `headers`, `events`, `otherwise`");
  assert.equal(fault({ otherwise: "drop" }), undefined);
});

test("text is escaped and cut between characters", () => {
  assert.equal(new Markup().plain("a < b & <!channel>").text, "a &lt; b &amp; &lt;!channel&gt;");
  for (const letter of ["a", "é", "😀", "&", "<"]) {
    const markup = new Markup().plain(letter.repeat(4_000));
    const { text } = markup;
    assert.ok(text.length >= 2_995 && text.length <= 3_000, `${letter} ${text.length}`);
    assert.ok(text.endsWith("…") && text.isWellFormed());
    assert.equal(text.slice(0, -1).replaceAll("&amp;", "&").replaceAll("&lt;", "<").replaceAll(letter, ""), "");
    assert.ok(markup.plain("more").text.length <= 3_000);
  }
});

test("links hold no second link", () => {
  const { text } = new Markup().link("https://example.com/a|b?c=d&e=<f>", "a|b\n> c");
  assert.equal(text, "<https://example.com/ab?c=d&amp;e=&lt;f&gt;|a|b>");
  assert.equal(new Markup().link("x".repeat(3_000), "text").text, "text");
});

test("lines fill at most the blocks there are", () => {
  const line = () => new Markup().plain("x".repeat(1_400));
  const items = (/** @type {number} */ count) => Array.from({ length: count });
  assert.equal(new Message(new Markup()).lines(items(3), line).blocks.length, 2);
  const full = new Message(new Markup()).section(line()).lines(items(500), line).context(line());
  assert.equal(full.blocks.length, 50);
  const last = full.blocks[48];
  assert.equal(last?.type === "section" && last.text.text, "… and 406 more");
});
