//! Takes time and never comes to an end.

use std::{hint::black_box, thread, time::Duration};

use snaphook_sdk::{
    body::Hash,
    clock,
    hmac::{self, Algorithm, Part},
    prelude::*,
    random,
};

use crate::{Deed, answer};

/// None if it is told something else.
pub(crate) fn deed(deed: &Deed<'_>) -> Option<Result<Verdict>> {
    let event = deed.event;
    match deed.name {
        "spin" => spin(),
        "stack" => Some(Ok(Verdict::drop(stack(0).to_string()))),
        // The same with the host's help: each call is short, and there is no end of them.
        "spin-clock" => again(clock::now_ms),
        "spin-random" => again(|| random::bytes(65_536)),
        "spin-read" => again(|| event.body().bytes()),
        "spin-json" => again(|| event.body().json_text("/0")),
        "spin-digest" => again(|| event.body().digest(Hash::Sha512)),
        "spin-mac" => again(|| hmac::verify("webhook", Algorithm::HmacSha512, &[Part::Body(event.body())], b"")),
        // One call that is not short.
        "mac" => {
            let parts: Vec<_> = (0..deed.number(0)).map(|_| Part::Body(event.body())).collect();
            Some(Ok(match hmac::verify("webhook", Algorithm::HmacSha512, &parts, b"") {
                Ok(right) => answer(right),
                Err(error) => answer(error),
            }))
        }
        "sleep" => {
            thread::sleep(Duration::from_millis(deed.number(0) as u64));
            Some(Ok(Verdict::pass()))
        }
        // A nap that is over at once, and again.
        "nap" => again(|| thread::sleep(Duration::from_nanos(1))),
        _ => None,
    }
}

pub(crate) fn spin() -> ! {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

/// Calls itself until there is no stack.
#[expect(unconditional_recursion, reason = "is what it is for")]
pub(crate) fn stack(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    stack(depth + 1) + frame[usize::try_from(depth % 64).unwrap_or(0)]
}

fn again<T>(mut call: impl FnMut() -> T) -> ! {
    loop {
        black_box(call());
    }
}
