# shellcheck shell=bash
# Starting, watching and stopping processes. A record in $STATE/run says which process is which part:
#   pid  start-time  boot  signature
# A pid alone may by now be somebody else's process; pid, start time and boot together name one process for ever. The
# signature covers the command, its settings and its binary: a part whose signature changed is restarted.

# process_start PID: the kernel's start time of a process, in ticks since boot; nothing when there is none.
process_start() {
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    # The second field is the program's name in brackets, which may hold blanks and brackets itself.
    read -ra stat <<<"${stat##*) }"
    # A zombie has ended; only nobody has asked it how.
    [[ ${stat[0]} != Z ]] || return 1
    printf '%s\n' "${stat[19]}"
}

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# running PART: true when the part's process lives; sets PID and SIGNATURE from the record.
running() {
    PID='' SIGNATURE=''
    local start boot
    [[ -f $STATE/run/$1 ]] || return 1
    read -r PID start boot SIGNATURE <"$STATE/run/$1" || return 1
    [[ $boot == "$(boot_id)" && $(process_start "$PID") == "$start" ]]
}

# launch PART [VAR=VALUE...] COMMAND...: starts the part in a session of its own, its output in its log, unless it
# runs already as it should. STARTED collects what was started, so that an interrupted `up` can take it back.
STARTED=()
launch() {
    local part=$1 signature
    shift
    signature=$(signature_of "$@")
    if running "$part"; then
        if [[ $SIGNATURE == "$signature" ]]; then return 0; fi
        note "$part has changed: restarting it"
        stop_parts "$part"
    fi
    keep_log_short "$STATE/log/$part.log"
    (replace_self "$@") </dev/null >>"$STATE/log/$part.log" 2>&1 &
    local pid=$! start
    STARTED+=("$part")
    # No start time: it has ended already, and whoever waits for it to be ready will say so.
    start=$(process_start "$pid") || start=0
    printf '%s %s %s %s\n' "$pid" "$start" "$(boot_id)" "$signature" >"$STATE/run/$part"
    disown "$pid" 2>/dev/null || true
}

signature_of() {
    local word files=()
    for word in "$@"; do
        if [[ $word == /* && -f $word ]]; then files+=("$word"); fi
    done
    {
        printf '%s\n' "$@"
        if ((${#files[@]} > 0)); then stat -L -c '%n %i %s %Y' "${files[@]}"; fi
    } | sha256sum | cut -c1-16
}

# write_private FILE LINE...: readable by the owner alone, and untouched when nothing changed: a part whose file is
# newer would be restarted.
write_private() {
    local file=$1
    shift
    if [[ -f $file && $(<"$file") == "$(printf '%s\n' "$@")" ]]; then return 0; fi
    (umask 077 && printf '%s\n' "$@" >"$file")
}

keep_log_short() {
    if [[ -f $1 && $(stat -c %s "$1") -gt 20000000 ]]; then mv "$1" "$1.1"; fi
}

# stop_parts PART...: asks all of them to end, waits, and kills what is left after GRACE seconds.
# More than the programs' own grace for running jobs, so that they can give back what does not end in it.
GRACE=${GRACE:-45}
stop_parts() {
    local part names=() deadline i asked
    for part in "$@"; do
        if running "$part"; then
            ask_to_end "$part"
            names+=("$part")
        else
            rm -f "$STATE/run/$part"
        fi
    done
    deadline=$((SECONDS + GRACE)) asked=$SECONDS
    for i in "${!names[@]}"; do
        while running "${names[i]}"; do
            if ((SECONDS >= deadline)); then
                note "${names[i]} did not end within $GRACE s: killed"
                # The whole group: its children must not outlive it.
                kill -KILL -- "-$PID" 2>/dev/null || kill -KILL "$PID" 2>/dev/null || true
                break
            fi
            # Erlang loses a signal that comes in the first moments of its start.
            if [[ ${names[i]} == rabbitmq ]] && ((SECONDS > asked + 1)); then
                asked=$SECONDS
                ask_to_end rabbitmq
            fi
            sleep 0.05
        done
        rm -f "$STATE/run/${names[i]}"
    done
}

# ask_to_end PART: sends the signal to PID, which `running` has just confirmed.
ask_to_end() {
    case $1 in
        # It takes TERM as "when the last client has left", and INT as "now, in good order".
        postgres) kill -INT "$PID" ;;
        # The script and the node; the script passes a signal on only once.
        rabbitmq) kill -TERM -- "-$PID" ;;
        *) kill -TERM "$PID" ;;
    esac 2>/dev/null || true
}

# recorded_parts: every part that has a record, in no particular order.
recorded_parts() {
    local record
    for record in "$STATE"/run/*; do
        [[ -f $record ]] && printf '%s\n' "${record##*/}"
    done
    return 0
}

# await PART SECONDS TEST...: until TEST succeeds. A part that has ended, or takes too long, ends everything with the
# last lines of its log.
await() {
    local part=$1 deadline=$((SECONDS + $2)) why
    shift 2
    until "$@"; do
        if ! running "$part"; then
            why="$part ended while it was starting"
        elif ((SECONDS >= deadline)); then
            why="$part runs but does not become ready"
        else
            sleep 0.1
            continue
        fi
        tail -n 15 "$STATE/log/$part.log" >&2 || true
        fail "$why" "its whole log: $STATE/log/$part.log"
    done
}

# ---- ports ----

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# require_port_free PART NAME PORT VARIABLE: fails, by name, when a process that is not PART holds the port.
require_port_free() {
    local owner
    if running "$1" || ! port_open "$3"; then return 0; fi
    owner=$(port_owner "$3")
    fail "port $3, which $2 needs, is taken by ${owner:-a process of another user}" \
        "stop that one, or move ours: TRADEYARD_PORT_$4=…, or TRADEYARD_PORT_OFFSET=1000 for all of them"
}

# port_owner PORT: "name (pid N)" of the process that listens there, as far as this user may see it.
port_owner() {
    local hex inode link pid
    printf -v hex ':%04X' "$1"
    while read -r inode; do
        for link in /proc/[0-9]*/fd/*; do
            if [[ $(readlink "$link" 2>/dev/null) == "socket:[$inode]" ]]; then
                pid=${link#/proc/}
                pid=${pid%%/*}
                printf '%s (pid %s)' "$(<"/proc/$pid/comm")" "$pid"
                return 0
            fi
        done
    done < <(awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}

# http_ready PORT PATH: true when it answers 200.
http_ready() {
    local answer=''
    {
        exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
        printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
        answer=$(timeout 3 head -c 65536 <&3) || true
        exec 3>&-
    } 2>/dev/null
    [[ $answer == 'HTTP/1.'?' 200'* ]]
}

# ---- one command at a time ----

# lock NAME: held until this script ends. Started processes do not inherit it (9>&- in `launch`).
lock() {
    exec 9>"$STATE/$1.lock"
    flock -n 9 || fail "another ./dev command is at work in this checkout (${STATE#"$ROOT/"})"
}
