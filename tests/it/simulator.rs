//! `snaphook send PROVIDER`: every fault that it has on demand, as a host with filter `verify` sees it.

use serde_json::{Value, json};

use crate::support::{Destination, Ended, Platform, Program, snaphook};

struct Room {
    platform: Platform,
    destination: Destination,
}

impl Room {
    /// A host that takes Stripe's events at `/stripe`, GitHub's at `/github`, and those of a recipe at `/own`.
    async fn open() -> Self {
        let destination = Destination::ok().await;
        let platform = Platform::start().await;
        platform.push("verify").await;
        platform.destination("ci", &destination).await;
        platform.secret("key", "whsec_test").await;
        let recipe: Value = toml::from_str(RECIPE).unwrap();
        let configs = [
            ("stripe", json!({ "provider": "stripe" })),
            ("github", json!({ "provider": "github" })),
            ("own", json!({ "provider": "custom", "recipe": recipe })),
        ];
        for (name, config) in configs {
            let grants = json!({ "secrets": { "secret": "key" } });
            let filter = json!({ "name": "verify", "module": "verify", "config": config, "grants": grants });
            let spec = json!({
                "match": { "path": format!("/{name}") }, "filters": [filter], "forward": { "candidates": ["ci"] },
            });
            platform.put_route(name, spec).await;
        }
        Self { platform, destination }
    }

    async fn send(&self, arguments: &[&str]) -> Ended {
        let program = Program::new(snaphook()).args(["send"]).args(arguments);
        let program = program.env("SNAPHOOK_ADMIN", format!("http://{}", self.platform.admin()));
        program.env("SNAPHOOK_TOKEN", self.platform.token()).env("KEY", "whsec_test").run().await
    }

    /// What the event's record says of the last event.
    async fn last(&self) -> Value {
        self.platform.records("").await.remove(0)
    }
}

const RECIPE: &str = r#"
[[scheme]]
algorithm = "hmac-sha256"
signature = "header x-own-signature"
prefix = "v1="
message = "{header x-own-time}.{body}"
timestamp = "header x-own-time"
window = 300
"#;

const SIGNED: [&str; 2] = ["--secret-env", "KEY"];

fn cause(record: &Value) -> &str {
    let labels = record["labels"].as_array().unwrap();
    labels.iter().find(|label| label[0] == "verify.cause").map_or("", |label| label[1].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_what_they_say() {
    let room = Room::open().await;
    let send = async |arguments: &[&str]| room.send(&[arguments, &SIGNED].concat()).await;

    let ended = send(&["stripe", "payment_intent.succeeded", "--expect", "200"]).await;
    assert!(ended.status.success() && ended.errors.is_empty(), "{ended:?}");
    for (fault, wanted) in [("--stale", "too-old"), ("--tamper", "mismatch")] {
        let ended = send(&["stripe", fault, "--expect", "401"]).await;
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(cause(&room.last().await), wanted, "{fault}");
    }
    let before = room.destination.received().len();
    let ended = send(&["stripe", "--count", "2", "--duplicate", "--reorder", "--rate", "100"]).await;
    assert!(ended.output.ends_with("4 × 200\n"), "{ended:?}");
    let bodies: Vec<_> = room.destination.received().split_off(before).into_iter().map(|sent| sent.body).collect();
    assert!(bodies[0] == bodies[1] && bodies[2] == bodies[3] && bodies[0] != bodies[2], "{bodies:?}");

    let ended = send(&["stripe", "--truncate"]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(
        (ended.output.as_str(), ended.errors.as_str()),
        ("", "1: broken off in the middle of the body; no answer is read\n")
    );
    let ended = send(&["stripe", "--truncate", "--expect", "200"]).await;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    room.platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_show_is_said() {
    let room = Room::open().await;
    let ended = room.send(&[&["github", "push", "--stale", "--expect", "200"][..], &SIGNED].concat()).await;
    assert_eq!(ended.errors, "note: --stale changes nothing: github signs no time\n", "{ended:?}");
    let ended = room.send(&["github", "push", "--expect", "401"]).await;
    assert_eq!(ended.errors, "note: not signed: there is neither a secret nor a private key for github\n", "{ended:?}");
    for (arguments, problem) in [
        (&["github", "--provider", "stripe"][..], "--provider is for an event file; `github` is a provider itself"),
        (&["stripe", "--recipe", "x.toml"], "--recipe is for an event file; `stripe` has a recipe of its own"),
        (&["stripe", "--scheme", "4"], "--scheme 4: the last one of stripe is 0"),
        (&["stripe", "--setting", "a=b"], "--setting a: stripe does not read it: it reads none"),
        (&["strpe"], "`strpe` is neither an event file nor a provider: `snaphook send --list` lists the providers"),
    ] {
        let ended = room.send(arguments).await;
        assert_eq!((ended.status.code(), ended.errors), (Some(2), format!("error: {problem}\n")));
    }
    room.platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_by_a_recipe_of_ones_own() {
    let room = Room::open().await;
    let folder = tempfile::tempdir().unwrap();
    let (recipe, event) = (folder.path().join("own.toml"), folder.path().join("event.json"));
    std::fs::write(&recipe, RECIPE).unwrap();
    std::fs::write(&event, r#"{"path": "/own", "body": {"n": 1}}"#).unwrap();
    let [recipe, event] = [recipe, event].map(|file| file.to_str().unwrap().to_owned());
    let own = [event.as_str(), "--recipe", &recipe, "--secret-env", "KEY"];
    let ended = room.send(&[&own[..], &["--expect", "200"]].concat()).await;
    assert!(ended.status.success(), "{ended:?}");
    let ended = room.send(&[&own[..], &["--stale", "--expect", "401"]].concat()).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(cause(&room.last().await), "too-old");
    std::fs::write(folder.path().join("own.toml"), "[[scheme]]\nalgorithm = \"hmac-md5\"\n").unwrap();
    let ended = room.send(&own).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.errors.contains("own.toml`: ") && ended.errors.contains("hmac-md5"), "{}", ended.errors);
    room.platform.stop().await;
}
