"""Filters for tests: natively under the test host, and as a component on the real one."""

import sys
from dataclasses import dataclass
from typing import Any

from snaphook import (
    ConfigError,
    Event,
    Failure,
    Filter,
    Refusal,
    Reservation,
    Response,
    Verdict,
    clock,
    config,
    crypto,
    edits,
    headers,
    hmac,
    json,
    keys,
    kv,
    log,
    or_refuse,
    random,
    secrets,
    verify,
)
from snaphook.body import Body
from snaphook.errors import CallError, Invalid

# Source: RFC 8032, section 7.1, test 2. The message is `r`.
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
JWK_X = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"


class Guard(Filter[None], secrets=["webhook"], kv=["deliveries"]):
    def handle(self, event: Event, config: None) -> Verdict:
        verify.github(event, "webhook")
        delivery = or_refuse(event.header("x-github-delivery"), 400, "no delivery")
        match kv.namespace("deliveries").once(delivery, 60):
            case Reservation.FIRST:
                return Verdict.edit().set_header("x-verified", "1")
            case Reservation.PENDING:
                return Verdict.retry_later(1)
            case Reservation.KNOWN:
                return Verdict.respond(200, "duplicate")


@dataclass
class Config:
    do: str = "pass"


class Doer(
    Filter[Config],
    reveal=["open"],
    secrets=["webhook"],
    kv=["seen"],
    optional_secrets=["public", "absent"],
    keys=["http://127.0.0.1:1/"],
):
    """Does what the event's header `x-do` says, or its configuration."""

    def handle(self, event: Event, config: Config) -> Verdict:
        verdict: Verdict = getattr(self, event.header("x-do") or config.do)(event)
        return verdict

    def validate(self, config: Config) -> None:
        if config.do == "":
            raise ConfigError("do: is empty")
        if config.do == "broken":
            raise KeyError("broken")

    def say(self, event: Event) -> Verdict:
        event.set_label("a.b", "c")
        event.set_label("a.b", "d")
        event.set_order_key("o")
        event.set_idempotency_key("i")
        event.set_deliver_after(clock.now_ms() + 1)
        event.set_answer(Response(201, "made"))
        log.info("said")
        return Verdict.pass_()

    def look(self, event: Event) -> Verdict:
        seen: list[Any] = [
            event.id,
            event.method,
            event.path,
            event.query,
            event.source,
            event.path_param("team"),
            event.label("x"),
        ]
        seen += [event.query_value("q"), event.header("X-A"), event.header_bytes("x-b"), event.header("x-b")]
        seen += [list(event.header_values("x-a")), headers.content_type(event), headers.bearer(event)]
        seen += [list(headers.list(event, "x-list")), event.phase, event.attempt, event.is_replay, event.body_length]
        return Verdict.drop(repr(seen))

    def read(self, event: Event) -> Verdict:
        body: Body = event.body
        seen: list[Any] = [
            len(body),
            body.read(1, 2),
            body.pointer("/a"),
            body.json_at("/b"),
            body.json_texts(["/a", "/z"] * 40)[-2:],
        ]
        seen += [body.json(), body.original().text(), body.digest("sha1").hex()[:4], body.pointer("wrong")]
        return Verdict.drop(repr(seen))

    def use(self, event: Event) -> Verdict:
        seen = kv.namespace("seen")
        seen.set("a", "1", ttl_seconds=60)
        used: list[Any] = [
            seen.get("a"),
            seen.increment("a", 2),
            seen.compare_and_swap("a", "3", "4"),
            seen.get("a"),
            seen.get("b"),
        ]
        seen.delete("a")
        used += [seen.get("a"), secrets.reveal("open"), config.raw(), config.prepared(), len(random.bytes(7))]
        mac = hmac.sign("webhook", "hmac-sha1", [hmac.Header("x-time"), ".", event.body])
        used += [mac == hmac.sign("webhook", "hmac-sha1", ["5.", b"body"])]
        used += [hmac.verify("webhook", "hmac-sha1", ["5.body"], mac)]
        return Verdict.drop(repr(used))

    def compute(self, event: Event) -> Verdict:
        key = crypto.Key("public", prefix="key_", form="hex")
        message: list[hmac.Part] = [hmac.Header("x-time"), ".", event.body]
        mac = crypto.sign(key, "hmac-sha384", message)
        hashed = crypto.sign(key, "sha256", [event.body, crypto.TheKey()])
        computed: list[Any] = [mac.hex()[:8], hashed.hex()[:8], crypto.digest("sha384", [event.body]).hex()[:8]]
        computed += [
            crypto.verify(key, "hmac-sha384", message, mac),
            crypto.verify(key, "sha256", [event.body, crypto.TheKey()], hashed),
            crypto.verify(key, "sha256", [crypto.TheKey(), event.body], hashed),
            crypto.token_equal("public", f"key_{PUBLIC}"),
            crypto.token_equal("public", PUBLIC),
            hmac.verify("public", "hmac-sha384", message, mac),
        ]
        return Verdict.drop(repr(computed))

    def signature(self, event: Event) -> Verdict:
        signature = bytes.fromhex(SIGNATURE)
        key = crypto.Key("public", prefix="key_", form="hex")
        seen = [crypto.signature_verify(key, "ed25519", [event.body], signature)]
        for given in (bytes.fromhex(PUBLIC), json.write({"kty": "OKP", "crv": "Ed25519", "x": JWK_X})):
            seen += [crypto.signature_verify(given, "ed25519", [part], signature) for part in ("r", "s")]
        try:
            crypto.signature_verify("no key", "ed25519", ["r"], signature)
        except Invalid as error:
            return Verdict.drop(f"{seen} {error}")
        return Verdict.pass_()

    def fetch(self, event: Event) -> Verdict:
        base = event.header("x-keys") or ""
        seen: list[Any] = [
            keys.fetch(f"{base}/plain", keep_seconds=60),
            keys.fetch(
                f"{base}/secret",
                headers={"x-a": keys.Secret("webhook"), "x-b": ["Basic ", keys.SecretBase64("webhook")]},
                body=['{"s":', keys.SecretJson("webhook"), "}"],
            ),
        ]
        for url, value in ((f"{base}x/", "1"), (f"{base}/plain", keys.Secret("absent"))):
            try:
                seen.append(keys.fetch(url, headers={"x-a": value}))
            except CallError as error:
                seen.append(str(error).replace(base, ""))
        return Verdict.drop(repr(seen))

    def absent(self, event: Event) -> Verdict:
        return Verdict.drop(str(crypto.token_equal("absent", "")))

    def nothing(self, event: Event) -> None:
        return None

    def uncalled(self, event: Event) -> object:
        return Verdict.pass_

    def error(self, event: Event) -> Verdict:
        return Verdict.drop(dict[str, str]()["x"])

    def failure(self, event: Event) -> Verdict:
        raise Failure("exactly this")

    def ended(self, event: Event) -> Verdict:
        sys.exit(3)

    def refused(self, event: Event) -> Verdict:
        raise Refusal(429, "too many", {"retry-after": "5"})

    def denied(self, event: Event) -> Verdict:
        kv.namespace("other").get("a")
        return Verdict.pass_()

    def invalid(self, event: Event) -> Verdict:
        for call in (
            lambda: event.set_label("A", ""),
            lambda: event.set_label("a", "x" * 257),
            lambda: event.set_order_key(""),
            lambda: kv.namespace("seen").set("", ""),
            lambda: kv.namespace("seen").set("a", b"x" * 65_537),
            lambda: kv.namespace("seen").set("a", "", ttl_seconds=0),
            lambda: random.bytes(65_537),
            lambda: event.set_answer(Response(199)),
            lambda: crypto.digest("md5", ["x"]),  # type: ignore[arg-type]
            lambda: crypto.digest("sha256", ["x"] * 33),
            lambda: crypto.digest("sha256", [event.body, event.body]),
            lambda: crypto.digest("sha256", [crypto.TheKey()]),  # type: ignore[list-item]
            lambda: crypto.sign(crypto.Key("webhook"), "hmac-sha256", [crypto.TheKey()]),
            lambda: crypto.sign(crypto.Key("webhook"), "sha256", ["x"]),
            lambda: crypto.sign(crypto.Key("webhook"), "sha384", ["x", crypto.TheKey()]),  # type: ignore[arg-type]
            lambda: crypto.sign(crypto.Key("webhook", form="hex"), "hmac-sha256", ["x"]),
            lambda: crypto.verify(crypto.Key("webhook", prefix="s", form="base64"), "hmac-sha256", ["x"], b""),
            lambda: crypto.verify(crypto.Key("webhook", form="pem"), "hmac-sha256", ["x"], b""),  # type: ignore[arg-type]
        ):
            try:
                call()
            except Invalid:
                continue
            return Verdict.drop("was taken")
        return Verdict.pass_()

    def keep(self, event: Event) -> Verdict:
        KEPT.append(event)
        return Verdict.pass_()

    def kept(self, event: Event) -> Verdict:
        return Verdict.drop(KEPT[0].path + KEPT[0].body.text())

    def speak(self, event: Event) -> Verdict:
        print("out")
        print("err", file=sys.stderr)
        log.warn("é\ud800")
        return Verdict.pass_()

    def grow(self, event: Event) -> Verdict:
        return Verdict.edit().set_body(b"x" * (200 << 20))

    def recurse(self, event: Event) -> Verdict:
        return self.recurse(event)

    def again(self, event: Event) -> Verdict:
        return Verdict.edit().set_json(event.body.json())

    def half(self, event: Event) -> Verdict:
        return Verdict.edit().set_path(event.body.json()["path"])

    def late(self, event: Event) -> Verdict:
        import colorsys  # noqa: PLC0415

        return Verdict.drop(str(colorsys))

    def loop(self, event: Event) -> Verdict:
        while True:
            pass

    def every(self, event: Event) -> Verdict:
        changes: list[Any] = [
            edits.SetHeader("x-a", "1"),
            edits.AppendHeader("x-a", b"\xff"),
            edits.RemoveHeader("x-b"),
        ]
        changes += [edits.SetMethod("PUT"), edits.SetPath("/new"), edits.SetQuery("a=1"), edits.Choose(["here"])]
        changes += [edits.ReplaceBody('{"a": 1.50,  "b": 2}'), edits.JsonSet("/c/d", "[ ]"), edits.JsonRemove("/b")]
        return Verdict.edit().edits(changes)

    def pong(self, event: Event) -> Verdict:
        return Verdict.respond(201, "pong", [("x-a", "1"), ("x-a", "2")])

    def later(self, event: Event) -> Verdict:
        return Verdict.retry_later(7)

    def empty(self, event: Event) -> Verdict:
        return Verdict.edit()

    def edits(self, event: Event) -> Verdict:
        edit = Verdict.edit().set_header("X-A", "2").append_header("x-a", "3").remove_header("x-b").set_method("PUT")
        edit = edit.set_path("/new").set_query("a=1").json_set("/b/c", [1]).json_remove("/a")
        return edit.choose(["one"])


KEPT: list[Event] = []
