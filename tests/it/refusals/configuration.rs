//! Routes, destinations, secrets and configurations of filters that are written wrong: every fault at once, with its place.

use serde_json::{Value, json};

use crate::support::{Destination, Platform};

async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::start().await;
    platform.destination("ci", destination).await;
    platform
}

async fn refused(platform: &Platform, spec: Value) -> String {
    let revision = platform.api.get("/v1/status").await.json()["revision"].clone();
    let answer = platform.api.put("/routes/orders", &spec).await;
    let faults = answer.faults(422);
    assert_eq!(platform.api.get("/v1/status").await.json()["revision"], revision, "what is refused changes nothing");
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_with_a_route_is_said() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let spec = json!({
        "match": {"host": "http://a", "path": "orders", "methods": ["post"], "headers": [{"name": "a b"}]},
        "forward": {"candidates": ["ci", "Billing", "ci"], "default": "chat"},
        "filters": [
            {"name": "Verify", "module": "github-verify@"},
            {"name": "two", "module": "a", "mode": "shadow"},
            {"name": "two", "module": "a", "limits": {"time_ms": 0, "memory_bytes": 999_999_999}},
        ],
        "body_limit_bytes": 99_999_999,
        "acknowledgement": 404,
    });
    assert_eq!(
        refused(&platform, spec).await,
        "\
routes.orders.match.host: `http://a` is no host: write `hooks.example.com` or `*.example.com`, without scheme and port
routes.orders.match.path: `orders` must begin with `/`
routes.orders.match.methods[0]: `post` is no method: write `POST`
routes.orders.match.headers[0].name: `a b` is no header name
routes.orders.forward.candidates[1]: `Billing` is not a name: 1 to 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit
routes.orders.forward.candidates[2]: `ci` is there twice
routes.orders.filters[0].name: `Verify` is not a name: 1 to 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit
routes.orders.filters[0].module: `github-verify@` names no version: write a number after `@`, such as `@3`
routes.orders.filters[1].mode: needs a `candidate`
routes.orders.filters[2].limits.time_ms: 0 is out of range: 1 to 10000
routes.orders.filters[2].limits.memory_bytes: 999999999 is out of range: 1 to 268435456
routes.orders.body_limit_bytes: 99999999 is too much: at most 67108864
routes.orders.acknowledgement: 404 is no success: 200 to 299"
    );
    for (spec, said) in [
        (
            json!({"forward": {"candidates": ["ci"]}, "filters": [{"name": "a", "module": "a", "limits": {"wall_ms": 10}}]}),
            "routes.orders.filters[0].limits.wall_ms: 10 is less than `time_ms`, 50",
        ),
        (
            json!({}),
            "routes.orders.forward: a route needs `forward` with at least one candidate, or `deliver` with at least one destination",
        ),
        (
            json!({"forward": {"candidates": []}}),
            "routes.orders.forward.candidates: is empty: name at least one destination",
        ),
        (
            json!({"forward": {"candidates": ["ci"], "default": "chat"}}),
            "routes.orders.forward.default: `chat` is not one of the candidates",
        ),
        (
            json!({"match": {"path": "/a/{x}b"}, "forward": {"candidates": ["ci"]}}),
            "routes.orders.match.path: `{x}b` in `/a/{x}b`: a `{name}` takes a whole segment",
        ),
        (
            json!({"match": {"path": "/{*a}/b"}, "forward": {"candidates": ["ci"]}}),
            "routes.orders.match.path: `{*a}` in `/{*a}/b` must be the last segment",
        ),
    ] {
        assert_eq!(refused(&platform, spec).await, said);
    }
    platform.stop().await;
}

/// What is wrong in different ways, of different things, is told in one answer.
#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_told_at_once() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    platform.push("router").await;
    let first = json!({"match": {"path": "/a"}, "forward": {"candidates": ["ci"]}, "filters": []});
    platform.put_route("first", first).await;
    let configuration = json!({
        "modules": {"verify": {"digest": format!("sha256:{}", "ab".repeat(32))}},
        "destinations": {"bad": {"url": "ftp://x"}},
        "routes": {
            "alike": {
                "match": {"path": "/a"},
                "forward": {"candidates": ["nowhere", "bad"]},
                "filters": [{
                    "name": "route",
                    "module": "router",
                    "config": {"rules": 1},
                    "grants": {"secrets": {"key": "unknown"}},
                }],
            },
            "odd": {"match": {"path": "x"}, "forward": {"candidates": []}},
        },
    });
    let faults = platform.api.in_project("default").post("/apply", &configuration).await.faults(422);
    let mut places: Vec<&str> = faults.lines().filter_map(|fault| fault.split(": ").next()).collect();
    places.sort_unstable();
    places.dedup();
    let expected = [
        "destinations.bad.url",
        "modules.verify.digest",
        "routes.alike.filters[0].config/rules",
        "routes.alike.filters[0].grants.secrets.key",
        "routes.alike.forward.candidates",
        "routes.alike.match",
        "routes.odd.forward.candidates",
        "routes.odd.match.path",
    ];
    assert_eq!(places, expected, "{faults}");
    assert!(faults.contains("destination `nowhere` does not exist") && !faults.contains("destination `bad`"));

    // What has the wrong shape is not looked at further, but told completely.
    let shapeless =
        json!({"match": {"path": 7, "paht": ""}, "filters": [{"name": 1}], "forward": {"candidates": "ci"}});
    let faults = platform.api.in_project("default").put("/routes/orders", &shapeless).await.faults(400);
    for place in ["match.path", "match.paht", "filters[0].name", "forward.candidates"] {
        assert!(faults.contains(place), "{place} is not among: {faults}");
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_routes_for_the_same_requests_are_refused() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let spec = |matches: Value| json!({"match": matches, "forward": {"candidates": ["ci"]}, "filters": []});
    platform.put_route("first", spec(json!({"path": "/a/{b}"}))).await;
    let remedy = "give one of them another host or path, methods that only it lists, or one more header condition";
    for (other, shown) in
        [(json!({"path": "/a/{c}"}), "any host, path `/a/{c}`"), (json!({"path": "/a/{b}"}), "any host, path `/a/{b}`")]
    {
        let faults = refused(&platform, spec(other)).await;
        assert_eq!(faults, format!("routes.orders.match: fits the same requests as `first` ({shown}): {remedy}"));
    }
    platform.put_route("orders", spec(json!({"path": "/a/{b}", "methods": ["POST"]}))).await;
    platform.put_route("third", spec(json!({"path": "/a/{b}", "headers": [{"name": "x-a"}]}))).await;

    // Another team is told that there is one, and not which.
    platform.api.put("/v1/projects/team", &json!({})).await.expect(201);
    let team = platform.api.in_project("team");
    team.put("/destinations/ci", &json!({"url": "http://127.0.0.1:1/"})).await.expect(200);
    let faults = team.put("/routes/theirs", &spec(json!({"path": "/a/{x}"}))).await.faults(422);
    let remedy = "give it another host or path, methods that only it lists, or one more header condition";
    let shown = "any host, path `/a/{x}`";
    assert_eq!(
        faults,
        format!("routes.theirs.match: fits the same requests as a route of another project ({shown}): {remedy}")
    );
    platform.stop().await;
}

/// A configuration is looked at when it is written: by the module's JSON Schema first, then by the module.
#[tokio::test(flavor = "multi_thread")]
async fn a_filters_configuration_is_checked_by_schema_and_filter() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    platform.push("router").await;
    platform.push("github-verify").await;
    platform.secret("github", "x").await;
    let spec = |module: &str, config: Value| {
        let grants = if module == "router" { json!({}) } else { json!({"secrets": {"webhook": "github"}}) };
        let filter = json!({"name": "f", "module": module, "config": config, "grants": grants});
        json!({"match": {"path": "/orders"}, "forward": {"candidates": ["ci"]}, "filters": [filter]})
    };
    let at = "routes.orders.filters[0].config";
    for (module, config, said) in [
        ("router", json!({}), format!("{at}: \"rules\" is a required property")),
        ("router", json!({"rules": [{"to": []}]}), format!("{at}/rules/0/to: [] has less than 1 item")),
        ("router", json!({"rules": [{"to": [1]}]}), format!("{at}/rules/0/to/0: 1 is not of type \"string\"")),
        (
            "router",
            json!({"rules": [], "colour": "red"}),
            format!("{at}: Additional properties are not allowed ('colour' was unexpected)"),
        ),
        (
            "github-verify",
            json!({"replay_ttl_seconds": 0, "answer_ping": "yes"}),
            format!(
                "{at}/answer_ping: \"yes\" is not of type \"boolean\"\n{at}/replay_ttl_seconds: 0 is less than the minimum of 1"
            ),
        ),
    ] {
        let mut faults: Vec<String> =
            refused(&platform, spec(module, config)).await.lines().map(str::to_owned).collect();
        faults.sort();
        assert_eq!(faults.join("\n"), said);
    }
    // What the schema cannot see, the filter does.
    platform.push("hello").await;
    platform.api.upload("router", crate::support::guest("router")).await.expect(200);
    let config = json!({"rules": [{"to": ["ci"], "body": [{"at": "/a", "equals": "1", "like": "2"}]}]});
    let faults = refused(&platform, spec("router", config)).await;
    assert!(faults.starts_with(&format!("{at}/rules/0/body/0: ")), "{faults}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destinations_and_secrets_are_checked() {
    let platform = Platform::start().await;
    for (path, body, said) in [
        (
            "/destinations/ci",
            json!({"url": "ftp://a/"}),
            "destinations.ci.url: `ftp://a/` must begin with http:// or https://",
        ),
        (
            "/destinations/ci",
            json!({"url": "https://user:pass@a/"}),
            "destinations.ci.url: `https://user:pass@a/` must not carry a user or password; set a header in a filter",
        ),
        (
            "/destinations/ci",
            json!({"url": "https://a/", "connect_timeout_ms": 0, "total_timeout_ms": 600_001}),
            "destinations.ci.connect_timeout_ms: 0 is out of range: 1 to 600000 milliseconds\n\
             destinations.ci.total_timeout_ms: 600001 is out of range: 1 to 600000 milliseconds",
        ),
        ("/secrets/a", json!({}), "write one of `value` and `value_base64`"),
        ("/secrets/a", json!({"value": "a", "value_base64": "YQ=="}), "write one of `value` and `value_base64`"),
        ("/secrets/a", json!({"value": ""}), "value: has 0 bytes: 1 to 4096 are right"),
        ("/secrets/a", json!({"value": "x".repeat(4097)}), "value: has 4097 bytes: 1 to 4096 are right"),
        ("/secrets/a", json!({"value_base64": "!"}), "value_base64: is no base64 with padding"),
    ] {
        assert_eq!(platform.api.put(path, &body).await.faults(422), said, "{path} {body}");
    }
    platform.stop().await;
}

/// An event file that is wrong is refused before anything runs.
#[tokio::test(flavor = "multi_thread")]
async fn event_files_are_checked() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    platform.route("hooks", "/hook", &["ci"], json!([])).await;
    for (event, said) in [
        (json!({"method": "a b"}), "method: `a b` is no method: write `POST`"),
        (json!({"path": "a"}), "path: `a` must begin with `/` and hold no query"),
        (json!({"headers": [["a b", "1"]]}), "headers[0]: `a b` is no header name"),
        (json!({"headers": [["x-a", "a\nb"]]}), "headers[0]: the value of `x-a` has control characters"),
        (json!({"body": {}, "body_text": "x"}), "body: there may be only one of `body`, `body_text` and `body_base64`"),
    ] {
        assert_eq!(platform.api.post("/routes/hooks/test", &event).await.faults(422), said);
    }
    let none = platform.api.post("/routes/none/test", &json!({})).await;
    assert_eq!(none.faults(404), "route `none` does not exist");
    platform.stop().await;
}
