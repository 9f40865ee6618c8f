# shellcheck shell=bash
# `./dev up` and what belongs to it: down, status, logs, reset, demo, flood.

cmd_up() {
    local release=() demo=yes begin=$SECONDS
    while (($# > 0)); do
        case $1 in
            --workers)
                (($# > 1)) || fail "--workers needs a value, such as emails=3,images=2"
                workers_option "$2"
                shift
                ;;
            --workers=*) workers_option "${1#*=}" ;;
            --release) release=(--release) ;;
            --no-demo) demo=no ;;
            *)
                usage >&2
                fail "./dev up does not know '$1'" "it knows --workers emails=3,images=2, --release and --no-demo"
                ;;
        esac
        shift
    done
    use_set dev
    lock dev
    ensure_cargo
    ensure_packages
    require_program_ports
    on_interrupt take_back
    launch_servers
    build_programs "${release[@]}"
    await_servers
    say "migrating"
    run_migrate || fail "the migrations failed"
    say "starting the API, $SCHEDULERS schedulers and the workers"
    stop_surplus
    launch_programs
    if [[ $demo == yes ]]; then load_demo; fi
    trap - INT TERM HUP
    where_to_look
    say "up in $(duration $((SECONDS - begin)))"
}

# Once loaded into these servers it is left alone: what people do with it afterwards is not to be judged.
load_demo() {
    local mark=$STATE/demo.done there
    there=$(printf '%s' "$DATABASE_URL" | sha256sum | cut -c1-16)
    if [[ -f $mark && $(<"$mark") == "$there" ]]; then
        note "the demo is loaded; ./dev demo prints its figures again"
        return 0
    fi
    say "playing the demo: 149 auctions with their bids, through the API (five to eight minutes on two cores)"
    run_tradeyard demo || fail "the demo was not played to its end" \
        "everything keeps running; ./dev logs shows what happened, ./dev demo goes on with it"
    printf '%s\n' "$there" >"$mark"
}

cmd_demo() { run_beside_api demo "$@"; }

cmd_flood() { run_beside_api flood "$@"; }

# run_beside_api COMMAND [ARGS]: against what `up` started.
run_beside_api() {
    use_set dev
    running api || fail "the API does not run: ./dev up first"
    # The binary that the API runs from: debug or release.
    BIN=$(readlink "/proc/$PID/exe")
    BIN=$(dirname "${BIN% (deleted)}")
    on_interrupt true
    run_tradeyard "$@"
}

where_to_look() {
    cat <<END

    API          http://127.0.0.1:$PORT_API        its description: http://127.0.0.1:$PORT_API/docs
    mailbox      http://127.0.0.1:$PORT_MAILBOX        every email that was sent
    payments     http://127.0.0.1:$PORT_PAYMENTS        the payment simulator; keys: ./dev env
    S3           http://127.0.0.1:$PORT_S3        bucket tradeyard; keys: ./dev env
    health       http://127.0.0.1:$PORT_API_HEALTH/readyz of the API, and of each program the port that ./dev status shows (/metrics too)

    ./dev status     what runs          ./dev logs -f    what it says
    ./dev psql       the database       ./dev down       stop everything
    by hand          eval "\$(./dev env)"; $(short_path "$BIN")/worker-emails --concurrency 32

END
}

short_path() { printf %s "${1/#"$ROOT"/.}"; }

cmd_down() {
    takes_no_arguments down "$@"
    use_set dev
    lock dev
    stop_everything
}

# Programs first, all at once; then the servers that they use.
stop_everything() {
    local part programs=() count=0
    while read -r part; do
        if running "$part"; then count=$((count + 1)); fi
        case $part in postgres | redis | rabbitmq | epmd) ;; *) programs+=("$part") ;; esac
    done < <(recorded_parts)
    if ((count == 0)); then
        say "nothing runs"
    else
        say "stopping $count processes"
    fi
    if ((${#programs[@]} > 0)); then stop_parts "${programs[@]}"; fi
    stop_servers
}

cmd_reset() {
    takes_no_arguments reset "$@"
    use_set dev
    lock dev
    stop_everything
    say "deleting the data of this checkout's servers"
    delete_servers
    rm -rf "$STATE/sinks" "$STATE/documents" "$STATE/log" "$STATE/run" "$STATE/demo.done"
    # What signs tokens belongs to the people, and those stay in a database that is not ours.
    if [[ $POSTGRES_IS_OURS == yes ]]; then rm -f "$STATE/secrets"; fi
    local external=()
    if [[ $POSTGRES_IS_OURS == no ]]; then external+=(DATABASE_URL); fi
    if [[ $REDIS_IS_OURS == no ]]; then external+=(REDIS_URL); fi
    if [[ $RABBITMQ_IS_OURS == no ]]; then external+=(AMQP_URL); fi
    if ((${#external[@]} > 0)); then note "servers named by $(joined "${external[@]}") are not ours: left alone"; fi
}

cmd_status() {
    takes_no_arguments status "$@"
    use_set dev
    local part port row='%-18s %8s %6s  %-9s %s\n'
    # shellcheck disable=SC2059 # the format is ours
    {
        printf "$BOLD$row$PLAIN" PART PID PORT STATE SINCE
        for part in postgres redis rabbitmq epmd $(recorded_parts | grep -vxE 'postgres|redis|rabbitmq|epmd' | sort -V); do
            port=$(part_port "$part")
            if [[ $(is_external "$part") == yes ]]; then
                printf "$row" "$part" - - external "named by the environment"
            elif running "$part"; then
                printf "$row" "$part" "$PID" "$port" "$(part_state "$port")" "$(date -r "$STATE/run/$part" '+%F %T')"
            elif [[ -f $STATE/run/$part ]]; then
                printf "$row" "$part" - "$port" died "see ./dev logs $part"
            else
                printf "$row" "$part" - "$port" stopped ''
            fi
        done
    }
}

is_external() {
    case $1 in
        postgres) [[ $POSTGRES_IS_OURS == yes ]] ;;
        redis) [[ $REDIS_IS_OURS == yes ]] ;;
        rabbitmq | epmd) [[ $RABBITMQ_IS_OURS == yes ]] ;;
    esac || printf yes
}

part_state() { if port_open "$1"; then printf ready; else printf starting; fi; }

part_port() {
    local pool
    case $1 in
        postgres) printf %s "$PORT_POSTGRES" ;;
        redis) printf %s "$PORT_REDIS" ;;
        rabbitmq) printf %s "$PORT_RABBITMQ" ;;
        epmd) printf %s "$PORT_EPMD" ;;
        *)
            for pool in "${POOLS[@]}"; do PROCESSES[$pool]=10; done
            wanted_parts | awk -v part="$1" '$1 == part { print $2 }'
            ;;
    esac
}

cmd_logs() {
    use_set dev
    local part='' follow=() files=() log
    while (($# > 0)); do
        case $1 in
            -f | --follow) follow=(-F) ;;
            -*)
                usage >&2
                fail "./dev logs does not know '$1'" "it knows -f, and the name of a part"
                ;;
            *) part=$1 ;;
        esac
        shift
    done
    if [[ -n $part ]]; then
        [[ -f $STATE/log/$part.log ]] || fail "there is no log of '$part'" \
            "there are: $(cd "$STATE/log" && shopt -s nullglob && joined *.log | sed 's/\.log//g')"
        exec tail -n 200 "${follow[@]}" "$STATE/log/$part.log"
    fi
    for log in "$STATE"/log/*.log; do
        if [[ -f $log ]]; then files+=("$log"); fi
    done
    ((${#files[@]} > 0)) || fail "there are no logs yet"
    exec tail -n 10 "${follow[@]}" "${files[@]}"
}
