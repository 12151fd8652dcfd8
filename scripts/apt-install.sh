#!/bin/sh
# apt-install.sh PACKAGE…: installs Debian packages, as root or by sudo without a password; otherwise says what to
# install by hand.
set -eu

fail() {
    echo "apt-install: $1; please install these (Debian's package names): $packages" >&2
    exit 1
}

packages=$*
command -v apt-get >/dev/null || fail "no apt-get here"
if [ "$(id -u)" = 0 ]; then
    as_root=''
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    fail "neither root nor sudo without a password"
fi

echo "installing $packages"
apt() {
    # shellcheck disable=SC2086 # $as_root is empty or two words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
# A fresh machine has no package lists.
apt update || fail "apt-get update failed"
apt install -y --no-install-recommends "$@" >/dev/null || fail "apt-get install failed"

# The tests start servers of their own. Those that the packages have just started (not in a container) would only hold
# the ports that people expect to be free.
if [ -d /run/systemd/system ]; then
    for package in "$@"; do
        case $package in (postgresql | redis-server | nginx | prometheus)
            # shellcheck disable=SC2086
            $as_root systemctl disable --now "$package" >/dev/null 2>&1 || true
            ;;
        esac
    done
fi
