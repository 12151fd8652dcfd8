#!/bin/sh
# proto-breaking.sh BUF [--record]: compares proto/ with that of the release that tests/upgrade/previous-release names, by the
# rules in proto/buf.yaml, and fails where the two could not speak with each other. BUF is the npm package of buf with its
# version. What that release spoke stands in tests/upgrade/previous-release.binpb, so that a checkout without its history can
# be compared, too; --record writes it anew from the history, when the release has changed.
set -eu

cd "$(dirname "$0")/.."
recorded=$PWD/tests/upgrade/previous-release.binpb
if [ "${2:-}" = --record ]; then
    previous=$(mktemp -d)
    trap 'rm -rf "$previous"' EXIT
    scripts/previous-release.sh --source "$previous" proto
    cd "$previous/proto"
    npx --yes "$1" build --exclude-source-info --output "$recorded"
    exit
fi
cd proto
npx --yes "$1" breaking --against "$recorded"
