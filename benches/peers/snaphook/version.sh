#!/bin/sh
"${BENCH_TARGET:-$PEERS_WORK/snaphook}/release/snaphook" --version
