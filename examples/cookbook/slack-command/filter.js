// Answers a slash command of Slack at once; who works on it gets it as JSON.

import { filter, refuse, Verdict } from "snaphook-sdk";

const HELP = "`/deploy SERVICE` deploys the service's main branch.";

export default filter({
  handle(event) {
    const form = Object.fromEntries(new URLSearchParams(event.body.text()));
    const { command, text = "", user_name: user, response_url } = form;
    if (!command) refuse(400, "no slash command");
    const service = text.trim();
    if (service === "" || service === "help") {
      return Verdict.respond(200).header("content-type", "application/json").body(reply(HELP));
    }
    // Slack waits three seconds: this is said as soon as the command is on disk.
    event.setAnswer({
      status: 200,
      headers: [["content-type", "application/json"]],
      body: reply(`On it: ${service}`),
    });
    return Verdict.edit().setJson({ command, service, user, response_url });
  },
});

/** A message that only its reader sees. */
function reply(text) {
  return JSON.stringify({ response_type: "ephemeral", text });
}
