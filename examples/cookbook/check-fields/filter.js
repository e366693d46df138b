// Takes orders of one form only, and tells the sender what is wrong with any other.

import { filter, Refusal, schema, Verdict } from "snaphook-sdk";

const order = schema.part({
  id: schema.string({ minLength: 1, maxLength: 64 }),
  currency: schema.choice(["EUR", "USD"]),
  lines: schema.array(
    schema.object({ article: schema.string({ pattern: /^[A-Z]{2}-\d+$/ }), count: schema.integer({ min: 1 }) }),
    { min: 1 },
  ),
  note: schema.string({ maxLength: 500 }).optional(),
});

export default filter({
  handle(event) {
    try {
      event.body.json(order);
      return Verdict.pass();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const problem = { title: "this is no order", status: 400, detail: error.reason };
      return Verdict.respond(400).header("content-type", "application/problem+json").body(JSON.stringify(problem));
    }
  },
});
