#!/bin/sh
# Builds a small store that speaks S3, for tests, and prints its path in the user's cache. Needs Go.
set -eu

version=v1.2.0
programs=${XDG_CACHE_HOME:-$HOME/.cache}/madang/s3-$version
if [ ! -x "$programs/gofakes3" ]; then
    GOBIN=$programs go install "github.com/johannesboyne/gofakes3/cmd/gofakes3@$version" >&2
fi
echo "$programs/gofakes3"
