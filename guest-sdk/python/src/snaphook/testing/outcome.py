"""What came of an event."""

import json
from dataclasses import dataclass
from typing import Any

from snaphook import _wire
from snaphook.log import Level
from snaphook.verdict import Drop, Reject, Respond, Response, Verdict


@dataclass(frozen=True, slots=True)
class Sent:
    """An event on its way to a destination."""

    method: str
    path: str
    query: str | None
    headers: list[_wire.Header]
    """Lower-case names."""
    body: bytes
    """After JSON edits the document is written anew here, while the host leaves the bytes around them as they are."""
    destinations: list[str] | None
    """Those that the filter chose, if it did."""

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        name = name.lower()
        return next((value.decode() for known, value in self.headers if known == name), None)

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a filter decided and said, and what the host made of it."""

    verdict: Verdict | None
    """What was decided; `None` if the filter failed."""
    failure: str
    """The text of the failure: of the exception that left `handle`, or what the host cannot apply (then it begins with
    `bad output: `). Else empty."""
    sent: Sent | None
    """The event as it goes on, if it does."""
    labels: dict[str, str]
    idempotency_key: str | None
    order_key: str | None
    deliver_after: int | None
    """Milliseconds since 1970-01-01T00:00:00Z."""
    answer: Response | None
    """What the sender is answered once the event is accepted."""
    logs: list[tuple[Level, str]]
    denied: list[str]
    """Names that the filter called for without a grant."""

    @property
    def name(self) -> str:
        """The verdict's word: `pass`, `edit`, `reject`, `respond`, `drop`, `retry-later`; or `failed`."""
        return "failed" if self.verdict is None else self.verdict.name

    @property
    def status(self) -> int | None:
        """The status of a reject or respond verdict."""
        match self.verdict:
            case Reject(status) | Respond(Response(status)):
                return status
        return None

    @property
    def reason(self) -> str:
        """Why the event was rejected or dropped, or the filter failed; else empty."""
        match self.verdict:
            case Reject(_, reason) | Drop(reason):
                return reason
        return self.failure

    @property
    def answer_text(self) -> str:
        """The body of a respond verdict, as text; else empty."""
        return self.verdict.response.body.decode() if isinstance(self.verdict, Respond) else ""

    @property
    def event(self) -> Sent:
        """The event as it goes on.

        Raises:
            AssertionError: if it does not.
        """
        if self.sent is None:
            raise AssertionError(f"the event does not go on: {self.name} {self.reason}")
        return self.sent
