"""Picks destinations by a table in its configuration: the first rule that holds decides."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from snaphook import Body, CallError, ConfigError, Event, Filter, Verdict

import glob_pattern


@dataclass
class Condition:
    """One of the four, about the value at a JSON pointer. Numbers, `true` and `false` are compared as text."""

    at: str
    equals: str | None = None
    in_: list[str] | None = None
    like: str | None = None
    """`*` stands for anything."""
    exists: bool | None = None

    def check(self, place: str) -> None:
        """What the types do not say."""
        if [self.equals, self.in_, self.like, self.exists].count(None) != 3:
            raise ConfigError(f"{place}: write one of `equals`, `in`, `like` and `exists`")
        if self.at and not self.at.startswith("/"):
            raise ConfigError(f"{place}.at: is no JSON pointer: begin with `/`")

    def holds(self, body: Body) -> bool:
        """Whether it does. A body that is not JSON has nothing anywhere."""
        if self.exists is not None:
            try:
                return (body.json_text(self.at) is not None) == self.exists
            except CallError:
                return not self.exists
        value = body.pointer(self.at)
        if value is None:
            return False
        if self.like is not None:
            return glob_pattern.matches(self.like, value)
        return value == self.equals or value in (self.in_ or ())


class Seen:
    """The event, and what several rules ask of it. The host parses the body, at the first question."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.kind = event.header("x-github-event")

    @cached_property
    def action(self) -> str | None:
        return self.event.body.pointer("/action")

    @cached_property
    def repository(self) -> str | None:
        return self.event.body.pointer("/repository/full_name")


@dataclass
class Rule:
    """All that is written must hold; what is left out holds for every event."""

    to: list[str]
    name: str | None = None
    """For the label `router.rule`; its number if left out."""
    events: list[str] = field(default_factory=list)
    """One of these is the event's kind, header `X-GitHub-Event`."""
    actions: list[str] = field(default_factory=list)
    """One of these is the body's `/action`."""
    repositories: list[str] = field(default_factory=list)
    """One of these matches the body's `/repository/full_name`; `*` stands for anything."""
    headers: dict[str, str] = field(default_factory=dict)
    """Each header has exactly this value."""
    body: list[Condition] = field(default_factory=list)

    def holds(self, seen: Seen) -> bool:
        """Cheap questions first: the body is not looked at if the headers decide."""
        event = seen.event
        return (
            (not self.events or seen.kind in self.events)
            and all(value.encode() in event.header_values(name) for name, value in self.headers.items())
            and (not self.actions or seen.action in self.actions)
            and (not self.repositories or _fits(seen.repository, self.repositories))
            and all(condition.holds(event.body) for condition in self.body)
        )


def _fits(text: str | None, patterns: list[str]) -> bool:
    return text is not None and any(glob_pattern.matches(pattern, text) for pattern in patterns)


@dataclass
class To:
    """Destinations."""

    to: list[str]


@dataclass
class Config:
    """The table."""

    rules: list[Rule]
    otherwise: Literal["pass", "drop"] | To = "pass"
    """What becomes of an event for which no rule holds."""


class Router(Filter[Config], config_schema="config.schema.json"):
    """The filter."""

    def handle(self, event: Event, config: Config) -> Verdict:
        seen = Seen(event)
        for index, rule in enumerate(config.rules):
            if rule.holds(seen):
                event.set_label("router.rule", str(index) if rule.name is None else rule.name)
                return Verdict.edit().choose(rule.to)
        match config.otherwise:
            case "pass":
                return Verdict.pass_()
            case "drop":
                return Verdict.drop("no rule holds")
            case To(destinations):
                return Verdict.edit().choose(destinations)

    def validate(self, config: Config) -> None:
        for index, rule in enumerate(config.rules):
            if not rule.to:
                raise ConfigError(f"rules[{index}].to: is empty: name at least one destination")
            for number, condition in enumerate(rule.body):
                condition.check(f"rules[{index}].body[{number}]")
        if isinstance(config.otherwise, To) and not config.otherwise.to:
            raise ConfigError("otherwise.to: is empty: write `pass` or `drop`")
