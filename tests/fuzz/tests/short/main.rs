//! Every target for a moment: its seeds, and what chance makes of them. The same inputs each time.
//!
//! An input that breaks a promise is written to a file and told; with `FUZZ_INPUT=FILE` in the environment the test of its
//! target runs that file alone. `FUZZ_COUNT=N` makes more of them, or fewer.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

mod chance;

use chance::Chance;

/// Runs a target with its seeds and so many inputs made of them and of these words.
fn short(target: &str, run: fn(&[u8]), words: &[&str], count: u64) {
    short_with(seeds(target), target, run, words, count);
}

fn short_with(seeds: Vec<Vec<u8>>, target: &str, run: fn(&[u8]), words: &[&str], count: u64) {
    if let Some(file) = std::env::var_os("FUZZ_INPUT") {
        return run(&fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    }
    for (index, seed) in seeds.iter().enumerate() {
        told(target, run, seed, &format!("seed-{index}"));
    }
    let count = std::env::var("FUZZ_COUNT").map_or(count, |count| count.parse().unwrap());
    for number in 1..=count {
        let input = Chance::new(number).input(&seeds, words);
        told(target, run, &input, &number.to_string());
    }
}

fn told(target: &str, run: fn(&[u8]), input: &[u8], name: &str) {
    let Err(panicked) = catch_unwind(AssertUnwindSafe(|| run(input))) else { return };
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}-{name}"));
    fs::write(&file, input).unwrap();
    let shown: String = input.escape_ascii().to_string().chars().take(2_000).collect();
    println!("target {target} fails with {} bytes: {shown}", input.len());
    println!("again: FUZZ_INPUT={} cargo nextest run --workspace -E 'test(={target})'", file.display());
    resume_unwind(panicked);
}

/// In the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there is nothing in {}", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn json() {
    short("json", fuzz::json::run, fuzz::json::WORDS, 20_000);
}

#[test]
fn routes() {
    short("routes", fuzz::routes::run, fuzz::routes::WORDS, 5_000);
}

#[test]
fn verdict() {
    short("verdict", fuzz::verdict::run, &[], 10_000);
}

#[test]
#[cfg(feature = "host")]
fn configuration() {
    short("configuration", fuzz::configuration::run, fuzz::configuration::WORDS, 2_000);
}

#[test]
#[cfg(feature = "host")]
fn inspect() {
    let texts = seeds("inspect");
    let mut seeds: Vec<Vec<u8>> = texts.iter().map(|text| fuzz::inspect::binary(text).into_owned()).collect();
    seeds.extend(fuzz::inspect::filters());
    // Damage to a text shows elsewhere than damage to bytes.
    seeds.extend(texts);
    short_with(seeds, "inspect", fuzz::inspect::run, fuzz::inspect::WORDS, 6_000);
}

#[test]
#[cfg(feature = "host")]
fn handover() {
    short("handover", fuzz::handover::run, &[], 3_000);
}

#[test]
#[cfg(feature = "host")]
fn request() {
    short("request", fuzz::request::run, fuzz::request::WORDS, 400);
}
