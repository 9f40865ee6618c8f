# shellcheck shell=bash
# Tradeyard's own programs: which there are, how they are built and started.

POOLS=(auctions emails reports images cargo chat)
SCHEDULERS=2

# The number of processes of each pool; `--workers` changes it.
declare -A PROCESSES=([auctions]=1 [emails]=1 [reports]=1 [images]=1 [cargo]=1 [chat]=1)

# workers_option emails=3,images=2
workers_option() {
    local word pool count
    for word in ${1//,/ }; do
        pool=${word%%=*} count=${word#*=}
        [[ $word == *=* && -n ${PROCESSES[$pool]:-} ]] ||
            fail "--workers: '$word' is not POOL=NUMBER" "the pools are $(joined "${POOLS[@]}")"
        # Ten ports are kept for each pool.
        [[ $count =~ ^([0-9]|10)$ ]] || fail "--workers: '$count' processes of $pool: expected 0 to 10"
        PROCESSES[$pool]=$count
    done
}

# build_programs [--release]: sets BIN. The queries' answers are committed, so building needs no database.
build_programs() {
    local profile=debug name missing=()
    if (($# > 0)); then profile=release; fi
    say "building (the first time takes minutes)"
    attend SQLX_OFFLINE=true cargo build "$@" --bins --workspace ||
        fail "the build failed"
    BIN=$TARGET_DIR/$profile
    for name in api scheduler tradeyard "${POOLS[@]/#/worker-}"; do
        if [[ ! -x $BIN/$name ]]; then missing+=("$name"); fi
    done
    ((${#missing[@]} == 0)) || fail "the build made no program called $(joined "${missing[@]}")"
}

# The parts that should run: name, the port where they answer /readyz, binary. One line each.
wanted_parts() {
    local i p pool name
    printf 'sinks %s tradeyard\n' "$PORT_S3"
    printf 'api %s api\n' "$PORT_API"
    for ((i = 1; i <= SCHEDULERS; i++)); do
        printf 'scheduler-%s %s scheduler\n' "$i" $((PORT_HEALTH + i - 1))
    done
    # Ten ports for a pool, so that a pool's ports do not move when another grows.
    for p in "${!POOLS[@]}"; do
        pool=${POOLS[p]}
        for ((i = 1; i <= PROCESSES[$pool]; i++)); do
            name=worker-$pool
            if ((i > 1)); then name+=-$i; fi
            printf '%s %s worker-%s\n' "$name" $((PORT_HEALTH + 10 * (p + 1) + i - 1)) "$pool"
        done
    done
}

# require_program_ports: before the build, which takes minutes.
require_program_ports() {
    local part port binary
    require_port_free sinks "the S3 server" "$PORT_S3" S3
    require_port_free sinks "the SMTP sink" "$PORT_SMTP" SMTP
    require_port_free sinks "the mailbox page" "$PORT_MAILBOX" MAILBOX
    require_port_free sinks "the payment simulator" "$PORT_PAYMENTS" PAYMENTS
    while read -r part port binary; do
        case $part in
            sinks) ;;
            api)
                require_port_free api "the API" "$port" API
                require_port_free api "the API's health" "$PORT_API_HEALTH" HEALTH
                ;;
            *) require_port_free "$part" "$part ($binary)" "$port" HEALTH ;;
        esac
    done < <(wanted_parts)
}

launch_programs() {
    local part port binary
    environment
    start_sinks
    while read -r part port binary; do
        case $part in
            sinks) ;;
            api) launch api "${ENVIRONMENT[@]}" "HEALTH_ADDR=127.0.0.1:$PORT_API_HEALTH" "$BIN/api" ;;
            *) launch "$part" "${ENVIRONMENT[@]}" "HEALTH_ADDR=127.0.0.1:$port" "$BIN/$binary" ;;
        esac
    done < <(wanted_parts)
    while read -r part port binary; do
        [[ $part != sinks ]] || continue
        await "$part" 60 http_ready "$port" /readyz
    done < <(wanted_parts)
}

# The S3 server and the mail sink come first: the others look for the bucket when they start.
start_sinks() {
    launch sinks "${ENVIRONMENT[@]}" "$BIN/tradeyard" sinks --s3-addr "127.0.0.1:$PORT_S3" \
        --smtp-addr "127.0.0.1:$PORT_SMTP" --mailbox-addr "127.0.0.1:$PORT_MAILBOX" \
        --payments-addr "127.0.0.1:$PORT_PAYMENTS" --dir "$STATE/sinks"
    await sinks 20 port_open "$PORT_S3"
    await sinks 20 port_open "$PORT_SMTP"
    await sinks 20 port_open "$PORT_PAYMENTS"
}

# Programs that run and are no longer wanted, after `--workers` with a smaller number.
stop_surplus() {
    local part surplus=()
    local wanted
    wanted=" $(wanted_parts | cut -d' ' -f1 | tr '\n' ' ')"
    while read -r part; do
        case $part in postgres | redis | rabbitmq | epmd) continue ;; esac
        if [[ $wanted != *" $part "* ]]; then surplus+=("$part"); fi
    done < <(recorded_parts)
    if ((${#surplus[@]} > 0)); then
        note "stopping $(joined "${surplus[@]}")"
        stop_parts "${surplus[@]}"
    fi
}

run_tradeyard() {
    environment
    attend "${ENVIRONMENT[@]}" "$BIN/tradeyard" "$@"
}

# As the owner of the tables.
run_migrate() {
    environment
    attend "${ENVIRONMENT[@]}" "MIGRATE_DATABASE_URL=$MIGRATE_DATABASE_URL" "$BIN/tradeyard" migrate
}
