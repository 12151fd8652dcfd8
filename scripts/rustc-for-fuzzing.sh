#!/bin/sh
# rustc-for-fuzzing.sh RUSTC ARGUMENT…: rustc with libFuzzer's instrumentation, for the libraries of this workspace. Cargo
# calls it for them alone (RUSTC_WORKSPACE_WRAPPER). What is linked by itself, such as a build script, has no libFuzzer to
# call, and stays as it is.
set -eu

case " $* " in
*" --crate-type lib "*)
    exec "$@" -Copt-level=1 -Coverflow-checks=yes -Cdebug-assertions=yes -Ccodegen-units=4 \
        -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0
    ;;
*) exec "$@" ;;
esac
