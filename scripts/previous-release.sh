#!/bin/sh
# previous-release.sh [--source DIRECTORY [PATH…]]: builds the services of the release that tests/upgrade/previous-release
# names, and prints the directory of the binaries. They stay in target/previous-release, by the commit: a later call builds
# nothing. With --source it only writes the release's files (of these paths) into a directory.
set -eu

cd "$(dirname "$0")/.."
commit=$(sed -n '/^[0-9a-f]\{40\}$/p' tests/upgrade/previous-release)
[ ${#commit} = 40 ] || {
    echo "previous-release: tests/upgrade/previous-release must name one commit by all its 40 digits" >&2
    exit 1
}
# A shallow clone has the last commit alone.
git cat-file -e "$commit^{commit}" 2>/dev/null || git fetch --quiet --depth 1 origin "$commit" >&2 || {
    echo "previous-release: this clone does not have the commit $commit; fetch its history" >&2
    exit 1
}

# write DIRECTORY [PATH…]
write() {
    directory=$1
    shift
    mkdir -p "$directory"
    git archive "$commit" -- "$@" | tar -x -C "$directory"
}

if [ "${1:-}" = --source ]; then
    shift
    write "$@"
    exit
fi

cache=$(realpath -m "${CARGO_TARGET_DIR:-target}")/previous-release/$commit
if [ ! -d "$cache/bin" ]; then
    # One at a time. The lock ends with the process.
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
fi
if [ ! -d "$cache/bin" ]; then
    echo "building the previous release, $commit" >&2
    rm -rf "$cache/source" "$cache/partial"
    write "$cache/source"
    (
        cd "$cache/source"
        # Its own target directory: nothing of this tree's build is taken for its own.
        CARGO_TARGET_DIR=$cache/target "${CARGO:-cargo}" build --locked --bins \
            -p madang-auth -p madang-message-store -p madang-gateway >&2
    )
    mkdir "$cache/partial"
    for program in madang-auth madang-message-store madang-gateway; do
        cp "$cache/target/debug/$program" "$cache/partial/"
    done
    # Whole or not at all.
    mv "$cache/partial" "$cache/bin"
    rm -rf "$cache/source" "$cache/target"
fi
echo "$cache/bin"
