"""Every real payload that GitHub's own examples have, through the router of examples/router-python: natively, and as a
component on the host. What must come of each is worked out by tests/octokit, in another language."""

import base64
import json
import subprocess
import sys
import unittest
from dataclasses import dataclass
from typing import Any

from snaphook.build import component
from snaphook.build.component import Source
from snaphook.testing import Sample, Test
from tests.support import REPOSITORY, Inbox, Platform, program

EXAMPLE = REPOSITORY / "examples/router-python"
DESTINATIONS = ["archive", "bots", "chat", "octo", "releases"]
CONFIG: dict[str, Any] = {
    "rules": [
        {"name": "tags", "events": ["push"], "body": [{"at": "/ref", "like": "refs/tags/*"}], "to": ["releases"]},
        {"name": "new issues", "events": ["issues"], "actions": ["opened", "reopened"], "to": ["chat"]},
        {"name": "octo-org", "repositories": ["octo-org/*"], "to": ["octo"]},
        {"name": "bots", "body": [{"at": "/sender/type", "equals": "Bot"}], "to": ["bots"]},
    ]
}


@dataclass
class Payload:
    name: str
    event: str
    body: bytes
    destination: str

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [("content-type", "application/json"), ("x-github-event", self.event), ("x-name", self.name)]


def payloads() -> list[Payload]:
    folder = REPOSITORY / "tests/octokit"
    if not (folder / "node_modules").is_dir():
        raise AssertionError("the payloads are not there: run `npm ci --prefix tests/octokit`")
    done = subprocess.run(["node", "sign.mjs", "secret"], cwd=folder, capture_output=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [Payload(line["name"], line["event"], base64.b64decode(line["body"]), line["destination"]) for line in lines]


class Payloads(unittest.TestCase):
    payloads: list[Payload]

    @classmethod
    def setUpClass(cls) -> None:
        cls.payloads = payloads()

    def test_each_is_chosen_its_destination(self) -> None:
        self.assertGreater(len(self.payloads), 300)
        sys.path.insert(0, str(EXAMPLE))
        self.addCleanup(sys.path.remove, str(EXAMPLE))
        from router import Router  # noqa: PLC0415

        test = Test(Router, config=CONFIG, destinations=DESTINATIONS)
        for payload in self.payloads:
            outcome = test.run(Sample(headers=payload.headers, body=payload.body))
            chosen = ["archive"] if outcome.name == "pass" else outcome.event.destinations
            self.assertEqual((payload.name, chosen), (payload.name, [payload.destination]))
            self.assertEqual(outcome.event.body, payload.body)

    def test_each_arrives_there_as_it_was_sent(self) -> None:
        platform = Platform(program(), Inbox())
        self.addCleanup(platform.stop)
        source = Source(EXAMPLE, "router")
        made = platform.written("router.wasm", "")
        with open(made, "wb") as file:
            file.write(component.component(source, component.look(source)))
        platform.cli("module", "push", "router", made)
        for name in DESTINATIONS:
            platform.cli("destination", "set", name, f"http://{platform.inbox.address}/{name}")
        forward = f'candidates = {json.dumps(DESTINATIONS)}, default = "archive"'
        route = f'[routes.github]\nmatch = {{ path = "/github" }}\nforward = {{ {forward} }}\n'
        platform.cli("route", "apply", platform.written("route.toml", route))
        platform.cli("attach", "github", "router", "--config", json.dumps(CONFIG))
        for payload in self.payloads:
            status, answer, _ = platform.send("/github", payload.body, payload.headers)
            self.assertEqual((payload.name, status), (payload.name, 200), answer)
        arrived = {each.header("x-name"): each for each in platform.inbox.arrived}
        self.assertEqual(len(platform.inbox.arrived), len(self.payloads))
        for payload in self.payloads:
            self.assertEqual(arrived[payload.name].path, f"/{payload.destination}", payload.name)
            self.assertEqual(arrived[payload.name].body, payload.body, payload.name)
        refused = platform.cli("attach", "github", "router", "--config", '{"rules": [{"to": []}]}', succeeds=False)
        self.assertIn("config/rules/0/to: [] has less than 1 item", refused)
