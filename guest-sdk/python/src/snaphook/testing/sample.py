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
    source: str = "192.0.2.1"
    destination: str | None = None
    """Calls the filter for this destination instead of for the route."""
    attempt: int = 1
    """The number of the attempt, if it is for a destination."""
    replay: bool = False
    """The event is sent again on somebody's request."""

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
        """The event of an event file: JSON with `method`, `path`, `query`, `headers` as a list of pairs, and one of `body`
        (JSON, sent compact), `body_text` and `body_base64`.

        Raises:
            ValueError: if it is no such file.
        """
        try:
            return _read(json.loads(Path(path).read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is no event file: {error}") from None


def _read(members: Any) -> Sample:
    known = {"method", "path", "query", "headers", "body", "body_text", "body_base64"}
    if not isinstance(members, dict):
        raise ValueError("it is no object")
    if unknown := set(members) - known:
        raise ValueError(f"unknown field `{min(unknown)}`")
    if len(bodies := [name for name in ("body", "body_text", "body_base64") if name in members]) > 1:
        raise ValueError(f"there are `{'` and `'.join(bodies)}`, where one of them says all")
    path = members.get("path", "/")
    if "query" in members:
        path = f"{path}?{members['query']}"
    body = b""
    if "body" in members:
        body = write(members["body"]).encode()
    elif "body_text" in members:
        body = members["body_text"].encode()
    elif "body_base64" in members:
        text = members["body_base64"].rstrip("=")
        body = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    headers = [(name, value) for name, value in members.get("headers", [])]
    return Sample(method=members.get("method", "POST"), path=path, headers=headers, body=body)
