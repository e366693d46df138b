"""Is the event from who it says? Each function returns if it is, and raises a refusal with 401 that says why if not."""

from snaphook import hmac
from snaphook.errors import Refusal
from snaphook.event import Event


def github(event: Event, secret: str) -> None:
    """GitHub's signature: `X-Hub-Signature-256: sha256=HEX`, an HMAC-SHA256 of the body as it was received.

    `secret` is the name under which the attachment grants it; say so in the filter's class:

        class Guard(Filter[None], secrets=["webhook"]):
            def handle(self, event: Event, config: None) -> Verdict:
                verify.github(event, "webhook")
                return Verdict.pass_()

    Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries

    Raises:
        Refusal: with 401, if the header is missing, malformed, there twice, or not the body's.
        Denied: if the secret is not granted.
    """
    hmac_hex(event, secret, "hmac-sha256", "x-hub-signature-256", "sha256=")


def hmac_hex(event: Event, secret: str, algorithm: hmac.Algorithm, header: str, prefix: str = "") -> None:
    """A header that holds a prefix and the hexadecimal MAC of the body as it was received.

    Raises:
        Refusal, Denied: as `github`.
    """
    values = list(event.header_values(header))
    if not values:
        raise Refusal(401, f"header {header} is missing")
    if len(values) > 1:
        raise Refusal(401, f"header {header} is there twice")
    signature = _signature(values[0], prefix.encode(), hmac.LENGTHS[algorithm])
    if signature is None:
        raise Refusal(401, f"header {header} is malformed")
    if not event.body.original().mac_verify(secret, algorithm, signature):
        raise Refusal(401, "signature does not match the body")


def _signature(value: bytes, prefix: bytes, length: int) -> bytes | None:
    """The bytes that the digits after the prefix stand for."""
    digits = value.removeprefix(prefix)
    if not value.startswith(prefix) or len(digits) != 2 * length:
        return None
    try:
        # Spaces between pairs would pass, but then there are too few of them.
        return signature if len(signature := bytes.fromhex(digits.decode("ascii"))) == length else None
    except ValueError:
        return None
