"""Changes to an event, one by one. `Verdict.edit()` has a method for each; make them here to hand over a list of them with
`Verdict.edit().edits(…)`.

All of them raise `TypeError` or `ValueError` for what cannot be told to the host."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from snaphook import _wire


@dataclass(frozen=True, slots=True, init=False)
class SetHeader:
    """Replaces every value of the name."""

    header: _wire.Header

    def __init__(self, name: str, value: _wire.Text) -> None:
        object.__setattr__(self, "header", _wire.header(name, value))


@dataclass(frozen=True, slots=True, init=False)
class AppendHeader:
    """Adds a value beside those that are there."""

    header: _wire.Header

    def __init__(self, name: str, value: _wire.Text) -> None:
        object.__setattr__(self, "header", _wire.header(name, value))


@dataclass(frozen=True, slots=True)
class RemoveHeader:
    """Removing what is not there is no fault."""

    name: str

    def __post_init__(self) -> None:
        _wire.text(self.name, "the name of a header")


@dataclass(frozen=True, slots=True)
class SetMethod:
    """The request's method."""

    method: str

    def __post_init__(self) -> None:
        _wire.text(self.method, "the method")


@dataclass(frozen=True, slots=True)
class SetPath:
    """Begins with `/`, no query."""

    path: str

    def __post_init__(self) -> None:
        _wire.text(self.path, "the path")


@dataclass(frozen=True, slots=True)
class SetQuery:
    """Without the `?`; `None` removes it."""

    query: str | None

    def __post_init__(self) -> None:
        if self.query is not None:
            _wire.text(self.query, "the query")


@dataclass(frozen=True, slots=True, init=False)
class ReplaceBody:
    """The new body, whole."""

    body: bytes

    def __init__(self, body: _wire.Text) -> None:
        object.__setattr__(self, "body", _wire.octets(body, "the body"))


@dataclass(frozen=True, slots=True)
class JsonSet:
    """JSON pointer (RFC 6901) and JSON text. Bytes outside the changed value stay as they are."""

    pointer: str
    text: str

    def __post_init__(self) -> None:
        _wire.text(self.pointer, "the pointer")
        _wire.text(self.text, "the JSON text")


@dataclass(frozen=True, slots=True)
class JsonRemove:
    """JSON pointer (RFC 6901). Removing what is not there is no fault."""

    pointer: str

    def __post_init__(self) -> None:
        _wire.text(self.pointer, "the pointer")


@dataclass(frozen=True, slots=True, init=False)
class Choose:
    """The destinations to send to, by name."""

    destinations: tuple[str, ...]

    def __init__(self, destinations: Iterable[str]) -> None:
        if isinstance(destinations, str):
            raise TypeError('`choose` takes several destinations: write ["NAME"]')
        names = tuple(_wire.text(name, "the name of a destination") for name in destinations)
        object.__setattr__(self, "destinations", names)


Change: TypeAlias = (
    SetHeader
    | AppendHeader
    | RemoveHeader
    | SetMethod
    | SetPath
    | SetQuery
    | ReplaceBody
    | JsonSet
    | JsonRemove
    | Choose
)
