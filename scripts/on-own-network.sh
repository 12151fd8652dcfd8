#!/bin/sh
# on-own-network.sh SECONDS COMMAND…: runs a command in a network namespace of its own, as root, for so long at most. Whatever
# it makes there goes with its last process.
set -eu

limit=$1
shift
as_root=''
if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "on-own-network: network namespaces need root, or sudo without a password" >&2
        exit 2
    fi
    as_root='sudo -n'
fi
# SIGTERM first: it ends what it has started. What survives that for half a minute is killed, and its guardians clean up.
# shellcheck disable=SC2086 # empty or two words
exec $as_root timeout --foreground --kill-after=30 "$limit" unshare --net "$@"
