// Run by `declaration.js`: loads the module that is its first argument and writes its manifest to the second.

import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module = "", answer = ""] = process.argv.slice(2);

// What a module draws while it is loaded would be the same for all events: it is loaded once, when the component is made.
const none = () => {
  throw new Error("there are no random numbers while the filter is loaded: draw them in `handle`");
};
Math.random = none;
crypto.getRandomValues = none;
crypto.randomUUID = none;

try {
  const { default: filter } = await import(pathToFileURL(module).href);
  if (typeof filter?.handle !== "function" || filter.manifest?.sdk === undefined) {
    throw new Error("the module's default export is no filter: write `export default filter({ … })`");
  }
  writeFileSync(answer, JSON.stringify(filter.manifest));
} catch (error) {
  const thrown = error instanceof Error ? error : new Error(String(error));
  // Only the author's own lines say where to look.
  const lines = (thrown.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const own = lines.filter((line) => !/node:|[\\/]build[\\/]loader\.js/.test(line));
  process.stderr.write(`${[`the filter cannot be loaded: ${thrown.name}: ${thrown.message}`, ...own].join("\n")}\n`);
  process.exitCode = 1;
}
