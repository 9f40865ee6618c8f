#!/usr/bin/env bash
# Installs the named Debian packages, as root, and leaves no service of theirs running or enabled: Tradeyard starts
# private instances and must not take the machine's default ports, now or after the next boot.
set -euo pipefail

guard=/usr/sbin/policy-rc.d
new=()
for package in "$@"; do
    if [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) != "install ok installed" ]]; then new+=("$package"); fi
done
((${#new[@]} > 0)) || exit 0

# The guard keeps package scripts from starting services. One that the machine has already stays as it is.
if [[ ! -e $guard ]]; then
    trap 'rm -f "$guard"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 0755 "$guard"
fi

enabled_services() {
    if command -v systemctl >/dev/null; then
        systemctl list-unit-files --state=enabled --no-legend --plain 2>/dev/null |
            awk '$1 ~ /^(postgresql|redis|rabbitmq|epmd|pgbouncer)/ { print $1 }' | sort
    fi
}

before=$(enabled_services)
export DEBIAN_FRONTEND=noninteractive
# Automatic upgrades hold the lock for minutes at times.
wait=(-o DPkg::Lock::Timeout=300)
apt-get "${wait[@]}" update
apt-get "${wait[@]}" install -y --no-install-recommends "${new[@]}"

for unit in $(comm -13 <(printf '%s\n' "$before") <(enabled_services)); do
    systemctl disable --quiet "$unit" || true
done
