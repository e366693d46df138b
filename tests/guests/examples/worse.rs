//! A new version of `told` that is worse: it takes every configuration, and fails as header `x-worse` says. Without the
//! header it sets `x-version` to `worse`.

use snaphook_sdk::{kv, prelude::*, serde_json::Value};

struct Worse;

impl Filter for Worse {
    type Config = Value;

    fn handle(event: &Event, _config: &Value) -> Result<Verdict> {
        match event.header("x-worse") {
            Some("trap") => panic!("worse than before"),
            Some("spin") => loop {
                std::hint::spin_loop();
            },
            Some("memory") => {
                let mut held = Vec::new();
                loop {
                    held.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            Some("denied") => {
                kv::namespace("other").get("key")?;
                Ok(Verdict::pass())
            }
            Some("fail") => Err(Error::failed("worse than before")),
            Some("bad-output") => Ok(Verdict::edit().set_header("x-half", "done").set_header("host", "example.com")),
            Some("say-and-trap") => {
                kv::namespace("store").once("key", 60)?;
                event.set_label("worse", "said")?;
                event.set_idempotency_key("worse")?;
                panic!("worse than before")
            }
            _ => Ok(Verdict::edit().set_header("x-version", "worse")),
        }
    }
}

snaphook_sdk::export!(Worse, body: none, kv: ["store"]);
