"""JSON: what the standard library's `json` lacks for filters."""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

DEPTH_MOST = 128
"""How deep JSON may be: what the host parses, and what is safe to parse in a component, whose stack is small."""

_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_compact_ascii = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


def pointer(tokens: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901) of names and indexes as they are, escaped.

    >>> pointer(["files", "a/b~c", 0])
    '/files/a~1b~0c/0'
    """
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def write(value: Any) -> str:
    """Compact JSON text.

    Raises:
        TypeError, ValueError: if the value cannot be written as JSON: other types than those of JSON, numbers that are not
            finite, more than 128 levels.
    """
    # The encoder of the standard library goes down with the machine's stack, and past its end the component is lost.
    if too_deep(value):
        raise ValueError(f"the value has more than {DEPTH_MOST} levels")
    text = _compact(value)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, as it came in somebody's JSON: it can only go on as the escape that it was.
        return _compact_ascii(value)
    return text


def read(text: str) -> Any:
    """The value of a JSON text that is not too deep, as the host checks it before.

    Raises:
        ValueError: if it is not JSON, strictly: without `NaN` and `Infinity`.
    """
    return _decoder.decode(text)


class Members(dict[str, Any]):
    """The members of an object. Where a name stands twice the last value counts, and `twice` says which name."""

    __slots__ = ("twice",)
    twice: str | None

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twice = None
        if len(self) < len(pairs):
            names = [name for name, _ in pairs]
            self.twice = next(name for name in names if names.count(name) > 1)


def read_members(text: str) -> Any:
    """Like `read`, with objects that know of names that stand twice."""
    return _member_decoder.decode(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)
_member_decoder = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=Members)


def too_deep(value: Any) -> bool:
    """Whether the value has more levels than JSON may have. Counted without recursion."""
    level = [value]
    for _ in range(DEPTH_MOST):
        level = [each for container in level for each in _containers(container)]
        if not level:
            return False
    return True


def _containers(value: Any) -> list[Any]:
    inside: Iterable[Any] = ()
    if isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, list | tuple):
        inside = value
    return [each for each in inside if isinstance(each, dict | list | tuple)]
