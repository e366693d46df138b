# What start.sh, swap.sh and version.sh share.
target="${BENCH_TARGET:-$PEERS_WORK/snaphook}"
filter="$target/wasm32-wasip2/guest/snaphook_bench_filter.wasm"
snaphook() { "$target/release/snaphook" --config "$RUN_DIR/snaphook.toml" "$@"; }

routes() { # routes VALUE-OF-X-VERIFIED: the whole configuration of $JOB
    cat <<EOF
[modules.bench]
file = "$filter"

[secrets.github]
env = "SECRET"

[destinations.upstream]
url = "http://$UPSTREAM_HOST:$UPSTREAM_PORT"
path = "append"

[routes.hooks]
forward = { candidates = ["upstream"] }
EOF
    [ "$JOB" = J0 ] || cat <<EOF

[[routes.hooks.filters]]
name = "bench"
module = "bench"
instance = "${INSTANCE:-auto}"
config = { job = "$JOB", verified = "$1" }
grants = { secrets = { webhook = "github" } }
EOF
}
