"""What a filter decides."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from snaphook import _wire, edits, json
from snaphook._wire import Header, Headers, Text
from snaphook.edits import Change


class _Verdicts(type):
    """The ways to make a verdict: `Verdict.edit()`. They belong to the class and not to its instances, so that nobody
    writes `Verdict.edit().drop("…")` and loses the edits."""

    def pass_(cls) -> "Pass":
        """Go on with the event as it is."""
        return PASS

    def edit(cls) -> "Edit":
        """Go on with the event changed. Without an edit it is the same as `pass_`; without an edit of the body the host's
        own bytes go out untouched."""
        return Edit()

    def reject(cls, status: int, reason: str = "", headers: Headers = ()) -> "Reject":
        """Refuse the event with a status from 400 to 599. The reason is for the log and the event's record; the sender
        never sees it. For a destination: dead-letter this delivery."""
        status = _wire.number(status, "the status", most=0xFFFF)
        return Reject(status, _wire.text(reason, "the reason"), _wire.headers(headers))

    def respond(cls, status: int, body: Text = b"", headers: Headers = ()) -> "Respond":
        """Answer the sender at once and forward nothing; for handshakes. 200 to 599. Not allowed for a destination."""
        return Respond(Response(status, body, headers))

    def drop(cls, reason: str) -> "Drop":
        """Accept the event and forward it nowhere; the reason goes to the log. For a destination: cancel this
        delivery."""
        return Drop(_wire.text(reason, "the reason"))

    def retry_later(cls, seconds: int) -> "RetryLater":
        """Ask the sender to come again after this many seconds (503 with `Retry-After`). For a destination: try this
        delivery again then."""
        return RetryLater(_wire.number(seconds, "the seconds of `retry_later`"))


class Verdict(metaclass=_Verdicts):
    """What becomes of the event. Made by one of the functions of this class; `edit` has methods for each change:

        Verdict.pass_()
        Verdict.edit().set_header("x-hello", "world").remove_header("cookie")
        Verdict.reject(401, "no token", headers={"www-authenticate": "Bearer"})
        Verdict.respond(200, "pong", headers={"content-type": "text/plain"})
        Verdict.drop("a test event")
        Verdict.retry_later(30)

    Verdicts never change: each method of `edit` returns a new one.
    """

    __slots__ = ()

    name: ClassVar[str]
    """The word for it in logs and records: `pass`, `edit`, `reject`, `respond`, `drop`, `retry-later`."""


@dataclass(frozen=True, slots=True)
class Pass(Verdict):
    """Go on with the event as it is."""

    name = "pass"


PASS = Pass()


@dataclass(frozen=True, slots=True)
class Edit(Verdict):
    """Go on with the event changed. The edits are applied in their order, all or none."""

    changes: tuple[Change, ...] = ()

    name = "edit"

    def set_header(self, name: str, value: Text) -> "Edit":
        """Replaces every value of the name."""
        return self._with(edits.SetHeader(name, value))

    def append_header(self, name: str, value: Text) -> "Edit":
        """Adds a value beside those that are there."""
        return self._with(edits.AppendHeader(name, value))

    def remove_header(self, name: str) -> "Edit":
        """Removing what is not there is no fault."""
        return self._with(edits.RemoveHeader(name))

    def set_method(self, method: str) -> "Edit":
        """The request's method."""
        return self._with(edits.SetMethod(method))

    def set_path(self, path: str) -> "Edit":
        """Begins with `/`, no query."""
        return self._with(edits.SetPath(path))

    def set_query(self, query: str | None) -> "Edit":
        """Without the `?`; `None` removes it."""
        return self._with(edits.SetQuery(query))

    def set_body(self, body: Text) -> "Edit":
        """The new body, whole."""
        return self._with(edits.ReplaceBody(body))

    def set_json(self, body: Any) -> "Edit":
        """The new body, as compact JSON, and a content type to match.

        Raises:
            TypeError, ValueError: if it cannot be written as JSON.
        """
        return self.set_body(json.write(body)).set_header("content-type", b"application/json")

    def json_set(self, pointer: str, value: Any) -> "Edit":
        """Sets or adds the value at a JSON pointer (RFC 6901) of the body; missing parent objects are made, `-` appends to
        an array. The bytes around it stay as they are.

        Raises:
            TypeError, ValueError: if the value cannot be written as JSON.
        """
        return self.json_set_text(pointer, json.write(value))

    def json_set_text(self, pointer: str, text: str) -> "Edit":
        """Like `json_set`, with a value that is JSON text already."""
        return self._with(edits.JsonSet(pointer, text))

    def json_remove(self, pointer: str) -> "Edit":
        """Removes the value at a JSON pointer (RFC 6901). Removing what is not there is no fault."""
        return self._with(edits.JsonRemove(pointer))

    def choose(self, destinations: Iterable[str]) -> "Edit":
        """The destinations to send to, by name, out of those that the route lists; in mode `forward` exactly one."""
        return self._with(edits.Choose(destinations))

    def edits(self, changes: Iterable[Change]) -> "Edit":
        """Adds edits that were made elsewhere, see `snaphook.edits`."""
        return Edit((*self.changes, *changes))

    def _with(self, change: Change) -> "Edit":
        return Edit((*self.changes, change))


@dataclass(frozen=True, slots=True)
class Reject(Verdict):
    """Refuse the event."""

    status: int
    reason: str
    headers: tuple[Header, ...]

    name = "reject"


@dataclass(frozen=True, slots=True, init=False)
class Response:
    """An answer to the sender. The status is 200 to 599."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def __init__(self, status: int, body: Text = b"", headers: Headers = ()) -> None:
        put = object.__setattr__
        put(self, "status", _wire.number(status, "the status", most=0xFFFF))
        put(self, "headers", _wire.headers(headers))
        put(self, "body", _wire.octets(body, "the body of the answer"))


@dataclass(frozen=True, slots=True)
class Respond(Verdict):
    """Answer the sender at once and forward nothing."""

    response: Response

    name = "respond"


@dataclass(frozen=True, slots=True)
class Drop(Verdict):
    """Accept the event and forward it nowhere."""

    reason: str

    name = "drop"


@dataclass(frozen=True, slots=True)
class RetryLater(Verdict):
    """Ask the sender to come again."""

    seconds: int

    name = "retry-later"
