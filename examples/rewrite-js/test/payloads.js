// Every real payload of GitHub's own examples, and the bytes that must be made of it: worked out a second time, by what the
// example in Rust is tested with as well.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const OCTOKIT = new URL("../../../tests/octokit/", import.meta.url);

/** Why they cannot be had where this folder was copied to; else false. */
export const missing = !existsSync(OCTOKIT) && "the payloads are in the repository, at tests/octokit";

/**
 * @typedef {object} Payload
 * @property {string} name
 * @property {string} event
 * @property {string} body
 * @property {string} expected The body as it must go on.
 * @property {boolean} rewritten
 */

/** @returns {Promise<Payload[]>} */
export async function payloads() {
  if (!existsSync(new URL("node_modules", OCTOKIT))) {
    throw new Error("the payloads are not there: run `npm ci --prefix tests/octokit` in the repository");
  }
  /** @type {{ name: string, examples: object[] }[]} */
  const examples = createRequire(OCTOKIT)("@octokit/webhooks-examples");
  /** @type {{ message: (event: string, payload: object) => object | null }} */
  const { message } = await import(new URL("expect.mjs", OCTOKIT).href);
  return examples.flatMap(({ name: event, examples }) =>
    examples.map((payload, index) => {
      const body = JSON.stringify(payload);
      const slack = message(event, payload);
      return { name: `${event}/${index}`, event, body, expected: slack === null ? body : JSON.stringify(slack), rewritten: slack !== null };
    }),
  );
}
