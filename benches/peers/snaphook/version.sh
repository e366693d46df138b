#!/bin/sh
"${SNAPHOOK_TARGET:-$PEERS_WORK/snaphook}/release/snaphook" --version
