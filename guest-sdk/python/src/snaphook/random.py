"""Random numbers, from a generator that is seeded anew for each call of the filter."""

import builtins

from snaphook import _wire
from snaphook._host import host


def bytes(length: int) -> builtins.bytes:
    """At most 65536 bytes a call.

    Raises:
        Invalid: if that is more.
    """
    return host().random(_wire.number(length, "the length"))


def number() -> int:
    """Any number of 64 bits."""
    return int.from_bytes(bytes(8), "big")
