//! Drops what bots do on GitHub.

use snaphook_sdk::prelude::*;

struct DropBots;

impl Filter for DropBots {
    type Config = ();

    fn handle(event: &Event, _config: &()) -> Result<Verdict> {
        if event.body().pointer("/sender/type").as_deref() == Some("Bot") {
            let login = event.body().pointer("/sender/login").unwrap_or_default();
            return Ok(Verdict::drop(format!("of a bot: {login}")));
        }
        Ok(Verdict::pass())
    }
}

snaphook_sdk::export!(DropBots);
