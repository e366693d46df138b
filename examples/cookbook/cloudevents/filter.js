// Puts an event into an envelope of CloudEvents 1.0, in structured mode:
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md

import { CallError, filter, refuse, schema, Verdict } from "snaphook-sdk";

export default filter({
  config: schema.object({
    source: schema.string({ minLength: 1 }).describe("Who sends, as a URI: the attribute `source`."),
    prefix: schema.string().default("").describe("Stands before the kind of event in the attribute `type`."),
  }),

  handle(event, config) {
    const kind = event.header("x-github-event") ?? refuse(400, "header x-github-event is missing");
    const envelope = {
      specversion: "1.0",
      id: event.header("x-github-delivery") ?? event.id,
      source: config.source,
      type: config.prefix + kind,
      time: new Date(event.receivedMs).toISOString(),
      datacontenttype: "application/json",
    };
    // As it stands in the body: parsed and written again, large numbers would not be the same.
    const body = `${JSON.stringify(envelope).slice(0, -1)},"data":${json(event.body)}}`;
    return Verdict.edit().setBody(body).setHeader("content-type", "application/cloudevents+json");
  },
});

function json(body) {
  try {
    return body.jsonText("");
  } catch (error) {
    if (error instanceof CallError && error.code === "invalid") refuse(400, "the body is not JSON");
    throw error;
  }
}
