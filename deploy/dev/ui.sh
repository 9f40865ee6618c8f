# shellcheck shell=bash
# What the person at the terminal sees.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
    BOLD='' RED='' GREEN='' PLAIN=''
fi

# A step that begins.
say() { printf '%s==>%s %s\n' "$BOLD$GREEN" "$PLAIN" "$*"; }

# A detail of the step.
note() { printf '    %s\n' "$@"; }

# The end: what is wrong, then, a line each, what to do about it.
fail() {
    printf '%serror:%s %s\n' "$BOLD$RED" "$PLAIN" "$1" >&2
    shift
    (($# == 0)) || printf '       %s\n' "$@" >&2
    exit 1
}

# asks_for_help ARGS...: true when one of them, before a `--`, is -h or --help. Nothing may be started then.
asks_for_help() {
    local word
    for word in "$@"; do
        case $word in
            -h | --help) return 0 ;;
            --) return 1 ;;
        esac
    done
    return 1
}

# takes_no_arguments COMMAND ARGS...: ends with the usage when there are some.
takes_no_arguments() {
    (($# > 1)) || return 0
    usage >&2
    fail "./dev $1 takes no arguments"
}

# joined A B C: "A, B, C".
joined() {
    local text
    printf -v text '%s, ' "$@"
    printf %s "${text%, }"
}

have() { command -v "$1" >/dev/null 2>&1; }

# Seconds as people say them: 7 s, 3 min 05 s.
duration() {
    if (($1 < 60)); then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi
}

# replace_self [VAR=VALUE...] COMMAND...: becomes the command, in a session of its own. The settings are exported and
# not handed to `env`: arguments can be read by everybody on the machine. The lock (9) is not handed on.
replace_self() {
    while [[ $1 == [A-Z]*=* ]]; do
        export "${1?}"
        shift
    done
    exec setsid "$@" 9>&-
}

# attend [VAR=VALUE...] COMMAND...: runs a long command in a process group of its own, so that Ctrl-C can end it with
# all its children; a plain foreground child would keep bash from running its trap until the child is done. Standard
# input is closed: nothing here asks questions. Its exit code is the command's.
FOREGROUND=
attend() {
    local status=0
    (replace_self "$@") </dev/null &
    FOREGROUND=$!
    wait "$FOREGROUND" || status=$?
    FOREGROUND=
    return "$status"
}

end_attended() {
    [[ -n $FOREGROUND ]] || return 0
    kill -TERM -- "-$FOREGROUND" 2>/dev/null || true
    wait "$FOREGROUND" 2>/dev/null || true
    FOREGROUND=
}

# on_interrupt COMMAND...: on Ctrl-C, a kill or a closed terminal, ends the attended command, runs COMMAND and exits
# as a program killed by that signal does.
on_interrupt() {
    # shellcheck disable=SC2064 # the command is fixed now, on purpose
    {
        trap "interrupted 130 $*" INT
        trap "interrupted 143 $*" TERM
        trap "interrupted 129 $*" HUP
    }
}

interrupted() {
    local status=$1
    shift
    trap '' INT TERM HUP
    printf '\n' >&2
    say "interrupted"
    end_attended
    "$@"
    exit "$status"
}
