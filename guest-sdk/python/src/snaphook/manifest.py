"""What a module says about itself: the build writes it into the component's custom section `snaphook:manifest`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias, get_args

SECTION = "snaphook:manifest"

BodyNeed: TypeAlias = Literal["none", "buffered"]
"""Whether the host must have read the body before it calls. `none`: the filter never looks at it, and the host may stream it
past; `buffered`: it is read whole before the call."""

_NAME = re.compile(r"[a-z0-9._-]{1,63}")
_URL = re.compile(r"https?://[!#-.0-\[\]-~]+/[!#-\[\]-~]*")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a filter asks for. It requests, it never grants."""

    body: BodyNeed
    secrets: tuple[str, ...]
    reveal: tuple[str, ...]
    kv: tuple[str, ...]
    optional_secrets: tuple[str, ...]
    """Needed or not, as the filter is configured."""
    optional_kv: tuple[str, ...]
    """As `optional_secrets`."""
    keys: tuple[str, ...]
    """Beginnings of URLs from which keys are fetched, as the filter is configured. `*` stands for one label of the host."""
    config_schema: str | None
    """A file beside the one with the filter: the JSON Schema (2020-12) of its configuration."""


def checked(
    body: BodyNeed,
    secrets: Sequence[str],
    reveal: Sequence[str],
    kv: Sequence[str],
    optional_secrets: Sequence[str],
    optional_kv: Sequence[str],
    keys: Sequence[str],
    config_schema: str | None,
) -> Manifest:
    """A manifest out of what stands in a filter's class.

    Raises:
        TypeError, ValueError: if that cannot be a manifest.
    """
    if body not in get_args(BodyNeed):
        raise ValueError(f'`body` is "none" or "buffered", not {body!r}')
    if config_schema is not None and not isinstance(config_schema, str):
        raise TypeError("`config_schema` is the name of a file")
    return Manifest(
        body=body,
        secrets=_names("secrets", secrets),
        reveal=_names("reveal", reveal),
        kv=_names("kv", kv),
        optional_secrets=_names("optional_secrets", optional_secrets),
        optional_kv=_names("optional_kv", optional_kv),
        keys=_urls(keys),
        config_schema=config_schema,
    )


def refuse_unknown(keywords: Iterable[str]) -> None:
    """What stands in a filter's class beside the members of a manifest.

    Raises:
        TypeError: if there is one.
    """
    known = [member.name for member in fields(Manifest)]
    for keyword in keywords:
        # Not at the top: it would be in every component.
        from difflib import get_close_matches  # noqa: PLC0415

        nearest = get_close_matches(keyword, known, 1)
        meant = f"write `{nearest[0]}`" if nearest else f"known are `{'`, `'.join(known)}`"
        raise TypeError(f"a filter's class has no keyword `{keyword}`: {meant}")


def _names(key: str, names: Sequence[str]) -> tuple[str, ...]:
    for name in _listed(names, f'`{key}` is a list of names: ["webhook"]'):
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} in `{key}` is no name, which has 1 to 63 characters of a-z, 0-9, `-`, `_` and `.`"
            )
    return tuple(names)


def _urls(urls: Sequence[str]) -> tuple[str, ...]:
    for url in _listed(urls, '`keys` is a list of URLs: ["https://id.example.com/keys/"]'):
        if not _URL.fullmatch(url):
            raise ValueError(
                f"{url!r} in `keys` is no beginning of a URL: "
                "write https://HOST/PATH, without spaces, quotes and backslashes"
            )
    return tuple(urls)


def _listed(texts: Sequence[str], otherwise: str) -> Sequence[str]:
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError(otherwise)
    return texts
