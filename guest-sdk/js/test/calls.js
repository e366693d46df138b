// Calls for the filter in `told.js`, each with what must come of it.

import { constants, createHash, createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";

/** @typedef {[call: [string, ...unknown[]], expected: unknown]} Told */

/** What the secrets are that the filter is granted. */
export const SECRETS = { plain: "Jefe", prefixed: "whsec_SmVmZQ==\n", hexed: "4A656665", urlsafe: "-_-_" };

const QUESTION = "what do ya want for nothing?";
const bytes = (/** @type {Uint8Array} */ octets) => ({ hex: Buffer.from(octets).toString("hex") });

/**
 * MACs of one message under one key.
 *
 * Source: RFC 2202, section 3; RFC 4231, section 4.3.
 *
 * @type {[algorithm: string, mac: string][]}
 */
const MACS = [
  ["hmac-sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"],
  ["hmac-sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
  ["hmac-sha384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"],
  [
    "hmac-sha512",
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
  ],
];

/** @returns {Told[]} */
export function macs() {
  const forms = [{ secret: "plain" }, { secret: "plain", prefix: "whsec_" }, { secret: "prefixed", prefix: "whsec_", form: "base64" }, { secret: "hexed", form: "hex" }];
  const parts = ["what do ya ", { hex: Buffer.from("want for ").toString("hex") }, { header: "x-none" }, { header: "X-What" }];
  return MACS.flatMap(([algorithm, mac]) => /** @type {Told[]} */ ([
    [["hmacSign", "plain", algorithm, parts], mac],
    [["hmacVerify", "plain", algorithm, [QUESTION], { hex: mac }], true],
    [["hmacVerify", "plain", algorithm, [QUESTION, "!"], { hex: mac }], false],
    ...forms.map((key) => [["sign", key, algorithm, parts], mac]),
    ...forms.map((key) => [["verify", key, algorithm, [QUESTION], { hex: mac }], true]),
    [["verify", { secret: "plain", form: "sha1" }, algorithm, [QUESTION], { hex: mac }], false],
  ]));
}

/**
 * @param {string} body
 * @returns {Told[]}
 */
export function digests(body) {
  const hashed = (/** @type {string} */ hash, /** @type {string} */ text) => createHash(hash).update(text).digest("hex");
  return [
    [["sign", { secret: "urlsafe", form: "base64" }, "hmac-sha256", ["a"]], createHmac("sha256", Buffer.from("-_-_", "base64")).update("a").digest("hex")],
    ...["sha1", "sha256", "sha384", "sha512"].map((hash) => /** @type {Told} */ ([["digest", hash, ["a", { is: "body" }]], hashed(hash, `a${body}`)])),
    ...["sha1", "sha256", "sha512"].flatMap((hash) => /** @type {Told[]} */ ([
      [["sign", { secret: "plain" }, hash, ["a", { is: "key" }]], hashed(hash, "aJefe")],
      [["verify", { secret: "prefixed", prefix: "whsec_", form: "base64" }, hash, [{ is: "key" }, "b"], { hex: hashed(hash, "Jefeb") }], true],
      [["verify", { secret: "plain" }, hash, [{ is: "key" }, "b"], { hex: hashed(hash, "Jefe") }], false],
    ])),
    [["tokenEqual", "plain", "Jefe"], true],
    [["tokenEqual", "plain", { hex: "4a656665" }], true],
    [["tokenEqual", "plain", "Jeff"], false],
    [["tokenEqual", "plain", "Jefe2"], false],
  ];
}

/**
 * @typedef {object} Pair
 * @property {import("node:crypto").KeyObject} publicKey
 * @property {import("node:crypto").KeyObject} privateKey
 */

/** For each algorithm a signature, right and wrong, under a key in each form that it has. @returns {Told[]} */
export function signatures() {
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ed25519 = generateKeyPairSync("ed25519");
  const [FIXED, PSS] = [{ dsaEncoding: "ieee-p1363" }, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }];
  const signers = /** @type {[string, Pair, string | null, object][]} */ ([
    ["ed25519", ed25519, null, {}],
    ["ecdsa-p256-sha256", p256, "sha256", {}],
    ["ecdsa-p256-sha1", p256, "sha1", {}],
    ["ecdsa-p256-sha256-fixed", p256, "sha256", FIXED],
    ["ecdsa-p384-sha384-fixed", p384, "sha384", FIXED],
    ...["sha1", "sha256", "sha384", "sha512"].map((hash) => [`rsa-pkcs1-${hash}`, rsa, hash, {}]),
    ...["sha256", "sha512"].map((hash) => [`rsa-pss-${hash}`, rsa, hash, PSS]),
  ]);
  return signers.flatMap(([algorithm, { publicKey, privateKey }, hash, options]) => {
    const signature = bytes(sign(hash, Buffer.from("message"), { key: privateKey, ...options }));
    const right = written(publicKey).map((key) => [["signatureVerify", key, algorithm, ["mess", "age"], signature], true]);
    const [key] = written(publicKey);
    const other = written(publicKey === rsa.publicKey ? p256.publicKey : rsa.publicKey)[0];
    return /** @type {Told[]} */ ([
      ...right,
      [["signatureVerify", key, algorithm, ["message?"], signature], false],
      [["signatureVerify", key, algorithm, ["message"], { hex: "00" }], false],
      [["signatureVerify", other, algorithm, ["message"], signature], "invalid"],
    ]);
  });
}

/**
 * A public key as PEM, DER, JWK, and raw where there is such a form.
 *
 * @param {import("node:crypto").KeyObject} key
 */
function written(key) {
  const der = key.export({ type: "spki", format: "der" });
  const raw = { "ed25519": 32, "prime256v1": 65, "secp384r1": 97 }[key.asymmetricKeyDetails?.namedCurve ?? String(key.asymmetricKeyType)];
  const all = [key.export({ type: "spki", format: "pem" }), bytes(der), JSON.stringify(key.export({ format: "jwk" }))];
  return raw === undefined ? all : [...all, bytes(der.subarray(-raw))];
}

/** Made with `openssl req -x509` and `openssl dgst -sha256 -sign`: P-256 and SHA-256, of `signed text`. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUU42+8pmg8auh08RnRKVyv6tsu5owCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHZXhhbXBsZTAgFw0yNjExMjYyMDM1NDhaGA8yMTI2MTEwMjIw
MzU0OFowEjEQMA4GA1UEAwwHZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABEWv79hqi0/hf+rhH1QtU/dsByXPZN/5C+sMR2AldfxuplrCy6+8gPM7Aauj
vsB5DkdZxAU51+nQZSUjFfTF75ejUzBRMB0GA1UdDgQWBBQ1a7h8o4ebYj91hde/
iZVAj6P3XDAfBgNVHSMEGDAWgBQ1a7h8o4ebYj91hde/iZVAj6P3XDAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIFGOyJlxxe2XnYiFteVUI0ZFgJ+P
BjHlaaF+N1l9btRLAiEA6tiV+NsNUg1Bi+S2WU3ElVJ1mByN+YLUjxG8hgjlDO4=
-----END CERTIFICATE-----
`;
const BY_CERTIFICATE = {
  hex: "3045022100c8f0fa7e6867f746bcb158b9b78b6dac2e5d2f0b507006758bc95f07e5e00f090220762820d8c3b21ff4f29382632fa14118d38df4dd54e275b6322b9d5572e2ea83",
};

/** Keys of other makers, and what is no key. @returns {Told[]} */
export function otherKeys() {
  const verified = (/** @type {unknown} */ key, algorithm = "ecdsa-p256-sha256") => ["signatureVerify", key, algorithm, ["signed text"], BY_CERTIFICATE];
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const small = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const bySmall = bytes(sign("sha256", Buffer.from("a"), small.privateKey));
  const pkcs1 = createPublicKey(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "pem" }));
  const keys = [
    "", "{}", "-----BEGIN", { hex: "00" }, `{"kty":"OKP","crv":"Ed25519"}`, CERTIFICATE.slice(0, 200),
    pair.privateKey.export({ type: "pkcs8", format: "pem" }),
  ];
  return /** @type {Told[]} */ ([
    [verified(CERTIFICATE), true],
    [verified(`\n${CERTIFICATE}`), true],
    ...keys.map((key) => [verified(key), "invalid"]),
    [["signatureVerify", small.publicKey.export({ type: "spki", format: "pem" }), "rsa-pkcs1-sha256", ["a"], bySmall], false],
    [verified(pkcs1.export({ type: "pkcs1", format: "pem" }), "rsa-pkcs1-sha256"), "invalid"],
    [verified(CERTIFICATE, "ecdsa-p384-sha384"), "invalid"],
    [verified({ secret: "plain" }), "invalid"],
  ]);
}

/** What is refused. @returns {Told[]} */
export function refusals() {
  const many = Array.from({ length: 33 }, () => "a");
  const twice = [{ is: "body" }, { is: "body" }];
  const key = { secret: "plain" };
  return /** @type {Told[]} */ ([
    [["hmacSign", "absent", "hmac-sha256", []], "denied secrets.absent"],
    [["sign", { secret: "absent" }, "hmac-sha256", []], "denied secrets.absent"],
    [["verify", { secret: "absent" }, "hmac-sha256", [], { hex: "" }], "denied secrets.absent"],
    [["tokenEqual", "absent", ""], "denied secrets.absent"],
    [["signatureVerify", { secret: "absent" }, "ed25519", [], { hex: "" }], "denied secrets.absent"],
    [["fetch", "https://example.com/keys"], "denied keys=https://example.com/keys"],
    [["hmacSign", "plain", "hmac-md5", []], "invalid"],
    [["sign", key, "sha384", [{ is: "key" }]], "invalid"],
    [["digest", "md5", []], "invalid"],
    [["sign", key, "sha256", ["a"]], "invalid"],
    [["sign", key, "hmac-sha256", [{ is: "key" }]], "invalid"],
    [["digest", "sha256", [{ is: "key" }]], "invalid"],
    [["hmacSign", "plain", "hmac-sha256", [{ is: "key" }]], "invalid"],
    [["digest", "sha256", many], "invalid"],
    [["hmacSign", "plain", "hmac-sha256", twice], "invalid"],
    [["sign", { secret: "plain", form: "base32" }, "hmac-sha256", []], "invalid"],
    [["sign", { secret: "hexed", prefix: "4A65666", form: "hex" }, "hmac-sha256", []], "invalid"],
    [["sign", { secret: "plain", prefix: "Jef", form: "base64" }, "hmac-sha256", []], "invalid"],
    [["sign", { secret: "plain", prefix: "Jefe", form: "hex" }, "hmac-sha256", []], "invalid"],
  ]);
}
