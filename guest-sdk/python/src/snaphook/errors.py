"""Why a filter gives no verdict of its own, and what the host makes of it.

A `Refusal` that leaves `handle` rejects the event. Every other exception is failure class `failed`, and the
attachment's policy decides what becomes of the event; the text of the exception goes to the log, and the sender never
sees it."""

from typing import TypeVar

from snaphook import _wire

T = TypeVar("T")


class Refusal(Exception):
    """The event is at fault: becomes a reject verdict with this status.

    raise Refusal(401, "no token", headers={"www-authenticate": "Bearer"})
    """

    def __init__(self, status: int, reason: str = "", headers: _wire.Headers = ()) -> None:
        """`status` is 400 to 599. `reason` is for the log and the event's record; the sender never sees it."""
        self.status = _wire.number(status, "the status", most=0xFFFF)
        self.reason = str(reason).encode(errors="replace").decode()
        self.headers = _wire.headers(headers)
        super().__init__(f"refused with {status}: {self.reason}")


class Failure(Exception):
    """The filter cannot judge: failure class `failed` with exactly this text. Other exceptions get their type and their
    line put to their text."""


class ConfigError(ValueError):
    """A configuration that cannot be right. The text is for the operator who wrote it, and begins with the place:
    `rules[2].to: is empty`."""


class CallError(Exception):
    """A call of the host did not do what was asked. One of `Denied`, `Invalid`, `Limit`, `Unavailable`, `Other`."""

    _what = "the host refused:"

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{self._what} {text}")


class Denied(CallError):
    """The filter has no grant of this name. The host counts and logs the call."""

    _what = "no grant for"


class Invalid(CallError):
    """An argument cannot be right; the text says which and why."""

    _what = "invalid argument:"


class Limit(CallError):
    """A named limit of the attachment is used up."""

    _what = "limit reached:"


class Unavailable(CallError):
    """The host could not do it this time."""

    _what = "unavailable:"


class Other(CallError):
    """Anything else."""


def or_refuse(value: T | None, status: int, reason: str = "") -> T:
    """The value, unless it is `None`: then the event is refused with this status (400 to 599).

    Raises:
        Refusal: if there is no value.
    """
    if value is None:
        raise Refusal(status, reason)
    return value
