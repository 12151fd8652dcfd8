#!/usr/bin/env bash
# fuzz.sh [--seconds N] [TARGET…]: runs libFuzzer on fuzz targets of tests/fuzz, on all if none is named.
# fuzz.sh --input FILE TARGET: runs one input. fuzz.sh --minimize FILE TARGET: makes an input that fails smaller.
# fuzz.sh --merge TARGET…: lists the learnt inputs that reach more code than the checked-in corpus.
#
# Stable Rust can do it: the crates of this workspace are compiled with LLVM's counters of edges and comparisons, in
# optimised form and with checks of overflow. Crates from elsewhere are those that `make test` has built.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=data/fuzz
seconds=60 action=fuzz input=
while [[ ${1:-} == --* ]]; do
    case $1 in
    --seconds) seconds=$2 && shift ;;
    --input | --minimize) action=${1#--} input=$2 && shift ;;
    --merge) action=merge ;;
    *) echo "fuzz: unknown option $1" >&2 && exit 2 ;;
    esac
    shift
done
targets=("$@")
[[ $# -gt 0 ]] || mapfile -t targets < <(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
for target in "${targets[@]}"; do
    [[ -d tests/fuzz/corpus/$target ]] || { echo "fuzz: there is no target $target" >&2 && exit 2; }
done

command -v c++ >/dev/null || scripts/apt-install.sh g++

# With the features of the whole workspace, so that nothing from elsewhere is built a second time.
RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/rustc-for-fuzzing.sh ${CARGO:-cargo} build ${CI:+--locked} --workspace \
    --bin madang-fuzz --features madang-fuzz/libfuzzer
program=${CARGO_TARGET_DIR:-target}/debug/madang-fuzz

# No input takes as long or as much as these, on a machine that does something else too.
limits=(-timeout=20 -rss_limit_mb=512)
failed=()
for target in "${targets[@]}"; do
    export FUZZ_TARGET=$target
    learnt=$data/$target/corpus checked_in=tests/fuzz/corpus/$target
    mkdir -p "$learnt"
    case $action in
    input) "$program" "${limits[@]}" "$input" || failed+=("$target") ;;
    minimize) "$program" "${limits[@]}" -minimize_crash=1 -max_total_time="$seconds" -artifact_prefix="$data/$target/" "$input" ;;
    merge)
        rm -rf "$data/$target/merged" && cp -r "$checked_in" "$data/$target/merged"
        "$program" "${limits[@]}" -merge=1 "$data/$target/merged" "$learnt" 2>/dev/null
        diff -rq "$checked_in" "$data/$target/merged" || true
        ;;
    fuzz)
        log=$data/$target/log
        if "$program" "${limits[@]}" -dict="tests/fuzz/dictionaries/$target.dict" -max_total_time="$seconds" -max_len=4096 \
            -print_final_stats=1 -artifact_prefix="$data/$target/" "$learnt" "$checked_in" 2>"$log"; then
            outcome=ok
        else
            outcome=FAILED && failed+=("$target")
            grep -aE 'panicked at|^SUMMARY|Test unit written' -A2 "$log" >&2 || tail -n 20 "$log" >&2
        fi
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        edges=$(grep -aoE 'cov: [0-9]+' "$log" | tail -n1)
        echo "fuzz $target: $outcome, ${runs:-?} runs, ${edges:-cov: ?}, $(find "$learnt" -type f | wc -l) inputs learnt"
        ;;
    esac
done
[[ ${#failed[@]} -eq 0 ]] || { echo "fuzz: failed: ${failed[*]}" >&2 && exit 1; }
