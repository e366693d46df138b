"""The host's part on the author's machine: put there by `Test` for the time of a call."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from snaphook import _host, _wire
from snaphook.errors import Denied, Invalid
from snaphook.log import Level
from snaphook.testing import apply, document
from snaphook.verdict import Response

_LABEL_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
_DAY_SECONDS = 86_400


@dataclass(slots=True)
class Said:
    """What one call left behind beside its verdict."""

    logs: list[tuple[Level, str]] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    order_key: str | None = None
    deliver_after: int | None = None
    answer: Response | None = None
    reserved: dict[tuple[str, str], int] = field(default_factory=dict)
    """Keys reserved by this event, and when they expire once they are committed."""


@dataclass(slots=True)
class Host:
    """What one attachment has and what one call of its filter did."""

    config: str
    clock: int
    secrets: dict[str, list[bytes]]
    """Valid values, the newest first."""
    revealed: dict[str, bytes]
    namespaces: frozenset[str]
    configuring: bool = False
    """While `configure` runs, only log, clock and random work."""
    prepared: bytes = b""
    seed: int = 0
    values: dict[tuple[str, str], tuple[bytes, int | None]] = field(default_factory=dict)
    """Values and when they expire."""
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    """Committed keys and when they expire."""
    held: set[tuple[str, str]] = field(default_factory=set)
    """Keys that another event holds."""
    headers: list[_wire.Header] = field(default_factory=list)
    said: Said = field(default_factory=Said)

    def log(self, level: str, message: str) -> None:
        self.said.logs.append((cast(Level, level), message))

    def config_raw(self) -> str:
        return self.config

    def config_prepared(self) -> bytes:
        return self.prepared

    def now(self) -> int:
        return self.clock

    def random(self, length: int) -> bytes:
        if length > 65_536:
            raise Invalid(f"at most 65536 bytes a call, not {length}")
        self.seed += 1
        return hashlib.shake_128(self.seed.to_bytes(8, "big")).digest(length)

    def set_label(self, name: str, value: str) -> None:
        if not 1 <= len(name) <= 64 or not _LABEL_LETTERS.issuperset(name):
            raise Invalid(f"`{name}` is no label, which has 1 to 64 characters of a-z 0-9 _ . -")
        if (length := len(value.encode())) > 256:
            raise Invalid(f"the value of a label has at most 256 bytes, not {length}")
        self._event().labels[name] = value

    def set_idempotency_key(self, key: str) -> None:
        self._event().idempotency_key = _event_key(key)

    def set_order_key(self, key: str) -> None:
        self._event().order_key = _event_key(key)

    def set_deliver_after(self, time: int) -> None:
        self._event().deliver_after = time

    def set_answer(self, status: int, headers: list[_wire.Header], body: bytes) -> None:
        try:
            apply.check_answer(status, 200, headers)
        except ValueError as error:
            raise Invalid(str(error)) from None
        self._event().answer = Response(status, body, headers)

    def mac_verify(self, secret: str, algorithm: str, parts: Sequence[_host.Part], signature: bytes) -> bool:
        message = self._joined(parts)
        macs = [mac(algorithm, value, message) for value in self._secret(secret)]
        return any(hmac.compare_digest(known, signature) for known in macs)

    def mac_sign(self, secret: str, algorithm: str, parts: Sequence[_host.Part]) -> bytes:
        return mac(algorithm, self._secret(secret)[0], self._joined(parts))

    def reveal(self, name: str) -> bytes:
        if self.configuring or name not in self.revealed:
            raise self._denied(f"reveal.{name}")
        return self.revealed[name]

    def kv_get(self, namespace: str, key: str) -> bytes | None:
        return self._value(self._key(namespace, key))

    def kv_set(self, namespace: str, key: str, value: bytes, ttl: int | None) -> None:
        self._store(self._key(namespace, key, ttl), value, ttl)

    def kv_delete(self, namespace: str, key: str) -> None:
        self.values.pop(self._key(namespace, key), None)

    def kv_increment(self, namespace: str, key: str, delta: int, ttl: int | None) -> int:
        place = self._key(namespace, key, ttl)
        value = self._value(place)
        if value is None:
            self._store(place, str(delta).encode(), ttl)
            return delta
        try:
            total = int(value.decode("ascii")) + delta
        except ValueError:
            total = 1 << 63
        if not -(1 << 63) <= total < 1 << 63:
            raise Invalid(f"`{key}` holds no counter, or the sum is out of range")
        self.values[place] = (str(total).encode(), self.values[place][1])
        return total

    def kv_compare_and_swap(
        self, namespace: str, key: str, expected: bytes | None, value: bytes, ttl: int | None
    ) -> bool:
        place = self._key(namespace, key, ttl)
        if self._value(place) != expected:
            return False
        self._store(place, value, ttl)
        return True

    def kv_once(self, namespace: str, key: str, ttl: int) -> str:
        place = self._key(namespace, key, ttl)
        if self.known.get(place, 0) > self.clock:
            return "known"
        if place in self.held:
            return "pending"
        self.said.reserved[place] = self.clock + ttl * 1_000
        return "first"

    def _denied(self, name: str) -> Denied:
        self.said.denied.append(name)
        return Denied(name)

    def _event(self) -> Said:
        """What is said about the event; there is none while a configuration is checked."""
        if self.configuring:
            raise self._denied("event")
        return self.said

    def _secret(self, name: str) -> list[bytes]:
        if self.configuring or name not in self.secrets:
            raise self._denied(f"secrets.{name}")
        return self.secrets[name]

    def _joined(self, parts: Sequence[_host.Part]) -> bytes:
        return b"".join(self._octets(kind, part) for kind, part in parts)

    def _octets(self, kind: str, part: "bytes | str | _host.Body") -> bytes:
        if isinstance(part, bytes):
            return part
        if isinstance(part, str):
            return next((value for name, value in self.headers if name == part.lower()), b"")
        return part.read_all()

    def _key(self, namespace: str, key: str, ttl: int | None = None) -> tuple[str, str]:
        if self.configuring or namespace not in self.namespaces:
            raise self._denied(f"kv.{namespace}")
        if not 1 <= (length := len(key.encode())) <= 512:
            raise Invalid(f"a key has 1 to 512 bytes, not {length}")
        if ttl is not None and not 1 <= ttl <= 400 * _DAY_SECONDS:
            raise Invalid(f"a time to live is 1 second to 400 days, not {ttl} seconds")
        return (namespace, key)

    def _value(self, place: tuple[str, str]) -> bytes | None:
        value, expires = self.values.get(place, (None, None))
        return value if expires is None or expires > self.clock else None

    def _store(self, place: tuple[str, str], value: bytes, ttl: int | None) -> None:
        if len(value) > 65_536:
            raise Invalid(f"a value has at most 65536 bytes, not {len(value)}")
        self.values[place] = (value, None if ttl is None else self.clock + ttl * 1_000)


@dataclass(frozen=True, slots=True)
class Body:
    """A body in memory."""

    current: bytes
    received: bytes
    host: Host

    def len(self) -> int:
        return len(self.current)

    def read(self, offset: int, max: int) -> bytes:
        return self.current[offset : offset + max]

    def read_all(self) -> bytes:
        return self.current

    def digest(self, algorithm: str) -> bytes:
        if algorithm not in ("sha1", "sha256", "sha512"):
            raise Invalid(f"`{algorithm}` is no algorithm: sha1, sha256, sha512")
        return hashlib.new(algorithm, self.current).digest()

    def mac_verify(self, secret: str, algorithm: str, signature: bytes) -> bool:
        return self.host.mac_verify(secret, algorithm, [("literal", self.current)], signature)

    def json(self, pointer: str) -> str | None:
        return document.at(self.current, pointer)

    def json_each(self, pointers: list[str]) -> list[str | None]:
        return [self.json(pointer) for pointer in pointers]

    def text(self, pointer: str) -> str | None:
        text = self.json(pointer)
        return None if text is None else document.plain(text)

    def original(self) -> "Body":
        return Body(self.received, self.received, self.host)


def mac(algorithm: str, key: bytes, message: bytes) -> bytes:
    """The MAC of a message; used by tests to sign as well."""
    hashes = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha512": "sha512"}
    if algorithm not in hashes:
        raise Invalid(f"`{algorithm}` is no algorithm: {', '.join(hashes)}")
    return hmac.digest(key, message, hashes[algorithm])


def _event_key(key: str) -> str:
    if not 1 <= (length := len(key.encode())) <= 255:
        raise Invalid(f"a key has 1 to 255 bytes, not {length}")
    return key
