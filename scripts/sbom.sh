#!/usr/bin/env bash
# sbom.sh [DIRECTORY]: writes a bill of materials (CycloneDX 1.5) for each image to the directory, by default
# target/sbom: the packages that its program is built from, and the base image. Installs cargo-cyclonedx into the target
# directory first where it is missing. Needs jq.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=0.5.9
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
directory=${1:-$target/sbom}
triple=x86_64-unknown-linux-gnu
scratch=$(mktemp -d)
# The tool writes beside each Cargo.toml of the workspace.
trap 'rm -rf "$scratch"; find crates proto services tests -name "*_bin.cdx.json" -not -path "*/target/*" -delete' EXIT

fail() {
    echo "sbom: $1" >&2
    exit 1
}

command -v jq >/dev/null || scripts/apt-install.sh jq
tool=$(command -v cargo-cyclonedx || echo "$target/tools/bin/cargo-cyclonedx")
[ -x "$tool" ] || "$cargo" install --quiet --locked --debug --root "$target/tools" "cargo-cyclonedx@$version"
"$tool" cyclonedx --quiet --describe binaries --format json --spec-version 1.5 --no-build-deps --target "$triple"

mkdir -p "$directory"
base=$(sed -n 's/^ARG BASE_IMAGE=//p' deploy/Dockerfile)
for path in auth gateway madang message-store; do
    program=madang-$path
    [ "$path" != madang ] || program=madang
    # The tool lists what the features of any member of the workspace need. This is what the program is built from.
    "$cargo" tree --locked -p "$program" -e normal --target "$triple" --prefix none --no-dedupe |
        sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' | grep -v "^$program " | sort -u >"$scratch/packages"
    # Without the path of this checkout, and with the base image.
    sed "s#file://$PWD/#file:///#g" "services/$path/${program}_bin.cdx.json" |
        jq --rawfile packages "$scratch/packages" --arg base "$base" '
            ($packages | split("\n") | map(select(. != ""))) as $packages
            | .components |= map(select((.name + " " + .version) as $it | $packages | index([$it])))
            | ([.components[]."bom-ref"] + [.metadata.component."bom-ref"]) as $refs
            | .dependencies |= (map(select(.ref as $ref | $refs | index([$ref])))
                | map(if .dependsOn then .dependsOn |= map(select(. as $ref | $refs | index([$ref]))) else . end))
            | .components += [{ type: "container", "bom-ref": "base-image", name: ($base | split(":")[0]), version: ($base | split(":")[1]) }]
        ' >"$directory/$program.cdx.json"
    jq -r '.components[] | select(.type == "library") | .name + " " + .version' "$directory/$program.cdx.json" |
        sort -u | diff "$scratch/packages" - >"$scratch/missing" || fail "$program: not what it is built from: $(cat "$scratch/missing")"
    ! grep -q "$PWD" "$directory/$program.cdx.json" || fail "$program: the path of this checkout stands there"
    echo "$directory/$program.cdx.json: $(wc -l <"$scratch/packages") packages"
done
