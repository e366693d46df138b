//! What a host must stop.

use std::hint::black_box;

pub(crate) fn spin() -> ! {
    let mut number = 0u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

/// Takes and touches memory until there is none.
pub(crate) fn take_memory() -> ! {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(black_box(vec![1; 1 << 20]));
    }
}
