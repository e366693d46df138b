// A component on the host's own program: what the test host says of a call, the host says too. HOST_PROGRAM names the program;
// without it there is nothing to test.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

import { digests, macs, otherKeys, refusals, SECRETS, signatures } from "./calls.js";

const PROGRAM = process.env.HOST_PROGRAM ?? "";
const CLI = fileURLToPath(new URL("../src/build/cli.js", import.meta.url));

/** Answers every request with a document, and keeps what it was asked. */
async function publisher() {
  /** @type {{ method: string | undefined, authorization: string | undefined, given: unknown, body: string }[]} */
  const asked = [];
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const { authorization, "x-given": given } = request.headers;
    asked.push({ method: request.method, authorization, given, body: Buffer.concat(pieces).toString() });
    response.end("doc");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { asked, server, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/` };
}

/** @param {string} folder @param {string} reached Where it may send to. */
async function host(folder, reached) {
  const env = { PATH: process.env.PATH };
  const settings = [`data=${folder}/host`, "gateway.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0", `egress.allow=${new URL(reached).host}`];
  const program = spawn(PROGRAM, ["serve", ...settings.flatMap((setting) => ["--set", setting])], { env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [program.stdout, program.stderr]) stream.on("data", (piece) => void (log += piece));
  const listens = async (/** @type {string} */ what) => {
    for (;;) {
      const found = new RegExp(`${what} listens address=(\\S+)`).exec(log.replace(/\u001b\[[0-9;]*m/g, ""));
      if (found) return `http://${found[1]}`;
      assert.equal(program.exitCode, null, log);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const [gateway, admin] = [await listens("gateway"), await listens("admin API")];
  const run = (/** @type {string[]} */ ...options) => {
    const done = spawnSync(PROGRAM, [...options, "--admin", admin, "--token-file", `${folder}/host/admin-token`], { env, cwd: folder, encoding: "utf8" });
    assert.equal(done.status, 0, `${options.join(" ")}: ${done.stderr}`);
  };
  const stop = async () => {
    program.kill();
    if (program.exitCode === null) await once(program, "exit");
  };
  return { run, stop, gateway };
}

/** @param {string} folder */
function build(folder) {
  mkdirSync(join(folder, "src"));
  copyFileSync(new URL("told.js", import.meta.url), join(folder, "src/filter.js"));
  writeFileSync(join(folder, "package.json"), '{ "name": "told", "type": "module" }');
  const built = spawnSync(process.execPath, [CLI, "build"], { cwd: folder, encoding: "utf8" });
  assert.equal(built.status, 0, built.stderr);
}

test("the host computes and fetches what the test host does", { skip: PROGRAM === "" && "HOST_PROGRAM names no host" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "snaphook-told-"));
  const { asked, server, url } = await publisher();
  const { run, stop, gateway } = await host(folder, url);
  try {
    build(folder);
    run("module", "push", "told", "told.wasm");
    run("destination", "set", "here", url);
    writeFileSync(join(folder, "route.toml"), '[routes.told]\nmatch = { path = "/" }\nforward = { candidates = ["here"] }\n');
    run("route", "apply", "route.toml");
    for (const [name, value] of Object.entries(SECRETS)) {
      writeFileSync(join(folder, name), value);
      run("secret", "set", name, "--value-file", name);
    }
    const grants = [...Object.keys(SECRETS).map((name) => `secrets.${name}`), `keys=${url}`];
    run("attach", "told", "told", ...grants.flatMap((grant) => ["--grant", grant]), "--limit", "time_ms=1000");
    const fetched = { headers: { authorization: ["Basic ", { secretBase64: "plain" }], "x-given": { secret: "hexed" } }, body: ["[", { secretJson: "plain" }, "]"] };
    const all = [...macs(), ...signatures(), ...otherKeys(), ...refusals(), [["fetch", `${url}a`], "646f63"], [["fetch", `${url}b`, fetched], "646f63"]];
    const asking = /** @type {import("./calls.js").Told[]} */ ([...all, ...digests("")]);
    const body = JSON.stringify({ calls: asking.map(([call]) => call) });
    const calls = /** @type {import("./calls.js").Told[]} */ ([...all, ...digests(body)]);
    const answer = await fetch(gateway, { method: "POST", headers: { "x-what": "nothing?" }, body });
    const came = await answer.text();
    assert.equal(answer.status, 200, came);
    const wrong = calls.flatMap((told, index) => (isDeepStrictEqual(JSON.parse(came)[index], told[1]) ? [] : [[...told, JSON.parse(came)[index]]]));
    assert.deepEqual(wrong, []);
    assert.deepEqual(asked.map(({ method }) => method), ["GET", "POST"]);
    assert.deepEqual(asked[1], { method: "POST", authorization: "Basic SmVmZQ==", given: "4A656665", body: '["Jefe"]' });
  } finally {
    await stop();
    server.close();
    rmSync(folder, { recursive: true });
  }
});
