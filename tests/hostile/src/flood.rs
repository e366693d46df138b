//! Too much of what there may be some of: memory, handles, lines of the log, keys.

use std::{hint::black_box, io::Write, mem};

use snaphook_sdk::{kv, log, prelude::*};

use crate::{Deed, answer};

/// None if it is told something else.
pub(crate) fn deed(deed: &Deed<'_>) -> Option<Result<Verdict>> {
    let count = deed.number(0);
    Some(Ok(match deed.name {
        "memory" => memory(),
        "memory-politely" => answer(memory_politely()),
        "handles" => handles(deed.event),
        "log" => log_lines(count, deed.number(1)),
        "print" => print(count, deed.number(1)),
        "print-on" => print_on(count),
        "kv" => answer(keys(count, deed.number(1))),
        "labels" => answer(labels(deed.event, count)),
        _ => return None,
    }))
}

/// Takes and touches memory until there is none, and does not survive it.
pub(crate) fn memory() -> ! {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(black_box(vec![1; 1 << 20]));
    }
}

/// The same, but it takes no for an answer: MiB that it got.
fn memory_politely() -> usize {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut piece: Vec<u8> = Vec::new();
        if piece.try_reserve_exact(1 << 20).is_err() {
            return taken.len();
        }
        piece.resize(1 << 20, 1);
        taken.push(black_box(piece));
    }
}

/// Asks for handles and never gives one back.
fn handles(event: &Event) -> ! {
    loop {
        mem::forget(event.body().original());
    }
}

fn log_lines(count: usize, bytes: usize) -> Verdict {
    let line = "x".repeat(bytes);
    for _ in 0..count {
        log::info!("{line}");
    }
    Verdict::pass()
}

#[expect(clippy::print_stdout, reason = "is what it is for")]
fn print(count: usize, bytes: usize) -> Verdict {
    let line = "x".repeat(bytes);
    for _ in 0..count {
        println!("{line}");
    }
    Verdict::pass()
}

/// One line that has no end, a piece of 64 KiB at a time.
fn print_on(pieces: usize) -> Verdict {
    let piece = vec![b'x'; 64 << 10];
    let mut out = std::io::stderr();
    for _ in 0..pieces {
        // Whether the host takes it is what the host is asked.
        _ = out.write_all(&piece);
    }
    Verdict::pass()
}

/// Sets keys until one is refused: how many were set, and why no more.
fn keys(count: usize, bytes: usize) -> String {
    let value = vec![b'x'; bytes];
    for index in 0..count {
        if let Err(error) = kv::namespace("store").set(&index.to_string(), &value, None) {
            return format!("{index} {error}");
        }
    }
    count.to_string()
}

fn labels(event: &Event, count: usize) -> String {
    for index in 0..count {
        if let Err(error) = event.set_label(&index.to_string(), "x") {
            return format!("{index} {error}");
        }
    }
    count.to_string()
}
