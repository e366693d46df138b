"""What is written in well-known headers."""

from collections.abc import Iterator

from snaphook.event import Event


def content_type(event: Event) -> str | None:
    """The media type of the body in lower case, without parameters: `application/json`."""
    value = event.header("content-type")
    if value is None:
        return None
    return value.partition(";")[0].strip().lower() or None


def bearer(event: Event) -> str | None:
    """The token of `Authorization: Bearer TOKEN` (RFC 6750)."""
    scheme, space, token = (event.header("authorization") or "").partition(" ")
    return token.strip() if space and scheme.lower() == "bearer" else None


def list(event: Event, name: str) -> Iterator[str]:
    """The elements of a header that holds a list (RFC 9110, section 5.6.1), over all its values; empty ones are left out,
    and values that are not UTF-8."""
    for value in event.header_values(name):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            continue
        for element in text.split(","):
            if stripped := element.strip():
                yield stripped
