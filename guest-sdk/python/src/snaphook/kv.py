"""Small values that outlive the call, in namespaces that the attachment grants: private to project, route and filter.

Keys are 1 to 512 bytes, values up to 64 KiB, a time to live 1 second to 400 days; what has outlived it is not there."""

from dataclasses import dataclass
from enum import Enum

from snaphook import _wire
from snaphook._host import host


class Reservation(Enum):
    """What came of reserving a key for the event."""

    FIRST = "first"
    """The key is new and now reserved. It commits when the event is accepted (mode `forward`: when the destination answered
    2xx) and is released on any other outcome."""

    PENDING = "pending"
    """Another event holds the key and is not decided yet."""

    KNOWN = "known"
    """The key is committed: an event with it was accepted within the time to live."""


def namespace(name: str) -> "Namespace":
    """A namespace by the name under which it is granted; say so in the filter's class:

    class Limited(Filter[None], body="none", kv=["rates"]):
        def handle(self, event: Event, config: None) -> Verdict:
            if kv.namespace("rates").increment(event.source, 1, ttl_seconds=60) > 10:
                raise Refusal(429, "more than ten events of one sender in a minute")
            return Verdict.pass_()
    """
    return Namespace(_wire.text(name, "the name of a namespace"))


@dataclass(frozen=True, slots=True)
class Namespace:
    """Every method raises `Denied` without the grant, `Invalid` for a key, value or time to live that cannot be, `Limit`
    once the attachment's calls are used up, and `Unavailable` if the store cannot be read or written."""

    name: str

    def get(self, key: str) -> bytes | None:
        return host().kv_get(self.name, _key(key))

    def set(self, key: str, value: _wire.Text, *, ttl_seconds: int | None = None) -> None:
        """Without a time to live the value stays until it is deleted. It is on disk when the call returns."""
        host().kv_set(self.name, _key(key), _wire.octets(value, "the value"), _ttl(ttl_seconds))

    def delete(self, key: str) -> None:
        host().kv_delete(self.name, _key(key))

    def increment(self, key: str, delta: int = 1, *, ttl_seconds: int | None = None) -> int:
        """Adds to a counter (a decimal number, 0 if not there) and returns what it is now. The time to live is set when the
        counter is made."""
        delta = _wire.number(delta, "`delta`", least=-(1 << 63), most=(1 << 63) - 1)
        return host().kv_increment(self.name, _key(key), delta, _ttl(ttl_seconds))

    def compare_and_swap(
        self, key: str, expected: _wire.Text | None, value: _wire.Text, *, ttl_seconds: int | None = None
    ) -> bool:
        """Sets the value if it is `expected` (`None`: not there) and says whether it did."""
        old = expected if expected is None else _wire.octets(expected, "the expected value")
        new = _wire.octets(value, "the value")
        return host().kv_compare_and_swap(self.name, _key(key), old, new, _ttl(ttl_seconds))

    def once(self, key: str, ttl_seconds: int) -> Reservation:
        """Reserves a key for this event. See `Reservation`."""
        ttl = _wire.number(ttl_seconds, "`ttl_seconds`")
        return Reservation(host().kv_once(self.name, _key(key), ttl))


def _key(key: str) -> str:
    return _wire.text(key, "the key")


def _ttl(seconds: int | None) -> int | None:
    return seconds if seconds is None else _wire.number(seconds, "`ttl_seconds`")
