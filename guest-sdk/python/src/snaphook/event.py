"""The event that a filter judges."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from snaphook import _host, _wire
from snaphook._host import host
from snaphook.body import Body
from snaphook.verdict import Response


@dataclass(frozen=True, slots=True)
class Route:
    """On the route, before a destination is chosen. Once per event."""


@dataclass(frozen=True, slots=True)
class Destination:
    """For the destination of this name, before its first attempt."""

    name: str


Phase: TypeAlias = Route | Destination
"""Where in an event's way the filter is called."""


class Event:
    """One received webhook, as earlier filters of the chain left it."""

    __slots__ = ("_body", "_head", "_phase")

    def __init__(self, head: _host.Head, phase: Phase, body: Body) -> None:
        """Events are made by the host; in tests by `snaphook.testing.Test`."""
        self._head = head
        self._phase = phase
        self._body = body

    @property
    def id(self) -> str:
        """`evt_` and 26 characters, ordered by time."""
        return self._head.event

    @property
    def project(self) -> str:
        return self._head.project

    @property
    def route(self) -> str:
        return self._head.route

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def method(self) -> str:
        """As received, case kept: `POST`."""
        return self._head.method

    @property
    def scheme(self) -> str:
        """`http` or `https`, as the sender saw it."""
        return self._head.scheme

    @property
    def authority(self) -> str:
        """Host and port, if any, as the sender wrote them: `hooks.example.com:8443`."""
        return self._head.authority

    @property
    def path(self) -> str:
        """Begins with `/`; percent-encoding is kept as it came."""
        return self._head.path

    def path_param(self, name: str) -> str | None:
        """What stands for `{name}` in the route's path."""
        return self.attribute("path." + name)

    @property
    def query(self) -> str | None:
        """What follows `?`, without it."""
        return self._head.query

    def query_value(self, name: str) -> str | None:
        """The first value of this name in the query, decoded."""
        return next((value for known, value in self.query_pairs() if known == name), None)

    def query_pairs(self) -> Iterator[tuple[str, str]]:
        """Names and values of the query in their order, decoded as forms are (`+` is a space, bytes that are not UTF-8
        become U+FFFD)."""
        for pair in (self.query or "").split("&"):
            if pair:
                name, _, value = pair.partition("=")
                yield (_decoded(name), _decoded(value))

    def header(self, name: str) -> str | None:
        """The first value of a header, if it is UTF-8. Any case finds it."""
        value = self.header_bytes(name)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None

    def header_bytes(self, name: str) -> bytes | None:
        """The first value of a header, its exact bytes."""
        name = name.lower()
        for known, value in self._head.headers:
            if known == name:
                return value
        return None

    def header_values(self, name: str) -> Iterator[bytes]:
        """All values of a header, in their order."""
        name = name.lower()
        return (value for known, value in self._head.headers if known == name)

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """All headers: lower-case names, exact values; duplicates in their order within a name."""
        return list(self._head.headers)

    @property
    def source(self) -> str:
        """The sender's IP address; behind a trusted proxy, the one that the proxy names."""
        return self._head.source

    @property
    def received_ms(self) -> int:
        """When the head arrived, milliseconds since 1970-01-01T00:00:00Z."""
        return self._head.received

    @property
    def attempt(self) -> int:
        """0 on the route; for a destination the number of the attempt that is prepared, from 1."""
        return self._head.attempt

    @property
    def is_replay(self) -> bool:
        """True if the event is sent again on somebody's request."""
        return self._head.replay

    def label(self, name: str) -> str | None:
        """A label that an earlier filter of the chain set."""
        return self.attribute("label." + name)

    def attribute(self, name: str) -> str | None:
        """A further fact by its full name, such as `path.team` or `label.tenant`."""
        return next((value for known, value in self._head.attributes if known == name), None)

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """All further facts, by their full names."""
        return list(self._head.attributes)

    @property
    def body_length(self) -> int | None:
        """Bytes of the body; `None` if it was not read, because no filter of the route needs it."""
        return self._head.body_length

    @property
    def body(self) -> Body:
        """The body, which stays with the host until some of it is asked for. Empty in a filter that says `body="none"`,
        unless another filter of the route needs it."""
        return self._body

    # What a filter says about the event beside its verdict; valid under any verdict. The last value set wins.

    def set_label(self, name: str, value: str) -> None:
        """A name of 1 to 64 characters of `a-z 0-9 _ . -`, a value of up to 256 bytes. Later filters read it with
        `label`.

        Raises:
            Invalid: if it is not of this form. Limit: for the 33rd label of one call.
        """
        host().set_label(_wire.text(name, "the name of a label"), _wire.text(value, "the value of a label"))

    def set_idempotency_key(self, key: str) -> None:
        """Two accepted events of a route with the same key are one. 1 to 255 bytes.

        Raises:
            Invalid: if the key is not of this length.
        """
        host().set_idempotency_key(_wire.text(key, "the key"))

    def set_order_key(self, key: str) -> None:
        """Events with the same key are delivered in the order in which they were accepted. 1 to 255 bytes.

        Raises:
            Invalid: if the key is not of this length.
        """
        host().set_order_key(_wire.text(key, "the key"))

    def set_deliver_after(self, time_ms: int) -> None:
        """Deliver not before this time, milliseconds since 1970-01-01T00:00:00Z."""
        host().set_deliver_after(_wire.number(time_ms, "the time", most=0xFFFF_FFFF_FFFF_FFFF))

    def set_answer(self, answer: Response) -> None:
        """What the sender is answered once the event is accepted, instead of the route's own acknowledgement.

        Raises:
            Invalid: if the status is not from 200 to 599, or a header is none.
        """
        host().set_answer(answer.status, list(answer.headers), answer.body)


def _decoded(text: str) -> str:
    """Decodes a part of a query as forms are decoded. The standard library's `urllib.parse` would make each component
    larger by what it imports."""
    first, *rest = text.replace("+", " ").split("%")
    if not rest:
        return first
    plain = bytearray(first.encode(errors="replace"))
    for piece in rest:
        digits = piece[:2]
        if len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
            plain.append(int(digits, 16))
            plain += piece[2:].encode(errors="replace")
        else:
            plain += b"%" + piece.encode(errors="replace")
    return plain.decode(errors="replace")
