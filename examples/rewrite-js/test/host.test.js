// The component in a real host, with every real payload. HOST_PROGRAM names the program; without it there is nothing to
// test. The component must be built before: npm run build.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { missing, payloads } from "./payloads.js";

const PROGRAM = process.env.HOST_PROGRAM;
const FOLDER = fileURLToPath(new URL("..", import.meta.url));

/** What arrives, and which bytes. */
async function destination() {
  /** @type {Map<string | undefined, { body: string, signature: string | undefined }>} */
  const arrived = new Map();
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const { "x-github-delivery": delivery, "x-hub-signature-256": signature } = request.headers;
    arrived.set(String(delivery), { body: Buffer.concat(pieces).toString(), signature: signature?.toString() });
    response.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { arrived, server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

/** A port that was free a moment ago. */
async function freePort() {
  const { server, port } = await destination();
  server.close();
  await once(server, "close");
  return port;
}

/** @param {number} port Where it may send to. */
async function host(port) {
  const data = mkdtempSync(join(tmpdir(), "snaphook-host-"));
  const [gateway, admin] = [await freePort(), await freePort()];
  const env = {
    PATH: process.env.PATH,
    SNAPHOOK_DATA: data,
    SNAPHOOK_GATEWAY_LISTEN: `127.0.0.1:${gateway}`,
    SNAPHOOK_ADMIN_LISTEN: `127.0.0.1:${admin}`,
    SNAPHOOK_EGRESS_ALLOW: `127.0.0.1:${port}`,
  };
  const program = spawn(PROGRAM ?? "", ["serve"], { env, stdio: "ignore" });
  const run = (/** @type {string[]} */ ...options) => spawnSync(PROGRAM ?? "", options, { env, cwd: FOLDER, encoding: "utf8" });
  for (let tries = 0; run("status").status !== 0; tries++) {
    assert.ok(tries < 100 && program.exitCode === null, "the host does not start");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async () => {
    program.kill();
    if (program.exitCode === null) await once(program, "exit");
    rmSync(data, { recursive: true });
  };
  return { run, stop, url: `http://127.0.0.1:${gateway}` };
}

test("every real payload arrives as it must", { skip: (PROGRAM === undefined && "HOST_PROGRAM names no host") || missing }, async () => {
  const { arrived, server, port } = await destination();
  const { run, stop, url } = await host(port);
  try {
    const file = join(FOLDER, `.route-${process.pid}.toml`);
    const route = readFileSync(join(FOLDER, "route.toml"), "utf8").replace("127.0.0.1:9900", `127.0.0.1:${port}`);
    // So that what is not rewritten arrives as well.
    writeFileSync(file, route.replace('otherwise = "drop"', 'otherwise = "pass"'));
    const applied = run("apply", file);
    rmSync(file);
    assert.equal(applied.status, 0, applied.stderr);
    for (const { name, event, body, expected, rewritten } of await payloads()) {
      const headers = { "content-type": "application/json", "x-github-event": event, "x-github-delivery": name, "x-hub-signature-256": "sha256=00" };
      const answer = await fetch(`${url}/slack`, { method: "POST", headers, body });
      assert.equal(answer.status, 200, `${name}: ${await answer.text()}`);
      assert.deepEqual(arrived.get(name), { body: expected, signature: rewritten ? undefined : "sha256=00" }, name);
    }
    const wrong = await fetch(`${url}/slack`, { method: "POST", headers: { "x-github-event": "push" }, body: "payload=%7B%7D" });
    assert.equal(wrong.status, 400);
  } finally {
    await stop();
    server.close();
  }
});
