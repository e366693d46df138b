// Makes Slack messages of GitHub's pushes and issues.

import { filter, schema, Verdict } from "snaphook-sdk";

import * as github from "./github.js";

export default filter({
  config: schema.object({
    headers: schema.record(schema.string()).default({}).describe("Headers to set on what is rewritten."),
    events: schema
      .array(schema.string())
      .default([])
      .describe("What to rewrite, by header X-GitHub-Event; empty for everything."),
    otherwise: schema.choice(["pass", "drop"]).default("pass").describe("What becomes of other events."),
  }),

  handle(event, config) {
    const kind = event.header("x-github-event") ?? "";
    const wanted = config.events.length === 0 || config.events.includes(kind);
    const message = wanted ? messageOf(kind, event.body) : undefined;
    if (message === undefined) {
      return config.otherwise === "pass" ? Verdict.pass() : Verdict.drop("not an event to rewrite");
    }
    const verdict = Verdict.edit().setJson(message);
    for (const [name, value] of Object.entries(config.headers)) verdict.setHeader(name, value);
    // They signed the body that came.
    return verdict.removeHeader("x-hub-signature").removeHeader("x-hub-signature-256");
  },
});

/**
 * The message, if the event is one that there is a message for.
 *
 * @param {string} kind
 * @param {import("snaphook-sdk").Body} body
 */
function messageOf(kind, body) {
  if (kind === "push") return github.pushMessage(body.json(github.push));
  if (kind === "issues") return github.issueMessage(body.json(github.issues));
  return undefined;
}
