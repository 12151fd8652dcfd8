#!/usr/bin/env bash
# Builds the images of deploy/Dockerfile with podman, buildah or docker, and prints their sizes.
#
#   scripts/images.sh [--binaries DIRECTORY] [--base IMAGE|debian] [--tag TAG] [--prefix PREFIX]
#
#   --binaries   takes madang, madang-auth, madang-message-store and madang-gateway from this directory, such as
#                target/dist, instead of compiling them in a container
#   --base       the base image, or `debian` for a base of Debian packages, which needs no registry. By default the
#                Dockerfile's, or `debian` if that cannot be pulled
#   --tag        the tag of the images, by default `dev`
#   --prefix     the prefix of their names, such as registry.example.com/chat/; by default localhost/, as with podman
#
# Without a registry there is no image of the compiler. Then this script compiles the programs here, unless --binaries
# names them.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
targets=(madang-auth madang-message-store madang-gateway madang)
binaries='' base='' tag=dev prefix=localhost/
while [ $# -gt 0 ]; do
    case $1 in
        --binaries) binaries=$2 ;;
        --base) base=$2 ;;
        --tag) tag=$2 ;;
        --prefix) prefix=$2 ;;
        *)
            sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p' >&2
            exit 2
            ;;
    esac
    shift 2
done

engine=$(scripts/container-engine.sh build)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# podman and buildah take the same arguments. Only the compiler's stages run commands. Inside a container, chroot
# isolation works where a nested container does not.
build() {
    case $engine in
        docker) docker build --pull=false "$@" ;;
        *) "$engine" build --isolation "${BUILDAH_ISOLATION:-chroot}" --layers "$@" ;;
    esac
}

present() {
    case $engine in
        buildah) buildah inspect --type image "$1" >/dev/null 2>&1 ;;
        *) "$engine" image inspect "$1" >/dev/null 2>&1 ;;
    esac
}

# import DIRECTORY IMAGE: makes an image with one layer.
import() {
    printf 'FROM scratch\nCOPY . /\n' >"$scratch/Dockerfile"
    build -q -f "$scratch/Dockerfile" -t "$2" "$1" >/dev/null
}

# default_of NAME: prints the default of a build argument.
default_of() {
    sed -n "s/^ARG $1=//p" deploy/Dockerfile
}

if [ -z "$base" ]; then
    base=$(default_of BASE_IMAGE)
    if ! present "$base" && ! timeout 120 "$engine" pull -q "$base" >/dev/null 2>"$scratch/pull.log"; then
        echo "images: $base cannot be pulled; taking a base of Debian's packages" >&2
        base=debian
    fi
fi
arguments=(--build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)"
    --build-arg "VERSION=$(sed -n '/^\[workspace.package\]/,/^version/s/^version = "\(.*\)"/\1/p' Cargo.toml)")
if [ "$base" = debian ]; then
    scripts/debian-base.sh "$scratch/base"
    base=localhost/madang-base:debian
    import "$scratch/base" "$base"
    if [ -z "$binaries" ]; then
        echo "images: compiling here, since there is no image of a compiler" >&2
        "${CARGO:-cargo}" build --locked --profile dist --bins \
            -p madang -p madang-auth -p madang-message-store -p madang-gateway
        binaries=${CARGO_TARGET_DIR:-target}/dist
    fi
fi
arguments+=(--build-arg "BASE_IMAGE=$base")

# Always passed: some versions of buildah do not resolve the default of BINARIES, and skip its stage as unused.
stage=compiled context=.
if [ -n "$binaries" ]; then
    stage=prebuilt
    context=$scratch/context
    mkdir -p "$context"
    mkdir -m 0700 "$context/data"
    # Keeps function names for backtraces. Line numbers would be two thirds of an image.
    for target in "${targets[@]}"; do
        strip --strip-debug -o "$context/$target" "$binaries/$target"
        chmod 0755 "$context/$target"
    done
fi
arguments+=(--build-arg "BINARIES=$stage")

for target in "${targets[@]}"; do
    image=$prefix$target:$tag
    build -q -f deploy/Dockerfile --target "$target" "${arguments[@]}" -t "$image" "$context" >/dev/null
    case $engine in
        buildah) size=$(buildah images --format '{{.Size}}' "$image" | head -n1) ;;
        *) size=$("$engine" image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.1f MB", $1 / 1e6 }') ;;
    esac
    echo "image $image: $size"
done
