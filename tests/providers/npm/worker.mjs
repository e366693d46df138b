// Signs and verifies webhooks with the providers' own npm packages. Reads one JSON object a line, answers one a line.
//
// {"op": "list"}                                        which SDKs there are, and what each of them can do
// {"op": "keys", "kind": "ed25519" | "p256" | "rsa"}    a new pair of keys
// {"op": "sign" | "verify", "sdk", "secret", "settings", "method", "url", "headers", "body" (base64), "now" (milliseconds)}

import { createHash, createSecretKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import https from "node:https";
import { createRequire } from "node:module";
import { EventEmitter } from "node:events";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);

// The libraries ask the clock themselves; here it says what the driver says, so that both edges of their windows can be seen.
const Clock = Date;
let now = null;
globalThis.Date = class extends Clock {
  constructor(...given) {
    super(...(given.length === 0 && now !== null ? [now] : given));
  }
  static now() {
    return now ?? Clock.now();
  }
};

const seconds = (millis) => Math.floor(millis / 1000);
const path = (url) => url.replace(/^https?:\/\/[^/]+/, "");

/** A form as an object; a name that is there twice has a list. */
function fields(text) {
  const all = {};
  for (const [name, value] of new URLSearchParams(text)) {
    all[name] = name in all ? [all[name], value].flat() : value;
  }
  return all;
}

/** What does not throw holds, unless it says no. */
const holds = (said) => said !== false;

const standard = (Library, id, time, signature) => ({
  window: [300, 300],
  sign: ({ secret, text, headers, now }) => {
    const name = headers[id] ?? "msg_2b3c4d5e6f";
    const made = new Library(secret.replace(/^v1,/, "")).sign(name, new Date(now), text);
    return { headers: { [id]: name, [time]: String(seconds(now)), [signature]: made } };
  },
  verify: ({ secret, text, headers }) => holds(new Library(secret.replace(/^v1,/, "")).verify(text, headers) ?? true),
});

const braintree = ({ secret, settings }) => {
  const { BraintreeGateway, Environment } = require("braintree");
  const environment = Environment.Sandbox;
  return new BraintreeGateway({ environment, merchantId: "m", publicKey: settings.public_key, privateKey: secret });
};

const shopify = async (secret) => {
  await import("@shopify/shopify-api/adapters/node");
  const { shopifyApi, LogSeverity } = await import("@shopify/shopify-api");
  return shopifyApi({
    apiKey: "key", apiSecretKey: secret, scopes: ["read_orders"], hostName: "hooks.example.com", apiVersion: "2026-01",
    isEmbeddedApp: false, logger: { level: LogSeverity.Error },
  });
};

/** What of a message RFC 9421's own library signs; the digest of the body is for the caller to make and to check. */
const SIGNED = ["@method", "@target-uri", "content-digest"];
const contentDigest = (body) => `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;

// window: for how many seconds back and ahead the SDK takes a signature (null: it does not look); none: it leaves the time to the caller.
// body: false if the SDK does not look at the body. scheme: which of the recipe's schemes it is for, if not the first.
// host: false if the host would have to fetch the key from the provider.
const SDKS = {
  stripe: {
    providers: ["stripe"], package: "stripe", window: [300, null],
    load: async () => new (await import("stripe")).default("sk_test_1"),
    sign: ({ sdk, secret, text, now }) => ({
      headers: { "stripe-signature": sdk.webhooks.generateTestHeaderString({ payload: text, secret, timestamp: seconds(now) }) },
    }),
    verify: ({ sdk, secret, text, headers }) => holds(sdk.webhooks.constructEvent(text, headers["stripe-signature"], secret)),
  },
  octokit: {
    providers: ["github"], package: "@octokit/webhooks-methods",
    load: () => import("@octokit/webhooks-methods"),
    sign: async ({ sdk, secret, text }) => ({ headers: { "x-hub-signature-256": await sdk.sign(secret, text) } }),
    verify: ({ sdk, secret, text, headers }) => sdk.verify(secret, text, headers["x-hub-signature-256"]),
  },
  standardwebhooks: {
    providers: ["standard-webhooks", "brex", "etsy", "gemini", "loops", "render", "supabase"], package: "standardwebhooks",
    ...standard(require("standardwebhooks").Webhook, "webhook-id", "webhook-timestamp", "webhook-signature"),
  },
  svix: {
    providers: ["svix", "incident-io", "stytch", "vanta"], package: "svix",
    ...standard(require("svix").Webhook, "svix-id", "svix-timestamp", "svix-signature"),
  },
  bolt: {
    providers: ["slack"], package: "@slack/bolt", window: [300, null],
    load: () => require("@slack/bolt/dist/receivers/verify-request.js"),
    verify: ({ sdk, secret, text, headers }) => {
      const time = Number(headers["x-slack-request-timestamp"]);
      const signed = { "x-slack-signature": headers["x-slack-signature"], "x-slack-request-timestamp": time };
      return holds(sdk.verifySlackRequest({ signingSecret: secret, headers: signed, body: text }));
    },
  },
  twilio: {
    providers: ["twilio"], package: "twilio", scheme: 1,
    load: () => require("twilio"),
    sign: ({ sdk, secret, url, text }) => ({
      headers: { "x-twilio-signature": require("twilio/lib/webhooks/webhooks").getExpectedTwilioSignature(secret, url, fields(text)) },
    }),
    verify: ({ sdk, secret, url, text, headers }) => sdk.validateRequest(secret, headers["x-twilio-signature"], url, fields(text)),
  },
  "twilio-json": {
    providers: ["twilio"], package: "twilio", event: "voice_intelligence_transcript_available",
    load: () => require("twilio/lib/webhooks/webhooks"),
    sign: ({ sdk, secret, url, text }) => {
      const signed = `${url.replace(/[?&]bodySHA256=[0-9a-f]*/, "")}?bodySHA256=${sdk.getExpectedBodyHash(text)}`;
      return { url: signed, headers: { "x-twilio-signature": sdk.getExpectedTwilioSignature(secret, signed, {}) } };
    },
    verify: ({ sdk, secret, url, text, headers }) =>
      sdk.validateRequestWithBody(secret, headers["x-twilio-signature"], url, text),
  },
  shopify: {
    providers: ["shopify"], package: "@shopify/shopify-api",
    verify: async ({ secret, method, url, text, headers }) => {
      const rawRequest = { method, url: path(url), headers };
      return (await (await shopify(secret)).webhooks.validate({ rawBody: text, rawRequest, rawResponse: {} })).valid;
    },
  },
  discord: {
    providers: ["discord"], package: "discord-interactions", key: "hex",
    load: () => require("discord-interactions"),
    verify: ({ sdk, secret, body, headers }) =>
      sdk.verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], secret),
  },
  sendgrid: {
    providers: ["sendgrid"], package: "@sendgrid/eventwebhook", key: "spki",
    load: () => new (require("@sendgrid/eventwebhook").EventWebhook)(),
    verify: ({ sdk, secret, body, headers }) => {
      const name = "x-twilio-email-event-webhook-";
      const key = sdk.convertPublicKeyToECDSA(secret);
      return sdk.verifySignature(key, body, headers[`${name}signature`], headers[`${name}timestamp`]);
    },
  },
  adyen: {
    providers: ["adyen"], package: "@adyen/api-library", recipeCode: "adyen",
    load: () => new (require("@adyen/api-library/lib/src/utils/hmacValidator").default)(),
    sign: ({ sdk, secret, text }) => {
      const event = JSON.parse(text);
      for (const { NotificationRequestItem: item } of event.notificationItems) {
        item.additionalData = { ...item.additionalData, hmacSignature: sdk.calculateHmac(item, secret) };
      }
      return { body: JSON.stringify(event) };
    },
    verify: ({ sdk, secret, text }) =>
      JSON.parse(text).notificationItems.every(({ NotificationRequestItem: item }) => sdk.validateHMAC(item, secret)),
  },
  "adyen-header": {
    providers: ["adyen"], package: "@adyen/api-library", recipeHeader: "hmacsignature",
    load: () => new (require("@adyen/api-library/lib/src/utils/hmacValidator").default)(),
    sign: ({ sdk, secret, text }) => {
      // Only notifications that are no items are signed in a header.
      const body = JSON.stringify({ type: "balancePlatform.transfer.created", data: { id: "1W1UG35U8A9J5ZLG", amount: 1130 } });
      return { body, headers: { hmacsignature: sdk.calculateHmacSignature(body, secret) } };
    },
    verify: ({ sdk, secret, text, headers }) => sdk.validateHMACSignature(secret, headers.hmacsignature, text),
  },
  braintree: {
    providers: ["braintree"], package: "braintree",
    sign: (request) => {
      const made = braintree(request).webhookTesting.sampleNotification("subscription_charged_successfully", "s1");
      return { body: new URLSearchParams(made).toString() };
    },
    verify: async (request) => {
      const { bt_signature: signature, bt_payload: payload } = fields(request.text);
      return holds(await braintree(request).webhookNotification.parse(signature, payload));
    },
  },
  sanity: {
    providers: ["sanity"], package: "@sanity/webhook",
    load: () => import("@sanity/webhook"),
    sign: async ({ sdk, secret, text, now }) => ({
      headers: { "sanity-webhook-signature": await sdk.encodeSignatureHeader(text, now, secret) },
    }),
    verify: ({ sdk, secret, text, headers }) => sdk.isValidSignature(text, headers["sanity-webhook-signature"], secret),
  },
  line: {
    providers: ["line"], package: "@line/bot-sdk",
    load: () => import("@line/bot-sdk"),
    verify: ({ sdk, secret, body, headers }) => sdk.validateSignature(body, secret, headers["x-line-signature"]),
  },
  paddle: {
    providers: ["paddle"], package: "@paddle/paddle-node-sdk", window: [5, null],
    load: () => new (require("@paddle/paddle-node-sdk").Paddle)("pdl_sdbx_apikey_1"),
    verify: async ({ sdk, secret, text, headers }) =>
      holds(await sdk.webhooks.unmarshal(text, secret, headers["paddle-signature"])),
  },
  ...Object.fromEntries([["v3", 0], ["v2", 1], ["v1", 2]].map(([version, scheme]) => [
    version === "v3" ? "hubspot" : `hubspot-${version}`,
    {
      providers: ["hubspot"], package: "@hubspot/api-client", scheme, window: version === "v3" ? [300, null] : undefined,
      load: () => require("@hubspot/api-client/lib/src/utils/signature.js").Signature,
      sign: ({ sdk, secret, method, url, text, now }) => {
        const about = { clientSecret: secret, requestBody: text, url, timestamp: now };
        const signature = sdk.getSignature(method, version, about);
        return {
          headers: version === "v3"
            ? { "x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": String(now) }
            : { "x-hubspot-signature": signature, "x-hubspot-signature-version": version },
        };
      },
      verify: ({ sdk, secret, method, url, text, headers }) =>
        sdk.isValid({
          method, signatureVersion: version, clientSecret: secret, requestBody: text, url,
          signature: headers[version === "v3" ? "x-hubspot-signature-v3" : "x-hubspot-signature"],
          timestamp: Number(headers["x-hubspot-request-timestamp"]),
        }),
    },
  ])),
  razorpay: {
    providers: ["razorpay"], package: "razorpay",
    load: () => require("razorpay"),
    verify: ({ sdk, secret, text, headers }) => sdk.validateWebhookSignature(text, headers["x-razorpay-signature"], secret),
  },
  workos: {
    providers: ["workos"], package: "@workos-inc/node", window: [180, null],
    load: async () => new (await import("@workos-inc/node")).WorkOS("sk_test_1", { clientId: "client_1" }),
    sign: async ({ sdk, secret, text, now }) => {
      const made = await sdk.webhooks.computeSignature(String(now), JSON.parse(text), secret);
      return { headers: { "workos-signature": `t=${now}, v1=${made}` }, body: JSON.stringify(JSON.parse(text)) };
    },
    verify: async ({ sdk, secret, text, headers }) => {
      const sigHeader = headers["workos-signature"];
      return holds(await sdk.webhooks.constructEvent({ payload: JSON.parse(text), sigHeader, secret }));
    },
  },
  openai: {
    providers: ["openai"], package: "openai", window: [300, 300],
    load: async () => new (await import("openai")).default({ apiKey: "sk-1" }),
    verify: async ({ sdk, secret, text, headers }) => holds(await sdk.webhooks.unwrap(text, headers, secret)),
  },
  resend: {
    providers: ["resend"], package: "resend", window: [300, 300],
    load: () => new (require("resend").Resend)("re_1"),
    verify: ({ sdk, secret, text, headers }) => {
      const signed = { id: headers["svix-id"], timestamp: headers["svix-timestamp"], signature: headers["svix-signature"] };
      return holds(sdk.webhooks.verify({ payload: text, headers: signed, webhookSecret: secret }));
    },
  },
  contentful: {
    providers: ["contentful"], package: "@contentful/node-apps-toolkit", window: [30, null],
    load: () => require("@contentful/node-apps-toolkit"),
    sign: ({ sdk, secret, method, url, text, headers, now }) => {
      const signed = { "content-type": headers["content-type"] };
      return { headers: sdk.signRequest(secret, { method, path: path(url), headers: signed, body: text }, now) };
    },
    verify: ({ sdk, secret, method, url, text, headers }) =>
      sdk.verifyRequest(secret, { method, path: path(url), headers, body: text }),
  },
  "sns-validator": {
    providers: ["sns"], package: "sns-validator", key: "pem", host: false,
    load: () => new (require("sns-validator"))(),
    verify: ({ sdk, secret, text }) => new Promise((resolve) => {
      // The library fetches the certificate of the message; here it gets the key.
      const { get } = https;
      https.get = (_, answered) => {
        const answer = Object.assign(new EventEmitter(), { statusCode: 200 });
        setImmediate(() => (answer.emit("data", secret), answer.emit("end")));
        answered(answer);
        return new EventEmitter();
      };
      // It keeps keys by their addresses, and every call may have another one.
      const event = JSON.parse(text);
      sdk.validate(event, (error) => ((https.get = get), resolve(!error)));
    }),
  },
  linear: {
    providers: ["linear"], package: "@linear/sdk", window: [60, 60],
    load: () => import("@linear/sdk/webhooks"),
    verify: ({ sdk, secret, body, headers }) => {
      const time = JSON.parse(body.toString()).webhookTimestamp;
      return holds(new sdk.LinearWebhookClient(secret).verify(body, headers["linear-signature"], time));
    },
  },
  mux: {
    providers: ["mux"], package: "@mux/mux-node", window: [300, null],
    load: () => new (require("@mux/mux-node").default)({ tokenId: "1", tokenSecret: "1" }),
    verify: async ({ sdk, secret, text, headers }) => holds(await sdk.webhooks.verifySignature(text, headers, secret)),
  },
  telnyx: {
    providers: ["telnyx"], package: "telnyx", window: [300, 300], key: "raw",
    load: () => new (require("telnyx").default)({ apiKey: "KEY1" }),
    verify: async ({ sdk, secret, text, headers }) => holds(await sdk.webhooks.unwrap(text, { headers, key: secret })),
  },
  gocardless: {
    providers: ["gocardless"], package: "gocardless-nodejs",
    load: () => import("gocardless-nodejs/webhooks"),
    verify: ({ sdk, secret, text, headers }) => holds(sdk.parse(text, secret, headers["webhook-signature"])),
  },
  "http-message-signatures": {
    providers: ["rfc9421"], package: "http-message-signatures",
    load: () => require("http-message-signatures"),
    sign: async ({ sdk, secret, method, url, body, now }) => {
      const key = sdk.createSigner(Buffer.from(secret, "base64"), "hmac-sha256", "key1");
      const message = { method, url, headers: { "content-digest": contentDigest(body) } };
      const params = ["created", "keyid", "alg"];
      const paramValues = { created: new Date(now) };
      return { headers: (await sdk.httpbis.signMessage({ key, name: "sig1", fields: SIGNED, params, paramValues }, message)).headers };
    },
    verify: async ({ sdk, secret, method, url, body, headers }) => {
      const verify = sdk.createVerifier(Buffer.from(secret, "base64"), "hmac-sha256");
      const keyLookup = () => ({ algs: ["hmac-sha256"], verify });
      const config = { keyLookup, requiredFields: SIGNED, requiredParams: ["created"], maxAge: 300 };
      const signed = await sdk.httpbis.verifyMessage(config, { method, url, headers });
      return signed === true && headers["content-digest"] === contentDigest(body);
    },
    // How old a signature may be the caller says: as the recipe does.
    window: [300, 0],
  },
  clerk: {
    providers: ["clerk"], package: "@clerk/backend", window: [300, 300],
    load: () => import("@clerk/backend/webhooks"),
    verify: async ({ sdk, secret, method, url, body, headers }) =>
      holds(await sdk.verifyWebhook(new Request(url, { method, headers, body }), { signingSecret: secret })),
  },
  messagebird: {
    providers: ["messagebird"], package: "messagebird",
    load: () => require("messagebird/lib/webhook-signature-jwt"),
    verify: ({ sdk, secret, url, body, headers }) =>
      sdk.verify(url, body, headers["messagebird-signature-jwt"], createSecretKey(Buffer.from(secret))),
  },
  vonage: {
    providers: ["vonage"], package: "@vonage/jwt", body: false,
    load: () => require("@vonage/jwt"),
    verify: ({ sdk, secret, headers }) => sdk.verifySignature(headers.authorization.replace(/^Bearer /, ""), secret),
  },
  plivo: {
    providers: ["plivo"], package: "plivo",
    load: () => require("plivo"),
    verify: ({ sdk, secret, method, url, text, headers }) => {
      const nonce = headers["x-plivo-signature-v3-nonce"];
      return sdk.validateV3Signature(method, url, nonce, secret, headers["x-plivo-signature-v3"], fields(text));
    },
  },
  replicate: {
    providers: ["replicate"], package: "replicate",
    load: () => require("replicate"),
    verify: ({ sdk, secret, text, headers }) =>
      sdk.validateWebhook({
        id: headers["webhook-id"], timestamp: headers["webhook-timestamp"], signature: headers["webhook-signature"], body: text, secret,
      }),
  },
  "modern-treasury": {
    providers: ["modern-treasury"], package: "modern-treasury",
    load: () => new (require("modern-treasury").default)({ apiKey: "1", organizationID: "1" }),
    sign: ({ sdk, secret, text }) => ({ headers: { "x-signature": sdk.webhooks.getSignature(text, { key: secret }) } }),
    verify: ({ sdk, secret, text, headers }) => sdk.webhooks.validateSignature(text, headers, { key: secret }),
  },
  finch: {
    providers: ["finch"], package: "@tryfinch/finch-api", window: [300, 300],
    load: () => new (require("@tryfinch/finch-api").default)({ accessToken: "1" }),
    verify: ({ sdk, secret, text, headers }) => holds(sdk.webhooks.verifySignature(text, headers, secret)),
  },
  chargebee: {
    providers: ["chargebee"], package: "chargebee", body: false,
    load: () => import("chargebee"),
    verify: async ({ sdk, secret, headers }) => {
      const check = sdk.basicAuthValidator((user, password) => `${user}:${password}` === secret);
      return holds(await check(headers));
    },
  },
  "coinbase-commerce": {
    providers: ["coinbase-commerce"], package: "coinbase-commerce-node",
    load: () => require("coinbase-commerce-node").Webhook,
    sign: ({ sdk, secret, text }) => ({ headers: { "x-cc-webhook-signature": sdk.computeSignature(text, secret) } }),
    verify: ({ sdk, secret, text, headers }) => holds(sdk.verifyEventBody(text, headers["x-cc-webhook-signature"], secret)),
  },
  "atlassian-jwt": {
    providers: ["jira-connect"], package: "atlassian-jwt", body: false,
    load: () => require("atlassian-jwt"),
    sign: ({ sdk, secret, method, url, now }) => {
      const qsh = sdk.createQueryStringHash(sdk.fromMethodAndUrl(method, path(url)));
      const claims = { iss: "client-key", iat: seconds(now), exp: seconds(now) + 180, qsh };
      return { headers: { authorization: `JWT ${sdk.encodeSymmetric(claims, secret, sdk.SymmetricAlgorithm.HS256)}` } };
    },
    verify: ({ sdk, secret, method, url, headers }) => {
      const token = headers.authorization.replace(/^JWT /, "");
      const claims = sdk.decodeSymmetric(token, secret, sdk.SymmetricAlgorithm.HS256);
      return claims.qsh === sdk.createQueryStringHash(sdk.fromMethodAndUrl(method, path(url)));
    },
  },
  mercadopago: {
    providers: ["mercado-pago"], package: "mercadopago", body: false,
    load: () => require("mercadopago"),
    verify: ({ sdk, secret, url, headers }) => {
      const dataId = new URL(url).searchParams.get("data.id");
      const about = { xSignature: headers["x-signature"], xRequestId: headers["x-request-id"], dataId, secret };
      return holds(sdk.WebhookSignatureValidator.validate(about));
    },
  },
  webflow: {
    providers: ["webflow"], package: "webflow-api",
    load: () => new (require("webflow-api").WebflowClient)({ accessToken: "1" }),
    verify: ({ sdk, secret, text, headers }) => sdk.webhooks.verifySignature({ headers, body: text, secret }),
  },
  square: {
    providers: ["square"], package: "square",
    load: () => require("square").WebhooksHelper,
    verify: ({ sdk, secret, url, text, headers }) =>
      sdk.verifySignature({
        requestBody: text, signatureHeader: headers["x-square-hmacsha256-signature"], signatureKey: secret, notificationUrl: url,
      }),
  },
  polar: {
    providers: ["polar"], package: "@polar-sh/sdk", window: [300, 300],
    load: () => import("@polar-sh/sdk/webhooks"),
    verify: ({ sdk, secret, text, headers }) => {
      try {
        return holds(sdk.validateEvent(text, headers, secret));
      } catch (error) {
        if (error instanceof sdk.WebhookVerificationError) {
          return false;
        }
        // The signature holds; the event is one of another version of the API than the package's.
        return error.name === "SDKValidationError";
      }
    },
  },
  rivet: {
    providers: ["zoom"], package: "@zoom/rivet",
    load: () => require("@zoom/rivet").AwsLambdaReceiver ?? require("@zoom/rivet/chatbot").AwsLambdaReceiver,
    verify: async ({ sdk, secret, text, headers }) => {
      const receiver = new sdk({ webhooksSecretToken: secret });
      return (await receiver.start()({ headers, body: text, isBase64Encoded: false }, {})).statusCode === 200;
    },
  },
  kinde: {
    providers: ["kinde"], package: "@kinde/webhooks", key: "jwk", host: false,
    load: () => require("@kinde/webhooks"),
    verify: async ({ sdk, secret, settings, text }) => {
      // The library fetches the keys of the domain; here it gets this one.
      const { fetch } = globalThis;
      globalThis.fetch = async () => new Response(JSON.stringify({ keys: [JSON.parse(secret)] }));
      try {
        return (await sdk.decodeWebhook(text, `https://${settings.domain}`)) !== null;
      } finally {
        globalThis.fetch = fetch;
      }
    },
  },
  notion: {
    providers: ["notion"], package: "@notionhq/client",
    load: () => require("@notionhq/client"),
    sign: async ({ sdk, secret, text }) => ({
      headers: { "x-notion-signature": await sdk.signWebhookPayload({ body: text, verificationToken: secret }) },
    }),
    verify: ({ sdk, secret, text, headers }) =>
      sdk.verifyWebhookSignature({ body: text, signature: headers["x-notion-signature"], verificationToken: secret }),
  },
};

const loaded = new Map();

function version(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")).version;
}

function list() {
  return Object.entries(SDKS).map(([sdk, about]) => ({
    sdk, language: "npm", package: about.package, version: version(about.package), providers: about.providers,
    signs: "sign" in about, verifies: "verify" in about, window: about.window ?? null, body: about.body ?? true,
    host: about.host ?? true, key: about.key ?? null, event: about.event ?? null, scheme: about.scheme ?? null,
    code: about.recipeCode ?? null, header: about.recipeHeader ?? null,
  }));
}

function keys(kind) {
  const options = { ed25519: ["ed25519"], p256: ["ec", { namedCurve: "P-256" }], rsa: ["rsa", { modulusLength: 2048 }] };
  const { publicKey, privateKey } = generateKeyPairSync(...options[kind]);
  const spki = publicKey.export({ type: "spki", format: "der" });
  return {
    private: privateKey.export({ type: "pkcs8", format: "pem" }),
    pem: publicKey.export({ type: "spki", format: "pem" }),
    spki: spki.toString("base64"),
    raw: spki.subarray(-32).toString("base64"),
    hex: spki.subarray(-32).toString("hex"),
    jwk: JSON.stringify(publicKey.export({ format: "jwk" })),
  };
}

async function answer(asked) {
  if (asked.op === "list") {
    return list();
  }
  if (asked.op === "keys") {
    return keys(asked.kind);
  }
  const about = SDKS[asked.sdk];
  const body = Buffer.from(asked.body, "base64");
  now = asked.now ?? null;
  try {
    if (about.load && !loaded.has(asked.sdk)) {
      loaded.set(asked.sdk, await about.load());
    }
    const request = { ...asked, now: asked.now ?? Clock.now(), sdk: loaded.get(asked.sdk), body, text: body.toString("utf8") };
    if (asked.op === "sign") {
      const { headers = {}, body = request.body, url = request.url } = await about.sign(request);
      return { headers, url, body: Buffer.from(body).toString("base64") };
    }
    return { holds: (await about.verify(request)) === true };
  } catch (error) {
    return { holds: false, why: String(error?.message ?? error).slice(0, 300) };
  } finally {
    now = null;
  }
}

// Some libraries print; only answers belong on standard output.
for (const name of ["log", "info", "debug", "warn"]) {
  console[name] = (...said) => console.error(...said);
}
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
