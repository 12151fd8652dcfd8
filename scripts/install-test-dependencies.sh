#!/bin/sh
# Installs the servers that tests, benchmarks and the local cluster start: PostgreSQL, Redis, nginx; libfaketime, by
# which clocks are stepped; and `kill` and `mount`, which a machine without procps and mount lacks. With `--channels-app`
# also what the comparison with a Django Channels application runs on: Chromium, Python with venv, Node. Does nothing
# where they are present.
set -eu

with=${1:-}

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

# The names by which tests/channels/src/browser.rs looks for it.
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
    # The program; the shell has a command of its own by this name.
    env kill -l >/dev/null 2>&1 || printf ' procps'
    command -v mount >/dev/null || printf ' mount'
    [ "$with" = --channels-app ] || return 0
    has_chromium || printf ' chromium'
    has_python || printf ' python3 python3-venv'
    command -v npm >/dev/null || printf ' nodejs npm'
}

packages=$(missing_packages)
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086 # a list of words
"$(dirname "$0")/apt-install.sh" $packages
packages=$(missing_packages)
[ -z "$packages" ] || {
    echo "install-test-dependencies: still missing after the installation:$packages" >&2
    exit 1
}
