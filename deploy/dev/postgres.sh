# shellcheck shell=bash
# The private PostgreSQL. It refuses to run as root, so root runs it as the user `postgres`, which must be able to
# reach the data folder; where the checkout is hidden from that user, the data lies under /var/tmp.

# find_postgres: sets PG_BIN to the newest installed server's folder, or to the one that the data was made with.
find_postgres() {
    local data want=''
    data=$(postgres_data)
    { [[ -r $data/PG_VERSION ]] && want=$(<"$data/PG_VERSION"); } 2>/dev/null || true
    PG_BIN=''
    if [[ -n $want && -x /usr/lib/postgresql/$want/bin/postgres ]]; then
        PG_BIN=/usr/lib/postgresql/$want/bin
        return
    fi
    local dir
    for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr); do
        if [[ -x $dir/initdb && -x $dir/postgres ]]; then
            PG_BIN=$dir
            return
        fi
    done
    if have initdb && have postgres; then PG_BIN=$(dirname "$(readlink -f "$(command -v initdb)")"); fi
}

require_postgres_version() {
    [[ $POSTGRES_IS_OURS == yes ]] || return 0
    local version
    version=$("$PG_BIN/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    ((version >= 15)) || fail "PostgreSQL 15 or newer is needed; $PG_BIN is $version"
}

# postgres_data: the data folder.
postgres_data() {
    if ((EUID == 0)) && ! postgres_user_reaches "$STATE"; then
        printf '/var/tmp/tradeyard-%s/%s' "$(checkout_hash)" "$SET"
    else
        printf '%s/postgres' "$STATE"
    fi
}

# Before the package is installed there is no such user, and then nothing to decide yet.
postgres_user_reaches() {
    id postgres >/dev/null 2>&1 || return 0
    as_postgres test -x "$1"
}

# as_postgres COMMAND...: as the user that may run PostgreSQL, in a folder that it can enter.
as_postgres() {
    if ((EUID == 0)); then
        (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups "$@")
    else
        "$@"
    fi
}

launch_postgres() {
    [[ $POSTGRES_IS_OURS == yes ]] || return 0
    local data settings=() as=()
    data=$(postgres_data)
    if [[ ! -f $data/PG_VERSION ]]; then init_postgres "$data"; fi
    if [[ $data != "$STATE"/* ]]; then note "PostgreSQL's data is in $data: its user cannot enter this checkout"; fi
    if ((EUID == 0)); then as=(setpriv --reuid=postgres --regid=postgres --init-groups); fi
    local setting
    for setting in $(postgres_settings); do settings+=(-c "$setting"); done
    launch postgres env -C / "${as[@]}" "$PG_BIN/postgres" -D "$data" "${settings[@]}"
}

postgres_settings() {
    printf '%s\n' "port=$PORT_POSTGRES" listen_addresses=127.0.0.1 unix_socket_directories= \
        max_connections=400 shared_buffers=256MB max_wal_size=2GB wal_compression=lz4 timezone=UTC log_timezone=UTC \
        log_checkpoints=off
    case $SET in
        # Thrown away after the run. Tests that kill a server read what it had promised: without fsync that is with the operating
        # system, which they do not kill. Each test has a database, whose 1,500 files fsync would wait for twice.
        test) printf '%s\n' fsync=off full_page_writes=off wal_level=minimal max_wal_senders=0 checkpoint_timeout=30min ;;
        # Statements that a person may want to see when the demo is slow.
        dev) printf '%s\n' log_min_duration_statement=500ms ;;
        # In the data folder, which nobody else may enter.
        bench) printf '%s\n' unix_socket_directories=. ;;
    esac
}

# Beside the final place and then renamed, so that an interrupted start leaves no half of a cluster.
init_postgres() {
    local data=$1 new=$1.new password
    say "creating a private PostgreSQL ($("$PG_BIN/postgres" --version))"
    if [[ $data == /var/tmp/* ]]; then
        # Anybody may make a folder in /var/tmp, also under our name.
        mkdir -m 0755 "${data%/*}" 2>/dev/null || true
        [[ -O ${data%/*} && ! -L ${data%/*} ]] || fail "${data%/*} belongs to another user: remove it first"
    fi
    rm -rf "$new"
    mkdir -m 0700 "$new"
    password=$new.password
    rm -f "$password"
    (umask 077 && printf '%s\n' "$SERVER_PASSWORD" >"$password")
    if ((EUID == 0)); then chown postgres: "$new" "$password"; fi
    # md5: the password is 256 random bits, and a debug build would pay SCRAM's 4,096 rounds at every connection.
    as_postgres "$PG_BIN/initdb" -D "$new" -U tradeyard --pwfile="$password" --auth=md5 --encoding=UTF8 \
        --locale=C.UTF-8 >"$STATE/log/initdb.log" 2>&1 || {
        rm -f "$password"
        tail -n 15 "$STATE/log/initdb.log" >&2
        fail "initdb failed"
    }
    rm -f "$password"
    mv "$new" "$data"
}

await_postgres() {
    if [[ $POSTGRES_IS_OURS == yes ]]; then
        # A server that was killed reads its log first, which takes as long as it takes.
        await postgres 120 "$PG_BIN/pg_isready" -q -h 127.0.0.1 -p "$PORT_POSTGRES"
    fi
    ensure_database "$(database_name)"
}

# sql DATABASE ARGS...: psql on the server that is in use, as the owner, quiet, failing at the first error.
sql() {
    local database=$1
    shift
    PGOPTIONS='-c client_min_messages=warning' connected "$database" psql -X -q -v ON_ERROR_STOP=1 "$@" </dev/null
}

# connected DATABASE psql ARGS...: our own password goes through the environment, since arguments are public.
connected() {
    local database=$1
    shift 2
    if [[ $POSTGRES_IS_OURS == yes ]]; then
        PGHOST=127.0.0.1 PGPORT=$PORT_POSTGRES PGUSER=tradeyard PGPASSWORD=$SERVER_PASSWORD PGDATABASE=$database \
            psql "$@"
    else
        psql -d "$(database_url "$database")" "$@"
    fi
}

# database_url NAME: MIGRATE_DATABASE_URL with another database of the same server.
database_url() {
    local query=''
    if [[ $MIGRATE_DATABASE_URL == *\?* ]]; then query="?${MIGRATE_DATABASE_URL#*\?}"; fi
    local url=${MIGRATE_DATABASE_URL%%\?*} scheme rest
    scheme=${url%%://*}
    rest=${url#*://}
    printf '%s://%s/%s%s' "$scheme" "${rest%%/*}" "$1" "$query"
}

# database_name: the one that MIGRATE_DATABASE_URL names, and DATABASE_URL as well.
database_name() {
    local name=${MIGRATE_DATABASE_URL%%\?*}
    printf %s "${name##*/}"
}

# A server named by the caller may let us into that database alone, so `postgres` is asked only when it is missing.
ensure_database() {
    local why
    if why=$(sql "$1" -c 'SELECT 1' 2>&1); then return 0; fi
    if [[ $why == *'does not exist'* ]] && why=$(sql postgres -c "CREATE DATABASE \"$1\"" 2>&1); then return 0; fi
    fail "the database $1 cannot be used: $why"
}

delete_postgres() {
    local data
    data=$(postgres_data)
    rm -rf "$STATE/postgres" "$STATE/postgres.new"
    if [[ $data == /var/tmp/* && -O ${data%/*} ]]; then
        rm -rf "$data" "$data.new"
        rmdir --ignore-fail-on-non-empty "${data%/*}"
    fi
}
