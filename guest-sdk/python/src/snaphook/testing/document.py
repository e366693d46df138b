"""JSON pointers (RFC 6901) on the bytes of a body: reading keeps them exactly; changing writes the document anew."""

import json
from typing import Any

from snaphook.errors import Invalid
from snaphook.json import DEPTH_MOST, read, too_deep

_decoder = json.JSONDecoder()
_SPACE = " \t\n\r"


def at(body: bytes, pointer: str) -> str | None:
    """The text at a pointer, exactly as it stands there."""
    try:
        steps = tokens(pointer)
    except ValueError as error:
        raise Invalid(str(error)) from None
    text = _checked(body)
    start, end = _span(text, 0)
    for step in steps:
        found = _child(text, start, step)
        if found is None:
            return None
        start, end = found
    return text[start:end]


def plain(text: str) -> str | None:
    """What `body.text` says of a JSON text: strings decoded, numbers and booleans as they stand."""
    if text.startswith('"'):
        return str(json.loads(text))
    return None if text[0] in "{[n" else text


def put(document: Any, pointer: str, value: Any) -> Any:
    """The document with a value set or added; missing parent objects are made, `-` appends to an array."""
    steps = tokens(pointer)
    if not steps:
        return value
    place = document
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        if isinstance(place, dict):
            if last or step not in place:
                place[step] = _nested(steps[index + 1 :], pointer, value)
                return document
            place = place[step]
        elif isinstance(place, list):
            at = len(place) if step == "-" else element(step)
            if at is None or at > len(place):
                raise ValueError(f"`{pointer}` leads past the end of an array")
            if at == len(place):
                place.append(_nested(steps[index + 1 :], pointer, value))
                return document
            if last:
                place[at] = value
                return document
            place = place[at]
        else:
            raise ValueError(f"`{pointer}` leads into a value that is neither object nor array")
    return document


def remove(document: Any, pointer: str) -> None:
    """Removes a value, if it is there."""
    steps = tokens(pointer)
    if not steps:
        raise ValueError("the whole body cannot be removed")
    place = document
    for step in steps[:-1]:
        place = _below(place, step)
    if isinstance(place, dict):
        place.pop(steps[-1], None)
    elif isinstance(place, list):
        at = element(steps[-1])
        if at is not None and at < len(place):
            del place[at]


def tokens(pointer: str) -> list[str]:
    """The names and indexes of a pointer."""
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise ValueError(f"`{pointer}` is no JSON pointer, which is empty or begins with `/`")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]


def element(token: str) -> int | None:
    """The index that a token is, if it is one."""
    digits = token.isascii() and token.isdigit()
    return int(token) if digits and (token == "0" or not token.startswith("0")) else None


def _checked(body: bytes) -> str:
    """The body as text, if it is JSON as the host reads it."""
    try:
        text = body.decode()
        value = read(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"not JSON: {error}") from None
    if too_deep(value):
        raise Invalid(f"not JSON: more than {DEPTH_MOST} levels")
    return text


def _span(text: str, start: int) -> tuple[int, int]:
    """Where the value that begins here, after spaces, begins and ends."""
    start = _skip(text, start)
    _, end = _decoder.raw_decode(text, start)
    return start, end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _child(text: str, start: int, token: str) -> tuple[int, int] | None:
    """Where the member or element stands in the container that begins here. The last of several members of a name counts."""
    if text[start] not in "{[":
        return None
    wanted = element(token) if text[start] == "[" else None
    found = None
    at, index = _skip(text, start + 1), 0
    while text[at] not in "}]":
        if text[start] == "{":
            name, end = _decoder.raw_decode(text, at)
            span = _span(text, _skip(text, end) + 1)
            if name == token:
                found = span
        else:
            span = _span(text, at)
            if index == wanted:
                return span
            index += 1
        at = _skip(text, span[1])
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _nested(steps: list[str], pointer: str, value: Any) -> Any:
    """The value inside of new objects, one for each step that leads to it."""
    for step in reversed(steps):
        if step == "-":
            raise ValueError(f"`{pointer}` appends to an array that is not there")
        value = {step: value}
    return value


def _below(place: Any, step: str) -> Any:
    if isinstance(place, dict):
        return place.get(step)
    if isinstance(place, list):
        at = element(step)
        return place[at] if at is not None and at < len(place) else None
    return None
