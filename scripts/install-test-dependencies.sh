#!/bin/sh
# Installs the servers that tests, benchmarks and the local cluster start: PostgreSQL, Redis, nginx; and libfaketime, by
# which clocks are stepped. With `--reference` also what the comparison with the reference site runs on: Chromium, Python
# with venv, Node. Does nothing where they are present. Installs with apt-get as root or by sudo without a password;
# otherwise says what to install.
set -eu

reference=${1:-}

# Programs of system packages may be off an ordinary user's PATH.
PATH="$PATH:/usr/sbin:/usr/local/sbin"

has_postgres() {
    command -v initdb >/dev/null && return
    # pg_config alone comes with the client's headers.
    for program in /usr/lib/postgresql/*/bin/initdb "$(pg_config --bindir 2>/dev/null)/initdb"; do
        [ -x "$program" ] && return
    done
    return 1
}

# The places where the kit looks (tests/kit/src/step_clock.rs).
has_faketime() {
    for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1 \
        /usr/lib/faketime/libfaketimeMT.so.1 /usr/local/lib/faketime/libfaketimeMT.so.1; do
        [ -e "$library" ] && return
    done
    return 1
}

# The names by which tests/reference/src/browser.rs looks for it.
has_chromium() {
    for program in chromium chromium-browser google-chrome-stable google-chrome; do
        command -v "$program" >/dev/null && return
    done
    return 1
}

has_python() {
    for program in python3 /usr/bin/python3; do
        "$program" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && return
    done
    return 1
}

missing_packages() {
    has_postgres || printf ' postgresql'
    command -v redis-server >/dev/null || command -v valkey-server >/dev/null || printf ' redis-server'
    command -v nginx >/dev/null || printf ' nginx'
    has_faketime || printf ' libfaketime'
    [ "$reference" = --reference ] || return 0
    has_chromium || printf ' chromium'
    has_python || printf ' python3 python3-venv'
    command -v npm >/dev/null || printf ' nodejs npm'
}

fail() {
    echo "install-test-dependencies: $1" >&2
    exit 1
}

packages=$(missing_packages)
[ -n "$packages" ] || exit 0

by_hand="please install these (Debian's package names):$packages"
command -v apt-get >/dev/null || fail "no apt-get here; $by_hand"
if [ "$(id -u)" = 0 ]; then
    as_root=''
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    fail "neither root nor sudo without a password; $by_hand"
fi

echo "installing$packages"
apt() {
    # shellcheck disable=SC2086 # $as_root is empty or two words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
# A fresh machine has no package lists.
apt update || fail "apt-get update failed; $by_hand"
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $packages >/dev/null || fail "apt-get install failed; $by_hand"

# The tests start servers of their own. Those that the packages have just started (not in a container) would only hold
# the ports that people expect to be free.
if [ -d /run/systemd/system ]; then
    for package in $packages; do
        # shellcheck disable=SC2086
        $as_root systemctl disable --now "$package" >/dev/null 2>&1 || true
    done
fi

packages=$(missing_packages)
[ -z "$packages" ] || fail "still missing after the installation:$packages"
