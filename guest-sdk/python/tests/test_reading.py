"""Configurations are read strictly, and faults name their place."""

import unittest
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from snaphook import ConfigError, _reading, json


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Rule:
    to: list[str]
    event: str | None = None
    in_: list[int] | None = None
    children: "list[Rule]" = field(default_factory=list)


@dataclass
class Range:
    least: int
    most: int

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise ConfigError("`least` is more than `most`")


@dataclass
class Table:
    rules: list[Rule]
    limit: int = 0
    share: float = 1.0
    level: Level = Level.LOW
    names: dict[str, str] = field(default_factory=dict)
    otherwise: Literal["pass", "drop"] | Rule = "pass"
    pair: tuple[int, str] | None = None
    ranges: Sequence[Range] = ()
    extra: Any = None
    more: Mapping[str, bool] = field(default_factory=dict)
    on: bool = False


TABLE = _reading.form(Table)


def read(text: str) -> Any:
    return TABLE.read(json.read_members(text), "")


class Reading(unittest.TestCase):
    def test_values_become_what_is_declared(self) -> None:
        table = read(
            '{"rules": [{"to": ["a"], "in": [1], "children": [{"to": []}]}], "share": 2, "level": "high",'
            ' "names": {"a": "b"}, "otherwise": {"to": ["x"]}, "pair": [1, "one"], "ranges": [{"least": 1, "most": 2}],'
            ' "extra": [null]}'
        )
        rule = Rule(to=["a"], in_=[1], children=[Rule(to=[])])
        expected = Table(
            rules=[rule],
            share=2.0,
            level=Level.HIGH,
            names={"a": "b"},
            otherwise=Rule(to=["x"]),
            pair=(1, "one"),
            ranges=[Range(1, 2)],
            extra=[None],
        )
        self.assertEqual(table, expected)
        self.assertIsInstance(table.share, float)

    def test_a_fault_names_its_place(self) -> None:
        for text, expected in [
            (
                '{"rules":[{"to":["ci"]},{"to":["ci",3]}]}',
                "rules[1].to[1]: invalid type: integer `3`, expected a string",
            ),
            ('{"rules":[{"to":[]},{"event":"push"}]}', "rules[1]: missing field `to`"),
            (
                '{"rules":[{"to":[],"evnt":1}]}',
                "rules[0].evnt: unknown field `evnt`, expected one of `to`, `event`, `in`, `children`",
            ),
            (
                '{"rules":[{"to":[],"event":false}]}',
                "rules[0].event: invalid type: boolean `false`, expected a string or null",
            ),
            ('{"rules":7}', "rules: invalid type: integer `7`, expected a sequence"),
            ("{ }", "missing field `rules`"),
            ("[]", "invalid type: sequence, expected a map"),
            ('{"rules":[],"limit":true}', "limit: invalid type: boolean `true`, expected an integer"),
            ('{"rules":[],"limit":1.5}', "limit: invalid type: floating point `1.5`, expected an integer"),
            ('{"rules":[],"level":"middle"}', "level: unknown variant `middle`, expected `low` or `high`"),
            ('{"rules":[],"names":{"a":1}}', "names.a: invalid type: integer `1`, expected a string"),
            ('{"rules":[],"otherwise":"keep"}', "otherwise: unknown variant `keep`, expected `pass` or `drop`"),
            ('{"rules":[],"otherwise":{}}', "otherwise: missing field `to`"),
            ('{"rules":[],"otherwise":[]}', "otherwise: invalid type: sequence, expected `pass` or `drop` or a map"),
            ('{"rules":[],"pair":[1]}', "pair: invalid length 1, expected a sequence of 2"),
            ('{"rules":[],"ranges":[{"least":2,"most":1}]}', "ranges[0]: `least` is more than `most`"),
            ('{"rules":[],"rules":[]}', "rules: duplicate field `rules`"),
            ('{"rules":[],"names":{"a":"","a":""}}', "names.a: duplicate field `a`"),
        ]:
            with self.subTest(text=text):
                with self.assertRaises(ConfigError) as raised:
                    read(text)
                self.assertEqual(str(raised.exception), expected)

    def test_types_that_json_has_no_form_for_are_refused_at_once(self) -> None:
        @dataclass
        class Odd:
            names: set[str]

        with self.assertRaisesRegex(TypeError, r"^Odd\.names: `set` is not read from JSON: use dataclasses, "):
            _reading.form(Odd)
