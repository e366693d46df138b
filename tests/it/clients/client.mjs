// Sends some events with fetch and prints what is answered.

const [, , origin, path] = process.argv;

async function send(method, name, body, headers = {}) {
  const answer = await fetch(origin + path, {
    method,
    headers: { "x-case": name, ...headers },
    body,
    duplex: "half",
  });
  console.log(answer.status, answer.headers.get("x-echo"), await answer.text());
}

function* chunks() {
  for (let index = 0; index < 30; index++) yield new TextEncoder().encode("chunk".repeat(1000));
}

// A header's characters are bytes here: "\u00c3\u00a9" is the UTF-8 of "é".
await send("POST", "bytes", Uint8Array.from({ length: 256 }, (_, byte) => byte), { "x-text": "caf\u00c3\u00a9" });
await send("POST", "chunks", ReadableStream.from(chunks()));
await send("PUT", "empty", "");
await send("DELETE", "none", undefined);

const large = await fetch(origin + path, { method: "POST", body: "x".repeat(2 ** 20 + 1) });
await large.arrayBuffer();
console.log(large.status);

const nowhere = await fetch(`${origin}/nowhere`);
console.log(nowhere.status);
