//! A component's memory. What the host hands over comes in many small pieces, each in an allocation of its own: those are a
//! good part of what a small filter costs. So the allocator is a quick one, and takes first what the memory begins with:
//! growing it is a call of the host.

#![expect(unsafe_code, reason = "an allocator is made of raw memory")]

use core::{alloc::Layout, arch::wasm32, mem::MaybeUninit};

use talc::{
    base::{Talc, binning::Binning},
    cell::TalcSyncCell,
    source::Source,
    wasm::WasmBinning,
};

/// Bytes that need no growing: a small event's head, some of its body and the verdict.
const FIRST_BYTES: usize = 64 << 10;
const PAGE_BYTES: usize = 64 << 10;
/// More than an allocator adds to what is asked for.
const OVERHEAD_BYTES: usize = 1 << 10;

#[global_allocator]
static ALLOCATOR: TalcSyncCell<Memory, WasmBinning> = TalcSyncCell::new_wasm(Memory { begun: false });

static mut FIRST: [MaybeUninit<u8>; FIRST_BYTES] = [MaybeUninit::uninit(); FIRST_BYTES];

/// First the static bytes, then pages that the memory grows by.
#[derive(Debug)]
struct Memory {
    begun: bool,
}

// SAFETY: allocates nothing itself, and says `Ok` only after it gave memory that nobody else has.
unsafe impl Source for Memory {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let (start, bytes) = if talc.source.begun {
            let bytes = layout.size().checked_add(layout.align()).and_then(|bytes| bytes.checked_add(OVERHEAD_BYTES));
            let pages = bytes.ok_or(())?.div_ceil(PAGE_BYTES);
            match wasm32::memory_grow::<0>(pages) {
                usize::MAX => return Err(()),
                before => ((before * PAGE_BYTES) as *mut u8, pages * PAGE_BYTES),
            }
        } else {
            talc.source.begun = true;
            ((&raw mut FIRST).cast(), FIRST_BYTES)
        };
        // SAFETY: the static bytes are handed over once and named nowhere else; new pages belong to who asked for them.
        unsafe { talc.claim(start, bytes) }.map(drop).ok_or(())
    }
}
