"""Signs and verifies webhooks with the providers' own PyPI packages. Reads one JSON object a line, answers one a line.

{"op": "list"}   which SDKs there are, and what each of them can do
{"op": "sign" | "verify", "sdk", "secret", "settings", "method", "url", "headers", "body" (base64), "now" (milliseconds)}
"""

import base64
import hashlib
import json
import re
import sys
import urllib.parse
from datetime import datetime, timezone
from importlib import import_module
from importlib.metadata import version
from types import SimpleNamespace

import time_machine

SDKS = {}


def sdk(name, package, *providers, **about):
    """What is decorated has `verify`, and perhaps `sign`, which take a request.

    window: for how many seconds back and ahead the SDK takes a signature (None: it does not look); none: it leaves the
    time to the caller. body: False if the SDK does not look at the body. scheme: which of the recipe's schemes it is
    for, if not the first.
    """

    def take(adapter):
        SDKS[name] = (package, providers, about, adapter)
        return adapter

    return take


def fields(text):
    """A form as a dict; a name that is there twice has a list."""
    found = urllib.parse.parse_qs(text, keep_blank_values=True)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def path(url):
    return re.sub("^https?://[^/]+", "", url)


def titled(headers):
    """As the frameworks have them for which some SDKs are made."""
    return {name.title(): value for name, value in headers.items()}


@sdk("stripe", "stripe", "stripe", window=[300, None])
class Stripe:
    def verify(request):
        from stripe import Webhook

        return Webhook.construct_event(request.body, request.headers["stripe-signature"], request.secret) is not None


class Github:
    header = "x-hub-signature-256"

    @classmethod
    def verify(cls, request):
        from gidgethub.sansio import validate_event

        return validate_event(request.body, signature=request.headers[cls.header], secret=request.secret) is None


sdk("gidgethub", "gidgethub", "github")(Github)


@sdk("gidgethub-sha1", "gidgethub", "github", scheme=1)
class GithubSha1(Github):
    header = "x-hub-signature"


class Standard:
    module, prefix = "standardwebhooks.webhooks", "webhook"

    @classmethod
    def library(cls, request):
        return import_module(cls.module).Webhook(request.secret.removeprefix("v1,"))

    @classmethod
    def sign(cls, request):
        name = request.headers.get(f"{cls.prefix}-id", "msg_2b3c4d5e6f")
        time = datetime.fromtimestamp(request.now // 1000, timezone.utc)
        made = cls.library(request).sign(name, time, request.text)
        sent = {"id": name, "timestamp": str(request.now // 1000), "signature": made}
        return {"headers": {f"{cls.prefix}-{name}": value for name, value in sent.items()}}

    @classmethod
    def verify(cls, request):
        cls.library(request).verify(request.text, request.headers)
        return True


sdk(
    "standardwebhooks", "standardwebhooks", "standard-webhooks", "brex", "etsy", "gemini", "loops", "render", "supabase",
    window=[300, 300],
)(Standard)


@sdk("svix", "svix", "svix", "clerk", "incident-io", "stytch", "vanta", window=[300, 300])
class Svix(Standard):
    module, prefix = "svix.webhooks", "svix"


@sdk("slack-sdk", "slack-sdk", "slack", window=[300, 300])
class Slack:
    def sign(request):
        from slack_sdk.signature import SignatureVerifier

        time = str(request.now // 1000)
        made = SignatureVerifier(request.secret).generate_signature(timestamp=time, body=request.text)
        return {"headers": {"x-slack-request-timestamp": time, "x-slack-signature": made}}

    def verify(request):
        from slack_sdk.signature import SignatureVerifier

        return SignatureVerifier(request.secret).is_valid_request(request.body, request.headers)


@sdk("twilio", "twilio", "twilio", scheme=1)
class Twilio:
    def sign(request):
        from twilio.request_validator import RequestValidator

        made = RequestValidator(request.secret).compute_signature(request.url, fields(request.text))
        return {"headers": {"x-twilio-signature": made}}

    def verify(request):
        from twilio.request_validator import RequestValidator

        signature = request.headers["x-twilio-signature"]
        return RequestValidator(request.secret).validate(request.url, fields(request.text), signature)


@sdk("twilio-json", "twilio", "twilio", event="voice_intelligence_transcript_available")
class TwilioJson:
    def sign(request):
        from twilio.request_validator import RequestValidator

        validator = RequestValidator(request.secret)
        url = re.sub("[?&]bodySHA256=[0-9a-f]*", "", request.url)
        url = f"{url}?bodySHA256={hashlib.sha256(request.body).hexdigest()}"
        return {"url": url, "headers": {"x-twilio-signature": validator.compute_signature(url, {})}}

    def verify(request):
        from twilio.request_validator import RequestValidator

        signature = request.headers["x-twilio-signature"]
        return RequestValidator(request.secret).validate(request.url, request.text, signature)


@sdk("square", "squareup", "square")
class Square:
    def verify(request):
        from square.utils.webhooks_helper import verify_signature

        return verify_signature(
            request_body=request.text, signature_header=request.headers["x-square-hmacsha256-signature"],
            signature_key=request.secret, notification_url=request.url,
        )


@sdk("discord-interactions", "discord-interactions", "discord", key="hex")
class Discord:
    def verify(request):
        from discord_interactions import verify_key

        signature, time = (request.headers[f"x-signature-{name}"] for name in ["ed25519", "timestamp"])
        return verify_key(request.body, signature, time, request.secret)


@sdk("sendgrid", "sendgrid", "sendgrid", key="spki")
class Sendgrid:
    def verify(request):
        from sendgrid.helpers.eventwebhook import EventWebhook

        signature, time = (
            request.headers[f"x-twilio-email-event-webhook-{name}"] for name in ["signature", "timestamp"]
        )
        return EventWebhook(request.secret).verify_signature(request.text, signature, time)


@sdk("adyen", "Adyen", "adyen", code="adyen")
class Adyen:
    def sign(request):
        from Adyen.util import generate_notification_sig

        event = json.loads(request.text)
        for item in event["notificationItems"]:
            item = item["NotificationRequestItem"]
            extra = item.pop("additionalData", {})
            signature = generate_notification_sig(item, request.secret).decode()
            item["additionalData"] = {**extra, "hmacSignature": signature}
        return {"body": json.dumps(event)}

    def verify(request):
        from Adyen.util import is_valid_hmac_notification

        return is_valid_hmac_notification(json.loads(request.text), request.secret)


@sdk("braintree", "braintree", "braintree")
class Braintree:
    def gateway(request):
        import braintree

        keys = {"public_key": request.settings["public_key"], "private_key": request.secret}
        sandbox = braintree.Environment.Sandbox
        return braintree.BraintreeGateway(braintree.Configuration(sandbox, merchant_id="m", **keys))

    def sign(request):
        gateway = Braintree.gateway(request)
        made = gateway.webhook_testing.sample_notification("subscription_charged_successfully", "s1")
        return {"body": urllib.parse.urlencode(made)}

    def verify(request):
        form = fields(request.text)
        gateway = Braintree.gateway(request)
        return gateway.webhook_notification.parse(form["bt_signature"], form["bt_payload"]) is not None


@sdk("messagebird", "messagebird", "messagebird")
class Messagebird:
    def verify(request):
        from messagebird.request_validator import RequestValidator

        token = request.headers["messagebird-signature-jwt"]
        return bool(RequestValidator(request.secret).validate_signature(token, request.url, request.body))


@sdk("line-bot-sdk", "line-bot-sdk", "line")
class Line:
    def verify(request):
        from linebot.v3.webhook import SignatureValidator

        return SignatureValidator(request.secret).validate(request.text, request.headers["x-line-signature"])


@sdk("paddle", "paddle-python-sdk", "paddle", window=[5, 5])
class Paddle:
    def verify(request):
        from paddle_billing.Notifications import Secret, Verifier

        signature = request.headers["paddle-signature"]
        asked = SimpleNamespace(body=request.body, headers={"Paddle-Signature": signature})
        return Verifier().verify(asked, Secret(request.secret))


class Hubspot:
    version = "v3"

    @classmethod
    def sign(cls, request):
        from hubspot.utils.signature import Signature

        now = str(request.now)
        made = Signature.get_signature(request.secret, request.text, cls.version, request.url, request.method, now)
        if cls.version == "v3":
            return {"headers": {"x-hubspot-signature-v3": made, "x-hubspot-request-timestamp": now}}
        return {"headers": {"x-hubspot-signature": made, "x-hubspot-signature-version": cls.version}}

    @classmethod
    def verify(cls, request):
        from hubspot.utils.signature import Signature

        header = "x-hubspot-signature-v3" if cls.version == "v3" else "x-hubspot-signature"
        return Signature.is_valid(
            signature=request.headers[header], client_secret=request.secret, request_body=request.text,
            http_uri=request.url, http_method=request.method, signature_version=cls.version,
            timestamp=request.headers.get("x-hubspot-request-timestamp"),
        )


sdk("hubspot", "hubspot-api-client", "hubspot", window=[300, None])(Hubspot)


@sdk("hubspot-v2", "hubspot-api-client", "hubspot", scheme=1)
class HubspotV2(Hubspot):
    version = "v2"


@sdk("hubspot-v1", "hubspot-api-client", "hubspot", scheme=2)
class HubspotV1(Hubspot):
    version = "v1"


@sdk("razorpay", "razorpay", "razorpay")
class Razorpay:
    def verify(request):
        from razorpay import Client

        client = Client(auth=("key", "secret"))
        signature = request.headers["x-razorpay-signature"]
        return client.utility.verify_webhook_signature(request.text, signature, request.secret)


@sdk("workos", "workos", "workos", window=[180, 180])
class Workos:
    def verify(request):
        from workos import WorkOSClient

        client = WorkOSClient(api_key="sk_1", client_id="client_1")
        client.webhooks.verify_header(
            event_body=request.body, event_signature=request.headers["workos-signature"], secret=request.secret
        )
        return True


@sdk("openai", "openai", "openai", window=[300, 300])
class Openai:
    def verify(request):
        from openai import OpenAI

        client = OpenAI(api_key="sk-1")
        return client.webhooks.unwrap(request.body, request.headers, secret=request.secret) is not None


@sdk("resend", "resend", "resend", window=[300, 300])
class Resend:
    def verify(request):
        import resend

        signed = {name: request.headers[f"svix-{name}"] for name in ["id", "timestamp", "signature"]}
        resend.Webhooks.verify({"payload": request.text, "headers": signed, "webhook_secret": request.secret})
        return True


@sdk("polar", "polar-sdk", "polar", window=[300, 300])
class Polar:
    def verify(request):
        from polar.webhooks import validate_event

        # Only the signature is of interest, whatever the event is.
        kinds = frozenset([json.loads(request.text)["type"]])
        return validate_event(request.body, request.headers, request.secret, kinds, lambda event: event) is not None


@sdk("plivo", "plivo", "plivo")
class Plivo:
    def verify(request):
        from plivo.utils.signature_v3 import validate_v3_signature

        nonce, signature = (request.headers[f"x-plivo-signature-v3{name}"] for name in ["-nonce", ""])
        form = fields(request.text)
        return validate_v3_signature(request.method, request.url, nonce, request.secret, signature, form)


@sdk("vonage-jwt", "vonage-jwt", "vonage", body=False)
class Vonage:
    def verify(request):
        from vonage_jwt.verify_jwt import verify_signature

        return verify_signature(request.headers["authorization"].removeprefix("Bearer "), request.secret)


@sdk("gocardless", "gocardless_pro", "gocardless")
class Gocardless:
    def verify(request):
        from gocardless_pro import webhooks

        return webhooks.parse(request.body.decode(), request.secret, request.headers["webhook-signature"]) is not None


@sdk("http-message-signatures", "http-message-signatures", "rfc9421", window=[305, 5])
class Rfc9421:
    covered = ("@method", "@target-uri", "content-digest")

    def about(request):
        from http_message_signatures import MappingKeyResolver, algorithms

        key = base64.b64decode(request.secret)
        keys = MappingKeyResolver(private_keys={"key1": key}, public_keys={"key1": key})
        return {"signature_algorithm": algorithms.HMAC_SHA256, "key_resolver": keys}

    def message(request, headers):
        import requests

        message = requests.Request(request.method, request.url, headers=headers, data=request.body)
        return message.prepare()

    def digest(request):
        return f"sha-256=:{base64.b64encode(hashlib.sha256(request.body).digest()).decode()}:"

    def sign(request):
        from http_message_signatures import HTTPMessageSigner

        message = Rfc9421.message(request, {"content-digest": Rfc9421.digest(request)})
        created = datetime.fromtimestamp(request.now // 1000, timezone.utc)
        HTTPMessageSigner(**Rfc9421.about(request)).sign(
            message, key_id="key1", created=created, label="sig1", covered_component_ids=Rfc9421.covered,
            use_existing_digest=True,
        )
        sent = ["content-digest", "signature", "signature-input"]
        return {"headers": {name: message.headers[name] for name in sent}}

    def verify(request):
        from datetime import timedelta

        from http_message_signatures import HTTPMessageVerifier

        verifier = HTTPMessageVerifier(**Rfc9421.about(request))
        verifier.verify(Rfc9421.message(request, request.headers), max_age=timedelta(seconds=300))
        return request.headers["content-digest"] == Rfc9421.digest(request)


@sdk("modern-treasury", "modern-treasury", "modern-treasury")
class ModernTreasury:
    def client():
        from modern_treasury import ModernTreasury

        return ModernTreasury(api_key="1", organization_id="1")

    def sign(request):
        made = ModernTreasury.client().webhooks.get_signature(request.text, key=request.secret)
        return {"headers": {"x-signature": made}}

    def verify(request):
        headers = titled(request.headers)
        return ModernTreasury.client().webhooks.validate_signature(request.text, headers, key=request.secret)


@sdk("finch", "finch-api", "finch", window=[300, 300])
class Finch:
    def verify(request):
        from finch import Finch

        Finch(access_token="1").webhooks.verify_signature(request.body, request.headers, secret=request.secret)
        return True


@sdk("increase", "increase", "increase", window=[300, 300])
class Increase:
    def verify(request):
        from increase import Increase

        # As the client does with its own secret: the text's bytes are the key.
        client = Increase(api_key="1", webhook_secret=request.secret)
        return client.events.unwrap(request.text, headers=request.headers) is not None


@sdk("box", "box-sdk-gen", "box", window=[600, 0])
class Box:
    def verify(request):
        from box_sdk_gen.managers.webhooks import WebhooksManager

        return WebhooksManager.validate_message(request.text, request.headers, request.secret)


@sdk("coinbase-commerce", "coinbase-commerce", "coinbase-commerce")
class CoinbaseCommerce:
    def verify(request):
        from coinbase_commerce.webhook import Webhook

        signature = request.headers["x-cc-webhook-signature"]
        return Webhook.construct_event(request.text, signature, request.secret) is not None


@sdk("atlassian-jwt", "atlassian-jwt", "jira-connect", body=False)
class AtlassianJwt:
    def sign(request):
        from atlassian_jwt import encode_token

        token = encode_token(request.method, path(request.url), "client-key", request.secret, timeout_secs=180)
        return {"headers": {"authorization": f"JWT {token}"}}

    def verify(request):
        from atlassian_jwt import Authenticator

        class Secrets(Authenticator):
            def get_shared_secret(self, _):
                return request.secret

        return bool(Secrets().authenticate(request.method, path(request.url), request.headers))


@sdk("sinch", "sinch", "sinch")
class Sinch:
    def verify(request):
        from sinch.domains.conversation.sinch_events.v1.conversation_sinch_event import ConversationSinchEvent

        events = ConversationSinchEvent(request.secret)
        return events.validate_authentication_header(request.headers, request.text)


@sdk("sinch-numbers", "sinch", "sinch", scheme=1, event="PROVISIONING_TO_VOICE_PLATFORM")
class SinchNumbers:
    def verify(request):
        from sinch.domains.numbers.sinch_events.v1.sinch_events import SinchEvents

        return SinchEvents(request.secret).validate_authentication_header(request.headers, request.text)


@sdk("replicate", "replicate", "replicate", window=[300, 300])
class Replicate:
    def verify(request):
        from replicate.webhook import Webhooks, WebhookSigningSecret

        # The tolerance is the caller's: this is the recipe's.
        secret = WebhookSigningSecret(key=request.secret)
        Webhooks.validate(headers=request.headers, body=request.text, secret=secret, tolerance=300)
        return True


@sdk("mercadopago", "mercadopago", "mercado-pago", body=False)
class MercadoPago:
    def verify(request):
        from mercadopago.webhook.validator import WebhookSignatureValidator

        data = urllib.parse.parse_qs(urllib.parse.urlsplit(request.url).query).get("data.id", [None])[0]
        headers = request.headers
        WebhookSignatureValidator.validate(headers["x-signature"], headers["x-request-id"], data, request.secret)
        return True


def listed():
    for name, (package, providers, about, adapter) in SDKS.items():
        yield {
            "sdk": name, "language": "pypi", "package": package, "version": version(package), "providers": providers,
            "signs": hasattr(adapter, "sign"), "verifies": hasattr(adapter, "verify"), "window": about.get("window"),
            "body": about.get("body", True), "host": True, "key": about.get("key"), "event": about.get("event"),
            "scheme": about.get("scheme"), "code": about.get("code"), "header": None,
        }


def answer(asked):
    if asked["op"] == "list":
        return list(listed())
    adapter = SDKS[asked["sdk"]][3]
    body = base64.b64decode(asked["body"])
    try:
        now = asked.get("now") or int(datetime.now().timestamp() * 1000)
        request = SimpleNamespace(**{**asked, "now": now, "body": body, "text": body.decode()})
        with time_machine.travel(now / 1000, tick=False):
            if asked["op"] == "sign":
                made = {"headers": {}, "url": asked["url"], "body": asked["body"], **adapter.sign(request)}
                if made["body"] != asked["body"]:
                    made["body"] = base64.b64encode(made["body"].encode()).decode()
                return made
            return {"holds": adapter.verify(request) is True}
    except Exception as error:
        return {"holds": False, "why": f"{type(error).__name__}: {error}"[:300]}


# Some libraries print; only answers belong on standard output.
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), file=answers, flush=True)
