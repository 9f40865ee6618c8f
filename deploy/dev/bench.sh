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
        local peers=(--tools "$TOOLS")
        if bench_has http "$@" || bench_has search-http "$@"; then ensure_peers; fi
        if bench_has images "$@"; then ensure_image_makers; fi
        if bench_has reports "$@"; then
            (ensure_report_readers) || note "openpyxl could not be installed: reports are measured without it"
        fi
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
        raise_open_files
        say "measuring"
    } >&2
    environment
    attend "${ENVIRONMENT[@]}" "MIGRATE_DATABASE_URL=$MIGRATE_DATABASE_URL" "$BIN/bench" "${peers[@]}" "$@"
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
            --jobs=* | --runs=* | --backlog=* | --listings=* | --seconds=* | --only=* | --photos=*) value=${1#*=} ;;
            --jobs | --runs | --backlog | --listings | --seconds | --only | --photos)
                value=${2-}
                (($# == 1)) || shift
                ;;
            *)
                usage >&2
                fail "the benchmark has no argument '$1'"
                ;;
        esac
        shift
        [[ $name != --only ]] || wanted='^[a-z]+([,-][a-z]+)*$'
        [[ $name != --photos ]] || wanted='^[^-]'
        if [[ ! $value =~ $wanted ]]; then
            usage >&2
            fail "the benchmark does not take '$value' for $name"
        fi
    done
}

# bench_has PIECE ARGS...: whether this piece of the benchmark is asked for.
bench_has() {
    local piece=$1 only=
    shift
    while (($# > 0)); do
        case $1 in
            --only=*) only=${1#*=} ;;
            --only) only=${2-} ;;
        esac
        shift
    done
    [[ -z $only || ,$only, == *,$piece,* ]]
}

# What the API is measured beside: FastAPI and Express. Without them the API is measured alone; a failure ends only its subshell.
ensure_peers() {
    (ensure_fastapi) || note "FastAPI could not be installed: the API is measured without it"
    (ensure_express) || note "Express could not be installed: the API is measured without it"
}

# What photographs are measured beside.
ensure_image_makers() {
    local missing=()
    have vipsthumbnail || missing+=(libvips-tools)
    have identify || missing+=(imagemagick)
    ((${#missing[@]} > 0)) || return 0
    (install_packages "${missing[@]}") || note "$(joined "${missing[@]}") could not be installed: photographs are measured without"
}

ensure_fastapi() {
    local wanted=bench/peers/fastapi/requirements.txt
    ensure_venv fastapi "$wanted" FastAPI || return 1
    if [[ $INSTALLED == yes ]]; then mark_venv fastapi "$wanted"; fi
}

# npm's packages as the lock file has them, in .dev/tools/express; installed again when it changes.
ensure_express() {
    local wanted=bench/peers/express/package-lock.json packages=$TOOLS/express missing=()
    have node || missing+=(nodejs)
    have npm || missing+=(npm)
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
    if cmp -s "$wanted" "$packages/installed.json"; then return 0; fi
    say "installing Express into .dev/tools"
    rm -rf "$packages"
    mkdir -p "$packages"
    cp "${wanted%-lock.json}.json" "$wanted" "$packages"
    # Nothing of it needs a script of its own to be installed.
    attend npm ci --prefix "$packages" --ignore-scripts --omit=dev --no-audit --no-fund --loglevel=error || return 1
    cp "$wanted" "$packages/installed.json"
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

# Thousands of sockets, each with a file here and one in the API.
raise_open_files() {
    local files
    files=$(ulimit -n)
    [[ $files == unlimited ]] || ((files >= 16384)) || ulimit -Sn 16384 2>/dev/null || ulimit -Sn "$(ulimit -Hn)" ||
        note "a process may have only $files files open"
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
