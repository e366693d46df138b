//! Writes Shopify's topic into the path, so that one URL at Shopify serves many at home.

use snaphook_sdk::prelude::*;

struct TopicToPath;

impl Filter for TopicToPath {
    type Config = ();

    fn handle(event: &Event, _config: &()) -> Result<Verdict> {
        let topic = event.header("x-shopify-topic").or_refuse(400, "header x-shopify-topic is missing")?;
        // The topic is not signed: it may name a path below, and lead nowhere else.
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !topic.split('/').all(plain) {
            return Ok(Verdict::reject(400).reason(format!("`{topic}` is no topic")));
        }
        Ok(Verdict::edit().set_path(format!("/{topic}")))
    }
}

snaphook_sdk::export!(TopicToPath, body: none);
