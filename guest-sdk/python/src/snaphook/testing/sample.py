"""Events for tests, and event files, as `snaphook test` and `snaphook send` read them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snaphook import _wire
from snaphook.json import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An event. One of `body` and `json` at most. Use `dataclasses.replace` for a sample that differs a little."""

    method: str = "POST"
    path: str = "/"
    """The path, and the query if there is a `?`."""
    headers: _wire.Headers = ()
    body: _wire.Text = b""
    json: Any = None
    """The body as JSON, with its content type."""
    original_body: _wire.Text | None = None
    """The body as it was received, where an earlier filter changed it."""
    signed: str | None = None
    """Signs the body as GitHub does, with the newest value of the granted secret of this name."""
    path_params: Mapping[str, str] = field(default_factory=dict)
    """What stands for `{name}` in the route's path."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that an earlier filter set."""
    authority: str = "hooks.example.com"
    """The host that the sender called, and its port if it named one."""
    source: str = "192.0.2.1"
    destination: str | None = None
    """Calls the filter for this destination instead of for the route."""
    attempt: int = 1
    """The number of the attempt, if it is for a destination."""
    replay: bool = False
    """The event is sent again on somebody's request."""
    received_ms: int | None = None
    """When it arrives, milliseconds since 1970: the clock of the test is set to it."""

    def __post_init__(self) -> None:
        if self.json is not None and self.body:
            raise ValueError("a sample has `body` or `json`, not both")

    def with_headers(self) -> list[_wire.Header]:
        """The headers as a filter sees them."""
        headers = [(name.lower(), value) for name, value in _wire.headers(self.headers)]
        if self.json is not None and all(name != "content-type" for name, _ in headers):
            headers.append(("content-type", b"application/json"))
        return headers

    def octets(self) -> bytes:
        """The body's bytes."""
        return _wire.octets(self.body, "the body") if self.json is None else write(self.json).encode()

    @staticmethod
    def file(path: str | Path) -> "Sample":
        """The event of an event file: JSON with `method`, `path`, `query`, `headers` as a list of pairs, `received_ms`, and
        one of `body` (JSON, sent compact), `body_text` and `body_base64`. A header's value that is no text is
        `{"base64": "…"}`.

        Raises:
            ValueError: if it is no such file.
        """
        try:
            return _read(json.loads(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{path} is no event file: {error}") from None


_BODIES = ("body", "body_text", "body_base64")
_MEMBERS = {"method", "path", "query", "received_ms", "headers", *_BODIES}


def _read(members: Any) -> Sample:
    if not isinstance(members, dict):
        raise ValueError("it is no object")
    if unknown := set(members) - _MEMBERS:
        raise ValueError(f"unknown field `{min(unknown)}`")
    path = _text(members.get("path", "/"), "path")
    if (query := members.get("query")) is not None:
        path = f"{path}?{_text(query, 'query')}"
    headers = members.get("headers", [])
    if not isinstance(headers, list):
        raise ValueError("`headers` is no list of pairs")
    return Sample(
        method=_text(members.get("method", "POST"), "method"),
        path=path,
        headers=[_header(pair, f"headers[{index}]") for index, pair in enumerate(headers)],
        body=_body(members),
        received_ms=_received(members.get("received_ms")),
    )


def _received(time: Any) -> int | None:
    if time is None or (type(time) is int and time >= 0):
        return time
    raise ValueError("`received_ms` is no whole number of milliseconds")


def _header(pair: Any, at: str) -> _wire.Header:
    match pair:
        case [str(name), str(value)]:
            return (name, value.encode())
        case [str(name), {"base64": str(value), **rest}] if not rest:
            return (name, _base64(value, at))
    raise ValueError(f'`{at}` is no pair of name and value, which is text or {{"base64": "…"}}')


def _body(members: dict[str, Any]) -> bytes:
    # As for the host, `null` is no body.
    bodies = [name for name in _BODIES if members.get(name) is not None]
    if len(bodies) > 1:
        raise ValueError(f"there are `{'` and `'.join(bodies)}`, where one of them says all")
    match bodies:
        case ["body"]:
            return write(members["body"]).encode()
        case ["body_text"]:
            return _text(members["body_text"], "body_text").encode()
        case ["body_base64"]:
            return _base64(_text(members["body_base64"], "body_base64"), "body_base64")
    return b""


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"`{at}` is no text")
    return value


def _base64(text: str, at: str) -> bytes:
    digits = text.rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        raise ValueError(f"`{at}` is no base64") from None
