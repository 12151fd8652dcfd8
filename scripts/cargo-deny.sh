#!/bin/sh
# Runs cargo-deny; installs it into the target directory first where it is missing.
set -eu

version=0.20.2
tools="${CARGO_TARGET_DIR:-target}/tools"

if command -v cargo-deny >/dev/null; then
    exec cargo-deny "$@"
fi
if [ ! -x "$tools/bin/cargo-deny" ]; then
    # Without optimisation: it is built more often than the second that it then takes longer matters.
    cargo install --quiet --locked --debug --root "$tools" "cargo-deny@$version"
fi
exec "$tools/bin/cargo-deny" "$@"
