// The author's module and all that it imports, in one file. TypeScript comes out as JavaScript; its types are not checked
// here.

import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { build, formatMessages } from "esbuild";

import { Problem } from "./problem.js";

const SDK = join(dirname(fileURLToPath(import.meta.url)), "..");
/** What the engine understands: it is SpiderMonkey. */
const TARGET = "es2023";

/** What stands around the author's module, by what it is bundled for. */
const AROUND = {
  component: (/** @type {string} */ entry) => `
    import filter from ${JSON.stringify(entry)};
    import { component } from "snaphook-sdk/component";
    export const handler = component(filter);
  `,
  manifest: (/** @type {string} */ entry) => `export { default } from ${JSON.stringify(entry)};`,
};

/**
 * @typedef {object} Bundle
 * @property {string} code
 * @property {string[]} files What is in it, of the author's and their dependencies.
 */

/**
 * @param {string} entry The path of the author's module.
 * @param {keyof typeof AROUND} what
 * @returns {Promise<Bundle>}
 * @throws {Problem} With file and line, if something cannot be read or found.
 */
export async function bundle(entry, what) {
  const folder = process.cwd();
  try {
    const result = await build({
      stdin: { contents: AROUND[what](entry), resolveDir: folder, sourcefile: "snaphook-js" },
      absWorkingDir: folder,
      bundle: true,
      format: "esm",
      // Neither Node nor a browser: what a package has for either is not there.
      platform: "neutral",
      mainFields: ["module", "main"],
      target: TARGET,
      external: ["snaphook:filter/*"],
      // Where in the author's files a line comes from, for what goes wrong while the module is loaded.
      sourcemap: what === "manifest" ? "inline" : false,
      charset: "utf8",
      legalComments: "none",
      logLevel: "silent",
      metafile: true,
      write: false,
      plugins: [ownSdk],
    });
    const files = Object.keys(result.metafile.inputs).filter((file) => file !== "snaphook-js" && !isOurs(join(folder, file)));
    return { code: result.outputFiles[0]?.text ?? "", files };
  } catch (error) {
    const { errors } = /** @type {{ errors?: import("esbuild").Message[] }} */ (error);
    if (errors === undefined) throw error;
    const messages = await formatMessages(errors.map(explained), { kind: "error", color: process.stderr.isTTY === true });
    throw new Problem(messages.join("").trimEnd());
  }
}

/**
 * The SDK that brought this build tool is the one that is built in, wherever the author's project has it.
 *
 * @type {import("esbuild").Plugin}
 */
const ownSdk = {
  name: "snaphook-sdk",
  setup({ onResolve }) {
    onResolve({ filter: /^snaphook-sdk(\/.*)?$/ }, ({ path }) => {
      if (path === "snaphook-sdk") return { path: join(SDK, "index.js"), sideEffects: false };
      if (path === "snaphook-sdk/component") return { path: join(SDK, "component.js") };
      return { errors: [{ text: `${path} is for tests, on your machine: a filter cannot import it` }] };
    });
  },
};

/** What a message of the bundler means to the author of a filter. */
const MEANINGS = [
  {
    like: /^Could not resolve "(node:|(fs|path|crypto|http|https|net|os|util|buffer|stream|child_process|process)")/,
    text: "A filter has no files, no network and no Node: it has what `snaphook-sdk` exports.",
  },
  {
    like: /^No matching export in .* for import "default"$/,
    text: "This is the filter's module: write `export default filter({ … })` in it.",
  },
];

/** @param {import("esbuild").Message} message */
function explained(message) {
  const meaning = MEANINGS.find(({ like }) => like.test(message.text));
  return meaning === undefined ? message : { ...message, notes: [{ text: meaning.text, location: null }] };
}

/** @param {string} file */
function isOurs(file) {
  return !relative(SDK, file).startsWith("..");
}
