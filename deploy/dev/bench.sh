# shellcheck shell=bash
# `./dev bench`: a release build against servers of its own, durable as in production, empty at the start and gone at
# the end. Figures go to standard output, everything else to standard error, so that `--json` can be read by a program.

cmd_bench() {
    bench_arguments "$@"
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
        run_migrate || fail "the migrations failed"
        use_socket
        say "measuring"
    } >&2
    environment
    attend "${ENVIRONMENT[@]}" "MIGRATE_DATABASE_URL=$MIGRATE_DATABASE_URL" "$BIN/bench" "$@"
}

# bench_arguments ARGS...: ends with the usage when the benchmark has no such argument; it would say so only after the build.
bench_arguments() {
    local name value wanted
    while (($# > 0)); do
        name=${1%%=*} wanted='^[0-9]+$'
        case $1 in
            --json)
                shift
                continue
                ;;
            --jobs=* | --runs=* | --backlog=* | --listings=* | --only=*) value=${1#*=} ;;
            --jobs | --runs | --backlog | --listings | --only)
                value=${2-}
                (($# == 1)) || shift
                ;;
            *)
                usage >&2
                fail "the benchmark has no argument '$1'"
                ;;
        esac
        shift
        [[ $name != --only ]] || wanted='^[a-z]+(,[a-z]+)*$'
        if [[ ! $value =~ $wanted ]]; then
            usage >&2
            fail "the benchmark does not take '$value' for $name"
        fi
    done
}

# The database is on the same machine, so its Unix socket is the shorter way; a path of more than 107 bytes is none.
use_socket() {
    [[ $POSTGRES_IS_OURS == yes ]] || return 0
    local folder
    folder=$(postgres_data)
    if ((${#folder} < 85)) && [[ -S $folder/.s.PGSQL.$PORT_POSTGRES ]]; then
        DATABASE_URL+="?host=$folder"
        MIGRATE_DATABASE_URL+="?host=$folder"
    else
        note "PostgreSQL over TCP: the path of its folder is too long for a Unix socket"
    fi
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
