#!/bin/sh
# Installs the libraries of the Django Channels application (tests/channels/site) into a virtual environment beside it,
# and the browser's driver (tests/channels/browser: playwright-core) beside that one; both at the versions and hashes
# that the repository names. Does nothing where they are present. Programs come from install-test-dependencies.sh.
set -eu

cd "$(dirname "$0")/../tests/channels"

fail() {
    echo "install-channels-app: $1" >&2
    exit 1
}

# The oldest Python for which site/requirements.txt was made.
usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

install_site() {
    for python in python3 /usr/bin/python3; do
        usable "$python" && break
        python=
    done
    [ -n "$python" ] || fail "no Python 3.11 or later with venv; please install python3 and python3-venv"
    echo "installing the Django Channels application's libraries"
    # One that was left half made is no start.
    rm -rf site/.venv
    "$python" -m venv site/.venv || fail "cannot make a virtual environment with $python"
    site/.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --only-binary :all: -r site/requirements.txt ||
        fail "pip cannot install tests/channels/site/requirements.txt; is there a way to a package index?"
    cp site/requirements.txt site/.venv/installed
}

install_browser() {
    command -v npm >/dev/null || fail "no npm; please install Node 20 or later"
    echo "installing the browser's driver"
    (cd browser && npm ci --silent --no-audit --no-fund --ignore-scripts) ||
        fail "npm cannot install tests/channels/browser/package-lock.json; is there a way to a registry?"
    cp browser/package-lock.json browser/node_modules/.installed
}

# A machine's Python can go away under a virtual environment.
cmp -s site/requirements.txt site/.venv/installed && site/.venv/bin/python -c '' 2>/dev/null || install_site
cmp -s browser/package-lock.json browser/node_modules/.installed || install_browser
