//! Never looks at the body, and says in header `x-body-length` whether the host read it all the same.

use snaphook_sdk::prelude::*;

struct HeadersOnly;

impl Filter for HeadersOnly {
    type Config = ();

    fn handle(event: &Event, _config: &()) -> Result<Verdict> {
        let length = event.body_length().map_or_else(|| "none".to_owned(), |length| length.to_string());
        Ok(Verdict::edit().set_header("x-body-length", length))
    }
}

snaphook_sdk::export!(HeadersOnly, body: none);
