// Prints one line of JSON for each payload of @octokit/webhooks-examples, signed now by @octokit/webhooks-methods with the
// secret that is the first argument, and with what the routes of the test must make of it.

import { createRequire } from "node:module";
import { sign } from "@octokit/webhooks-methods";
import { destination, message } from "./expect.mjs";

const webhooks = createRequire(import.meta.url)("@octokit/webhooks-examples");
const secret = process.argv[2];
const base64 = (text) => Buffer.from(text, "utf8").toString("base64");

for (const { name: event, examples } of webhooks) {
  for (const [index, payload] of examples.entries()) {
    const body = JSON.stringify(payload);
    const slack = message(event, payload);
    const line = {
      name: `${event}/${index}`,
      event,
      signature: await sign(secret, body),
      body: base64(body),
      destination: destination(event, payload),
      message: slack === null ? null : base64(JSON.stringify(slack)),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}
