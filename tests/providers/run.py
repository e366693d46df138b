#!/usr/bin/env python3
"""Proves the filter `verify` and `snaphook send` against the providers' own SDKs.

    python3 tests/providers/run.py BINARY VERIFY.WASM [--short] [--only PROVIDER] [--markdown FILE]

What an SDK signs the host must take, and what `snaphook send` signs the SDK must take; what was altered, signed with
another secret or too long ago both must refuse. README.md beside this file says how the SDKs are installed.
"""

import argparse
import base64
import hashlib
import http.client
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PROVIDERS = REPOSITORY / "guest-sdk/signatures/providers"

# The URL under which the providers know us: some sign it, and the host has it as `public_urls`.
PUBLIC = "https://hooks.example.com"

# Kinds of key pairs, for those who sign with a private key.
PAIRS = {"discord": "ed25519", "telnyx": "ed25519", "sendgrid": "p256", "sns": "rsa", "kinde": "rsa"}

SETTINGS = {
    "braintree": {"public_key": "integration_public_key"},
    "kinde": {"domain": "example.kinde.com"},
    # One of its SDKs wants a name for the key.
    "rfc9421": {"keyid": "key1"},
    "sns": {"topic_arn": "arn:aws:sns:us-east-1:123456789012:example"},
}

# Signatures that are in the body.
IN_BODY = {
    "adyen": rb'"hmacSignature": ?"[^"]+',
    "braintree": rb"bt_signature=[^&]+",
    "sns": rb'"Signature": ?"[^"]+',
    "kinde": rb"^.+$",
}

# Bytes that are signed, where not all are.
SIGNED = {"adyen": rb'"value": ?\d', "sns": rb'"Message": ?"[^"]'}

HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}

# Seconds that a package adds to the age that its caller gives.
LEEWAY = {"http-message-signatures": 5}

# Edges of windows are tried so many seconds inside and outside.
MARGIN = 3


# ---------------------------------------------------------------- recipes


@dataclass
class Recipe:
    name: str
    toml: dict

    @staticmethod
    def read(name):
        own = tomllib.loads((PROVIDERS / f"{name}.toml").read_text())
        if "like" not in own:
            return Recipe(name, own)
        return Recipe(name, {**Recipe.read(own["like"]).toml, **own})

    @property
    def schemes(self):
        return self.toml["scheme"]

    def number(self, sdk):
        """Which of the schemes an SDK is for."""
        for number, scheme in enumerate(self.schemes):
            if sdk["code"] and scheme.get("code") == sdk["code"]:
                return number
            if sdk["header"] and scheme.get("signature") == f"header {sdk['header']}":
                return number
        return sdk["scheme"] or 0

    def secret(self, number, seed):
        """A secret that looks as the provider's do."""
        digest = hashlib.sha256(f"{self.name} {seed}".encode()).digest()
        scheme = self.schemes[number]
        form, prefix = scheme.get("key", "utf8"), scheme.get("key_prefix", "")
        if scheme.get("code") == "adyen" or form == "hex" or self.name == "adyen":
            return digest.hex().upper()
        if scheme.get("code") == "rfc9421" or form == "base64":
            return prefix + base64.b64encode(digest).decode()
        if scheme["algorithm"] == "basic":
            return f"hook-{seed}:{digest.hex()}"
        # Contentful's have 64 characters; others take any text.
        return digest.hex()

    def signature(self, number, request):
        """The header that holds the signature; none if it is in the body."""
        places = self.schemes[number].get("signature", "")
        for place in places.split("|"):
            kind, *names = place.split() or [""]
            for name in names if kind in ("header", "headers") else []:
                if name in request.headers:
                    return name
        return None


# ---------------------------------------------------------------- requests


@dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes
    # When it came, in milliseconds.
    at: int = 0

    def asked(self):
        """As the adapters take it."""
        body = base64.b64encode(self.body).decode()
        return {"method": self.method, "url": PUBLIC + self.path, "headers": self.headers, "body": body}

    def with_signature(self, made):
        headers = {**self.headers, **{name.lower(): value for name, value in made["headers"].items()}}
        return Request(self.method, made["url"].removeprefix(PUBLIC), headers, base64.b64decode(made["body"]), self.at)


def other(character):
    """Another one that is as good in hexadecimal, base64 and JSON."""
    if 0x30 <= character <= 0x39:
        return b"123456789"[(character - 0x30) % 9]
    return ord("b") if character == ord("a") else ord("a")


def with_byte(text, at):
    return text[:at] + bytes([other(text[at])]) + text[at + 1 :]


def altered_body(recipe, request):
    """One byte is another one, in what is signed; the body is still JSON, or a form, as before."""
    body = request.body
    if recipe.name in SIGNED and (found := re.search(SIGNED[recipe.name], body)):
        at = found.end() - 1
    else:
        digit = re.compile(rb"[1-8]")
        found = digit.search(body, len(body) // 2) or digit.search(body) or re.compile(rb"[a-z]").search(body)
        at = found.start()
    return Request(request.method, request.path, request.headers, with_byte(body, at), request.at)


def altered_signature(recipe, number, request):
    name = recipe.signature(number, request)
    if name is None:
        found = re.search(IN_BODY[recipe.name], request.body)
        body = with_byte(request.body, found.end() - 8)
        return Request(request.method, request.path, request.headers, body, request.at)
    value = request.headers[name].encode()
    headers = {**request.headers, name: with_byte(value, len(value) - 8).decode()}
    return Request(request.method, request.path, headers, request.body, request.at)


class Captures(BaseHTTPRequestHandler):
    """Keeps what `snaphook send` sends, and is the destination of the host's routes."""

    protocol_version = "HTTP/1.1"
    captured = queue.Queue()

    def take(self):
        at = int(time.time() * 1000)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        if not self.path.startswith("/destination"):
            self.captured.put(Request(self.command, self.path, headers, body, at))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = take

    def log_message(self, *_):
        pass


# ---------------------------------------------------------------- processes


class Worker:
    """A process with the SDKs of one language, which answers questions."""

    def __init__(self, *command):
        # What the libraries have to say goes to a file: a full pipe would stop them.
        self.said = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True
        )

    def ask(self, **question):
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.said.seek(0)
            sys.exit(f"{self.process.args}: ended\n{self.said.read()}")
        return json.loads(answer)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


class Host:
    """The host in a folder of its own, and what is sent to it."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.environment = {**os.environ, "SNAPHOOK_TOKEN_FILE": str(folder / "data/admin-token")}
        self.log = (folder / "host.log").open("w+")
        settings = {
            "data": folder / "data", "gateway.listen": "127.0.0.1:0", "admin.listen": "127.0.0.1:0",
            "egress.allow": "127.0.0.1", "log.format": "json",
        }
        command = [binary, "serve", *(f"--set={name}={value}" for name, value in settings.items())]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, cwd=folder)
        self.gateway, self.admin = self.addresses()
        self.environment["SNAPHOOK_ADMIN"] = f"http://{self.admin}"

    def addresses(self):
        """Where it listens, as its log says."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            text = Path(self.log.name).read_text()
            found = {name: re.search(rf'{name}[^\n]*?(127\.0\.0\.1:\d+)', text) for name in ("gateway", "admin")}
            if all(found.values()):
                return [found[name][1] for name in ("gateway", "admin")]
            time.sleep(0.1)
        sys.exit(f"the host does not run:\n{Path(self.log.name).read_text()}")

    def command(self, *arguments, **variables):
        done = subprocess.run(
            [self.binary, *arguments], env={**self.environment, **variables}, cwd=self.folder,
            capture_output=True, text=True,
        )
        if done.returncode:
            sys.exit(f"{arguments}: {done.stderr}{done.stdout}")
        return done.stdout

    def status(self, request):
        connection = http.client.HTTPConnection(self.gateway, timeout=60)
        try:
            connection.request(request.method, request.path, body=request.body, headers=request.headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


# ---------------------------------------------------------------- what is checked


@dataclass
class Way:
    """One scheme of one provider, with an event and secrets."""

    recipe: Recipe
    number: int
    event: str | None
    secret: str
    forged: str
    private: tuple | None = None
    sdks: list = field(default_factory=list)

    @property
    def route(self):
        return f"{self.recipe.name}-{self.number}"

    @property
    def scheme(self):
        return self.recipe.schemes[self.number]

    @property
    def window(self):
        return 300 if self.scheme.get("code") == "rfc9421" else self.scheme.get("window")

    @property
    def too_old(self):
        """How many seconds old what the host must refuse; none if it judges no time."""
        if self.window:
            return self.window + 60
        return 3_600 if self.scheme.get("claims", {}).get("expires") else None

    @property
    def covers_body(self):
        covered = str(self.scheme.get("message", "")) + str(self.scheme.get("claims", {}).get("body", ""))
        # JWTs without a claim for the body, tokens and passwords say nothing about it.
        if self.scheme["algorithm"] == "code" or self.scheme.get("signature") == "body":
            return True
        return "body" in covered or "form-sorted" in covered or "digest" in self.scheme


class Checks:
    """What was found out about one SDK."""

    def __init__(self, way, sdk):
        self.way, self.sdk, self.count, self.failures = way, sdk, 0, []

    def that(self, right, what, why=""):
        self.count += 1
        if not right:
            self.failures.append(f"{what}{f': {why}' if why else ''}")


class Matrix:
    def __init__(self, host, port, workers):
        self.host, self.port, self.workers = host, port, workers

    def ask(self, sdk, op, way, request, now=None, secret=None):
        settings = SETTINGS.get(way.recipe.name, {})
        return self.workers[sdk["language"]].ask(
            op=op, sdk=sdk["sdk"], secret=secret or way.secret, settings=settings, now=now, **request.asked()
        )

    def sent(self, way, stale=False, forged=False, event=None):
        """What `snaphook send` sends."""
        path, event = f"/{way.route}", event or way.event
        arguments = [
            "send", way.recipe.name, *([event] if event else []), *(["--scheme", str(way.number)] if way.number else []),
            "--to", f"http://127.0.0.1:{self.port}{path}", "--public-url", PUBLIC + path, "--expect", "200",
        ]
        for name, value in SETTINGS.get(way.recipe.name, {}).items():
            arguments += ["--setting", f"{name}={value}"]
        if way.private:
            arguments += ["--private-key", str(way.private[forged])]
        else:
            arguments += ["--secret-env", "WEBHOOK_SECRET"]
        if stale:
            arguments.append("--stale")
        self.host.command(*arguments, WEBHOOK_SECRET=way.forged if forged else way.secret)
        return Captures.captured.get(timeout=10)

    def try_way(self, way):
        """All SDKs of a scheme; answers what was found out about each."""
        fresh = self.sent(way)
        forged, stale = self.sent(way, forged=True), self.sent(way, stale=True) if way.too_old else None
        found = [Checks(way, sdk) for sdk in way.sdks]
        on_host = any(sdk["host"] for sdk in way.sdks)
        verifiers = [sdk for sdk in way.sdks if sdk["verifies"]]
        if on_host and verifiers:
            # A window of seconds may be over before a machine with much to do has come this far: then it is sent anew.
            for _ in range(3 if way.window and way.window < 30 else 1):
                fresh = self.sent(way)
                statuses = {"as sent": self.host.status(fresh)}
                if statuses["as sent"] != 401:
                    break
            if way.covers_body:
                statuses["altered body"] = self.host.status(altered_body(way.recipe, fresh))
            statuses["altered signature"] = self.host.status(altered_signature(way.recipe, way.number, fresh))
            statuses["another secret"] = self.host.status(forged)
            if stale:
                statuses["too old"] = self.host.status(stale)
            for checks in found:
                for what, status in statuses.items():
                    right = 200 <= status < 300 if what == "as sent" else status == 401
                    checks.that(right, f"host, sent by snaphook, {what}", f"status {status}")
        for checks in found:
            if checks.sdk["verifies"]:
                self.sdk_takes(checks, fresh, "sent by snaphook")
                self.sdk_refuses(checks, "sent by snaphook, another secret", forged, forged.at)
                if stale and checks.sdk["window"]:
                    self.sdk_refuses(checks, "sent by snaphook, too old", stale, stale.at)
            if checks.sdk["signs"]:
                self.sdk_signs(checks, fresh, verifiers)
        self.other_events(way, found, on_host)
        return found

    def other_events(self, way, found, on_host):
        """The provider's further samples, as they are sent: SDKs that read the event must be able to."""
        if way.event:
            return
        about = json.loads(self.host.command("--json", "send", way.recipe.name, "--list"))
        for event in about["events"][1:]:
            form = (REPOSITORY / "guest-sdk/signatures/samples" / way.recipe.name / f"{event}.form").exists()
            # Twilio has a scheme for forms and one for the rest.
            if way.recipe.name == "twilio" and not form:
                continue
            request = self.sent(way, event=event)
            status = self.host.status(request) if on_host else None
            for checks in found:
                if checks.sdk["verifies"]:
                    if status:
                        checks.that(200 <= status < 300, f"host, {event}, sent by snaphook", f"status {status}")
                    holds, why = self.says(checks, request, request.at)
                    checks.that(holds, f"SDK, {event}, sent by snaphook", why)

    def says(self, checks, request, now):
        answer = self.ask(checks.sdk, "verify", checks.way, request, now=now)
        return answer["holds"], answer.get("why", "")

    def sdk_takes(self, checks, request, of):
        """What is good the SDK takes, as long as it should, and not when it was altered."""
        way, sdk, at = checks.way, checks.sdk, request.at
        holds, why = self.says(checks, request, at)
        checks.that(holds, f"SDK, {of}", why)
        if sdk["body"] and way.covers_body:
            self.sdk_refuses(checks, f"{of}, altered body", altered_body(way.recipe, request), at)
        altered = altered_signature(way.recipe, way.number, request)
        self.sdk_refuses(checks, f"{of}, altered signature", altered, at)
        if sdk["window"]:
            for side, window in zip((1, -1), sdk["window"]):
                which = "later" if side == 1 else "earlier"
                inside = 3_600 if window is None else window - MARGIN
                if inside > 0:
                    holds, why = self.says(checks, request, at + side * inside * 1000)
                    checks.that(holds, f"SDK, {of}, looked at {inside} s {which}", why)
                if window is not None:
                    outside = window + MARGIN
                    self.sdk_refuses(
                        checks, f"{of}, looked at {outside} s {which}", request, at + side * outside * 1000
                    )
            checks.that(
                sdk["window"][0] in (way.window, (way.window or 0) + LEEWAY.get(sdk["package"], 0)), "window", f"SDK {sdk['window'][0]}, recipe {way.window}"
            )

    def sdk_refuses(self, checks, what, request, now):
        holds, _ = self.says(checks, request, now)
        checks.that(not holds, f"SDK, {what}", "it is taken")

    def sdk_signs(self, checks, fresh, verifiers):
        """What the SDK signs the host takes, and so do the other SDKs."""
        way, sdk = checks.way, checks.sdk

        def signed(age=0, secret=None):
            now = int(time.time() * 1000) - age * 1000
            made = self.ask(sdk, "sign", way, fresh, now=now, secret=secret)
            if "why" in made:
                checks.that(False, "SDK signs", made["why"])
                return None
            request = fresh.with_signature(made)
            request.at = now
            return request

        def host(what, request, right):
            status = self.host.status(request)
            checks.that(right(status), f"host, signed by SDK, {what}", f"status {status}")

        good, refused = (lambda status: 200 <= status < 300), (lambda status: status == 401)
        request = signed()
        if request is None:
            return
        host("as it is", request, good)
        if way.covers_body:
            host("altered body", altered_body(way.recipe, request), refused)
        host("altered signature", altered_signature(way.recipe, way.number, request), refused)
        host("another secret", signed(secret=way.forged), refused)
        if way.too_old:
            host("too old", signed(age=way.too_old), refused)
        if way.window:
            host("too far ahead", signed(age=-way.too_old), refused)
            # Below that a slow machine may be too late.
            if way.window >= 30:
                host("just young enough", signed(age=way.window - 15), good)
        for verifier in verifiers:
            answer = self.ask(verifier, "verify", way, request, now=request.at)
            checks.that(answer["holds"], f"{label(verifier)}, signed by SDK", answer.get("why", ""))


def label(sdk):
    return f"{sdk['package']} {sdk['version']} ({sdk['language']})"


def ways(sdks, workers, folder, only, short):
    """Every scheme that an SDK is for. Of `short` one SDK for each provider."""
    found = {}
    for sdk in sdks:
        for provider in sdk["providers"]:
            if only and provider not in only:
                continue
            recipe = Recipe.read(provider)
            number = recipe.number(sdk)
            key = (provider, number)
            if key not in found:
                pair = PAIRS.get(provider)
                private = None
                secret, forged = (recipe.secret(number, seed) for seed in ("one", "two"))
                if pair:
                    pairs = [workers["npm"].ask(op="keys", kind=pair) for _ in range(2)]
                    secret, forged = (pair[sdk["key"]] for pair in pairs)
                    private = tuple(folder / f"{provider}-{which}.pem" for which in ("own", "forged"))
                    for file, made in zip(private, pairs):
                        file.write_text(made["private"])
                found[key] = Way(recipe, number, sdk["event"], secret, forged, private)
            found[key].sdks.append(sdk)
    found = [found[key] for key in sorted(found)]
    if short:
        first = {}
        for way in found:
            # One that signs and verifies says most.
            way.sdks.sort(key=lambda sdk: (not sdk["verifies"], not sdk["signs"]))
            way.sdks = way.sdks[:1]
            first.setdefault(way.recipe.name, way)
        found = list(first.values())
    return found


def apply_file(found, wasm, port):
    """The host's configuration: a route for every scheme."""
    quoted = json.dumps
    lines = [
        "[modules.verify]", f"file = {quoted(str(wasm))}",
        "[destinations.taker]", f"url = {quoted(f'http://127.0.0.1:{port}/destination')}",
    ]
    for way in found:
        if not any(sdk["host"] for sdk in way.sdks):
            continue
        name, scheme = way.route, way.scheme
        config = {"provider": way.recipe.name, "public_urls": [PUBLIC], "legacy": scheme.get("legacy", False)}
        if settings := SETTINGS.get(way.recipe.name):
            config["settings"] = settings
        inline = ", ".join(
            f"{key} = {{ {', '.join(f'{k} = {quoted(v)}' for k, v in value.items())} }}"
            if isinstance(value, dict)
            else f"{key} = {quoted(value)}"
            for key, value in config.items()
        )
        lines += [
            f"[secrets.{name}]", f"value_base64 = {quoted(base64.b64encode(way.secret.encode()).decode())}",
            f"[routes.{name}]", f"match = {{ path = {quoted(f'/{name}')} }}", 'forward = { candidates = ["taker"] }',
            f"[[routes.{name}.filters]]", 'name = "verify"', 'module = "verify"', f"config = {{ {inline} }}",
            f"grants = {{ secrets = {{ secret = {quoted(name)} }} }}",
            # A machine with much to do is not the filter's fault.
            "limits = { time_ms = 5000, wall_ms = 20000 }",
        ]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- tables


def table(rows, out=sys.stdout):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip(), file=out)


ALGORITHMS = {
    "hmac-sha1": "HMAC-SHA1", "hmac-sha256": "HMAC-SHA256", "hmac-sha384": "HMAC-SHA384", "hmac-sha512": "HMAC-SHA512",
    "sha256": "SHA-256", "ed25519": "Ed25519", "ecdsa-p256-sha256": "ECDSA P-256",
    "ecdsa-p256-sha1": "ECDSA P-256 with SHA-1", "rsa-pkcs1-sha1": "RSA with SHA-1", "rsa-pkcs1-sha256": "RSA with SHA-256",
    "rsa-pss-sha512": "RSA-PSS", "token": "token", "basic": "HTTP Basic", "jwt": "JWT",
}

CODES = {
    "adyen": "HMAC-SHA256 of eight fields of each item, in the body",
    "braintree": "HMAC-SHA1 of the payload, in the form",
    "contentful": "HMAC-SHA256 of method, path, chosen headers and body, in `x-contentful-signature`; 30 s",
    "ebay": "ECDSA under eBay's published key, in `x-ebay-signature`",
    "plaid": "JWT under Plaid's published key, with the body's digest, in `plaid-verification`; 300 s",
    "plivo": "HMAC-SHA256 of URL, sorted parameters and nonce, in `x-plivo-signature-v3`",
    "rfc9421": "HTTP Message Signatures (RFC 9421), in `signature`; 300 s",
    "sns": "RSA under Amazon's certificate, in the body",
}


def value_in_words(value):
    """`header x-signature | form sig` as a reader says it."""
    texts = []
    for place in value.split("|"):
        kind, _, name = place.strip().partition(" ")
        if "{setting" in name:
            texts.append("a header of your own")
            continue
        if kind == "headers":
            names = [f"`{one}{'1' if one.endswith('-') else ''}`" for one in name.split()]
            texts.append(" and ".join(names) + (" and so on" if name.endswith("-") else ""))
            continue
        texts.append({
            "header": f"`{name}`", "json": f"`{name}` of the body", "form": f"form field `{name}`",
            "query": f"`?{name}=`", "body": "the body",
        }.get(kind, f"`{place.strip()}`"))
    return " or ".join(texts)


def scheme_in_words(scheme):
    if scheme["algorithm"] == "code":
        return CODES[scheme["code"]]
    text = ALGORITHMS[scheme["algorithm"]]
    if message := scheme.get("message"):
        parts = []
        for name, word in [
            ("secret", "secret"), ("url", "URL"), ("form-sorted", "sorted form"), ("body", "body"), ("timestamp", "time"), ("id", "id"),
            ("header", "headers"), ("method", "method"), ("json", "fields"), ("form", "fields"), ("query", "query"),
            ("setting", "settings"), ("crc32", "CRC-32 of the body"), ("sha256", "SHA-256 of the body"),
        ]:
            found = re.search(rf"\{{{name}(-decoded)?[ }}]", message)
            if found and word not in [known for _, known in parts]:
                parts.append((found.start(), word))
        words = [word for _, word in sorted(parts)]
        text += f" of {', '.join(words[:-1])}{' and ' if words[:-1] else ''}{words[-1]}" if words else ""
    if digest := scheme.get("digest"):
        text += f", which has the body's {digest['algorithm'].upper().replace('SHA', 'SHA-')}"
    claims = scheme.get("claims", {})
    if scheme["algorithm"] == "jwt":
        says = [word for name, word in [("body", "the body's digest"), ("url", "the URL's digest"), ("qsh", "the query's hash"),
                                        ("audience", "the URL")] if claims.get(name)]
        text += f" ({', '.join(scheme.get('algorithms', []))})" + (f" with {' and '.join(says)}" if says else "")
    if place := scheme.get("signature"):
        text += f", in {value_in_words(place)}"
    if window := scheme.get("window"):
        text += f"; {window} s"
    return text + (" (left behind: only with `legacy`)" if scheme.get("legacy") else "")


def handshake_in_words(handshake):
    conditions = []
    for condition in handshake["when"]:
        kind, _, rest = condition.partition(" ")
        rest = rest.split(" ~ ")[0]
        conditions.append(rest if kind == "method" else f"{kind} `{rest}`")
    return " with ".join(conditions[:2]) if conditions else ""


def cell(text):
    return text.replace("|", "\\|")


def markdown(host, found):
    """One row for each provider that is known."""
    tested, failed = {}, set()
    for checks in found:
        provider, sdk = checks.way.recipe.name, checks.sdk
        of = {"npm": "npm", "pypi": "PyPI"}[sdk["language"]] + ("" if sdk["host"] else ", what `snaphook send` signs")
        tested.setdefault(provider, {})[label(sdk)] = f"`{sdk['package']}` {sdk['version']} ({of})"
        if checks.failures:
            failed.add((provider, label(sdk)))
    lines = [
        "# Providers",
        "",
        "What [`verify`](verify.md) knows, and which of the providers' own SDKs each recipe was tried against; \"documentation only\"",
        "where there is none that could be. `cargo languages` runs the trials, which made this page.",
        "",
    ]
    lines += ["| provider | `provider =` | signs | tested against | handshakes |", "|---|---|---|---|---|"]
    for known in json.loads(host.command("--json", "send", "--list")):
        recipe = Recipe.read(known["provider"])
        schemes = "<br>".join(dict.fromkeys(scheme_in_words(scheme) for scheme in recipe.schemes))
        names = tested.get(recipe.name, {}).items()
        against = "<br>".join(text for name, text in names if (recipe.name, name) not in failed)
        handshakes = "<br>".join(handshake_in_words(handshake) for handshake in recipe.toml.get("handshake", []))
        lines.append(
            f"| [{cell(known['name'])}]({known['docs']}) | `{recipe.name}` | {cell(schemes)} | "
            f"{cell(against) or 'documentation only'} | {cell(handshakes) or '–'} |"
        )
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- all of it


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("binary", type=Path)
    options.add_argument("wasm", type=Path, help="the filter `verify` as a component")
    options.add_argument("--python", type=Path, default=REPOSITORY / "target/providers/bin/python", help="with the PyPI packages")
    options.add_argument("--short", action="store_true", help="one SDK for each provider")
    options.add_argument("--only", action="append", metavar="PROVIDER", help="only this one; as often as needed")
    options.add_argument("--markdown", type=Path, metavar="FILE", help="write the table of all providers")
    given = options.parse_args()
    if given.markdown and (given.short or given.only):
        options.error("--markdown is about all SDKs: leave --short and --only out")
    options = given

    start = time.monotonic()
    workers = {
        "npm": Worker("node", "--no-warnings", str(HERE / "npm/worker.mjs")),
        "pypi": Worker(str(options.python), "-W", "ignore", str(HERE / "pypi/worker.py")),
    }
    sdks = [sdk for worker in workers.values() for sdk in worker.ask(op="list")]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Captures)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]

    with tempfile.TemporaryDirectory(prefix="snaphook-providers-") as folder:
        folder = Path(folder)
        host = Host(options.binary.resolve(), folder)
        try:
            chosen = ways(sdks, workers, folder, options.only, options.short)
            (folder / "apply.toml").write_text(apply_file(chosen, options.wasm.resolve(), port))
            host.command("apply", str(folder / "apply.toml"))
            matrix = Matrix(host, port, workers)
            found = [checks for way in chosen for checks in matrix.try_way(way)]
            if options.markdown:
                options.markdown.write_text(markdown(host, found))
        finally:
            host.stop()
            for worker in workers.values():
                worker.stop()
            server.shutdown()

    rows = [("provider", "scheme", "SDK", "signs", "verifies", "result")]
    for checks in found:
        said = {True: "yes", False: "no"}
        result = f"{checks.count} agree" if not checks.failures else f"{len(checks.failures)} of {checks.count} DISAGREE"
        sdk = checks.sdk
        rows.append((checks.way.recipe.name, str(checks.way.number), label(sdk), said[sdk["signs"]], said[sdk["verifies"]], result))
    table(rows)
    failed = [checks for checks in found if checks.failures]
    for checks in failed:
        for failure in checks.failures:
            print(f"{checks.way.recipe.name}, {label(checks.sdk)}: {failure}")
    packages = {(sdk["language"], sdk["package"]) for checks in found for sdk in [checks.sdk]}
    providers = {checks.way.recipe.name for checks in found}
    print(
        f"\n{len(packages)} SDKs, {len(providers)} providers, {sum(checks.count for checks in found)} checks, "
        f"{len(failed)} of {len(found)} pairs disagree, {time.monotonic() - start:.0f} s"
    )
    sys.exit(bool(failed) or not found)


if __name__ == "__main__":
    main()
