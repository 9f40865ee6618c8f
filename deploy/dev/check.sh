# shellcheck shell=bash
# `./dev test` and `./dev sqlx`: every check and every test, on servers of their own that are gone afterwards.

cmd_test() {
    local begin=$SECONDS
    NEXTEST_PROFILE=default
    if [[ ${1:-} == --full ]]; then
        NEXTEST_PROFILE=full
        # How many cases the model tests play.
        MODEL_CASES=10000
        shift
    elif (($# > 0)); then
        # Whoever names a soak test means it.
        NEXTEST_PROFILE=full
    fi
    begin_checks
    ensure_cargo_tool cargo-nextest "$CARGO_NEXTEST_VERSION"
    check_filter "$@"
    launch_servers
    if (($# == 0)); then ensure_rust_components; fi
    if (($# > 0)); then
        await_servers
        step "tests: $*" run_tests "$@"
    else
        ensure_cargo_tool cargo-deny "$CARGO_DENY_VERSION"
        step "format" attend cargo fmt --all --check
        step "dependencies: bans, licences, sources" attend cargo deny --log-level error check bans licenses sources
        step "dependencies: advisories" check_advisories
        await_servers
        step "lints, and every SQL query against the migrations" check_lints
        step "offline SQL data" check_sqlx
        step "doc tests" attend "${TEST_ENVIRONMENT[@]}" cargo test --quiet --doc --workspace
        step "the API against its OpenAPI document" check_contract
        # Last, so that its summary closes the output.
        step "tests" run_tests
    fi
    print_steps
    say "all passed in $(duration $((SECONDS - begin)))"
}

# Makes everything ready to start the servers, which then start while the first steps, which need none, run.
begin_checks() {
    use_set test
    lock test
    ensure_cargo
    ensure_packages
    trap end_checks EXIT
    on_interrupt true
    if [[ $REDIS_IS_OURS == no || $RABBITMQ_IS_OURS == no ]]; then
        note "what the tests put on the broker that is not ours, under names of their own, stays there"
    fi
    # What a killed run left.
    stop_servers
    delete_servers
    TEST_ENVIRONMENT=("DATABASE_URL=$DATABASE_URL" "MIGRATE_DATABASE_URL=$MIGRATE_DATABASE_URL")
    TEST_ENVIRONMENT+=("REDIS_URL=$REDIS_URL" "AMQP_URL=$AMQP_URL" SQLX_OFFLINE=true)
    TEST_ENVIRONMENT+=("NEXTEST_PROFILE=${NEXTEST_PROFILE:-default}")
    [[ -z ${MODEL_CASES:-} ]] || TEST_ENVIRONMENT+=("TEST_CASES=$MODEL_CASES")
}

# Keeps the exit code. The logs stay, for whoever wants to know why a test failed.
end_checks() {
    local status=$?
    trap '' INT TERM HUP
    if ((status != 0)); then print_steps; fi
    if [[ $POSTGRES_IS_OURS == no ]]; then drop_test_databases || true; fi
    stop_servers
    delete_servers
    rm -rf "$STATE/sqlx" "$STATE/none" "$STATE/secrets"
    exit "$status"
}

# check_filter ARGS...: refuses what nextest would refuse, before anything is started or built. With --help at their end,
# right arguments print the help, and wrong ones are an error.
check_filter() {
    (($# > 0)) || return 0
    local word options=()
    for word in "$@"; do
        [[ $word != -- ]] || break
        options+=("$word")
    done
    cargo nextest run "${options[@]}" --help >/dev/null || fail "cargo nextest does not take: $*" "./dev help"
}

# print_slowest REPORT: the ten slowest tests of the run, from the report that nextest writes.
print_slowest() {
    say "the slowest tests, in seconds"
    sed -n 's/.*<testcase name="\([^"]*\)" classname="\([^"]*\)".* time="\([0-9.]*\)".*/\3 \2 \1/p' "$1" |
        sort -rn | awk 'NR <= 10 { printf "    %7.1f  %s %s\n", $1, $2, $3 }'
}

# step NAME COMMAND...: runs one check, with its time. A failed check ends the run.
STEPS=()
step() {
    local name=$1 begin=$SECONDS
    shift
    say "$name"
    if "$@"; then
        STEPS+=("$(printf '%-52s ok      %s' "$name" "$(duration $((SECONDS - begin)))")")
    else
        STEPS+=("$(printf '%-52s FAILED  %s' "$name" "$(duration $((SECONDS - begin)))")")
        fail "$name: failed"
    fi
}

print_steps() {
    ((${#STEPS[@]} == 0)) || printf '    %s\n' "${STEPS[@]}"
}

# Without --workspace, which would take the meaning from a `-p CRATE` among the arguments; at the root of a workspace
# every crate is meant anyway. --no-tests=pass: a filter may match none.
run_tests() {
    local status=0 report=$TARGET_DIR/nextest/$NEXTEST_PROFILE/junit.xml
    rm -f "$report"
    ensure_localstripe || return 1
    ensure_papers_tools || return 1
    ensure_report_readers || return 1
    ensure_webhook_library || return 1
    attend "${TEST_ENVIRONMENT[@]}" cargo nextest run --no-tests=pass "$@" || status=$?
    if [[ -f $report ]]; then print_slowest "$report"; fi
    return "$status"
}

# The database of advisories is fetched; where the network does not lead there, that is reported, and is not a failure.
check_advisories() {
    export GIT_TERMINAL_PROMPT=0
    if ! attend timeout 60 cargo deny --log-level off fetch db >"$STATE/log/advisories.log" 2>&1; then
        note "not checked: the advisory database cannot be reached from here"
        return 0
    fi
    attend cargo deny --log-level error check advisories
}

# ---- SQL ----
# sqlx's macros ask a live database about every query and keep the answers in .sqlx, so that the project builds
# without one. Here they ask a database that is made from the migrations, into an empty folder. What they write must
# be what is committed.
#
# A macro writes only when its crate is compiled. Clippy compiles the workspace's crates anyway and does so again when
# its arguments change, so an unused `--cfg` with a new value makes it expand every macro without touching a file and
# without compiling a dependency or disturbing the build of the tests.

SQLX_DATABASE=tradeyard_sqlx

check_lints() { collect_queries -D warnings; }

# collect_queries LINTS...: lints the workspace, with every query checked against the migrated database and written
# to $STATE/sqlx.
collect_queries() {
    migrate_sqlx_database || return 1
    rm -rf "$STATE/sqlx"
    mkdir "$STATE/sqlx"
    attend DATABASE_URL="$(database_url "$SQLX_DATABASE")" SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$STATE/sqlx" \
        cargo clippy --workspace --all-targets -- "$@" --cfg "sqlx_run=\"$(date +%s)-$$\""
}

migrate_sqlx_database() {
    local migration single
    drop_database "$SQLX_DATABASE" && sql postgres -c "CREATE DATABASE $SQLX_DATABASE" || return 1
    for migration in migrations/*.sql; do
        [[ -f $migration ]] || continue
        # The migrator's own mark of a migration that cannot run inside one, such as an index built concurrently.
        if head -n 1 "$migration" | grep -q '^-- no-transaction'; then single=(); else single=(--single-transaction); fi
        sql "$SQLX_DATABASE" "${single[@]}" -f "$migration" >/dev/null || {
            printf '%s does not apply\n' "$migration" >&2
            return 1
        }
    done
}

# On a server that stays: what the tests made and nobody uses now. A template goes when no copy is left, that is, when no
# other run is at work there.
drop_test_databases() {
    local name copies="datname ~ '^t_[0-9a-f]{8}_[0-9]+_[0-9]+'"
    drop_database "$SQLX_DATABASE"
    for name in $(sql postgres -At -c "SELECT datname FROM pg_database WHERE $copies"); do
        sql postgres -c "DROP DATABASE IF EXISTS \"$name\"" 2>/dev/null || true
    done
    [[ -z $(sql postgres -At -c "SELECT 1 FROM pg_database WHERE $copies LIMIT 1") ]] || return 0
    for name in $(sql postgres -At -c "SELECT datname FROM pg_database WHERE datname ~ '^tradeyard_template_[0-9a-f]{8}\$'"); do
        sql postgres -c "ALTER DATABASE \"$name\" IS_TEMPLATE false" -c "DROP DATABASE \"$name\"" 2>/dev/null || true
    done
    # The programs' role of the tests, where the caller named none.
    sql postgres -c "DROP ROLE IF EXISTS tradeyard_test" 2>/dev/null || true
}

drop_database() { sql postgres -c "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE)"; }

check_sqlx() {
    local committed=.sqlx
    [[ -d $committed ]] || committed=$STATE/none && mkdir -p "$committed"
    if diff -rq "$committed" "$STATE/sqlx" >"$STATE/log/sqlx.log"; then
        note "$(find "$STATE/sqlx" -name '*.json' | wc -l) queries, as committed"
        return 0
    fi
    sed -e "s|^Only in $committed: \(.*\)|    no query has it any more: \1|" \
        -e "s|^Only in $STATE/sqlx: \(.*\)|    not committed: \1|" \
        -e "s|^Files .*/\([^/]*\) and .* differ|    changed: \1|" "$STATE/log/sqlx.log"
    note "the queries in the code and the committed answers differ: run ./dev sqlx and commit .sqlx"
    return 1
}

cmd_sqlx() {
    takes_no_arguments sqlx "$@"
    begin_checks
    launch_servers
    ensure_rust_components
    await_servers
    step "SQL queries against the migrations" collect_queries --cap-lints warn
    mkdir -p .sqlx
    rm -f .sqlx/query-*.json
    find "$STATE/sqlx" -name 'query-*.json' -exec cp {} .sqlx/ \;
    say "$(find .sqlx -name '*.json' | wc -l) queries in .sqlx; commit the folder"
}
