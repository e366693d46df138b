"""Message authentication with secrets that the filter may use and never sees.

Secrets go by the names that the attachment grants; a filter names those it needs in its class. A secret may have several
valid values while it is rotated. Keys that a secret's text must be made into first are those of `crypto`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from snaphook import _host, _wire
from snaphook._host import host

if TYPE_CHECKING:
    from snaphook.body import Body
    from snaphook.crypto import TheKey

Algorithm: TypeAlias = Literal["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"]

LENGTHS: dict[Algorithm, int] = {"hmac-sha1": 20, "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64}
"""Bytes of a MAC."""


@dataclass(frozen=True, slots=True)
class Header:
    """As a part: the exact bytes of the first value of this header, as the filter was given it; empty if there is none."""

    name: str

    def _part(self) -> _host.Part:
        return ("header", _wire.text(self.name, "the name of a header"))


Part: TypeAlias = "str | bytes | Header | Body"
"""A piece of the message: text or bytes as they are, a `Header`, or the whole body, straight from the host's memory. The
host joins the pieces: at most 32, one of them a body."""


def verify(secret: str, algorithm: Algorithm, parts: Sequence[Part], signature: bytes) -> bool:
    """Whether `signature` is the MAC of the parts, joined, under any of the secret's valid values. Constant time in the
    signature.

        parts = [hmac.Header("x-timestamp"), ".", event.body.original()]
        if not hmac.verify("webhook", "hmac-sha256", parts, signature):
            raise Refusal(401, "signature does not match")

    Raises:
        Denied: if the secret is not granted. Invalid: if the algorithm is none of these, or the parts are too many.
    """
    secret, algorithm_name = _names(secret, algorithm)
    return host().mac_verify(secret, algorithm_name, _parts(parts), _wire.octets(signature, "the signature"))


def sign(secret: str, algorithm: Algorithm, parts: Sequence[Part]) -> bytes:
    """The MAC of the parts, joined, under the secret's newest value.

    Raises:
        Denied, Invalid: as `verify`.
    """
    secret, algorithm_name = _names(secret, algorithm)
    return host().mac_sign(secret, algorithm_name, _parts(parts))


def _names(secret: str, algorithm: str) -> tuple[str, str]:
    return _wire.text(secret, "the name of a secret"), _wire.text(algorithm, "the algorithm")


def _parts(parts: "Sequence[Part | TheKey]") -> list[_host.Part]:
    if isinstance(parts, str | bytes):
        raise TypeError("the parts are a list: write [part]")
    return [
        ("literal", _wire.octets(part, "a part")) if isinstance(part, str | bytes) else part._part() for part in parts
    ]
