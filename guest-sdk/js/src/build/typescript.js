// Lets Node run TypeScript as the build takes it, for tests: `node --import snaphook-sdk/typescript --test …`. Node 20 reads
// none by itself, later ones not all of it. Types are not checked.

import * as module from "node:module";
import { setSourceMapsEnabled } from "node:process";

import * as hooks from "./hooks.js";

setSourceMapsEnabled(true);
const { registerHooks } = /** @type {{ registerHooks?: (hooks: unknown) => void }} */ (module);
// Node 20 has only the older way, which newer ones advise against.
if (registerHooks === undefined) module.register("./hooks.js", import.meta.url);
else registerHooks(hooks);
