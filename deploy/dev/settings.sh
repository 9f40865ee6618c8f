# shellcheck shell=bash
# Where everything lives, on which ports, under which names: the only place that decides.
#
# There are three sets of servers, so that a test run or a benchmark never meets the data that you work with:
#   dev    .dev          known ports, durable as in production
#   test   .dev/test     free ports, cheap settings, deleted after the run
#   bench  .dev/bench    free ports, durable settings, deleted after the run

# Servers named by the caller. Read once: `use_set` puts our own URLs in the same variables.
GIVEN_DATABASE_URL=${DATABASE_URL:-}
GIVEN_MIGRATE_DATABASE_URL=${MIGRATE_DATABASE_URL:-}
# The owner's: handed to those who need it, and inherited by nobody.
export -n MIGRATE_DATABASE_URL
GIVEN_REDIS_URL=${REDIS_URL:-}
GIVEN_CACHE_URL=${CACHE_URL:-}
GIVEN_AMQP_URL=${AMQP_URL:-${CLOUDAMQP_URL:-}}

# Absolute: programs are started from other folders, and cargo takes a relative one from here.
TARGET_DIR=$(realpath -m -- "${CARGO_TARGET_DIR:-$ROOT/target}")
TOOLS=$ROOT/.dev/tools

# use_set dev|test|bench: sets SET, STATE, the ports, the secrets and the URLs.
use_set() {
    SET=$1
    case $SET in
        dev) STATE=$ROOT/.dev ;;
        *) STATE=$ROOT/.dev/$SET ;;
    esac
    make_state_dirs
    # A shell that has run `eval "$(./dev env)"` names our own servers, perhaps as they were before a reset; those are not
    # somebody else's.
    dev_ports
    load_secrets "$ROOT/.dev/secrets"
    private_urls
    local own=" $PRIVATE_DATABASE_URL $PRIVATE_MIGRATE_DATABASE_URL $PRIVATE_REDIS_URL $PRIVATE_CACHE_URL $PRIVATE_AMQP_URL "
    if [[ ${TRADEYARD_DEV_OWN:-} == "$(checkout_hash) "* ]]; then own+="${TRADEYARD_DEV_OWN#* } "; fi
    if [[ $SET != dev ]]; then
        free_ports
        load_secrets "$STATE/secrets"
        private_urls
    fi
    POSTGRES_IS_OURS=yes DATABASE_URL=$PRIVATE_DATABASE_URL MIGRATE_DATABASE_URL=$PRIVATE_MIGRATE_DATABASE_URL
    REDIS_IS_OURS=yes REDIS_URL=$PRIVATE_REDIS_URL CACHE_URL=$PRIVATE_CACHE_URL
    RABBITMQ_IS_OURS=yes AMQP_URL=$PRIVATE_AMQP_URL
    if [[ -n $GIVEN_DATABASE_URL && $own != *" $GIVEN_DATABASE_URL "* ]]; then
        POSTGRES_IS_OURS=no DATABASE_URL=$GIVEN_DATABASE_URL MIGRATE_DATABASE_URL=$GIVEN_DATABASE_URL
        # The owner of the tables; one role may be everything.
        if [[ -n $GIVEN_MIGRATE_DATABASE_URL && $own != *" $GIVEN_MIGRATE_DATABASE_URL "* ]]; then
            MIGRATE_DATABASE_URL=$GIVEN_MIGRATE_DATABASE_URL
        fi
    fi
    if [[ -n $GIVEN_REDIS_URL && $own != *" $GIVEN_REDIS_URL "* ]]; then
        # Which of its other databases is free, only its owner knows: without CACHE_URL there is no cache.
        REDIS_IS_OURS=no REDIS_URL=$GIVEN_REDIS_URL CACHE_URL=
    fi
    if [[ -n $GIVEN_CACHE_URL && $own != *" $GIVEN_CACHE_URL "* ]]; then CACHE_URL=$GIVEN_CACHE_URL; fi
    if [[ -n $GIVEN_AMQP_URL && $own != *" $GIVEN_AMQP_URL "* ]]; then
        RABBITMQ_IS_OURS=no AMQP_URL=$GIVEN_AMQP_URL
    fi
}

make_state_dirs() {
    local dir
    for dir in "$ROOT/.dev" "$STATE" "$STATE/run" "$STATE/log"; do
        # A file mode of its own, whatever the umask: PostgreSQL's user must be able to walk through.
        [[ -d $dir ]] || mkdir -m 0755 "$dir" || fail "cannot create $dir"
        [[ -w $dir ]] || fail "$dir cannot be written: it belongs to $(stat -c %U "$dir")" \
            "run ./dev as that user, or remove the folder as that user first"
    done
}

dev_ports() {
    local offset=${TRADEYARD_PORT_OFFSET:-0}
    [[ $offset =~ ^[0-9]{1,5}$ ]] || fail "TRADEYARD_PORT_OFFSET is '$offset', which is not a number"
    port_setting POSTGRES 54320
    port_setting REDIS 63790
    port_setting RABBITMQ 56720
    port_setting RABBITMQ_DIST 7330
    port_setting EPMD 7331
    port_setting API 7300
    port_setting S3 7310
    port_setting SMTP 7325
    port_setting MAILBOX 7326
    port_setting PAYMENTS 7327
    port_setting HEALTH 7340
    # Between the schedulers' ports and those of the first pool.
    PORT_API_HEALTH=$((PORT_HEALTH + 5))
}

# port_setting NAME DEFAULT: sets PORT_NAME from TRADEYARD_PORT_NAME, or the default moved by the offset.
port_setting() {
    local given=TRADEYARD_PORT_$1 value
    value=${!given:-$(($2 + offset))}
    if ! [[ $value =~ ^[0-9]{1,5}$ ]] || ((value < 1 || value > 65535)); then
        fail "port $1 would be '$value', which is not a port: set $given, or a smaller TRADEYARD_PORT_OFFSET"
    fi
    printf -v "PORT_$1" %s "$value"
}

# Five neighbouring ports that nobody listens on, below the range that the kernel gives to outgoing connections. The
# search starts at a place that depends on the checkout, so two checkouts tested at once do not meet.
free_ports() {
    local base tries=0 port busy
    base=$((17000 + 16#$(checkout_hash | cut -c1-6) % 1400 * 10))
    base=${TRADEYARD_TEST_PORT_BASE:-$base}
    while :; do
        busy=no
        for port in "$base" $((base + 1)) $((base + 2)) $((base + 3)) $((base + 4)); do
            if port_open "$port"; then busy=yes; fi
        done
        [[ $busy == yes ]] || break
        ((++tries < 100)) || fail "no five free ports found near $base: set TRADEYARD_TEST_PORT_BASE"
        base=$((base + 10))
    done
    PORT_POSTGRES=$base PORT_REDIS=$((base + 1)) PORT_RABBITMQ=$((base + 2))
    PORT_RABBITMQ_DIST=$((base + 3)) PORT_EPMD=$((base + 4))
}

# Names this checkout among others on the machine.
checkout_hash() { printf %s "$ROOT" | sha256sum | cut -c1-12; }

# Passwords are made once per set. The servers listen on the loopback only, but on a shared machine everybody is
# there, and a PostgreSQL superuser may run programs as its owner. That password is not the programs' own.
load_secrets() {
    local file=$1 name missing=()
    for name in SERVER_PASSWORD PROGRAMS_PASSWORD JWT_SECRET MASTER_KEY CHAT_KEY S3_SECRET_ACCESS_KEY PAYMENTS_KEY PAYMENTS_WEBHOOK_KEY; do
        grep -q "^$name=" "$file" 2>/dev/null || missing+=("$name")
    done
    if ((${#missing[@]} > 0)); then
        (
            umask 077
            {
                if [[ -s $file ]]; then cat "$file"; fi
                for name in "${missing[@]}"; do
                    printf '%s=%s\n' "$name" "$(made_up "$name")"
                done
            } >"$file.new"
        )
        mv "$file.new" "$file"
    fi
    # shellcheck source=/dev/null
    source "$file"
}

# made_up NAME: 32 random bytes, as this secret has them.
made_up() {
    case $1 in
        MASTER_KEY | CHAT_KEY) head -c 32 /dev/urandom | base64 ;;
        *) od -An -N32 -tx1 /dev/urandom | tr -d ' \n' ;;
    esac
}

private_urls() {
    # Programs, and who migrates: the superuser that the cluster was made with, whom its tables belong to.
    PRIVATE_DATABASE_URL=postgres://tradeyard_app:$PROGRAMS_PASSWORD@127.0.0.1:$PORT_POSTGRES/tradeyard
    PRIVATE_MIGRATE_DATABASE_URL=postgres://tradeyard:$SERVER_PASSWORD@127.0.0.1:$PORT_POSTGRES/tradeyard
    PRIVATE_REDIS_URL=redis://:$SERVER_PASSWORD@127.0.0.1:$PORT_REDIS/
    PRIVATE_CACHE_URL=redis://:$SERVER_PASSWORD@127.0.0.1:$PORT_REDIS/1
    PRIVATE_AMQP_URL=amqp://tradeyard:$SERVER_PASSWORD@127.0.0.1:$PORT_RABBITMQ/%2f
}

# Sets ENVIRONMENT to what every program of Tradeyard is started with.
environment() {
    ENVIRONMENT=(
        "MODE=development"
        "DATABASE_URL=$DATABASE_URL"
        "REDIS_URL=$REDIS_URL"
        "CACHE_URL=$CACHE_URL"
        "AMQP_URL=$AMQP_URL"
        "HTTP_ADDR=127.0.0.1:$PORT_API"
        "PUBLIC_URL=http://127.0.0.1:$PORT_API"
        "JWT_SECRET=$JWT_SECRET"
        "MASTER_KEY=$MASTER_KEY"
        "CHAT_KEY=$CHAT_KEY"
        # The demo has a receiver of its own on this machine.
        "WEBHOOK_PRIVATE_TARGETS=true"
        "S3_ENDPOINT=http://127.0.0.1:$PORT_S3"
        "S3_BUCKET=tradeyard"
        "S3_REGION=us-east-1"
        "S3_ACCESS_KEY_ID=tradeyard"
        "S3_SECRET_ACCESS_KEY=$S3_SECRET_ACCESS_KEY"
        "SMTP_URL=smtp://127.0.0.1:$PORT_SMTP"
        "PAYMENTS_PROVIDER=simulator"
        "PAYMENTS_URL=http://127.0.0.1:$PORT_PAYMENTS"
        "PAYMENTS_KEY=$PAYMENTS_KEY"
        "PAYMENTS_WEBHOOK_KEY=$PAYMENTS_WEBHOOK_KEY"
        # bcrypt's lowest: the demo registers hundreds of people. Production's default is its own.
        "PASSWORD_COST=4"
    )
}

cmd_env() {
    takes_no_arguments env "$@"
    use_set dev
    environment
    local setting
    for setting in "${ENVIRONMENT[@]}"; do
        printf 'export %s=%q\n' "${setting%%=*}" "${setting#*=}"
    done
    # For `tradeyard migrate` and the tests; ./dev itself gives it to no other program.
    printf 'export MIGRATE_DATABASE_URL=%q\n' "$MIGRATE_DATABASE_URL"
    # By this ./dev knows its own URLs from those of other servers, also after a reset has changed them.
    printf 'export TRADEYARD_DEV_OWN=%q\n' \
        "$(checkout_hash) $PRIVATE_DATABASE_URL $PRIVATE_MIGRATE_DATABASE_URL $PRIVATE_REDIS_URL $PRIVATE_CACHE_URL $PRIVATE_AMQP_URL"
}
