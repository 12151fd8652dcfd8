#!/bin/sh
# Installs the tools that build and test images: podman with runc (unless a Docker engine runs), mmdebstrap for a base
# image without a registry, curl and Redis. With `--build-only`, only those that build. Does nothing if they are
# present.
set -eu

missing_packages() {
    if ! docker info >/dev/null 2>&1; then
        if [ "${1:-}" = --build-only ]; then
            command -v podman >/dev/null || command -v buildah >/dev/null || printf ' buildah'
        else
            command -v podman >/dev/null || printf ' podman'
            command -v runc >/dev/null || command -v crun >/dev/null || printf ' runc'
        fi
    fi
    if [ "${1:-}" != --build-only ]; then
        command -v curl >/dev/null || printf ' curl'
        command -v redis-server >/dev/null || command -v valkey-server >/dev/null || printf ' redis-server'
    fi
    command -v mmdebstrap >/dev/null || printf ' mmdebstrap'
    command -v strip >/dev/null || printf ' binutils'
}

packages=$(missing_packages "$@")
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086 # a list of words
"$(dirname "$0")/apt-install.sh" $packages
packages=$(missing_packages "$@")
[ -z "$packages" ] || {
    echo "install-image-tools: still missing after the installation:$packages" >&2
    exit 1
}
