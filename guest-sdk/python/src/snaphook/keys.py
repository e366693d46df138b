"""Public keys and certificates that others publish: fetched by the host, and kept there. Only from URLs whose beginning the
attachment grants.

    document = json.read(keys.fetch("https://id.example.com/.well-known/jwks.json").decode())
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from snaphook import _host, _wire
from snaphook._host import host


@dataclass(frozen=True, slots=True)
class Secret:
    """As a piece of what is sent: the newest value of a granted secret, as it is. It goes nowhere but to granted URLs."""

    name: str


@dataclass(frozen=True, slots=True)
class SecretJson:
    """As `Secret`, as a JSON string, with its quotes."""

    name: str


@dataclass(frozen=True, slots=True)
class SecretBase64:
    """As `Secret`, in base64."""

    name: str


Piece: TypeAlias = str | Secret | SecretJson | SecretBase64
"""A piece of what is sent."""

Text: TypeAlias = Piece | Sequence[Piece]
"""A piece, or several that the host joins: `["Basic ", SecretBase64("api")]`."""

_KINDS: dict[type[Piece], str] = {Secret: "secret", SecretJson: "secret-json", SecretBase64: "secret-base64"}


def fetch(
    url: str,
    *,
    headers: Mapping[str, Text] | None = None,
    body: Text | None = None,
    keep_seconds: int = 3_600,
) -> bytes:
    """The body of a 200 answer, at most 256 KiB: from the host's memory, or fetched now. A body is sent by POST; without one
    it is a GET. `keep_seconds` is how long the answer is kept if it does not say itself, between a minute and a day.

    Raises:
        Denied: without a grant for the URL, or for a secret. Unavailable: if it cannot be had; what was kept too long is
            never used. Invalid: if what is sent is too much: 2048 bytes of URL, 16 headers, 16 KiB of body.
    """
    pairs = (headers or {}).items()
    return host().keys_fetch(
        _wire.text(url, "the URL"),
        [(_wire.text(name, "the name of a header"), _pieces(value, "the value of a header")) for name, value in pairs],
        None if body is None else _pieces(body, "the body"),
        _wire.number(keep_seconds, "`keep_seconds`"),
    )


def _pieces(text: Text, what: str) -> list[_host.Text]:
    pieces = [text] if isinstance(text, str | Secret | SecretJson | SecretBase64) else text
    return [_piece(piece, what) for piece in pieces]


def _piece(piece: Piece, what: str) -> _host.Text:
    if isinstance(piece, Secret | SecretJson | SecretBase64):
        return (_KINDS[type(piece)], _wire.text(piece.name, "the name of a secret"))
    return ("literal", _wire.text(piece, what))
