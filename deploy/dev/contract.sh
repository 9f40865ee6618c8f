# shellcheck shell=bash
# The API against its own OpenAPI document: schemathesis tries every operation, and a generated TypeScript client runs a bid.
# What is tried and how is in tests/contract and tests/typescript-client; here are only the tools and the server's name.

CONTRACT_DATABASE=tradeyard_contract

# `./dev contract [ROLE...]`
cmd_contract() {
    known_roles "$@"
    begin_checks
    launch_servers
    await_servers
    step "the API against its OpenAPI document" check_contract "$@"
    print_steps
}

# known_roles ROLE...: ends with the usage when one is not a role of the contract run.
known_roles() {
    local role
    for role in "$@"; do
        if [[ ! $role =~ ^[a-z]+$ ]] || ! grep -q "^ROLES = .*\"$role\"" tests/contract/run.py; then
            usage >&2
            fail "there is no role '$role'" "$(grep '^ROLES = ' tests/contract/run.py)"
        fi
    done
}

check_contract() {
    local status=0
    ensure_contract_tools || return 1
    # With the tests, which are built anyway: alone it would be compiled with other features, and so a second time.
    attend SQLX_OFFLINE=true cargo build --quiet --workspace --bins --tests || return 1
    drop_database "$CONTRACT_DATABASE" 2>/dev/null || return 1
    # The mails and files of the run before.
    rm -rf "$STATE/contract"
    attend "DATABASE_URL=$(database_url "$CONTRACT_DATABASE")" "REDIS_URL=$REDIS_URL" "AMQP_URL=$AMQP_URL" \
        "$TOOLS/contract/bin/python" tests/contract/run.py "$TARGET_DIR/debug/tradeyard" "$STATE/contract" \
        "$TOOLS/typescript-client" "$@" || status=1
    drop_database "$CONTRACT_DATABASE" 2>/dev/null || status=1
    return "$status"
}

# Python's and Node's packages in folders of their own; what is pinned there is installed again when it changes.
ensure_contract_tools() {
    local missing=() client=$TOOLS/typescript-client wanted=tests/contract/requirements.txt
    have node || missing+=(nodejs)
    have npm || missing+=(npm)
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
    ensure_venv contract "$wanted" schemathesis || return 1
    if [[ $INSTALLED == yes ]]; then mark_venv contract "$wanted"; fi
    mkdir -p "$client"
    if ! cmp -s tests/typescript-client/package-lock.json "$client/installed.json"; then
        say "installing the TypeScript compiler into .dev/tools"
        cp tests/typescript-client/package.json tests/typescript-client/package-lock.json "$client/"
        attend npm --prefix "$client" ci --silent --no-audit --no-fund || return 1
        cp tests/typescript-client/package-lock.json "$client/installed.json"
    fi
}
