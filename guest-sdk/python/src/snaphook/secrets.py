"""Secrets in the clear. Needs a grant of its own, which is rarely right: prefer `hmac` and `verify`, where the secret stays
with the host."""

from hmac import compare_digest

from snaphook import _wire
from snaphook._host import host


def reveal(name: str) -> bytes:
    """The newest value of a secret that is granted to be revealed; say so in the filter's class with `reveal=["name"]`.

    Raises:
        Denied: if it is not granted.
    """
    return host().reveal(_wire.text(name, "the name of a secret"))


def equal(one: _wire.Text, other: _wire.Text) -> bool:
    """Whether two values are the same, in a time that does not tell where they differ.

    >>> equal("token", b"token"), equal("token", "tokem")
    (True, False)
    """
    return compare_digest(_wire.octets(one, "a value"), _wire.octets(other, "a value"))
