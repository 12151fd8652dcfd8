#!/bin/sh
# Installs the tools that check deploy/: nginx, Redis, Prometheus with promtool, openssl and curl. Does nothing if they are present.
set -eu

PATH="$PATH:/usr/sbin:/usr/local/sbin"

missing_packages() {
    command -v nginx >/dev/null || printf ' nginx'
    command -v redis-server >/dev/null || command -v valkey-server >/dev/null || printf ' redis-server'
    command -v prometheus >/dev/null && command -v promtool >/dev/null || printf ' prometheus'
    command -v openssl >/dev/null || printf ' openssl'
    command -v curl >/dev/null || printf ' curl'
}

packages=$(missing_packages)
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086 # a list of words
"$(dirname "$0")/apt-install.sh" $packages
packages=$(missing_packages)
[ -z "$packages" ] || {
    echo "install-deploy-tools: still missing after the installation:$packages" >&2
    exit 1
}
