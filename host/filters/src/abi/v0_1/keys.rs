//! Public keys that others publish.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    bindings::snaphook::filter::{keys, types},
    host::{Answer, denied, handling, invalid},
};
use crate::{
    call::{Call, Handling},
    fetch,
};

const URL_BYTES_MOST: usize = 2_048;
const SENT_BYTES_MOST: usize = 16 << 10;
const HEADERS_MOST: usize = 16;
const KEEP_SECONDS: std::ops::RangeInclusive<u32> = 60..=86_400;

impl Handling {
    /// What pieces come to; the secret's grant that is missing.
    fn text(&self, pieces: &[keys::Text]) -> Result<Vec<u8>, String> {
        let secret = |name: &String| {
            let newest = self.filter.keys(name).and_then(<[_]>::first);
            newest.map(crate::filter::Key::text).ok_or_else(|| format!("secrets.{name}"))
        };
        let mut text = Vec::new();
        for piece in pieces {
            match piece {
                keys::Text::Literal(literal) => text.extend_from_slice(literal.as_bytes()),
                keys::Text::Secret(name) => text.extend_from_slice(secret(name)?),
                keys::Text::SecretJson(name) => {
                    let value = String::from_utf8_lossy(secret(name)?).into_owned();
                    text.extend(serde_json::to_vec(&value).expect("a string is JSON"));
                }
                keys::Text::SecretBase64(name) => text.extend(STANDARD.encode(secret(name)?).into_bytes()),
            }
        }
        Ok(text)
    }
}

impl keys::Host for Call {
    async fn fetch(&mut self, request: keys::Request) -> Answer<Vec<u8>> {
        let keys::Request { url, headers, body, keep_seconds } = request;
        if url.len() > URL_BYTES_MOST || headers.len() > HEADERS_MOST {
            return invalid(format!("at most {URL_BYTES_MOST} bytes of URL and {HEADERS_MOST} headers"));
        }
        let grant = format!("keys={url}");
        let handling = handling!(self, &grant);
        if !handling.filter.fetched.iter().any(|pin| signatures::is_pinned(&url, pin)) {
            return denied(self, &grant);
        }
        let mut wanted = fetch::Request { url, headers: Vec::new(), body: None, keep_seconds: 0 };
        wanted.keep_seconds = keep_seconds.clamp(*KEEP_SECONDS.start(), *KEEP_SECONDS.end());
        for (name, value) in &headers {
            match handling.text(value) {
                Ok(value) => wanted.headers.push((name.clone(), value)),
                Err(grant) => return denied(self, &grant),
            }
        }
        match body.as_deref().map(|body| handling.text(body)).transpose() {
            Ok(body) => wanted.body = body,
            Err(grant) => return denied(self, &grant),
        }
        if wanted.body.as_ref().map_or(0, Vec::len) > SENT_BYTES_MOST {
            return invalid(format!("the body is too long: at most {SENT_BYTES_MOST} bytes"));
        }
        let Some(fetcher) = handling.filter.module.machine.fetcher() else {
            return Ok(Err(types::CallError::Unavailable("nothing is fetched here".to_owned())));
        };
        let project = handling.filter.project.clone();
        match fetcher.fetch(&project, wanted).await {
            Ok(document) => Ok(Ok(document.to_vec())),
            Err(problem) => Ok(Err(types::CallError::Unavailable(problem))),
        }
    }
}
