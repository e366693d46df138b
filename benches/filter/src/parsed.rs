//! The rewrite with a parser in the guest: the body is copied in and read into types.

use snaphook_sdk::prelude::*;

// The native proxy of the benches runs the same file.
#[path = "../../src/rewrite.rs"]
#[expect(unreachable_pub, reason = "the benches' library shows it")]
mod rewrite;

/// What `pointers::rewrite` writes, byte for byte.
pub(crate) fn rewrite(body: &Body) -> Result<Vec<u8>> {
    Ok(rewrite::rewrite(&body.bytes()).or_refuse(400, "the body is no push in JSON")?)
}
