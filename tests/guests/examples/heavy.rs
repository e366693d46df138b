//! Takes more memory than a filter gets by default, before it does anything.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

use snaphook_sdk::prelude::*;

static ROOM: [AtomicU8; 80 << 20] = [const { AtomicU8::new(0) }; 80 << 20];

struct Heavy;

impl Filter for Heavy {
    type Config = ();

    fn handle(event: &Event, _config: &()) -> Result<Verdict> {
        let place = event.path().len();
        ROOM[place].fetch_add(1, Relaxed);
        Ok(Verdict::edit().set_header("x-room", black_box(&ROOM)[place].load(Relaxed).to_string()))
    }
}

snaphook_sdk::export!(Heavy, body: none);
