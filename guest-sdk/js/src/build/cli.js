#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { Problem } from "./problem.js";

const HELP = `Makes the component of a Snaphook filter that is written in JavaScript or TypeScript.

  snaphook-js build [MODULE] [--out FILE]

MODULE      the filter's module. By default \`main\` of package.json, or src/filter.js, .ts, .mjs
--out FILE  where the component goes. By default NAME.wasm here, after the name in package.json
--quiet     say nothing unless something is wrong
--help, --version
`;

/** Exit codes: 1 if the filter cannot be built, 2 if the command is wrong. */
async function main() {
  const { values, positionals } = parsed();
  if (values.help) return void process.stdout.write(HELP);
  if (values.version) return void process.stdout.write(`${version()}\n`);
  const [command, entry, ...more] = positionals;
  if (command !== "build" || more.length > 0) return usage(command === undefined ? "say what to do" : `\`${positionals.join(" ")}\` is no command`);
  const say = (/** @type {string} */ what, /** @type {string} */ text) => {
    if (!values.quiet) process.stdout.write(`${what.padStart(9)}  ${text}\n`);
  };
  // Loaded only now: the compiler is large.
  const { build } = await import("./build.js");
  await build({ entry, out: values.out, say });
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        out: { type: "string", short: "o" },
        quiet: { type: "boolean", short: "q" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
      },
    });
  } catch (error) {
    usage(/** @type {Error} */ (error).message);
    process.exit();
  }
}

/** @param {string} problem */
function usage(problem) {
  process.stderr.write(`error: ${problem}\n\n${HELP}`);
  process.exitCode = 2;
}

function version() {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
}
