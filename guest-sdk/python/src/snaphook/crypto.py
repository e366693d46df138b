"""What else the host computes with secrets and keys: keys made of secrets, digests, tokens, public-key signatures. For plain
message authentication see `hmac`.

Everything is computed by the host, so that no library for it is in the component, and secrets stay where they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from snaphook import _host, _wire, hmac
from snaphook._host import host

if TYPE_CHECKING:
    from snaphook.body import Body

Form: TypeAlias = Literal["utf8", "base64", "hex", "sha1"]
"""How a secret's text becomes a key: its bytes; decoded (base64 standard or URL-safe, padded or not); the SHA-1 of its
bytes."""

Hash: TypeAlias = Literal["sha1", "sha256", "sha384", "sha512"]
"""A hash that the host computes."""

KeyedHash: TypeAlias = Literal["sha1", "sha256", "sha512"]
"""A hash of a message that holds its key."""

Signature: TypeAlias = Literal[
    "ed25519",
    "ecdsa-p256-sha256",
    "ecdsa-p256-sha1",
    "ecdsa-p256-sha256-fixed",
    "ecdsa-p384-sha384-fixed",
    "rsa-pkcs1-sha1",
    "rsa-pkcs1-sha256",
    "rsa-pkcs1-sha384",
    "rsa-pkcs1-sha512",
    "rsa-pss-sha256",
    "rsa-pss-sha512",
]
"""What is checked with a public key. ECDSA signatures are DER, those that end with `fixed` r and s, joined. RSA keys have
2048 to 8192 bits."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key made of a granted secret."""

    secret: str
    """The name under which the attachment grants it."""
    prefix: str = ""
    """Dropped from the secret's text, if it begins so: `whsec_`."""
    form: Form = "utf8"

    def _lowered(self) -> _host.Key:
        return (
            _wire.text(self.secret, "the name of a secret"),
            _wire.text(self.prefix, "the prefix of a key"),
            _wire.text(self.form, "the form of a key"),
        )


@dataclass(frozen=True, slots=True)
class TheKey:
    """As a part: the key itself, for schemes that hash it with the message. Only with a `KeyedHash`, which must have it."""

    def _part(self) -> _host.Part:
        return ("key", b"")


Part: TypeAlias = "str | bytes | hmac.Header | Body | TheKey"
"""A piece of the message, as in `hmac`; or the key."""


def verify(key: Key, algorithm: hmac.Algorithm | KeyedHash, parts: Sequence[Part], signature: bytes) -> bool:
    """Whether `signature` is the MAC of the parts, joined, under any of the secret's valid values; or, with a `KeyedHash`,
    the hash of parts that hold the key. Constant time in the signature.

        key = crypto.Key("webhook", prefix="whsec_", form="base64")
        parts = [hmac.Header("webhook-id"), ".", hmac.Header("webhook-timestamp"), ".", event.body.original()]
        if not crypto.verify(key, "hmac-sha256", parts, signature):
            raise Refusal(401, "signature does not match")

    Raises:
        Denied: if the secret is not granted. Invalid: if the algorithm is none of these, a value of the secret is no such
            key, or the parts are too many.
    """
    lowered = hmac._parts(parts)
    return host().key_verify(key._lowered(), _algorithm(algorithm), lowered, _wire.octets(signature, "the signature"))


def sign(key: Key, algorithm: hmac.Algorithm | KeyedHash, parts: Sequence[Part]) -> bytes:
    """The MAC of the parts, joined, under the secret's newest value.

    Raises:
        Denied, Invalid: as `verify`.
    """
    return host().key_sign(key._lowered(), _algorithm(algorithm), hmac._parts(parts))


def digest(hash: Hash, parts: Sequence[hmac.Part]) -> bytes:
    """The hash of the parts, joined.

    Raises:
        Invalid: if the hash is none of these, or the parts are too many.
    """
    return host().digest(_wire.text(hash, "the hash"), hmac._parts(parts))


def token_equal(secret: str, token: _wire.Text) -> bool:
    """Whether the token is one of the secret's valid values, in constant time.

    Raises:
        Denied: if the secret is not granted.
    """
    return host().token_equal(_wire.text(secret, "the name of a secret"), _wire.octets(token, "the token"))


def signature_verify(key: Key | _wire.Text, algorithm: Signature, parts: Sequence[hmac.Part], signature: bytes) -> bool:
    """Whether `signature` is that of the parts, joined, under the public key: any valid value of a secret, which is not
    secret then, but kept and rotated like one; or a key as it is given. Both are PEM (a public key, or a certificate, of
    which nothing but the key is looked at), DER (SubjectPublicKeyInfo), a JWK, or raw (Ed25519: 32 bytes; ECDSA: the
    uncompressed point).

    Raises:
        Denied: if the secret is not granted. Invalid: if the key is none for the algorithm, the algorithm is none of these,
            or the parts are too many.
    """
    public = key._lowered() if isinstance(key, Key) else _wire.octets(key, "the key")
    lowered = hmac._parts(parts)
    return host().signature_verify(public, _algorithm(algorithm), lowered, _wire.octets(signature, "the signature"))


def _algorithm(algorithm: str) -> str:
    return _wire.text(algorithm, "the algorithm")
