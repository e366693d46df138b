"""What may cross the border to the host. A value that cannot would end the whole component without a word of why, so it
is refused here, where the author's line is still known."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Text: TypeAlias = str | bytes
"""Text, written as UTF-8; or exact bytes."""

Header: TypeAlias = tuple[str, bytes]
"""A header's name and the value's exact bytes."""

Headers: TypeAlias = Mapping[str, Text] | Iterable[tuple[str, Text]]
"""Headers as authors write them: a mapping, or pairs where a name is there twice."""


def text(value: str, what: str) -> str:
    """The value, if it is a string that UTF-8 can write: half of a surrogate pair, as JSON may hold it, cannot."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is a string, not {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{what} holds half of a surrogate pair, which is no text") from None
    return value


def octets(value: Text, what: str) -> bytes:
    """The bytes of a value that may be text."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return text(value, what).encode()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"{what} is a string or bytes, not {type(value).__name__}")


def number(value: int, what: str, least: int = 0, most: int = 0xFFFF_FFFF) -> int:
    """The value, if it is a whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} is a whole number, not {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{what} is from {least} to {most}, not {value}")
    return value


def headers(given: Headers) -> tuple[Header, ...]:
    """Headers as the host is told them."""
    pairs = given.items() if isinstance(given, Mapping) else given
    return tuple(header(name, value) for name, value in pairs)


def header(name: str, value: Text) -> Header:
    """One header as the host is told it."""
    return (text(name, "the name of a header"), octets(value, "the value of a header"))
