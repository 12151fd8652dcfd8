#!/usr/bin/env bash
# check-floors.sh [LOCKFILE]: no version in Cargo.lock may be below these, the first ones without a known vulnerability
# that matters here. `scripts/cargo-deny.sh check advisories` knows all advisories, but needs the network; this does not.
set -euo pipefail

lock=${1:-$(dirname "${BASH_SOURCE[0]}")/../Cargo.lock}
failed=0
while read -r name floor why; do
    versions=$(sed -n "/^name = \"$name\"\$/{n;s/^version = \"\(.*\)\"/\1/p}" "$lock")
    [ -n "$versions" ] || {
        echo "check-floors: $name is not in $lock any more: remove its floor" >&2
        failed=1
    }
    for version in $versions; do
        [ "$(printf '%s\n' "$floor" "$version" | sort -V | head -n1)" = "$floor" ] || {
            echo "check-floors: $name $version is older than $floor ($why)" >&2
            failed=1
        }
    done
done <<'FLOORS'
bytes 1.11.1 an integer overflow in BytesMut::reserve
h2 0.4.16 a flood of empty DATA frames
rustls-webpki 0.103.13 constraints and revocation of certificates
sqlx 0.8.1 a statement longer than 4 GiB is cut
tracing-subscriber 0.3.20 escape sequences in logs
FLOORS
exit "$failed"
