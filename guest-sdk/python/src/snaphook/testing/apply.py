"""What the host makes of a verdict, with its checks of what a filter hands over."""

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any

from snaphook import _wire, edits
from snaphook.event import Destination, Phase
from snaphook.json import read
from snaphook.testing import document
from snaphook.testing.outcome import Sent
from snaphook.verdict import Edit, Pass, Reject, Respond, Verdict

# Headers that the host alone sets: what belongs to one connection (RFC 9110 section 7.6.1), what frames the body, and what
# says which way the event came. With these, all that begins with `x-forwarded-`.
_OF_THE_HOST = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "traceparent",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    )
)

# RFC 9110, section 5.6.2.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TARGET = re.compile(r"[!-~]*")


class BadOutput(Exception):
    """What a filter handed over cannot be applied."""


def applied(verdict: Verdict, sent: Sent, phase: Phase, destinations: Sequence[str]) -> Sent | None:
    """The event as it goes on; `None` if it does not.

    Raises:
        BadOutput: why the verdict cannot be applied.
    """
    try:
        match verdict:
            case Pass():
                return sent
            case Edit(changes):
                for change in changes:
                    sent = _changed(sent, change, phase, destinations)
                return sent
            case Reject(status, _, headers):
                check_answer(status, 400, headers)
            case Respond() if isinstance(phase, Destination):
                raise ValueError("a filter of a destination cannot respond")
            case Respond(response):
                check_answer(response.status, 200, response.headers)
    except ValueError as error:
        raise BadOutput(f"bad output: {error}") from None
    return None


def check_answer(status: int, least: int, headers: Sequence[_wire.Header]) -> None:
    """Whether a sender can be answered with this."""
    if not least <= status <= 599:
        raise ValueError(f"status {status} is not from {least} to 599")
    for header in headers:
        _check_header(header)


def _check_header(header: _wire.Header) -> None:
    name, value = header
    _check_name(name)
    wrong = next((byte for byte in value if byte in range(9) or byte in range(10, 32) or byte == 127), None)
    if wrong is not None:
        raise ValueError(f"the value of header `{name}` holds byte {wrong}")


def _check_name(name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"`{name}` is no name of a header")
    lower = name.lower()
    if lower in _OF_THE_HOST or lower.startswith("x-forwarded-"):
        raise ValueError(f"`{name}` is set by the host alone")


def _changed(sent: Sent, change: edits.Change, phase: Phase, destinations: Sequence[str]) -> Sent:
    match change:
        case edits.SetHeader(header) | edits.AppendHeader(header):
            _check_header(header)
            name, value = header[0].lower(), header[1]
            others = [known for known in sent.headers if isinstance(change, edits.AppendHeader) or known[0] != name]
            return dataclasses.replace(sent, headers=[*others, (name, value)])
        case edits.RemoveHeader(name):
            _check_name(name)
            return dataclasses.replace(sent, headers=[known for known in sent.headers if known[0] != name.lower()])
        case edits.SetMethod(method):
            if not _TOKEN.fullmatch(method) or method == "CONNECT":
                raise ValueError(f"`{method}` is no method")
            return dataclasses.replace(sent, method=method)
        case edits.SetPath(path):
            if not path.startswith("/") or "?" in path or not _is_target(path):
                raise ValueError(f"`{path}` is no path")
            return dataclasses.replace(sent, path=path)
        case edits.SetQuery(query):
            if query is not None and not _is_target(query):
                raise ValueError(f"`{query}` is no query")
            return dataclasses.replace(sent, query=query)
        case edits.ReplaceBody(body):
            return dataclasses.replace(sent, body=body)
        case edits.JsonSet(pointer, text):
            try:
                value = read(text)
            except ValueError as error:
                raise ValueError(f"the value for `{pointer}` is not JSON: {error}") from None
            return _written(sent, document.put(_parsed(sent.body), pointer, value))
        case edits.JsonRemove(pointer):
            parsed = _parsed(sent.body)
            document.remove(parsed, pointer)
            return _written(sent, parsed)
        case edits.Choose(names):
            return dataclasses.replace(sent, destinations=_chosen(names, phase, destinations))


def _chosen(names: Sequence[str], phase: Phase, destinations: Sequence[str]) -> list[str]:
    if isinstance(phase, Destination):
        raise ValueError("a filter of a destination cannot choose another")
    unknown = next((name for name in names if destinations and name not in destinations), None)
    if unknown is not None:
        raise ValueError(f"`{unknown}` is not one of the route's destinations")
    if not names:
        raise ValueError("no destination is chosen")
    return list(names)


def _is_target(text: str) -> bool:
    return bool(_TARGET.fullmatch(text)) and not set(text) & set("#<>")


def _parsed(body: bytes) -> Any:
    try:
        return read(body.decode())
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from None


def _written(sent: Sent, value: Any) -> Sent:
    return dataclasses.replace(sent, body=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
