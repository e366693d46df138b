"""The body, which stays in the host's memory until a filter asks for some of it."""

import builtins
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from snaphook import _host, _wire, hmac, json
from snaphook.errors import CallError, Failure, Refusal

Hash: TypeAlias = Literal["sha1", "sha256", "sha512"]
"""A hash that the host computes."""

# What the host takes in one call of `json-each`.
_POINTERS_MOST = 64
_EACH_BYTES_MOST = 4 << 20


class Body:
    """A handle to the body: nothing is copied until a method asks for it. It is there as long as the event is handled."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _host.Body) -> None:
        self._handle: _host.Body | None = handle

    def __len__(self) -> int:
        """Bytes. An empty body is false."""
        return self._there().len()

    def read(self, offset: int, max: int) -> builtins.bytes:
        """At most `max` bytes from `offset` on; fewer at the end, none past it."""
        offset = _wire.number(offset, "`offset`", most=0xFFFF_FFFF_FFFF_FFFF)
        return self._there().read(offset, _wire.number(max, "`max`"))

    def bytes(self) -> builtins.bytes:
        """The whole body."""
        return self._there().read_all()

    def text(self) -> str:
        """The whole body as text.

        Raises:
            Refusal: with 400, if it is not UTF-8.
        """
        try:
            return self.bytes().decode()
        except UnicodeDecodeError as error:
            raise Refusal(400, f"the body is not text: {error}") from None

    def json(self) -> Any:
        """The whole body, parsed in the filter. To look at a few values of a large body, `pointer` is quicker: there the
        host parses, once for the whole chain.

        Raises:
            Refusal: with 400, if it is not JSON of at most 128 levels.
        """
        return self.json_at("")

    def json_at(self, pointer: str) -> Any:
        """The value at a JSON pointer (RFC 6901), parsed in the filter; `None` if the pointer leads nowhere or to `null`.

        Raises:
            Refusal: with 400, if the body is not JSON of at most 128 levels.
        """
        # The host looks at all of the body first, so that what is too deep for our stack does not get here.
        try:
            text = self.json_text(pointer)
        except CallError as error:
            raise Refusal(400, f"the body is not as expected: {error.text}") from None
        if text is None:
            return None
        try:
            return json.read(text)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, f"the body is not as expected: {error}") from None

    def pointer(self, pointer: str) -> str | None:
        """The string at a JSON pointer (RFC 6901), decoded; or the number, `true` or `false` there as its text. `None` for
        everything else: a pointer that leads nowhere, `null`, objects, arrays, a body that is not JSON."""
        pointer = _wire.text(pointer, "the pointer")
        try:
            return self._there().text(pointer)
        except CallError:
            return None

    def json_text(self, pointer: str) -> str | None:
        """The JSON text at a pointer (empty for the whole), exactly as it stands in the body; `None` if it leads nowhere.

        Raises:
            Invalid: if the body is not JSON or the pointer is none.
        """
        return self._there().json(_wire.text(pointer, "the pointer"))

    def json_texts(self, pointers: Sequence[str]) -> list[str | None]:
        """Like `json_text` for each of these pointers, in their order. The host is asked for as many at a time as it takes,
        which is 64 unless the body is long.

        Raises:
            Invalid: as `json_text`; the first pointer that is none fails the call.
        """
        there = self._there()
        wanted = [_wire.text(pointer, "the pointer") for pointer in pointers]
        at_a_time = min(max(_EACH_BYTES_MOST // max(len(self), 1), 1), _POINTERS_MOST)
        found: list[str | None] = []
        for start in range(0, len(wanted), at_a_time):
            found.extend(there.json_each(wanted[start : start + at_a_time]))
        return found

    def digest(self, hash: Hash) -> builtins.bytes:
        """The hash of the whole body, computed by the host.

        Raises:
            Invalid: if the hash is none of these.
        """
        return self._there().digest(_wire.text(hash, "the hash"))

    def mac_verify(self, secret: str, algorithm: hmac.Algorithm, signature: builtins.bytes) -> bool:
        """Whether `signature` is the MAC of the whole body under any valid value of a granted secret, in constant time.

        Raises:
            Denied: if the secret is not granted.
        """
        return self._there().mac_verify(
            _wire.text(secret, "the name of a secret"),
            _wire.text(algorithm, "the algorithm"),
            _wire.octets(signature, "the signature"),
        )

    def original(self) -> "Body":
        """The body as it was received, whatever earlier filters made of it. Signatures are checked over this one."""
        return Body(self._there().original())

    def _part(self) -> _host.Part:
        return ("body", self._there())

    def _there(self) -> _host.Body:
        """The handle. The host takes it back when the call ends."""
        if self._handle is None:
            raise Failure("the body is there only while its event is handled: keep what you read, not the body")
        return self._handle

    def _end(self) -> None:
        self._handle = None
