//! A real component, damaged in hundreds of ways: whatever is uploaded is refused or is a filter, and the host goes on.

use serde_json::json;

use super::{Arena, made};
use crate::support::guest;

/// Chance that is the same each time.
struct Chance(u64);

impl Chance {
    /// Below the bound.
    fn number(&mut self, bound: usize) -> usize {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

/// The component with one kind of damage, by the seed; never as it was.
fn damaged(whole: &[u8], seed: u64) -> Vec<u8> {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = whole.to_vec();
    let (place, length) = (chance.number(bytes.len() - 64), 1 + chance.number(64));
    match seed % 6 {
        0 => bytes.truncate(place),
        1 | 2 => {
            for _ in 0..=chance.number(4) {
                let place = chance.number(bytes.len());
                bytes[place] ^= 1 << chance.number(8);
            }
        }
        3 => bytes[place..place + length].iter_mut().for_each(|byte| *byte = chance.number(256) as u8),
        4 => drop(bytes.drain(place..place + length)),
        _ => {
            let piece = bytes[place..place + length].to_vec();
            let to = chance.number(bytes.len());
            bytes.splice(to..to, piece);
        }
    }
    if bytes == whole {
        bytes[place] ^= 1;
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_component_damages_nothing() {
    let arena = Arena::open().await;
    let (mut refused, mut ran, mut failed) = (0, 0, 0);
    for (name, whole, variants) in [("small", made::written("attributes"), 210), ("real", guest("v1"), 90)] {
        arena.bring(name, whole.clone()).await;
        for seed in 1..=variants {
            let what = format!("{name}, seed {seed}");
            let served = arena.neighbour().served();
            let answer = arena.api.upload(name, damaged(&whole, seed)).await;
            assert!(matches!(answer.status, 200 | 201 | 422), "{what}: {} {}", answer.status, answer.text());
            if answer.status == 422 {
                refused += 1;
                continue;
            }
            // Whether it can be configured is its own affair; what it then does to an event, too.
            let filter = json!({"module": name, "limits": {"time_ms": 50, "wall_ms": 500}});
            let attached = arena.attach(json!([filter])).await;
            assert!(matches!(attached.status, 200 | 422), "{what}: {} {}", attached.status, attached.text());
            if attached.status == 200 {
                let answer = arena.tell("", "").await;
                assert!(matches!(answer.status, 200..=599), "{what}: {}", answer.status);
                *(if answer.status < 500 { &mut ran } else { &mut failed }) += 1;
            }
            arena.neighbour().is_served_after(served).await;
        }
    }
    println!("{refused} damaged components were refused, {ran} ran, {failed} failed when they were called");
    assert!(refused > 100 && ran > 0, "{refused} refused, {ran} ran: the damage is not what it should be");
    arena.close().await;
}
