/// <reference path="../wit/types/filter.d.ts" preserve="true" />
/**
 * Write Snaphook filters in JavaScript or TypeScript: a filter sees one webhook event and says what becomes of it.
 *
 * | to | see |
 * |---|---|
 * | look at the event | `Event`, `Body`, `headers`, `json` |
 * | decide | `Verdict`, `Refusal`, `refuse` |
 * | check where it comes from | `verify`, `hmac`, `crypto`, `keys` |
 * | remember | `kv`, `Event.setLabel` |
 * | be configured | `schema`, `config` |
 * | test | `snaphook-sdk/testing` |
 *
 * @module
 */

export { Body } from "./body.js";
export { CallError, Refusal, refuse } from "./error.js";
export { Event } from "./event.js";
export { Filter, filter } from "./filter.js";
export { EditVerdict, RejectVerdict, RespondVerdict, Verdict } from "./verdict.js";
export * as base64 from "./base64.js";
export * as clock from "./clock.js";
export * as config from "./config.js";
export * as crypto from "./crypto.js";
export * as headers from "./headers.js";
export * as hex from "./hex.js";
export * as hmac from "./hmac.js";
export * as json from "./json.js";
export * as keys from "./keys.js";
export * as kv from "./kv.js";
export * as log from "./log.js";
export * as random from "./random.js";
export * as schema from "./schema.js";
export * as secrets from "./secrets.js";
export * as verify from "./verify.js";
