"""The host's part on the author's machine: put there by `Test` for the time of a call."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from snaphook import _host, _wire
from snaphook.errors import Denied, Invalid, Unavailable
from snaphook.log import Level
from snaphook.testing import apply, document
from snaphook.verdict import Response

_LABEL_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
_DAY_SECONDS = 86_400
_PARTS_MOST = 32

Verifier: TypeAlias = Callable[[str, bytes, bytes, bytes], bool]
"""Who checks public-key signatures: of algorithm, key, message and signature."""


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
    documents: dict[str, bytes]
    """What is fetched, by its URL."""
    verifier: Verifier | None
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

    def key_verify(self, key: _host.Key, algorithm: str, parts: Sequence[_host.Part], signature: bytes) -> bool:
        made = [self._made(text, key, algorithm, parts) for text in self._secret(key[0])]
        return any(hmac.compare_digest(known, signature) for known in made)

    def key_sign(self, key: _host.Key, algorithm: str, parts: Sequence[_host.Part]) -> bytes:
        return self._made(self._secret(key[0])[0], key, algorithm, parts)

    def digest(self, algorithm: str, parts: Sequence[_host.Part]) -> bytes:
        self._handling()
        message = self._joined(parts)
        if algorithm not in ("sha1", "sha256", "sha384", "sha512"):
            raise Invalid(f"`{algorithm}` is no digest: sha1, sha256, sha384 or sha512")
        return hashlib.new(algorithm, message).digest()

    def token_equal(self, secret: str, token: bytes) -> bool:
        return any([hmac.compare_digest(value, token) for value in self._secret(secret)])

    def signature_verify(
        self, key: _host.Key | bytes, algorithm: str, parts: Sequence[_host.Part], signature: bytes
    ) -> bool:
        self._handling()
        message = self._joined(parts)
        keys = [key] if isinstance(key, bytes) else [_derived(text, key) for text in self._secret(key[0])]
        if self.verifier is None:
            raise Unavailable("this test does not say who checks public-key signatures: Test(…, verifier=…)")
        try:
            return any(self.verifier(algorithm, each, message, signature) for each in keys)
        except ValueError as error:
            raise Invalid(str(error)) from None

    def keys_fetch(
        self,
        url: str,
        headers: list[tuple[str, list[_host.Text]]],
        body: list[_host.Text] | None,
        keep_seconds: int,
    ) -> bytes:
        if self.configuring or url not in self.documents:
            raise self._denied(f"keys={url}")
        for kind, text in [piece for _, value in headers for piece in value] + (body or []):
            if kind != "literal":
                self._secret(text)
        return self.documents[url]

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

    def _handling(self) -> None:
        """Nothing is computed while a configuration is checked."""
        if self.configuring:
            raise self._denied("crypto")

    def _made(self, text: bytes, key: _host.Key, algorithm: str, parts: Sequence[_host.Part]) -> bytes:
        """The MAC, or the hash of parts that hold the key, under one value of the key's secret."""
        derived = _derived(text, key)
        if algorithm in ("sha1", "sha256", "sha512"):
            return hashlib.new(algorithm, self._joined(parts, derived)).digest()
        return mac(algorithm, derived, self._joined(parts))

    def _joined(self, parts: Sequence[_host.Part], key: bytes | None = None) -> bytes:
        """The message. It holds the key if and only if there is one here."""
        kinds = [kind for kind, _ in parts]
        if len(kinds) > _PARTS_MOST:
            raise Invalid(f"{len(kinds)} parts are too many: at most {_PARTS_MOST}")
        if (bodies := kinds.count("body")) > 1:
            raise Invalid(f"the body is {bodies} parts of the message: at most one may be")
        if key is None and "key" in kinds:
            raise Invalid("the key is a part of the message, which it may be of digests with a key only")
        if key is not None and "key" not in kinds:
            raise Invalid("the key is no part of the message: a digest without it proves nothing")
        return b"".join((key or b"") if kind == "key" else self._octets(part) for kind, part in parts)

    def _octets(self, part: "bytes | str | _host.Body") -> bytes:
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
    hashes = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha384": "sha384", "hmac-sha512": "sha512"}
    if algorithm not in hashes:
        raise Invalid(f"`{algorithm}` is no algorithm: {', '.join(hashes)}")
    return hmac.digest(key, message, hashes[algorithm])


def _derived(text: bytes, key: _host.Key) -> bytes:
    """The key that a secret's text stands for."""
    _, prefix, form = key
    text = text.removeprefix(prefix.encode())
    if form == "utf8":
        return text
    if form == "sha1":
        return hashlib.sha1(text).digest()
    if form not in ("base64", "hex"):
        raise Invalid(f"`{form}` is no form of a key: utf8, base64, hex or sha1")
    try:
        made = binascii.unhexlify(text.strip()) if form == "hex" else _base64(text.strip())
    except ValueError:
        made = b""
    if not made:
        raise Invalid(f"the secret is not {form}")
    return made


def _base64(text: bytes) -> bytes:
    """RFC 4648, either alphabet, padded or not."""
    digits = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)


def _event_key(key: str) -> str:
    if not 1 <= (length := len(key.encode())) <= 255:
        raise Invalid(f"a key has 1 to 255 bytes, not {length}")
    return key
