# shellcheck shell=bash
# The private Redis and RabbitMQ, and all three servers together.

# ---- Redis ----

launch_redis() {
    [[ $REDIS_IS_OURS == yes ]] || return 0
    [[ -d $STATE/redis ]] || mkdir -m 0700 "$STATE/redis"
    local appendonly=yes
    if [[ $SET == test ]]; then appendonly=no; fi
    # A queue must never lose a message to make room: when memory is full, writes fail and say so.
    write_private "$STATE/redis/redis.conf" "bind 127.0.0.1" "port $PORT_REDIS" "requirepass $SERVER_PASSWORD" \
        "dir \"$STATE/redis\"" "maxmemory-policy noeviction" "appendonly $appendonly" "appendfsync everysec" \
        'save ""' "daemonize no"
    launch redis "$(command -v redis-server)" "$STATE/redis/redis.conf"
}

redis_answers() {
    REDISCLI_AUTH=$SERVER_PASSWORD redis-cli -h 127.0.0.1 -p "$PORT_REDIS" PING 2>/dev/null | grep -q PONG
}

# ---- RabbitMQ ----
# Debian's `rabbitmq-server` command changes user and uses the machine's node; the script behind it runs as anybody,
# with a node name, folders, ports and an Erlang port mapper (epmd) of its own.

RABBITMQ_SCRIPTS=/usr/lib/rabbitmq/bin

rabbitmq_is_installed() { [[ -x $RABBITMQ_SCRIPTS/rabbitmq-server ]] && have epmd; }

# Sets RABBITMQ_ENVIRONMENT, for the server and for rabbitmqctl.
rabbitmq_environment() {
    local home=$STATE/rabbitmq
    RABBITMQ_ENVIRONMENT=(
        "HOME=$home"
        "RABBITMQ_NODENAME=tradeyard-$SET@localhost"
        "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1"
        "RABBITMQ_NODE_PORT=$PORT_RABBITMQ"
        "RABBITMQ_DIST_PORT=$PORT_RABBITMQ_DIST"
        "ERL_EPMD_PORT=$PORT_EPMD"
        "ERL_EPMD_ADDRESS=127.0.0.1"
        "RABBITMQ_MNESIA_BASE=$home/mnesia"
        "RABBITMQ_LOG_BASE=$home/log"
        "RABBITMQ_PID_FILE=$home/pid"
        "RABBITMQ_CONFIG_FILE=$home/rabbitmq.conf"
        "RABBITMQ_ADVANCED_CONFIG_FILE=$home/advanced.config"
        "RABBITMQ_CONF_ENV_FILE=/dev/null"
        "RABBITMQ_ENABLED_PLUGINS_FILE=$home/enabled_plugins"
        # The distribution port has no setting for its address but the kernel's own.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}"
    )
}

launch_rabbitmq() {
    [[ $RABBITMQ_IS_OURS == yes ]] || return 0
    [[ -d $STATE/rabbitmq ]] || mkdir -m 0700 "$STATE/rabbitmq"
    write_private "$STATE/rabbitmq/rabbitmq.conf" "default_user = tradeyard" "default_pass = $SERVER_PASSWORD" \
        "default_permissions.configure = .*" "default_permissions.read = .*" "default_permissions.write = .*" \
        "loopback_users = none" "log.console = true" "log.console.level = warning"
    write_private "$STATE/rabbitmq/enabled_plugins" '[].'
    rabbitmq_environment
    # Our own, in the foreground: the one that Erlang would start by itself outlives the node.
    launch epmd ERL_EPMD_ADDRESS=127.0.0.1 "$(command -v epmd)" -port "$PORT_EPMD"
    await epmd 10 port_open "$PORT_EPMD"
    launch rabbitmq "${RABBITMQ_ENVIRONMENT[@]}" "$RABBITMQ_SCRIPTS/rabbitmq-server"
}

# The node opens its port last. It counts as ready when it answers the protocol header with a frame of type 1.
amqp_answers() {
    local frame=''
    {
        exec 3<>"/dev/tcp/127.0.0.1/$PORT_RABBITMQ" || return 1
        printf 'AMQP\0\0\11\1' >&3
        LC_ALL=C read -r -n 1 -t 2 frame <&3 || true
        exec 3>&-
    } 2>/dev/null
    [[ $frame == $'\x01' ]]
}

# A crash, or a kill of the script alone, leaves the node behind: it has our port, and its record names a process that is
# gone. It is ours all the same, because it has the settings that only our own start gives it.
left_over_nodes() {
    local environment pid
    if running rabbitmq; then return 0; fi
    for environment in /proc/[0-9]*/environ; do
        if grep -qzxF "RABBITMQ_PID_FILE=$STATE/rabbitmq/pid" "$environment" 2>/dev/null; then
            pid=${environment#/proc/}
            printf '%s\n' "${pid%/environ}"
        fi
    done
}

# Stops what `left_over_nodes` finds; a node that is asked to end closes its queues in good order.
stop_left_over_nodes() {
    local pids deadline=$((SECONDS + GRACE)) signal=TERM
    mapfile -t pids < <(left_over_nodes)
    ((${#pids[@]} > 0)) || return 0
    note "RabbitMQ's own node has outlived its start script: stopping it"
    while ((${#pids[@]} > 0)); do
        if ((SECONDS >= deadline)); then signal=KILL; fi
        kill -"$signal" "${pids[@]}" 2>/dev/null || true
        sleep 0.5
        mapfile -t pids < <(left_over_nodes)
    done
}

# ---- all three ----

# require_server_ports: says which port is taken, and by whom, before anything is started.
require_server_ports() {
    if [[ $POSTGRES_IS_OURS == yes ]]; then require_port_free postgres PostgreSQL "$PORT_POSTGRES" POSTGRES; fi
    if [[ $REDIS_IS_OURS == yes ]]; then require_port_free redis Redis "$PORT_REDIS" REDIS; fi
    if [[ $RABBITMQ_IS_OURS == yes ]]; then
        require_port_free rabbitmq RabbitMQ "$PORT_RABBITMQ" RABBITMQ
        require_port_free rabbitmq "RabbitMQ's cluster port" "$PORT_RABBITMQ_DIST" RABBITMQ_DIST
        require_port_free epmd "RabbitMQ's port mapper" "$PORT_EPMD" EPMD
    fi
}

# launch_servers starts them all at once (RabbitMQ takes eight seconds, the others one); await_servers waits. What can
# be done without them is done in between.
launch_servers() {
    local waiting=()
    if [[ $RABBITMQ_IS_OURS == yes ]]; then stop_left_over_nodes; fi
    require_server_ports
    if [[ $POSTGRES_IS_OURS == yes ]] && ! running postgres; then waiting+=("PostgreSQL :$PORT_POSTGRES"); fi
    if [[ $REDIS_IS_OURS == yes ]] && ! running redis; then waiting+=("Redis :$PORT_REDIS"); fi
    if [[ $RABBITMQ_IS_OURS == yes ]] && ! running rabbitmq; then waiting+=("RabbitMQ :$PORT_RABBITMQ"); fi
    if ((${#waiting[@]} > 0)); then
        say "starting $(joined "${waiting[@]}") (about ten seconds)"
    fi
    if [[ $POSTGRES_IS_OURS == no ]]; then note "PostgreSQL: the one named by DATABASE_URL"; fi
    if [[ $REDIS_IS_OURS == no ]]; then note "Redis: the one named by REDIS_URL"; fi
    if [[ $RABBITMQ_IS_OURS == no ]]; then note "RabbitMQ: the one named by AMQP_URL or CLOUDAMQP_URL"; fi
    launch_rabbitmq
    launch_redis
    launch_postgres
}

await_servers() {
    await_postgres
    if [[ $REDIS_IS_OURS == yes ]]; then await redis 60 redis_answers; fi
    if [[ $RABBITMQ_IS_OURS == yes ]]; then await rabbitmq 120 amqp_answers; fi
}

# In the order that loses nothing: RabbitMQ before the port mapper that it is registered with.
stop_servers() {
    stop_parts rabbitmq redis postgres
    stop_left_over_nodes
    stop_parts epmd
}

delete_servers() {
    delete_postgres
    rm -rf "$STATE/redis" "$STATE/rabbitmq"
}

cmd_servers() {
    takes_no_arguments servers "$@"
    use_set dev
    lock dev
    ensure_packages
    on_interrupt take_back
    launch_servers
    await_servers
    trap - INT TERM HUP
    say "the servers are ready; ./dev env prints their addresses, ./dev down stops them"
}

# Stops what this run of the script has started, and only that.
take_back() {
    local i backwards=()
    for ((i = ${#STARTED[@]} - 1; i >= 0; i--)); do backwards+=("${STARTED[i]}"); done
    ((${#backwards[@]} == 0)) || {
        note "stopping what was started"
        stop_parts "${backwards[@]}"
    }
}

# ---- by hand ----

cmd_psql() {
    use_set dev
    connected "$(database_name)" psql "$@"
}

cmd_redis_cli() {
    use_set dev
    if [[ $REDIS_IS_OURS == no ]]; then exec redis-cli -u "$REDIS_URL" "$@"; fi
    REDISCLI_AUTH=$SERVER_PASSWORD exec redis-cli -h 127.0.0.1 -p "$PORT_REDIS" "$@"
}

cmd_rabbitmqctl() {
    use_set dev
    [[ $RABBITMQ_IS_OURS == yes ]] || fail "RabbitMQ is not ours (AMQP_URL or CLOUDAMQP_URL names it)"
    rabbitmq_environment
    exec env "${RABBITMQ_ENVIRONMENT[@]}" "$RABBITMQ_SCRIPTS/rabbitmqctl" "$@"
}
