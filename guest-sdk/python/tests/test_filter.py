"""Filters under the test host: what they see, say, and how they fail."""

import json
import re
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from snaphook import ConfigError, Event, Failure, Filter, Response, Verdict, clock, crypto, hmac, keys, kv, secrets
from snaphook.errors import Denied, Unavailable
from snaphook.event import Destination
from snaphook.testing import Sample, Test
from tests.filters import JWK_X, KEPT, PUBLIC, SIGNATURE, Config, Doer, Guard
from tests.support import REPOSITORY

SECRET = "It's a Secret to Everybody"
EVENT_FILES = json.loads((REPOSITORY / "guest-sdk/tests/event-files.json").read_text(encoding="utf-8"))


class Verifying(unittest.TestCase):
    def test_what_is_signed_goes_on_once(self) -> None:
        test = Test(Guard, secrets={"webhook": [SECRET, "older"]})
        sample = Sample(body="Hello, World!", headers={"x-github-delivery": "1"}, signed="webhook")
        self.assertEqual(test.run(sample).event.header("x-verified"), "1")
        self.assertEqual(test.run(sample).answer_text, "duplicate")
        test.clock_ms += 60_000
        self.assertEqual(test.run(sample).name, "edit")

    def test_a_reservation_is_released_with_its_event(self) -> None:
        test = Test(Guard, secrets={"webhook": SECRET})
        sample = Sample(headers={"x-github-delivery": "1"}, signed="webhook")
        test.destinations_refuse = True
        self.assertEqual([test.run(sample).name, test.run(sample).name], ["edit", "edit"])
        test.reserve("deliveries", "1")
        self.assertEqual(test.run(sample).name, "retry-later")

    def test_githubs_own_example_is_right(self) -> None:
        # Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
        right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        for signature, reason in [
            ([right], "no delivery"),
            ([right.upper().replace("SHA", "sha")], "no delivery"),
            ([], "header x-hub-signature-256 is missing"),
            ([right, right], "header x-hub-signature-256 is there twice"),
            ([right[:-1]], "header x-hub-signature-256 is malformed"),
            ([right[:-2] + " 1"], "header x-hub-signature-256 is malformed"),
            ([right[7:]], "header x-hub-signature-256 is malformed"),
            ([right[:-1] + "8"], "signature does not match the body"),
        ]:
            pairs = [("x-hub-signature-256", value) for value in signature]
            outcome = Test(Guard, secrets={"webhook": SECRET}).run(Sample(body="Hello, World!", headers=pairs))
            self.assertEqual(outcome.reason, reason)

    def test_what_is_not_asked_for_cannot_be_granted(self) -> None:
        self.assertRaises(ValueError, Test, Guard, secrets={"other": "1"})
        self.assertRaises(ValueError, Test, Guard, reveal={"webhook": "1"})


def done(do: str, sample: Sample | None = None, destinations: tuple[str, ...] = ()) -> "tuple[str, str]":
    test = Test(
        Doer,
        config={"do": do},
        secrets={"webhook": "s", "public": ["key_00", f"key_{PUBLIC}"] if do == "signature" else f"key_{PUBLIC}"},
        reveal={"open": "sesame"},
        documents={"http://127.0.0.1:1/plain": b"\xff", "http://127.0.0.1:1/secret": "document"},
        verifier=verified,
        destinations=destinations,
    )
    outcome = test.run(sample)
    return outcome.name, outcome.reason


def verified(algorithm: str, key: bytes, message: bytes, signature: bytes) -> bool:
    """Stands for a library that knows one signature."""
    known = [bytes.fromhex(PUBLIC), f'{{"kty":"OKP","crv":"Ed25519","x":"{JWK_X}"}}'.encode()]
    if key not in [*known, b"\0"]:
        raise ValueError(f"the key is no public key for {algorithm}")
    return key in known and (algorithm, message, signature.hex()) == ("ed25519", b"r", SIGNATURE)


class Doing(unittest.TestCase):
    def test_the_event_is_seen_as_it_came(self) -> None:
        sample = Sample(
            method="PUT",
            path="/x?q=a%20b+c&z",
            headers=[
                ("X-A", "1"),
                ("x-a", "2"),
                ("x-b", b"\xff"),
                ("content-type", "Text/Plain; charset=utf-8"),
                ("authorization", "bearer  token"),
                ("x-list", "a, ,b"),
                ("x-list", "c"),
            ],
            body="é",
            path_params={"team": "blue"},
            labels={"x": "y"},
            destination="here",
            attempt=2,
            replay=True,
        )
        seen = ["evt_01KB4QJ0000000000000000000", "PUT", "/x", "q=a%20b+c&z", "192.0.2.1", "blue", "y", "a b c", "1"]
        more = [b"\xff", None, [b"1", b"2"], "text/plain", "token", ["a", "b", "c"], Destination("here"), 2, True, 2]
        self.assertEqual(done("look", sample), ("drop", repr([*seen, *more])))

    def test_queries_are_decoded_as_forms(self) -> None:
        for text, plain in [
            ("plain", "plain"),
            ("a+b%20c", "a b c"),
            ("%C3%A9", "é"),
            ("%ff", "\ufffd"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%2B+", "+ "),
            ("é%", "é%"),
        ]:
            outcome = Test(Querying).run(Sample(path=f"/?q={text}"))
            self.assertEqual(outcome.reason, plain)

    def test_the_body_is_read_as_it_is_asked_for(self) -> None:
        sample = Sample(body='{"a":1, "b":[true]}', original_body="first")
        seen = [19, b'"a', "1", [True], ["1", None], {"a": 1, "b": [True]}, "first", "781b", None]
        self.assertEqual(done("read", sample), ("drop", repr(seen)))
        self.assertEqual(done("read", Sample(body="no json")), ("reject", done("read", Sample(body="no json"))[1]))
        self.assertEqual(Test(Doer, config={"do": "read"}).run(Sample(body="no json")).status, 400)

    def test_what_is_granted_is_used(self) -> None:
        used = [b"1", 3, True, b"4", None, None, b"sesame", '{"do": "use"}', b'{"do": "use"}', 7, True, True]
        self.assertEqual(done("use", Sample(headers={"x-time": "5"}, body="body")), ("drop", repr(used)))

    def test_the_host_computes(self) -> None:
        computed = ["b2e7ffde", "501cc819", "75d37880", True, True, False, True, False, False]
        self.assertEqual(done("compute", Sample(headers={"x-time": "5"}, body="r")), ("drop", repr(computed)))
        seen = "[True, True, False, True, False] invalid argument: the key is no public key for ed25519"
        self.assertEqual(done("signature", Sample(body="r")), ("drop", seen))
        test = Test(Doer, config={"do": "signature"}, secrets={"public": "key_00"})
        self.assertRegex(test.run().reason, r"^Unavailable: .*: Test\(…, verifier=…\) \(tests")

    def test_any_valid_value_verifies_and_the_newest_signs(self) -> None:
        test = Test(Rotated, secrets={"token": ["new", "old"]})
        self.assertEqual(test.run().reason, repr([True, True, True, False, True, True, False]))

    def test_keys_are_made_of_secrets(self) -> None:
        # Source of the first: RFC 4231, section 4.3; the key is `Jefe`.
        for value, prefix, form, mac in [
            ("Jefe", "", "utf8", "5bdcc146"),
            ("whsec_Jefe", "whsec_", "utf8", "5bdcc146"),
            ("Jefe", "whsec_", "utf8", "5bdcc146"),
            ("whsec_SmVmZQ==\n", "whsec_", "base64", "5bdcc146"),
            ("SmVmZQ", "", "base64", "5bdcc146"),
            ("-_-_", "", "base64", "0e138240"),
            ("+/+/", "", "base64", "0e138240"),
            ("4A656665\n", "", "hex", "5bdcc146"),
            ("Jefe", "", "sha1", "a837713b"),
        ]:
            test = Test(Signing, secrets={"webhook": value}, config={"prefix": prefix, "form": form})
            self.assertEqual(test.run().reason[:8], mac, value)
        # Source: RFC 4231, section 4.3.
        macs = [("hmac-sha384", "af45d2e3"), ("hmac-sha512", "164b7a7b")]
        for algorithm, mac in macs:
            test = Test(Signing, secrets={"webhook": "Jefe"}, config={"algorithm": algorithm})
            self.assertEqual(test.run().reason[:8], mac)
        for value, form in [("SmVmZ", "base64"), ("Sm.mZQ", "base64"), ("4g", "hex"), ("", "hex"), ("é", "hex")]:
            test = Test(Signing, secrets={"webhook": value}, config={"form": form})
            self.assertIn(f"Invalid: invalid argument: the secret is not {form} (", test.run().reason)

    def test_keys_are_fetched(self) -> None:
        denied = ["no grant for keys=x/", "no grant for secrets.absent"]
        sample = Sample(headers={"x-keys": "http://127.0.0.1:1"})
        self.assertEqual(done("fetch", sample), ("drop", repr([b"\xff", b"document", *denied])))

    def test_what_no_host_would_take_is_told_at_its_line(self) -> None:
        calls: list[tuple[Callable[..., object], list[Any], str]] = [
            (crypto.digest, ["sha1", "x"], "the parts are a list: write [part]"),
            (crypto.sign, [crypto.Key(b"a"), "hmac-sha1", []], "the name of a secret is a string, not bytes"),  # type: ignore[arg-type]
            (crypto.token_equal, ["a", 1], "the token is a string or bytes, not int"),
            (lambda body: keys.fetch("https://a.example/", body=body), [[b"x"]], "the body is a string, not bytes"),
            (
                lambda name: keys.fetch("https://a.example/", headers={"a": name}),
                [[1]],
                "the value of a header is a string, not int",
            ),
        ]
        for call, arguments, fault in calls:
            Calling.call = (call, arguments)
            outcome = Test(Calling).run()
            self.assertRegex(outcome.reason, f"^TypeError: {re.escape(fault)} \\(")

    def test_what_is_said_beside_the_verdict_is_kept(self) -> None:
        outcome = Test(Doer, config={"do": "say"}).run()
        self.assertEqual((outcome.labels, outcome.order_key, outcome.idempotency_key), ({"a.b": "d"}, "o", "i"))
        self.assertEqual((outcome.deliver_after, outcome.answer), (1_790_000_000_001, Response(201, "made")))
        self.assertEqual(outcome.logs, [("info", "said")])

    def test_failures_say_what_and_where(self) -> None:
        self.assertEqual(done("nothing"), ("failed", "`handle` returned None, not a verdict"))
        uncalled = "`handle` returned the method `Verdict.pass_`, not a verdict: write `Verdict.pass_()`"
        self.assertEqual(done("uncalled"), ("failed", uncalled))
        self.assertRegex(done("error")[1], r"^KeyError: 'x' \(tests\.filters, line \d+\)$")
        self.assertEqual(done("failure"), ("failed", "exactly this"))
        self.assertRegex(done("ended")[1], r"^SystemExit: 3 \(")
        self.assertEqual(done("absent")[1][:38], "Denied: no grant for secrets.absent (t")
        self.assertRegex(done("denied")[1], r"^Denied: no grant for kv\.other \(")
        self.assertEqual(Test(Doer, config={"do": "denied"}).run().denied, ["kv.other"])
        self.assertEqual(done("invalid"), ("pass", ""))
        self.assertEqual(done("empty"), ("pass", ""))
        self.assertEqual(done("refused"), ("reject", "too many"))

    def test_the_body_is_gone_when_the_event_is(self) -> None:
        done("keep", Sample(body="x"))
        self.assertEqual(KEPT[-1].path, "/")
        self.assertRaises(Failure, KEPT[-1].body.text)

    def test_edits_are_applied_as_the_host_does(self) -> None:
        sample = Sample(path="/?old", headers=[("x-a", "1"), ("x-b", "1")], body='{"a":1}')
        sent = Test(Doer, config={"do": "edits"}).run(sample).event
        self.assertEqual((sent.method, sent.path, sent.query, sent.destinations), ("PUT", "/new", "a=1", ["one"]))
        self.assertEqual((sent.headers, sent.json()), ([("x-a", b"2"), ("x-a", b"3")], {"b": {"c": [1]}}))
        self.assertEqual(done("edits", Sample(body="x"))[1][:33], "bad output: the body is not JSON:")
        bad = "bad output: `one` is not one of the route's destinations"
        self.assertEqual(done("edits", Sample(body="{}"), destinations=("two",)), ("failed", bad))

    def test_configurations_are_checked(self) -> None:
        for written, fault in [
            ({"do": ""}, "do: is empty"),
            ({"does": ""}, "does: unknown field `does`, expected `do`"),
        ]:
            with self.assertRaises(ConfigError) as raised:
                Test(Doer, config=written).configure()
            self.assertEqual(str(raised.exception), fault)
        with self.assertRaisesRegex(Failure, r"^KeyError: 'broken' \("):
            Test(Doer, config={"do": "broken"}).configure()
        with self.assertRaisesRegex(ConfigError, "^this filter takes no configuration: remove `a`, `b`$"):
            Test(Guard, config={"a": 1, "b": 2}).configure()
        with self.assertRaisesRegex(ConfigError, "^is not JSON: "):
            Test(Doer, config_text="{").configure()

    def test_there_is_no_host_outside_of_a_run(self) -> None:
        self.assertRaises(Unavailable, clock.now_ms)
        for call in ("kv", "digest", "signature", "fetch"):
            self.assertRaises(Denied, self._while_configuring, call)

    def _while_configuring(self, call: str) -> None:
        try:
            Test(Early, config={"do": call}, documents={"https://a.example/": ""}).configure()
        except Failure as failure:
            raise failure.__cause__ or failure from None

    def test_secrets_are_compared(self) -> None:
        self.assertTrue(secrets.equal("token", b"token"))
        self.assertFalse(secrets.equal("token", "tokem"))


class Passing(Filter[None]):
    def handle(self, event: Event, config: None) -> Verdict:
        return Verdict.pass_()


class Starred(Passing, keys=["https://*.example.com/v1/"]):
    """Asks for more than it needs."""


class Addressed(Filter[None], body="none"):
    def handle(self, event: Event, config: None) -> Verdict:
        return Verdict.drop(event.authority)


class Querying(Filter[None]):
    def handle(self, event: Event, config: None) -> Verdict:
        return Verdict.drop(event.query_value("q") or "")


class Early(Filter[Config], kv=["seen"], keys=["https://a.example/"]):
    def handle(self, event: Event, config: Config) -> Verdict:
        return Verdict.pass_()

    def validate(self, config: Config) -> None:
        match config.do:
            case "kv":
                kv.namespace("seen").get("a")
            case "digest":
                crypto.digest("sha256", ["a"])
            case "signature":
                crypto.signature_verify("key", "ed25519", ["a"], b"")
            case "fetch":
                keys.fetch("https://a.example/")


@dataclass
class Making:
    prefix: str = ""
    form: crypto.Form = "utf8"
    algorithm: hmac.Algorithm = "hmac-sha256"


class Signing(Filter[Making], secrets=["webhook"]):
    def handle(self, event: Event, config: Making) -> Verdict:
        key = crypto.Key("webhook", config.prefix, config.form)
        message = ["what do ya want for nothing?"]
        signed = crypto.sign(key, config.algorithm, message)
        if config == Making(algorithm=config.algorithm) and not hmac.verify(
            "webhook", config.algorithm, message, signed
        ):
            raise Failure("a key that is the secret's own bytes signs as `hmac` does")
        return Verdict.drop(signed.hex())


class Rotated(Filter[None], optional_secrets=["token"]):
    def handle(self, event: Event, config: None) -> Verdict:
        key = crypto.Key("token")
        seen = [crypto.token_equal("token", value) for value in ("new", b"old")]
        for value, message in [("old", "a"), ("other", "a"), ("new", "a")]:
            hashed = crypto.digest("sha1", [message, value])
            seen.append(crypto.verify(key, "sha1", [message, crypto.TheKey()], hashed))
        signed = crypto.sign(key, "sha1", ["a", crypto.TheKey()])
        seen += [signed == crypto.digest("sha1", ["a", value]) for value in ("new", "old")]
        return Verdict.drop(repr(seen))


class Calling(Filter[None], body="none"):
    call: ClassVar[tuple[Callable[..., object], list[Any]]]

    def handle(self, event: Event, config: None) -> Verdict:
        call, arguments = self.call
        return Verdict.drop(repr(call(*arguments)))


class Prepared(Filter[Config]):
    """Keeps something of its own for `handle`."""

    def handle(self, event: Event, config: Config) -> Verdict:
        return Verdict.drop(config.do)

    def prepare(self, config: Config, text: str) -> bytes:
        return config.do.upper().encode()

    def restore(self, prepared: bytes) -> Config:
        return Config(prepared.decode())


class Classes(unittest.TestCase):
    def test_what_is_prepared_is_restored(self) -> None:
        self.assertEqual(Test(Prepared, config={"do": "x"}).run().reason, "X")

    def test_the_class_says_what_it_asks_for(self) -> None:
        self.assertEqual(
            (Guard.manifest.body, Guard.manifest.secrets, Guard.manifest.kv),
            ("buffered", ("webhook",), ("deliveries",)),
        )
        for wrong in (
            {"body": "all"},
            {"secrets": ["UPPER"]},
            {"kv": [""]},
            {"reveal": ["x" * 64]},
            {"optional_secrets": ["a b"]},
        ):
            self.assertRaises(ValueError, type(Filter), "Wrong", (Filter,), {}, **wrong)
        for url in ("https://a.example", "ftp://a.example/", "https:///", "https://a.example/ ", 'https://a.example/"'):
            self.assertRaises(ValueError, type(Filter), "Wrong", (Filter,), {}, keys=[url])
        for wrong_type in ({"secrets": "webhook"}, {"keys": "https://a.example/"}, {"optional_secrets": [1]}):
            self.assertRaises(TypeError, type(Filter), "Wrong", (Filter,), {}, **wrong_type)
        self.assertEqual(Doer.manifest.keys, ("http://127.0.0.1:1/",))
        with self.assertRaisesRegex(ValueError, "^Doer does not ask for secret `other`$"):
            Test(Doer, secrets={"other": ""})
        Test(Starred, documents={"https://a-1.example.com/v1/keys?x=1": ""})
        for url in ("https://example.com/v1/", "https://a.b.example.com/v1/", "https://aXexample.com/v1/"):
            with self.assertRaisesRegex(
                ValueError, f"^Starred does not ask for keys from `{url}`, or a beginning of it$"
            ):
                Test(Starred, documents={url: ""})

    def test_an_event_is_for_the_host_that_its_sender_called(self) -> None:
        self.assertEqual(Test(Addressed).run().reason, "hooks.example.com")
        self.assertEqual(Test(Addressed).run(Sample(authority="example.com:81")).reason, "example.com:81")


class Files(unittest.TestCase):
    def test_event_files_are_read(self) -> None:
        for case in EVENT_FILES["read"]:
            event = case["event"]
            sent = Test(Passing).run(_sample(case["file"])).event
            headers = [[name, value.decode("latin-1")] for name, value in sent.headers]
            seen = (sent.method, sent.path, sent.query, headers, sent.body.decode("latin-1"))
            expected = (event["method"], event["path"], event["query"], event["headers"], event["body"])
            self.assertEqual(seen, expected, case["file"])

    def test_other_files_are_refused(self) -> None:
        for wrong in EVENT_FILES["refused"]:
            self.assertRaisesRegex(ValueError, " is no event file: ", _sample, wrong)
        for wrong, fault in [
            ("[]", "it is no object"),
            ('{"boddy": 1}', "unknown field `boddy`"),
            ('{"body": 1, "body_text": ""}', "there are `body` and `body_text`, where one of them says all"),
            ('{"method": null}', "`method` is no text"),
            ('{"body_base64": "Zm 9"}', "`body_base64` is no base64"),
            ('{"headers": {}}', "`headers` is no list of pairs"),
            ('{"headers": [["x", {}]]}', "`headers[0]` is no pair of name and value, which is text or"),
        ]:
            self.assertRaisesRegex(ValueError, f" is no event file: {re.escape(fault)}", _sample, wrong)


def _sample(text: str) -> Sample:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "event.json"
        path.write_text(text, encoding="utf-8")
        return Sample.file(path)
