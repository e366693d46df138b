#!/bin/sh
# Another configuration of the filter, while it serves.
set -eu
. "$GATEWAY_DIR/env.sh"
routes 2 > "$RUN_DIR/routes.toml"
snaphook apply "$RUN_DIR/routes.toml"
