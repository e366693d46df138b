//! Ends in every way that there is, and leaves something behind.

use std::hint::black_box;

use snaphook_sdk::{kv, log, prelude::*, verdict::Response};

use crate::{Deed, compute, flood};

/// What a filter leaves in its memory, and what no other filter may find there. No code that searches for it holds it.
const PATTERN: u64 = 0x5ca1_ab1e_0ddb_a115;

/// None if it is told something else.
pub(crate) fn deed(deed: &Deed<'_>) -> Option<Result<Verdict>> {
    match deed.name {
        // Takes a key and leaves.
        "take" => Some(taken(deed.event).and_then(|()| ended(deed))),
        // Says everything that can be said beside a verdict, and leaves.
        "say-all" => Some(said(deed.event).and_then(|()| ended(deed))),
        // Fills memory and leaves.
        "fill" => {
            let filled = black_box(vec![PATTERN; (6 << 20) / 8]);
            let ended = ended(deed);
            black_box(filled);
            Some(ended)
        }
        _ => None,
    }
}

fn taken(event: &Event) -> Result<()> {
    let reservation = kv::namespace("store").once("taken", 600)?;
    event.set_label("once", &format!("{reservation:?}"))?;
    Ok(())
}

fn said(event: &Event) -> Result<()> {
    event.set_label("said", "before")?;
    event.set_idempotency_key("said before")?;
    event.set_order_key("said before")?;
    let headers = vec![("x-said".to_owned(), b"before".to_vec())];
    event.set_answer(&Response { status: 201, headers, body: b"said before".to_vec() })?;
    log::info!("said before");
    Ok(())
}

#[expect(clippy::panic, reason = "is what it is for")]
fn ended(deed: &Deed<'_>) -> Result<Verdict> {
    match deed.word(0) {
        "panic" => panic!("told to"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(0),
        "stack" => Ok(Verdict::drop(compute::stack(0).to_string())),
        "astray" => Ok(Verdict::drop(astray().to_string())),
        "spin" => compute::spin(),
        "memory" => flood::memory(),
        "fail" => Err("told to".into()),
        "denied" => match kv::namespace("of others").get("key") {
            Ok(_) => Ok(Verdict::pass()),
            Err(error) => Err(error.into()),
        },
        "bad-output" => Ok(Verdict::edit().set_header("x-said", "before").set_header("host", "example.com")),
        "respond" => Ok(Verdict::respond(200)),
        _ => Ok(Verdict::edit().set_header("x-left", "1")),
    }
}

/// Reads where there is no memory.
#[expect(unsafe_code, reason = "is what it is for")]
fn astray() -> u8 {
    let place = black_box(0xffff_0000_usize as *const u8);
    // SAFETY: there is none; the sandbox has to stop it.
    unsafe { place.read_volatile() }
}
