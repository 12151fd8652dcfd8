#!/bin/sh
# container-engine.sh build|run: prints the program that builds images or runs containers. ENGINE overrides it.
set -eu

purpose=$1
if [ -n "${ENGINE:-}" ]; then
    echo "$ENGINE"
elif command -v podman >/dev/null; then
    echo podman
elif [ "$purpose" = build ] && command -v buildah >/dev/null; then
    echo buildah
elif docker info >/dev/null 2>&1; then
    echo docker
else
    echo "container-engine: there is no podman, buildah or running Docker engine; see scripts/install-image-tools.sh" >&2
    exit 1
fi
