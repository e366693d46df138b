// A Snaphook filter: refuses events without a token, and greets the others.

import { filter, refuse, Verdict } from "snaphook-sdk";

export default filter({
  // A filter that looks at the body leaves this line out.
  body: "none",

  handle(event) {
    event.header("x-token") ?? refuse(401, "no token");
    return Verdict.edit().setHeader("x-hello", "world");
  },
});
