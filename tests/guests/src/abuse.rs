//! What no host may suffer from.

use std::{hint::black_box, thread, time::Duration};

use snaphook_sdk::{log, prelude::*};

pub(crate) fn spin() -> ! {
    let mut number = 0u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

/// Takes and touches memory until there is none.
pub(crate) fn memory() -> ! {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(black_box(vec![1; 1 << 20]));
    }
}

/// Calls itself until there is no stack.
#[expect(unconditional_recursion, reason = "is what it is for")]
pub(crate) fn stack(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    stack(depth + 1) + frame[usize::try_from(depth % 64).unwrap_or(0)]
}

pub(crate) fn sleep(ms: u64) -> Verdict {
    thread::sleep(Duration::from_millis(ms));
    Verdict::pass()
}

pub(crate) fn log(lines: usize, bytes: usize) -> Verdict {
    let line = "x".repeat(bytes);
    for _ in 0..lines {
        log::info!("{line}");
    }
    Verdict::pass()
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "is what it is for")]
pub(crate) fn print() -> Verdict {
    println!("to standard output");
    eprintln!("to standard error");
    log::trace!("trace");
    log::debug!("debug");
    log::info!("info");
    log::warn!("warn");
    log::error!("error");
    Verdict::pass()
}
