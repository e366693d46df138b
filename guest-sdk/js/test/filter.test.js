// What a filter is given, what it may say, and what is made of it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { CallError, clock, filter, headers, hex, hmac, json, kv, log, random, Refusal, refuse, schema, secrets, Verdict, verify } from "snaphook-sdk";
import { hmacSha256, Test } from "snaphook-sdk/testing";

/** @typedef {import("snaphook-sdk").Event} Event */

/**
 * A filter that only looks.
 *
 * @param {(event: Event) => unknown} look
 */
function seeing(look) {
  return filter({
    secrets: ["webhook"],
    reveal: ["token"],
    kv: ["seen"],
    handle(event) {
      const seen = look(event);
      return Verdict.respond(200).body(JSON.stringify(seen) ?? "undefined");
    },
  });
}

/**
 * @param {(event: Event) => unknown} look
 * @param {(test: Test) => Test} [prepare]
 */
function seen(look, prepare = (test) => test) {
  const outcome = prepare(new Test(seeing(look))).run();
  assert.equal(outcome.name, "respond", outcome.reason);
  return outcome.answerText === "undefined" ? undefined : JSON.parse(outcome.answerText);
}

/** @param {() => Verdict} handle */
const deciding = (handle) => new Test(filter({ handle }));

test("an event is what was sent", () => {
  const prepare = (/** @type {Test} */ test) =>
    test.method("PUT").path("/a%20b/c?x=1+2&x=%C3%A9&y").header("X-Token", "1").appendHeader("x-token", "2").header("bin", Uint8Array.of(255));
  const facts = (/** @type {Event} */ event) => [event.method, event.path, event.query, event.header("x-tOKEN"), event.header("bin"), event.header("none")];
  assert.deepEqual(seen(facts, prepare), ["PUT", "/a%20b/c", "x=1+2&x=%C3%A9&y", "1", null, null]);
  assert.deepEqual(seen((event) => event.queryPairs(), prepare), [["x", "1 2"], ["x", "é"], ["y", ""]]);
  assert.equal(seen((event) => event.queryValue("x"), prepare), "1 2");
  assert.deepEqual(seen((event) => event.queryPairs(), (test) => test.path("/??a=%ff%zz")), [["?a", "\ufffd%zz"]]);
  assert.equal(seen((event) => event.headerValues("x-token").length, prepare), 2);
  assert.deepEqual(seen((event) => [event.phase, event.destination, event.attempt, event.isReplay]), ["route", null, 0, false]);
  const destination = (/** @type {Test} */ test) => test.forDestination("ci", 3).replay();
  const looked = filter({ handle: (event) => Verdict.drop(`${event.phase} ${event.destination} ${event.attempt} ${event.isReplay}`) });
  assert.equal(destination(new Test(looked)).run().reason, "destination ci 3 true");
  const attributes = (/** @type {Test} */ test) => test.pathParam("team", "a").label("tenant", "b");
  assert.deepEqual(seen((event) => [event.pathParam("team"), event.label("tenant"), event.attribute("path.team"), event.label("team")], attributes), ["a", "b", "a", null]);
  assert.equal(seen((event) => event.receivedMs === clock.nowMs() && event.receivedMs, (test) => test.clockMs(5)), 5);
});

test("a body stays with the host until some of it is asked for", () => {
  const text = '{ "a": [ 1.50, {"b/c": "\\u00e9"} ], "n": null, "~": true }';
  const of = (/** @type {(body: import("snaphook-sdk").Body) => unknown} */ look) => seen((event) => look(event.body), (test) => test.body(text).originalBody("first"));
  assert.equal(of((body) => body.length), text.length);
  assert.equal(of((body) => body.text()), text);
  assert.deepEqual(of((body) => Array.from(body.read(2, 3))), [34, 97, 34]);
  assert.deepEqual(of((body) => body.read(1000, 3).length), 0);
  assert.deepEqual(of((body) => body.json().a[1]), { "b/c": "é" });
  assert.equal(of((body) => body.jsonText("/a/0")), "1.50");
  assert.equal(of((body) => body.pointer("/a/0")), "1.50");
  assert.equal(of((body) => body.pointer("/a/1/b~1c")), "é");
  assert.equal(of((body) => body.pointer("/~0")), "true");
  for (const nothing of ["/n", "/a", "/a/01", "/a/-", "/none", "no pointer"]) assert.equal(of((body) => body.pointer(nothing)), undefined, nothing);
  assert.deepEqual(of((body) => body.jsonTexts(Array.from({ length: 130 }, (_, at) => (at === 129 ? "/n" : "/x")))).slice(-2), [null, "null"]);
  assert.equal(of((body) => body.jsonAt("/a/0", schema.number())), 1.5);
  assert.equal(of((body) => body.original().text()), "first");
  assert.equal(of((body) => hex.encode(body.original().digest("sha1"))), "e0996a37c13d44c3b06074939d43fa3759bd32c1");
  const code = of((body) => {
    try {
      return body.jsonText("a");
    } catch (error) {
      return error instanceof CallError && error.code;
    }
  });
  assert.equal(code, "invalid");
});

test("a body of another form is refused", () => {
  const wants = (/** @type {import("snaphook-sdk").schema.Schema<unknown>} */ wanted) => new Test(filter({ handle: (event) => (event.body.json(wanted), Verdict.pass()) }));
  const wanted = schema.part({ action: schema.string(), labels: schema.array(schema.string()).nullable().optional() });
  const refused = (/** @type {string | Uint8Array} */ body) => {
    const outcome = wants(wanted).body(body).run();
    return outcome.status === undefined ? outcome.name : `${outcome.status} ${outcome.reason}`;
  };
  assert.equal(refused('{"action":"opened","more":1,"labels":null}'), "pass");
  assert.equal(refused('{"labels":["a",2]}'), "400 the body is not as expected: missing field `action`");
  assert.equal(refused('{"action":"","labels":["a",2]}'), "400 the body is not as expected: labels[1]: a number, expected a string");
  assert.match(refused("payload=%7B%7D"), /^400 the body is not as expected: /);
  assert.equal(refused(Uint8Array.of(255)), "400 the body is not text: it is not UTF-8");
});

test("verdicts are what the host reads", () => {
  assert.deepEqual(deciding(() => Verdict.pass()).run().decision, { tag: "pass" });
  assert.deepEqual(deciding(() => Verdict.edit()).run().decision, { tag: "pass" });
  const rejected = deciding(() => Verdict.reject(401).reason("no").header("www-authenticate", "Bearer")).run();
  assert.deepEqual([rejected.name, rejected.status, rejected.reason], ["reject", 401, "no"]);
  const answered = deciding(() => Verdict.respond(200).body("pong")).run();
  assert.deepEqual([answered.name, answered.status, answered.answerText], ["respond", 200, "pong"]);
  assert.equal(deciding(() => Verdict.drop("why")).run().reason, "why");
  assert.deepEqual(deciding(() => Verdict.retryLater(30)).run().decision, { tag: "retry-later", val: 30 });
});

test("edits are applied in order", () => {
  const outcome = new Test(
    filter({
      handle: () =>
        Verdict.edit()
          .setHeader("X-A", "1").appendHeader("x-a", "2").removeHeader("cookie")
          .setMethod("PUT").setPath("/new").setQuery("q=1")
          .jsonSet("/a/-", 3).jsonSet("/b/c", true).jsonRemove("/drop").jsonSetText("/n", "1.50")
          .choose(["ci"]),
    }),
  ).header("cookie", "x").body('{ "a": [1, 2], "drop": 1, "n": 2 }').run();
  const { event } = outcome;
  assert.deepEqual([event.method, event.path, event.query, event.destinations], ["PUT", "/new", "q=1", ["ci"]]);
  assert.deepEqual(event.headers.map(([name, value]) => [name, String.fromCharCode(...value)]), [["x-a", "1"], ["x-a", "2"]]);
  assert.equal(event.text(), '{ "a": [1, 2,3], "n": 1.50,"b":{"c":true} }');
});

test("what the host cannot apply is bad output", () => {
  for (const [verdict, problem] of /** @type {[() => Verdict, string][]} */ ([
    [() => Verdict.edit().setHeader("content-length", "1"), "`content-length` is set by the host alone"],
    [() => Verdict.edit().setHeader("a b", "1"), "`a b` is no name of a header"],
    [() => Verdict.edit().setHeader("a", "1\n2"), "the value of header `a` holds byte 10"],
    [() => Verdict.edit().setPath("a"), "`a` is no path"],
    [() => Verdict.edit().setMethod("CONNECT"), "`CONNECT` is no method"],
    [() => Verdict.edit().choose(["nowhere"]), "`nowhere` is not one of the route's destinations"],
    [() => Verdict.edit().choose([]), "no destination is chosen"],
    [() => Verdict.reject(200), "status 200 is not from 400 to 599"],
    [() => Verdict.edit().jsonSet("/a/9", 1), "`/a/9` leads past the end of an array"],
    [() => Verdict.edit().jsonSet("/a/0/b", 1), "`/a/0/b` leads into a value that is neither object nor array"],
    [() => Verdict.edit().jsonRemove(""), "the whole body cannot be removed"],
  ])) {
    const outcome = deciding(verdict).destinations(["ci"]).body('{"a":[1]}').run();
    assert.deepEqual([outcome.name, outcome.reason], ["failed", `bad output: ${problem}`]);
  }
  assert.equal(deciding(() => Verdict.respond(200)).forDestination("ci").run().reason, "bad output: a filter of a destination cannot respond");
});

test("what is thrown becomes a refusal or a failure", () => {
  const thrown = (/** @type {() => any} */ handle) => {
    const outcome = deciding(handle).run();
    return `${outcome.name} ${outcome.status ?? ""} ${outcome.reason}`;
  };
  assert.equal(thrown(() => refuse(401, "no token")), "reject 401 no token");
  assert.equal(thrown(() => { throw new Refusal(429, "slow").header("retry-after", "1"); }), "reject 429 slow");
  assert.equal(thrown(() => { throw new Error("boom"); }), "failed  boom");
  assert.equal(thrown(() => /** @type {any} */ (null).x), "failed  TypeError: Cannot read properties of null (reading 'x')");
  assert.equal(thrown(() => { throw "text"; }), "failed  text");
  assert.equal(thrown(() => undefined), "failed  TypeError: `handle` returned undefined, not a `Verdict`");
  assert.equal(thrown(() => Promise.resolve(Verdict.pass())), "failed  TypeError: `handle` returned a promise: it must not be `async`");
  assert.equal(thrown(() => Verdict.reject(70_000)), "failed  RangeError: the status is 70000, not a whole number from 0 to 65535");
  assert.equal(thrown(() => Verdict.edit().setHeader("a", /** @type {any} */ (5))), "failed  TypeError: the value of header `a` is a number, not a string or a Uint8Array");
});

test("GitHub's signature is checked over what was received", () => {
  const guard = filter({ secrets: ["webhook"], handle: (event) => (verify.github(event, "webhook"), Verdict.pass()) });
  // Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const signed = () => new Test(guard).secret("webhook", "It's a Secret to Everybody").body("Hello, World!").header("x-hub-signature-256", signature);
  assert.equal(signed().run().name, "pass");
  assert.equal(signed().body("changed").originalBody("Hello, World!").run().name, "pass");
  assert.equal(signed().secret("webhook", "the newest").run().name, "pass");
  assert.equal(signed().signed("webhook").run().name, "pass");
  for (const [test, reason] of /** @type {[Test, string][]} */ ([
    [signed().body("Hello, World?"), "signature does not match the body"],
    [signed().appendHeader("x-hub-signature-256", signature), "header x-hub-signature-256 is there twice"],
    [signed().header("x-hub-signature-256", "sha256=00"), "header x-hub-signature-256 is malformed"],
    [signed().header("x-hub-signature-256", Uint8Array.of(255)), "header x-hub-signature-256 is malformed"],
    [signed().header("x-hub-signature-256", `${signature.slice(0, -1)}g`), "header x-hub-signature-256 is malformed"],
    [new Test(guard).secret("webhook", "x"), "header x-hub-signature-256 is missing"],
  ])) {
    const outcome = test.run();
    assert.deepEqual([outcome.status, outcome.reason], [401, reason]);
  }
  const without = new Test(guard).header("x-hub-signature-256", signature).run();
  assert.deepEqual([without.name, without.reason, without.denied], ["failed", "no grant for secrets.webhook", ["secrets.webhook"]]);
});

test("parts are joined and signed", () => {
  const parts = (/** @type {Event} */ event) => ["v0:", { header: "x-time" }, Uint8Array.of(58), event.body];
  const look = (/** @type {Event} */ event) => {
    const mac = hmac.sign("webhook", "hmac-sha256", parts(event));
    return [hex.encode(mac), hmac.verify("webhook", "hmac-sha256", parts(event), mac), hmac.verify("webhook", "hmac-sha256", ["x"], mac)];
  };
  const prepare = (/** @type {Test} */ test) => test.secret("webhook", "old").secret("webhook", "key").header("x-time", "7").body("text");
  assert.deepEqual(seen(look, prepare), [hex.encode(hmacSha256("key", "v0:7:text")), true, false]);
});

test("secrets are revealed to who asked", () => {
  assert.equal(seen(() => secrets.equal(secrets.reveal("token"), "s3cret"), (test) => test.reveal("token", "s3cret")), true);
  assert.equal(secrets.equal("token", "tokem") || secrets.equal("a", "ab") || secrets.equal("ab", "a"), false);
  assert.throws(() => new Test(seeing(() => 1)).secret("other", ""), /does not ask for `other` in `secrets`/);
});

test("values outlive the call", () => {
  const store = kv.namespace("seen");
  const decode = (/** @type {Uint8Array | undefined} */ value) => (value === undefined ? undefined : new TextDecoder().decode(value));
  const kept = new Test(
    filter({
      kv: ["seen"],
      handle(event) {
        const count = store.increment("count", 2, 60);
        store.set("text", `call ${count}`);
        const swapped = [store.compareAndSwap("swap", undefined, "a"), store.compareAndSwap("swap", "a", "b"), store.compareAndSwap("swap", "x", "c")];
        const found = [count, decode(store.get("text")), decode(store.get("swap")), swapped, store.get("none") === undefined];
        store.delete("text");
        return Verdict.respond(200).body(JSON.stringify([...found, store.get("text") === undefined, event.attempt]));
      },
    }),
  );
  assert.deepEqual(JSON.parse(kept.run().answerText), [2, "call 2", "b", [true, true, false], true, true, 0]);
  assert.deepEqual(JSON.parse(kept.run().answerText), [4, "call 4", "b", [false, false, false], true, true, 0]);
  assert.equal(JSON.parse(kept.clockMs(1_790_000_060_000).run().answerText)[0], 2);
  const denied = new Test(filter({ handle: () => (kv.namespace("seen").get("a"), Verdict.pass()) })).run();
  assert.deepEqual([denied.reason, denied.denied], ["no grant for kv.seen", ["kv.seen"]]);
});

test("what the engine cannot hand over is refused before it breaks down", () => {
  const outcome = new Test(filter({ kv: ["seen"], handle: () => (kv.namespace("seen").increment("n", -1), Verdict.pass()) })).run();
  assert.equal(outcome.reason, "RangeError: what is added to a counter is -1, not a whole number from 0 to 9007199254740991");
});

test("a key is reserved until the event is decided", () => {
  const once = () => new Test(filter({ kv: ["seen"], handle: () => {
    const reservation = kv.namespace("seen").once("id", 60);
    return reservation === "first" ? Verdict.pass() : Verdict.drop(reservation);
  } }));
  const taken = once();
  assert.equal(taken.run().name, "pass");
  assert.equal(taken.run().reason, "known");
  const refused = once().destinationsRefuse();
  assert.equal(refused.run().name, "pass");
  assert.equal(refused.run().name, "pass");
  assert.equal(once().reserved("seen", "id").run().reason, "pending");
});

test("what is said beside the verdict is kept", () => {
  const outcome = new Test(filter({
    handle(event) {
      event.setLabel("tenant", "a");
      event.setLabel("tenant", "b");
      event.setIdempotencyKey("i");
      event.setOrderKey("o");
      event.setDeliverAfter(event.receivedMs + 1);
      event.setAnswer({ status: 200, headers: [["x", "1"]], body: "ok" });
      log.info(`event of ${event.source}`);
      return Verdict.pass();
    },
  })).clockMs(9).run();
  assert.deepEqual([...outcome.labels], [["tenant", "b"]]);
  assert.deepEqual([outcome.idempotencyKey, outcome.orderKey, outcome.deliverAfter, outcome.answer?.status], ["i", "o", 10, 200]);
  assert.deepEqual(outcome.logs, [{ level: "info", message: "event of 192.0.2.1" }]);
  assert.equal(deciding(() => Verdict.pass()).run().logs.length, 0);
  const wrong = new Test(filter({ handle: (event) => (event.setLabel("A", ""), Verdict.pass()) })).run();
  assert.match(wrong.reason, /^invalid argument: `A` is no label/);
});

test("random numbers differ from call to call and repeat in the next test", () => {
  const drawn = new Test(seeing(() => [random.number(), random.bytes(2).length]));
  const [first, second] = [JSON.parse(drawn.run().answerText), JSON.parse(drawn.run().answerText)];
  assert.ok(first[0] >= 0 && first[0] < 1 && first[0] !== second[0] && first[1] === 2);
  assert.deepEqual(seen(() => [random.number(), random.bytes(2).length]), first);
});

test("a configuration is read, or refused with its place", () => {
  const configured = filter({
    config: schema.object({
      rules: schema.array(schema.object({ to: schema.array(schema.string({ minLength: 1 }), { min: 1 }), event: schema.string().optional() })),
      limit: schema.integer({ min: 0, max: 255 }).default(7),
      mode: schema.choice(["fast", "safe"]).default("fast"),
      share: schema.number({ max: 1 }).optional(),
      names: schema.record(schema.boolean()).default({}),
      host: schema.string({ pattern: /^[a-z]+$/ }).optional(),
    }),
    validate(config) {
      if (config.rules.length > 2) throw new Error("rules: more than 2");
    },
    handle: (_, config) => Verdict.respond(200).body(JSON.stringify(config)),
  });
  const fault = (/** @type {unknown} */ config) => new Test(configured).config(config).configure();
  assert.equal(fault({ rules: [{ to: ["ci"] }, { to: ["ci", 3] }] }), "rules[1].to[1]: a number, expected a string");
  assert.equal(fault({ rules: [{ to: ["a"] }, { event: "push" }] }), "rules[1]: missing field `to`");
  assert.equal(fault({ rules: [{ to: ["a"], evnt: 1 }] }), "rules[0].evnt: unknown field `evnt`, expected `to` or `event`");
  assert.equal(fault({ rules: [{ to: [] }] }), "rules[0].to: has 0 elements, at least 1 are needed");
  assert.equal(fault({ rules: [{ to: [""] }] }), "rules[0].to[0]: is empty");
  assert.equal(fault({ rules: [], limit: 300 }), "limit: 300 is more than 255");
  assert.equal(fault({ rules: [], limit: 1.5 }), "limit: 1.5, expected a whole number");
  assert.equal(fault({ rules: [], mode: "slow" }), "mode: `slow`, expected `fast` or `safe`");
  assert.equal(fault({ rules: [], names: { a: 1 } }), "names.a: a number, expected `true` or `false`");
  assert.equal(fault({ rules: [], host: "A" }), "host: `A` does not look like `^[a-z]+$`");
  assert.equal(fault({ rules: 7 }), "rules: a number, expected an array");
  assert.equal(fault({}), "missing field `rules`");
  assert.equal(fault([]), "an array, expected an object");
  assert.equal(fault({ rules: [1, 2, 3].map(() => ({ to: ["a"] })) }), "rules: more than 2");
  assert.deepEqual(JSON.parse(new Test(configured).config({ rules: [] }).run().answerText), { rules: [], limit: 7, mode: "fast", names: {} });
  assert.throws(() => new Test(configured).run(), /the configuration is refused: missing field `rules`/);
});

test("a filter without configuration takes none", () => {
  const fault = (/** @type {unknown} */ config) => deciding(() => Verdict.pass()).config(config).configure();
  assert.equal(fault({}), undefined);
  assert.equal(fault({ a: 1 }), "this filter takes no configuration: remove `a`");
  assert.equal(fault(null), "this filter takes no configuration: write `{}` or leave it out");
});

test("while a configuration is checked only log, clock and random work", () => {
  const configured = filter({
    kv: ["seen"],
    config: schema.object({}),
    validate() {
      log.info("checked");
      random.number();
      kv.namespace("seen").get("a");
    },
    handle: () => Verdict.pass(),
  });
  assert.equal(new Test(configured).configure(), "no grant for kv.seen");
});

test("the manifest is what the filter asks for", () => {
  const { manifest } = filter({
    body: "none",
    secrets: ["webhook"],
    kv: ["seen"],
    optionalSecrets: ["api"],
    optionalKv: ["rates"],
    keys: ["https://*.example.com/keys/"],
    config: schema.object({ header: schema.string().describe("Which."), mode: schema.choice(["a"]).default("a") }),
    handle: () => Verdict.pass(),
  });
  assert.deepEqual({ ...manifest, sdk: "" }, {
    sdk: "",
    body: "none",
    secrets: ["webhook"],
    reveal: [],
    kv: ["seen"],
    optional_secrets: ["api"],
    optional_kv: ["rates"],
    keys: ["https://*.example.com/keys/"],
    config_schema: {
      type: "object",
      additionalProperties: false,
      properties: { header: { description: "Which.", type: "string" }, mode: { enum: ["a"], default: "a" } },
      required: ["header"],
    },
  });
  const wrong = (/** @type {any} */ definition) => () => filter({ handle: () => Verdict.pass(), ...definition });
  assert.throws(wrong({ body: "some" }), /`body` is `none` or `buffered`, not `some`/);
  assert.throws(wrong({ secrets: ["Web hook"] }), /`secrets`: `Web hook` is no name/);
  assert.throws(wrong({ optionalSecrets: "api" }), /`optionalSecrets` is a string, not an array of names/);
  for (const url of ["example.com/", "https://example.com", "https://a b.example/", "https://example.com/*"]) {
    assert.throws(wrong({ keys: [url] }), { message: `\`keys\`: \`${url}\` is no beginning of a URL: write https://HOST/PATH, where * may be a label of the host` });
  }
  assert.throws(wrong({ handle: undefined }), /a filter has a function `handle`/);
  assert.throws(wrong({ config: {} }), /`config` is made by the functions of `schema`/);
});

test("a member that no filter has is refused, with the one that is meant", () => {
  const refused = (/** @type {string} */ name) => {
    const definition = { handle: () => Verdict.pass(), [name]: undefined };
    try {
      return void filter(/** @type {any} */ (definition));
    } catch (error) {
      return /** @type {Error} */ (error).message;
    }
  };
  assert.equal(refused("validat"), "`validat` is no member of a filter: do you mean `validate`?");
  const meant = { optional_secrets: "optionalSecrets", Secret: "secrets", key: "keys", configSchema: "config", handler: "handle" };
  for (const [name, known] of Object.entries(meant)) assert.equal(refused(name), `\`${name}\` is no member of a filter: do you mean \`${known}\`?`);
  const all = "`body`, `secrets`, `reveal`, `kv`, `optionalSecrets`, `optionalKv`, `keys`, `config`, `validate`, `handle`";
  assert.equal(refused("timeout"), `\`timeout\` is no member of a filter: it has ${all}`);
  assert.equal(refused("secrets"), undefined);
});

test("a handle that would have to be waited for is refused", () => {
  const refused = (/** @type {any} */ handle) => assert.throws(() => filter({ handle }), { message: "`handle` must not be `async`, nor a generator: there is nothing to wait for in a filter" });
  refused(async () => Verdict.pass());
  refused(function* () {});
  refused(async function* () {});
});

test("a filter that does not look at the body sees none", () => {
  const blind = filter({ body: "none", handle: (event) => Verdict.drop(`${event.bodyLength} ${event.body.length}`) });
  assert.equal(new Test(blind).body("text").run().reason, "undefined 0");
});

test("well-known headers are read", () => {
  const look = (/** @type {Event} */ event) => [headers.contentType(event), headers.bearer(event), headers.list(event, "accept")];
  const prepare = (/** @type {Test} */ test) =>
    test.header("content-type", "Application/JSON; charset=utf-8").header("authorization", "bearer  t0ken ").header("accept", "a, ,b").appendHeader("accept", "c");
  assert.deepEqual(seen(look, prepare), ["application/json", "t0ken", ["a", "b", "c"]]);
  assert.deepEqual(seen(look), [null, null, []]);
});

test("pointers and digits are written", () => {
  assert.equal(json.pointer(["files", "a/b~c", 0]), "/files/a~1b~0c/0");
  assert.equal(hex.encode(Uint8Array.of(0, 15, 255)), "000fff");
  assert.deepEqual(hex.decode("0Ff0"), Uint8Array.of(15, 240));
  for (const wrong of ["0", "0g", "+1", " 0", "é"]) assert.equal(hex.decode(wrong), undefined, wrong);
});

test("events are read from files", () => {
  const set = new URL("../../tests/event-files.json", import.meta.url);
  const { read, refused } = existsSync(set) ? JSON.parse(readFileSync(set, "utf8")) : { read: [], refused: [] };
  const latin = (/** @type {Uint8Array} */ octets) => Buffer.from(octets).toString("latin1");
  for (const { file, event } of read) {
    const outcome = new Test(filter({ handle: () => Verdict.pass() })).event(file).run();
    const { method, path, query = null, headers, body } = outcome.event;
    const values = headers.map(([name, value]) => [name, latin(value)]);
    assert.deepEqual({ method, path, query, headers: values, body: latin(body) }, event, file);
  }
  for (const file of refused) assert.throws(() => deciding(() => Verdict.pass()).event(file), /^Error: this is no event file: /, file);
  const fault = (/** @type {string} */ file, /** @type {string} */ message) =>
    assert.throws(() => deciding(() => Verdict.pass()).event(file), { message: `this is no event file: ${message}` });
  fault("[]", "it is an array, not an object");
  fault('{"bdy": 1}', "it has no member `bdy`");
  fault('{"path": 1}', "`path` is a number, not a string");
  fault('{"body": 1, "body_text": ""}', "it has one of `body`, `body_text` and `body_base64`");
  fault('{"body_base64": "Zm 9"}', "`body_base64` is no base64");
  fault('{"headers": {}}', "`headers` is an object, not a list of pairs");
  fault('{"headers": [["x"]]}', '`headers[0]` is no pair: write ["name", "value"]');
  fault('{"headers": [["x", 1]]}', 'the value in `headers[0]` is a number, not a string or {"base64": "…"}');
});

test("there is no host outside of a call", () => {
  assert.throws(() => log.info("x"), /the host can be called only while the filter handles an event/);
});
