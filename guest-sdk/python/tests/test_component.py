"""A component made of filters for tests, on the host's own program: both sides mean the same."""

import json
import unittest
from pathlib import Path
from typing import Any, ClassVar

from snaphook.build import component
from snaphook.build.component import Source
from tests.filters import PUBLIC
from tests.support import Inbox, Platform, program

SECRET = "s"


class OnTheHost(unittest.TestCase):
    platform: ClassVar[Platform]

    @classmethod
    def setUpClass(cls) -> None:
        cls.platform = platform = Platform(program(), Inbox())
        cls.addClassCleanup(platform.stop)
        source = Source(Path(__file__).parent, "filters", "Doer")
        made = Path(platform.folder.name) / "doer.wasm"
        made.write_bytes(component.component(source, component.look(source)))
        platform.cli("module", "push", "doer", str(made))
        platform.cli("secret", "set", "github", "--value-file", platform.written("secret", SECRET))
        platform.cli("secret", "set", "public", "--value-file", platform.written("public", f"key_{PUBLIC}"))
        platform.cli("destination", "set", "here", f"http://{platform.inbox.address}/")
        route = '[routes.test]\nmatch = { path = "/{team}" }\nforward = { candidates = ["here"] }\n'
        platform.cli("route", "apply", platform.written("route.toml", route))
        cls.attach()

    @classmethod
    def attach(cls, config: str = "{}", succeeds: bool = True, instance: str = "auto") -> str:
        grants = ["secrets.webhook=github", "secrets.public", "reveal.open=github", "kv=seen"]
        grants.append(f"keys=http://{cls.platform.inbox.address}/")
        options = [option for grant in grants for option in ("--grant", grant)]
        arguments = ["attach", "test", "doer", *options, "--config", config, "--instance", instance]
        return cls.platform.cli(*arguments, succeeds=succeeds)

    def do(self, what: str, body: str = "", **headers: str) -> tuple[int, bytes, dict[str, Any]]:
        """Status and body of the answer, and the run."""
        pairs = [("x-do", what), *((name.replace("_", "-"), value) for name, value in headers.items())]
        status, answer, event = self.platform.send("/blue?q=a%20b+c&z", body.encode(), pairs)
        return status, answer, self.platform.run_of(event)

    def failed(self, what: str, body: str = "") -> tuple[int, str, str]:
        """Status, class and text of a failure."""
        status, _, run = self.do(what, body)
        outcome = run["outcome"]
        return status, outcome["class"], outcome["detail"]

    def dropped(self, what: str, body: str = "", **headers: str) -> str:
        status, _, run = self.do(what, body, **headers)
        self.assertEqual((status, run["outcome"]["verdict"]), (202, "drop"), run)
        reason: str = run["outcome"]["reason"]
        return reason

    def test_the_event_is_seen(self) -> None:
        seen = self.dropped("look", "é", x_a="1", content_type="Text/Plain; x", authority="", authorization="Bearer t")
        self.assertRegex(
            seen, r"^\['evt_\w{26}', 'POST', '/blue', 'q=a%20b\+c&z', '127.0.0.1', 'blue', None, 'a b c', '1', "
        )
        self.assertTrue(seen.endswith("[b'1'], 'text/plain', 't', [], Route(), 0, False, 2]"), seen)

    def test_the_body_is_read(self) -> None:
        seen = [19, b'"a', "1", [True], ["1", None], {"a": 1, "b": [True]}, '{"a":1, "b":[true]}', "781b", None]
        self.assertEqual(self.dropped("read", '{"a":1, "b":[true]}'), repr(seen))
        status, _, run = self.do("read", "no json")
        self.assertEqual((status, run["outcome"]["verdict"]), (400, "reject"))

    def test_grants_are_used(self) -> None:
        used = [b"1", 3, True, b"4", None, None, b"s", "{}", b"{}", 7, True, True]
        self.assertEqual(self.dropped("use", "body", x_time="5"), repr(used))

    def test_the_host_computes(self) -> None:
        computed = ["b2e7ffde", "501cc819", "75d37880", True, True, False, True, False, False]
        self.assertEqual(self.dropped("compute", "r", x_time="5"), repr(computed))
        seen = "[True, True, False, True, False] invalid argument: the key is no public key for ed25519"
        self.assertEqual(self.dropped("signature", "r"), seen)

    def test_keys_are_fetched(self) -> None:
        inbox = self.platform.inbox
        inbox.documents |= {"/plain": b"\xff", "/secret": b"document"}
        inbox.arrived.clear()
        denied = ["no grant for keys=x/", "no grant for secrets.absent"]
        self.assertEqual(self.dropped("fetch", x_keys=f"http://{inbox.address}"), repr([b"\xff", b"document", *denied]))
        plain, secret = inbox.arrived
        self.assertEqual((plain.method, plain.path, plain.body), ("GET", "/plain", b""))
        self.assertEqual((secret.method, secret.path, secret.body), ("POST", "/secret", b'{"s":"s"}'))
        self.assertEqual((secret.header("x-a"), secret.header("x-b")), ("s", "Basic cw=="))

    def test_verdicts_are_what_they_say(self) -> None:
        self.assertEqual(self.do("empty")[2]["outcome"]["verdict"], "pass")
        self.assertEqual(self.do("pong")[:2], (201, b"pong"))
        self.assertEqual(self.do("later")[0], 503)
        self.assertEqual(self.do("refused")[0], 429)
        status, answer, _ = self.do("say")
        self.assertEqual((status, answer), (201, b"made"))
        self.platform.inbox.arrived.clear()
        self.assertEqual(self.do("every", x_b="1")[0], 200)
        arrived = self.platform.inbox.arrived[0]
        values = [value for name, value in arrived.headers if name == "x-a"]
        self.assertEqual((arrived.method, values, arrived.header("x-b")), ("PUT", ["1", "\xff"], None))
        self.assertEqual(arrived.body, b'{"a": 1.50,  "c":{"d":[ ]}}')

    def test_failures_say_what_and_where(self) -> None:
        self.assertEqual(self.failed("nothing"), (500, "failed", "`handle` returned None, not a verdict"))
        self.assertEqual(self.failed("failure"), (500, "failed", "exactly this"))
        for what, status, kind, text in [
            ("error", 500, "failed", r"^KeyError: 'x' \(filters, line \d+\)$"),
            ("ended", 500, "failed", r"^SystemExit: 3 \("),
            ("denied", 500, "denied", r"^Denied: no grant for kv\.other \("),
            ("absent", 500, "denied", r"^Denied: no grant for secrets\.absent \("),
            ("recurse", 500, "failed", r"^RecursionError: maximum recursion depth exceeded \("),
            (
                "late",
                500,
                "failed",
                r"^ModuleNotFoundError: .*; a component has only what was imported when it was built",
            ),
            ("grow", 503, "memory", "^asked for more than "),
            ("loop", 503, "time", "^computed longer than 50ms$"),
        ]:
            with self.subTest(what=what):
                failed = self.failed(what)
                self.assertEqual(failed[:2], (status, kind), failed)
                self.assertRegex(failed[2], text)
        self.assertEqual(self.do("invalid")[0], 200)

    def test_what_strangers_send_does_not_end_the_instance(self) -> None:
        self.assertEqual(self.failed("half", r'{"path": "/\ud800"}')[:2], (500, "failed"))
        for open_, close in ("[", "]"), ('{"a":', "}"):
            self.assertEqual(self.do("again", open_ * 128 + "1" * (open_ != "[") + close * 128)[0], 200)
            self.assertEqual(self.do("again", open_ * 10_000 + "1" * (open_ != "[") + close * 10_000)[0], 400)
        self.assertEqual(self.do("again", "9" * 5000)[0], 400)

    def test_lines_arrive_in_the_log(self) -> None:
        logs = [(line["level"], line["message"]) for line in self.do("speak")[2]["logs"]]
        self.assertEqual(logs, [("warn", "é?"), ("stdout", "out"), ("stderr", "err")])

    def test_the_body_is_gone_when_the_event_is(self) -> None:
        self.attach(instance="warm")
        self.assertEqual(self.do("keep", "x")[0], 200)
        self.assertRegex(self.failed("kept")[2], "^the body is there only while its event is handled")

    def test_configurations_are_checked_when_they_are_attached(self) -> None:
        for config, fault in [
            ({"do": ""}, "the filter refuses its configuration: do: is empty"),
            ({"does": ""}, "the filter refuses its configuration: does: unknown field `does`, expected `do`"),
            ({"do": 1}, "the filter refuses its configuration: do: invalid type: integer `1`, expected a string"),
            ({"do": "broken"}, "the filter refuses its configuration: KeyError: 'broken' (filters, line "),
        ]:
            self.assertIn(fault, self.attach(json.dumps(config), succeeds=False))
