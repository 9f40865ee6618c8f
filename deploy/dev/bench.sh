# shellcheck shell=bash
# `./dev bench`: a release build against servers of its own, durable as in production, empty at the start and gone at
# the end. Figures go to standard output, everything else to standard error, so that `--json` can be read by a program.

cmd_bench() {
    {
        use_set bench
        lock bench
        ensure_cargo
        ensure_packages
        if (STATE=$ROOT/.dev && running api); then
            note "./dev up runs here and takes its share of the machine: ./dev down first for good figures"
        fi
        trap end_bench EXIT
        on_interrupt true
        stop_servers
        delete_servers
        launch_servers
        say "building in release mode (the first time takes minutes)"
        attend SQLX_OFFLINE=true cargo build --release --bins --workspace || fail "the build failed"
        BIN=$TARGET_DIR/release
        [[ -x $BIN/tradeyard && -x $BIN/bench ]] || fail "the build made no program called bench or tradeyard"
        await_servers
        run_tradeyard migrate || fail "the migrations failed"
        say "measuring"
    } >&2
    environment
    attend "${ENVIRONMENT[@]}" "$BIN/bench" "$@"
}

end_bench() {
    local status=$?
    trap '' INT TERM HUP
    {
        stop_servers
        delete_servers
        rm -rf "$STATE/secrets"
    } >&2
    exit "$status"
}
