#!/bin/sh
# Installs what the hosts of tests/hosts are made with: iproute2, nftables and util-linux. Does nothing if they are present.
set -eu

PATH="$PATH:/usr/sbin:/sbin"

missing_packages() {
    command -v ip >/dev/null || printf ' iproute2'
    command -v nft >/dev/null || printf ' nftables'
    command -v unshare >/dev/null && command -v nsenter >/dev/null || printf ' util-linux'
}

packages=$(missing_packages)
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086 # a list of words
"$(dirname "$0")/apt-install.sh" $packages
packages=$(missing_packages)
[ -z "$packages" ] || {
    echo "install-network-tools: still missing after the installation:$packages" >&2
    exit 1
}
