//! Sets header `x-version` to 1. Beside `v2`: one filter in two versions.

use snaphook_sdk::prelude::*;

struct Version;

impl Filter for Version {
    type Config = ();

    fn handle(_event: &Event, _config: &()) -> Result<Verdict> {
        Ok(Verdict::edit().set_header("x-version", "1"))
    }
}

snaphook_sdk::export!(Version, body: none);
