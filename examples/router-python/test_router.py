"""`python -m unittest` in this folder."""

import tomllib
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any

from snaphook import ConfigError
from snaphook.testing import Sample, Test

import glob_pattern
from router import Router

HERE = Path(__file__).parent

CONFIG = {
    "rules": [
        {
            "name": "urgent",
            "events": ["issues"],
            "actions": ["opened", "reopened"],
            "body": [{"at": "/issue/labels/0/name", "equals": "urgent"}],
            "to": ["pager"],
        },
        {
            "events": ["push"],
            "repositories": ["octo-org/*"],
            "body": [{"at": "/ref", "in": ["refs/heads/main", "refs/heads/next"]}],
            "to": ["ci"],
        },
        {"headers": {"X-Team": "blue"}, "to": ["blue"]},
        {
            "body": [{"at": "/release/tag_name", "like": "v*.0.0"}, {"at": "/release/draft", "equals": "false"}],
            "to": ["announce"],
        },
        {"events": ["push"], "body": [{"at": "/head_commit", "exists": False}], "to": ["odd"]},
    ],
    "otherwise": "drop",
}
URGENT = {"action": "opened", "issue": {"labels": [{"name": "urgent"}]}}


def routed(sample: Sample) -> list[str] | None:
    outcome = Test(Router, config=CONFIG, destinations=["pager", "ci", "blue", "announce", "odd"]).run(sample)
    return None if outcome.name == "drop" else outcome.event.destinations


def event(kind: str, body: Any) -> Sample:
    return Sample(headers={"x-github-event": kind}, json=body)


def push(reference: str, repository: str) -> Sample:
    body = {"ref": reference, "repository": {"full_name": repository}, "head_commit": {"id": "1"}}
    return event("push", body)


def release(tag: str, draft: bool) -> Sample:
    return event("release", {"release": {"tag_name": tag, "draft": draft}})


class Rules(unittest.TestCase):
    def test_the_first_rule_that_holds_decides(self) -> None:
        for sample, expected in [
            (event("issues", URGENT), ["pager"]),
            (event("issue_comment", URGENT), None),
            (event("issues", {**URGENT, "action": "closed"}), None),
            (push("refs/heads/next", "octo-org/app"), ["ci"]),
            (push("refs/heads/next", "other/app"), None),
            (push("refs/heads/topic", "octo-org/app"), None),
            (event("push", {}), ["odd"]),
            (release("v2.0.0", draft=False), ["announce"]),
            (release("v2.0.0", draft=True), None),
            (release("v2.0.1", draft=False), None),
        ]:
            with self.subTest(sample=sample):
                self.assertEqual(routed(sample), expected)

    def test_the_rule_is_labelled(self) -> None:
        test = Test(Router, config=CONFIG)
        self.assertEqual(test.run(Sample(headers={"x-team": "blue"})).labels, {"router.rule": "2"})
        self.assertEqual(test.run(event("issues", URGENT)).labels, {"router.rule": "urgent"})
        self.assertEqual(test.run(Sample()).labels, {})

    def test_a_body_that_is_not_json_is_routed_by_its_headers(self) -> None:
        sample = Sample(body="not json")
        self.assertEqual(routed(replace(sample, headers={"x-team": "blue"})), ["blue"])
        self.assertEqual(routed(replace(sample, headers=[("x-team", "red"), ("x-team", "blue")])), ["blue"])
        self.assertIsNone(routed(replace(sample, headers={"x-team": "red"})))
        self.assertEqual(routed(replace(sample, headers={"x-github-event": "push"})), ["odd"])

    def test_otherwise_is_pass_drop_or_somewhere(self) -> None:
        def run(otherwise: Any) -> Any:
            return Test(Router, config={"rules": [], "otherwise": otherwise}).run()

        self.assertEqual(run("pass").name, "pass")
        self.assertEqual((run("drop").name, run("drop").reason), ("drop", "no rule holds"))
        self.assertEqual(run({"to": ["a", "b"]}).event.destinations, ["a", "b"])
        self.assertEqual(Test(Router, config={"rules": []}).run().name, "pass")

    def test_the_samples_are_routed_as_the_readme_says(self) -> None:
        route = tomllib.loads((HERE / "route.toml").read_text(encoding="utf-8"))
        test = Test(Router, config=route["routes"]["github"]["filters"][0]["config"])
        for file, destination in [("push-main.json", "ci"), ("issue-opened.json", "chat")]:
            self.assertEqual(test.run(Sample.file(HERE / "events" / file)).event.destinations, [destination])


class Configurations(unittest.TestCase):
    def test_faults_are_told_with_their_place(self) -> None:
        def condition(**members: Any) -> dict[str, Any]:
            return {"rules": [{"to": ["a"], "body": [members]}]}

        one_of = "write one of `equals`, `in`, `like` and `exists`"
        for config, fault in [
            ({}, "missing field `rules`"),
            ({"rules": [{"to": []}]}, "rules[0].to: is empty: name at least one destination"),
            ({"rules": [{"to": ["a"], "evnts": []}]}, "rules[0].evnts: unknown field `evnts`, expected one of `to`, "),
            (condition(at="/x"), f"rules[0].body[0]: {one_of}"),
            (condition(at="/x", equals="1", exists=True), f"rules[0].body[0]: {one_of}"),
            (condition(at="x", equals="1"), "rules[0].body[0].at: is no JSON pointer: begin with `/`"),
            (condition(at="/x", equals=1), "rules[0].body[0].equals: invalid type: integer `1`, expected a string"),
            ({"rules": [], "otherwise": {"to": []}}, "otherwise.to: is empty: write `pass` or `drop`"),
            ({"rules": [], "otherwise": "keep"}, "otherwise: unknown variant `keep`, expected `pass` or `drop`"),
        ]:
            with self.subTest(fault=fault):
                with self.assertRaises(ConfigError) as raised:
                    Test(Router, config=config).configure()
                self.assertTrue(str(raised.exception).startswith(fault), raised.exception)


class Patterns(unittest.TestCase):
    def test_a_star_stands_for_anything(self) -> None:
        for pattern, text, fits in [
            ("octo/app", "octo/app", True),
            ("octo/app", "octo/apple", False),
            ("octo/*", "octo/app", True),
            ("octo/*", "octo/", True),
            ("octo/*", "octa/app", False),
            ("*", "", True),
            ("*/app", "octo/app", True),
            ("*/app", "app", False),
            ("a*b*c", "a-b-b-c", True),
            ("a*b*c", "a-c-b", False),
            ("ab*ba", "aba", False),
            ("ab*ba", "abba", True),
            ("**", "x", True),
            ("*é*", "café au lait", True),
            ("", "", True),
            ("", "x", False),
        ]:
            with self.subTest(pattern=pattern, text=text):
                self.assertEqual(glob_pattern.matches(pattern, text), fits)


if __name__ == "__main__":
    unittest.main()
