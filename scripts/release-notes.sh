#!/bin/sh
# release-notes.sh VERSION: prints what CHANGELOG.md says of a version. Fails where that is nothing, or where Cargo.toml
# has another version.
set -eu

cd "$(dirname "$0")/.."
version=$1
built=$(sed -n '/^\[workspace.package\]/,/^version/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[ "$version" = "$built" ] || {
    echo "release-notes: Cargo.toml has the version $built, not $version" >&2
    exit 1
}
notes=$(awk -v version="$version" '
    /^## / { inside = ($2 == version || $2 == "[" version "]"); next }
    inside' CHANGELOG.md)
[ -n "$notes" ] || {
    echo "release-notes: CHANGELOG.md says nothing of $version" >&2
    exit 1
}
echo "$notes"
