#!/bin/sh
# Configures a host through its admin API, stops it, and starts it again on the harness's port: a restart serves exactly
# what was there. So the harness's "start ms" holds two starts and a compilation.
set -eu
. "$GATEWAY_DIR/env.sh"
admin=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$RUN_DIR/snaphook.toml" <<EOF
data = "data"
[gateway]
listen = "$LISTEN_HOST:$PORT"
[admin]
listen = "127.0.0.1:$admin"
[egress]
allow = ["$UPSTREAM_HOST:$UPSTREAM_PORT"]
[log]
filter = "warn"
EOF
routes 1 > "$RUN_DIR/routes.toml"
"$target/release/snaphook" --config "$RUN_DIR/snaphook.toml" serve --set gateway.listen=127.0.0.1:0 &
first=$!
# Whatever goes wrong, it does not stay.
trap 'kill "$first"' EXIT
tries=0
until snaphook status > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { echo "the admin API does not answer" >&2; exit 1; }
    sleep 0.05
done
snaphook apply "$RUN_DIR/routes.toml"
kill -TERM "$first"
wait "$first" || true
trap - EXIT
export SNAPHOOK_GATEWAY_THREADS="$THREADS"
exec "$target/release/snaphook" --config "$RUN_DIR/snaphook.toml" serve
