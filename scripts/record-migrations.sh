#!/bin/sh
# record-migrations.sh: writes which migrations the release has that tests/upgrade/previous-release names, for
# tests/upgrade/tests/migrations. Run it when that file has changed. A checkout without the history can be tested so, too.
set -eu

cd "$(dirname "$0")/.."
recorded=$PWD/tests/upgrade/previous-release.migrations
previous=$(mktemp -d)
trap 'rm -rf "$previous"' EXIT
scripts/previous-release.sh --source "$previous" services
cd "$previous"
sha384sum services/*/migrations/*/*.sql >"$recorded"
