//! Vectors that providers and their libraries publish; then what the filter does beside checking.

use serde_json::{Value, json};
use signatures::{native, send};
use snaphook_sdk::testing::{Outcome, Test};

use super::Verify;

/// A request with what is configured for it.
fn test(provider: &str, secret: &str) -> Test {
    configured(json!({ "provider": provider }), secret)
}

fn configured(config: Value, secret: &str) -> Test {
    let test = Test::new::<Verify>().config(config).verifier(native::verify);
    if secret.is_empty() { test } else { test.secret("secret", secret) }
}

#[track_caller]
fn verified(mut test: Test) {
    let outcome = test.run();
    assert_eq!((outcome.name(), outcome.label("verify")), ("pass", Some("verified")), "{}", outcome.reason());
}

#[track_caller]
fn failed(outcome: &Outcome, cause: &str) {
    assert_eq!((outcome.status(), outcome.label("verify.cause")), (Some(401), Some(cause)), "{}", outcome.reason());
}

#[test]
fn github() {
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let event =
        |body: &str| test("github", "It's a Secret to Everybody").header("x-hub-signature-256", signature).body(body);
    verified(event("Hello, World!"));
    failed(&event("Hello, World?").run(), "mismatch");
    // @octokit/webhooks-methods
    let signature = "sha256=4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3";
    verified(test("github", "mysecret").header("x-hub-signature-256", signature).body(r#"{"foo":"bar"}"#));
}

#[test]
fn standard_webhooks() {
    // The tests of its libraries for JavaScript and Rust.
    let event = |time: u64| {
        test("standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
            .header("webhook-timestamp", "1614265330")
            .header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v2,xyz")
            .body(r#"{"test": 2432232314}"#)
            .clock_ms(time * 1_000)
    };
    verified(event(1_614_265_330));
    verified(event(1_614_265_330 + 299));
    failed(&event(1_614_265_330 + 301).run(), "too-old");
    failed(&event(1_614_265_330 - 301).run(), "clock-ahead");
    verified(
        test("svix", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
            .header("svix-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk")
            .header("svix-timestamp", "1649367553")
            .header("svix-signature", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=")
            .body(r#"{"email":"test@example.com","username":"test_user"}"#)
            .clock_ms(1_649_367_553_000),
    );
}

#[test]
fn slack() {
    // https://docs.slack.dev/authentication/verifying-requests-from-slack
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F\
                96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    verified(
        test("slack", "8f742231b10e8888abcd99yyyzzz85a5")
            .header("x-slack-request-timestamp", "1531420618")
            .header("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .clock_ms(1_531_420_618_000),
    );
}

#[test]
fn square_signs_the_url_first() {
    // The tests of its library for Node.
    let event = |urls: Value| {
        configured(json!({ "provider": "square", "public_urls": urls }), "asdf1234")
            .header("x-square-hmacsha256-signature", "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=")
            .path("/elsewhere")
            .body(r#"{"hello":"world"}"#)
    };
    verified(event(json!(["https://example.com/webhook"])));
    verified(event(json!(["https://other.example", "https://example.com/webhook"])));
    failed(&event(json!(["https://example.com/webhooks"])).run(), "mismatch");
}

#[test]
fn twilio() {
    // The tests of its libraries.
    let url = "https://mycompany.com/myapp.php";
    let event = || configured(json!({ "provider": "twilio", "public_urls": [url] }), "12345");
    let form = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    verified(
        event()
            .path("/myapp.php?foo=1&bar=2")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
            .body(form),
    );
    let json = |body: &str| {
        let sum = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        event()
            .path(&format!("/myapp.php?foo=1&bar=2&bodySHA256={sum}"))
            .header("content-type", "application/json")
            .header("x-twilio-signature", "a9nBmqA0ju/hNViExpshrM61xv4=")
            .body(body)
    };
    verified(json(r#"{"property": "value", "boolean": true}"#));
    failed(&json(r#"{"property": "value", "boolean": false}"#).run(), "body-altered");
    // The URL alone would match, and says nothing about this body.
    let bare = event()
        .path("/myapp.php?foo=1&bar=2")
        .header("content-type", "application/json")
        .header("x-twilio-signature", "a9nBmqA0ju/hNViExpshrM61xv4=")
        .body("{}")
        .run();
    failed(&bare, "body-altered");
}

#[test]
fn sanity() {
    // The tests of @sanity/webhook.
    verified(
        test("sanity", "test")
            .header("sanity-webhook-signature", "t=1633519811129,v1=tLa470fx7qkLLEcMOcEUFuBbRSkGujyskxrNXcoh0N0")
            .body(r#"{"_id":"resume"}"#)
            .clock_ms(1_633_519_811_129),
    );
}

#[test]
fn adyen_signs_every_item() {
    // https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
    let item = |signature: &str| {
        json!({ "NotificationRequestItem": {
            "additionalData": { "hmacSignature": signature },
            "amount": { "currency": "EUR", "value": 1130 }, "eventCode": "AUTHORISATION",
            "merchantAccountCode": "TestMerchant", "merchantReference": "TestPayment-1407325143704",
            "pspReference": "7914073381342284", "success": "true",
        } })
    };
    let event = |items: Value| {
        test("adyen", "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056")
            .body(json!({ "live": "false", "notificationItems": items }).to_string())
    };
    let right = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=";
    verified(event(json!([item(right)])));
    verified(event(json!([item(right), item(right)])));
    failed(&event(json!([item(right), item("AAAAmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=")])).run(), "mismatch");
    failed(&event(json!([item(right), item("")])).run(), "no-signature");
}

#[test]
fn sendgrid() {
    // The tests of @sendgrid/eventwebhook; the body ends in CR and LF.
    let body = "[{\"email\":\"hello@world.com\",\"event\":\"dropped\",\"reason\":\"Bounced Address\",\
                \"sg_event_id\":\"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA\",\"sg_message_id\":\
                \"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0\",\"smtp-id\":\
                \"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>\",\"timestamp\":1600112492}]\r\n";
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpi\
               glSI8eNEc6wEA3F+g==";
    let signature = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=";
    let event = |body: &str| {
        test("sendgrid", key)
            .header("x-twilio-email-event-webhook-signature", signature)
            .header("x-twilio-email-event-webhook-timestamp", "1600112502")
            .body(body)
    };
    verified(event(body));
    failed(&event(body.trim_end()).run(), "mismatch");
}

#[test]
fn contentful_and_plivo() {
    // Made with the providers' libraries.
    verified(
        test("contentful", &"a".repeat(64))
            .path("/hook")
            .header("content-type", "application/json")
            .header("x-contentful-signed-headers", "content-type,x-contentful-signed-headers,x-contentful-timestamp")
            .header("x-contentful-timestamp", "1762419600123")
            .header("x-contentful-signature", "32bc083ca8f3892f89b9c6ede789b34711fd0e8d2f606f48d0e04bdc8669708d")
            .body(r#"{"a":1}"#)
            .clock_ms(1_762_419_600_123),
    );
    verified(
        configured(json!({ "provider": "plivo", "public_urls": ["https://hooks.example.com"] }), "token")
            .path("/answer?b=2&a=1")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-plivo-signature-v3-nonce", "05429567804466091622")
            .header("x-plivo-signature-v3", "brM31yrP3XjFc/oQQgvMQNO3XpRyOCss1XaRwciW02k=")
            .body("To=15551230000&From=15551239999"),
    );
}

#[test]
fn http_message_signatures() {
    // RFC 9421, B.2.5. It covers no digest of the body.
    let secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
    let settings = json!({ "algorithm": "hmac-sha256", "components": "date @authority content-type" });
    let config = json!({ "provider": "rfc9421", "settings": settings, "public_urls": ["https://example.com"] });
    let mut event = configured(config, secret)
        .path("/foo?param=Value&Pet=dog")
        .header("date", "Tue, 20 Apr 2021 02:07:55 GMT")
        .header("content-type", "application/json")
        .header(
            "signature-input",
            r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#,
        )
        .header("signature", "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:")
        .body(r#"{"hello": "world"}"#)
        .clock_ms(1_618_884_473_000);
    let outcome = event.run();
    assert_eq!((outcome.name(), outcome.label("verify")), ("pass", Some("authenticated")), "{}", outcome.reason());
}

#[test]
fn says_what_it_found() {
    let mut sent = send::event("stripe", Some("payment_intent.succeeded"), "https://a.example/", 1_000_000).unwrap();
    let none = std::collections::BTreeMap::new();
    let signer = send::Signer { secret: "whsec_x", private: None, settings: &none, now: 1_000_000 };
    send::sign("stripe", 0, &signer, &mut sent).unwrap();
    let event = |config: Value| {
        let test = configured(config, "whsec_x").clock_ms(1_000_000).body(sent.body.clone());
        sent.headers.iter().fold(test, |test, (name, value)| test.header(name, value.clone()))
    };
    let outcome = event(json!({ "provider": "stripe" })).run();
    assert_eq!(outcome.label("provider"), Some("stripe"));
    assert_eq!(outcome.label("event"), Some("payment_intent.succeeded"));
    assert!(outcome.idempotency_key.unwrap().starts_with("evt_"));
    // Reported only.
    let outcome = event(json!({ "provider": "stripe", "report_only": true })).body("{}").run();
    assert_eq!((outcome.name(), outcome.label("verify")), ("pass", Some("failed")));
    // A replay is older than any window.
    let outcome = event(json!({ "provider": "stripe" })).clock_ms(9_000_000).replay().run();
    assert_eq!((outcome.name(), outcome.label("verify")), ("pass", Some("not-attempted")));
    // Once.
    let mut once = event(json!({ "provider": "stripe", "once_seconds": 60 }));
    assert_eq!(once.run().name(), "pass");
}

#[test]
fn tells_usual_mistakes_and_only_to_the_log() {
    let key = "It's a Secret to Everybody";
    let signed = |body: &[u8]| {
        format!("sha256={}", hex(&native::mac("hmac-sha256", key.as_bytes(), std::iter::once(body)).unwrap()))
    };
    let event = |signed_body: &[u8], body: &str| {
        test("github", key).header("x-hub-signature-256", signed(signed_body)).body(body).run()
    };
    for (sent, came, said) in [
        (&b"{\"a\":1}"[..], "{ \"a\": 1 }", "the same JSON without spaces"),
        (b"{\"a\":1}\n", "{\"a\":1}", "with a line feed at its end"),
        (b"{\"a\":1}", "{\"a\":1}\n", "without the line break at its end"),
        (b"{\"b\": [1, 2], \"a\": 1}", "{\"b\":[1,2],\"a\":1}", "with a space behind each comma and colon"),
        (b"{\n    \"b\": 1,\n    \"a\": 1\n}", "{\"b\":1,\"a\":1}", "indented by four"),
    ] {
        let outcome = event(sent, came);
        failed(&outcome, "mismatch");
        assert!(outcome.reason().contains(said), "{}", outcome.reason());
    }
    assert!(event(b"another", "{}").reason().ends_with("no usual mistake would explain it"));
    // The key was decoded before it was stored, or should have been; and what signs writes base64.
    let sum = native::mac("hmac-sha256", key.as_bytes(), std::iter::once(&b"{}"[..])).unwrap();
    let outcome =
        test("github", &hex(key.as_bytes())).header("x-hub-signature-256", event_header(&sum)).body("{}").run();
    failed(&outcome, "mismatch");
    assert!(outcome.reason().contains("if the secret's text is decoded as hex first"), "{}", outcome.reason());
    let recipe =
        json!({ "scheme": [{ "algorithm": "hmac-sha256", "signature": "header x-sum", "message": "{body}" }] });
    let sum = base64(&sum);
    let outcome =
        configured(json!({ "provider": "custom", "recipe": recipe }), key).header("x-sum", sum).body("{}").run();
    failed(&outcome, "malformed");
    assert!(outcome.reason().contains("if the signature is read as base64"), "{}", outcome.reason());
    // That of another endpoint.
    let config = json!({ "provider": "github", "other_secrets": ["other"] });
    let outcome = configured(config, "another")
        .secret("other", key)
        .header("x-hub-signature-256", signed(b"{}"))
        .body("{}")
        .run();
    failed(&outcome, "mismatch");
    assert!(outcome.reason().contains("it is right under the secret `other`"), "{}", outcome.reason());
    let outcome =
        configured(json!({ "provider": "square", "public_urls": ["https://wrong.example/webhook"] }), "asdf1234")
            .header("x-square-hmacsha256-signature", "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=")
            .header("host", "example.com")
            .authority("example.com")
            .path("/webhook")
            .body(r#"{"hello":"world"}"#)
            .run();
    failed(&outcome, "wrong-url");
}

fn event_header(sum: &[u8]) -> String {
    format!("sha256={}", hex(sum))
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn answers_handshakes_and_nothing_dangerous() {
    // Slack signs its own.
    let body = r#"{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}"#;
    let unsigned = test("slack", "s").body(body).run();
    assert_eq!(unsigned.status(), Some(401));
    // Meta asks with a token.
    let meta = |token: &str| {
        test("meta", "app")
            .secret("verify_token", "right")
            .method("GET")
            .path(&format!("/?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444"))
            .run()
    };
    let outcome = meta("right");
    assert_eq!((outcome.status(), outcome.answer_text()), (Some(200), "1158201444"));
    assert_eq!(meta("wrong").status(), Some(401));
    // X has a token signed under the key of its events: only one that is no event.
    let x = |token: &str| test("x", "consumer").method("GET").path(&format!("/?crc_token={token}")).run();
    assert_eq!(x("challenge_string").status(), Some(200));
    assert_eq!(x("%7B%22a%22%3A1%7D").status(), Some(401));
    assert_eq!(x(&"a".repeat(129)).status(), Some(401));
}

/// A destination that got it could send events itself.
#[test]
fn the_senders_token_goes_no_further() {
    let sent = |config: Value| {
        configured(config, "token")
            .header("authorization", "Bearer token")
            .header("x-other", "stays")
            .path("/a?x=%20&access%5Ftoken=token&y=2&access_token=token")
            .body("{}")
            .run()
    };
    let settings = json!({ "origin": "eventemitter.example.com" });
    let outcome = sent(json!({ "provider": "cloudevents", "settings": settings }));
    assert_eq!(outcome.label("verify"), Some("authenticated"), "{}", outcome.reason());
    let event = outcome.event();
    assert_eq!((event.header("authorization"), event.header("x-other")), (None, Some("stays")));
    assert_eq!(event.query.as_deref(), Some("x=%20&y=2"));
    let outcome = sent(json!({ "provider": "cloudevents", "settings": settings, "keep_credentials": true }));
    assert_eq!((outcome.name(), outcome.event().header("authorization")), ("pass", Some("Bearer token")));
    // What only signs stays.
    // Nor when it is sent again.
    let config = json!({ "provider": "cloudevents", "settings": settings });
    let outcome = configured(config.clone(), "token").header("authorization", "Bearer token").replay().run();
    assert_eq!((outcome.name(), outcome.event().header("authorization")), ("edit", None));
    // Two of them in the query.
    let scheme = |name: &str| json!({ "algorithm": "token", "signature": format!("query {name}") });
    let recipe = json!({ "scheme": [scheme("a"), scheme("b")] });
    let outcome = configured(json!({ "provider": "custom", "recipe": recipe }), "t").path("/?a=t&b=t&c=1").run();
    assert_eq!(outcome.event().query.as_deref(), Some("c=1"), "{}", outcome.reason());
    let outcome = configured(config, "another").header("authorization", "Bearer token").run();
    failed(&outcome, "mismatch");
    assert!(outcome.reason().contains("the token that was sent is not the secret"), "{}", outcome.reason());
}

#[test]
fn says_which_origin_may_send() {
    // https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md, 4.1 and 4.2
    let asks = |config: Value, origin: &str| {
        configured(config, "token").method("OPTIONS").header("webhook-request-origin", origin).run()
    };
    let config = json!({ "provider": "cloudevents", "settings": { "origin": "eventemitter.example.com" } });
    let outcome = asks(config.clone(), "EventEmitter.example.com");
    assert_eq!((outcome.name(), outcome.status()), ("respond", Some(200)), "{}", outcome.reason());
    assert_eq!(outcome.answer_header("webhook-allowed-origin"), Some("eventemitter.example.com"));
    assert_eq!(outcome.answer_header("webhook-allowed-rate"), Some("*"));
    let outcome = asks(config, "another.example.com");
    failed(&outcome, "handshake");
    let why =
        "header webhook-request-origin is `another.example.com`; the setting origin says `eventemitter.example.com`";
    assert!(outcome.reason().contains(why), "{}", outcome.reason());
    let event_grid = || json!({ "provider": "azure-event-grid" });
    let outcome = asks(event_grid(), "eventgrid.azure.net");
    assert_eq!(outcome.answer_header("webhook-allowed-origin"), Some("eventgrid.azure.net"), "{}", outcome.reason());
    failed(&asks(event_grid(), "another.example.com"), "no-signature");
    // https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema
    let outcome = configured(event_grid(), "s")
        .header("aeg-event-type", "SubscriptionValidation")
        .body(r#"[{"data":{"validationCode":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}}]"#)
        .run();
    assert_eq!(outcome.answer_text(), r#"{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}"#);
}

#[test]
fn refuses_configurations_that_cannot_work() {
    for (config, said) in [
        (json!({}), "missing field `provider`"),
        (json!({ "provider": "strip" }), "there is no recipe for `strip`; perhaps stripe"),
        (json!({ "provider": "stripe", "widow": 1 }), "unknown field `widow`"),
        (json!({ "provider": "custom" }), "recipe: is missing"),
        (json!({ "provider": "stripe", "recipe": {} }), "recipe: is for provider `custom` only"),
        (json!({ "provider": "paypal" }), "settings.webhook_id: is missing"),
        (json!({ "provider": "stripe", "settings": { "x": "y" } }), "settings.x: stripe does not read it"),
        (json!({ "provider": "square", "public_urls": ["example.com"] }), "public_urls[0]: `example.com` is no URL"),
        (json!({ "provider": "paystack", "once_seconds": 60 }), "once_seconds: paystack gives its deliveries no id"),
        (
            json!({ "provider": "custom", "recipe": { "scheme": [{ "algorithm": "rot13" }] } }),
            "unknown variant `rot13`",
        ),
        (
            json!({ "provider": "custom", "recipe": { "scheme": [{ "algorithm": "hmac-sha256", "message": "{bod}" }] } }),
            "`bod` is no value",
        ),
    ] {
        let problem = Test::new::<Verify>().config(&config).configure().unwrap_err();
        assert!(problem.contains(said), "{config}: {problem}");
    }
}

#[test]
fn takes_a_recipe_of_the_operators_own() {
    let recipe = json!({ "scheme": [{
        "algorithm": "hmac-sha256", "signature": "header x-acme", "prefix": "v1=", "message": "{header x-time}.{body}",
    }] });
    let signature = native::mac("hmac-sha256", b"key", [&b"7."[..], b"{}"].into_iter()).unwrap();
    let event = |body: &str| {
        configured(json!({ "provider": "custom", "recipe": recipe }), "key")
            .header("x-acme", format!("v1={}", hex(&signature)))
            .header("x-time", "7")
            .body(body)
    };
    verified(event("{}"));
    failed(&event("[]").run(), "mismatch");
}

#[test]
fn an_attachment_without_the_grant_fails() {
    let outcome = Test::new::<Verify>()
        .config(json!({ "provider": "github" }))
        .header("x-hub-signature-256", format!("sha256={}", "00".repeat(32)))
        .body("{}")
        .run();
    assert_eq!((outcome.name(), outcome.reason()), ("failed", "the attachment does not grant secrets.secret"));
}
