#!/bin/sh
# step.sh NAME COMMAND…: runs the command, says how long it took, and ends as it ended.
set -u

name=$1
shift
started=$(date +%s)
"$@"
code=$?
outcome=
[ "$code" = 0 ] || outcome=", failed with $code"
echo "step $name: $(($(date +%s) - started)) s$outcome" >&2
exit "$code"
