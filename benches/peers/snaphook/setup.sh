#!/bin/sh
# Builds the host and the bench's filter out of this checkout, into $PEERS_WORK/snaphook (or $BENCH_TARGET).
set -eu
cd "$(dirname "$0")/../../.."
export CARGO_TARGET_DIR="${BENCH_TARGET:-$PEERS_WORK/snaphook}"
nice -n 19 cargo build --quiet --release --workspace --bin snaphook
nice -n 19 cargo build --quiet --profile guest --target wasm32-wasip2 --package snaphook-bench-filter
