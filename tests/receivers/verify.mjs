// Checks a delivery with the libraries that receivers use. Standard input: {"secret", "headers", "body" (base64)}.
// Prints one line for each library: its name and what it read, or why it refused.

import { readFileSync } from "node:fs";
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
const text = Buffer.from(body, "base64").toString("utf8");
for (const [name, Library] of [["standardwebhooks", Standard], ["svix", Svix]]) {
  try {
    // Not every version returns what it has checked.
    console.log(name, JSON.stringify(new Library(secret).verify(text, headers) ?? JSON.parse(text)));
  } catch (error) {
    console.log(name, "refused:", error.message);
  }
}
