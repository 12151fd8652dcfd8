#!/bin/sh
# Builds the web client and what it stands on into clients/web/dist, from where the next build of the gateway and the
# all-in-one takes it. Does nothing where it is built and nothing has changed. Without Node it says so and goes on: the
# programs then have a page that says how to build it. With `--required` that is a failure.
set -eu

cd "$(dirname "$0")/.."
required=${1:-}

without() {
    echo "The web client is not built: $1." >&2
    [ "$required" != --required ]
    exit
}

command -v npm >/dev/null || without "there is no npm"
node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
    without "it needs Node 20.19 or later, and this is $(node --version)"

# Whether anything of a client is newer than a file.
changed_since() {
    [ ! -e "$2" ] || [ -n "$(find "$1" \( -name node_modules -o -name dist -o -name build -o -name test -o -name test-results \) -prune -o -type f -newer "$2" -print | head -n 1)" ]
}

# Installs what the lock file says, once.
install() {
    changed=$1/node_modules/.package-lock.json
    [ -e "$changed" ] && [ ! "$1/package-lock.json" -nt "$changed" ] || npm --prefix "$1" ci --no-audit --no-fund --loglevel=error
}

page=clients/web/dist/index.html
if ! changed_since clients/typescript "$page" && ! changed_since clients/react "$page" && ! changed_since clients/web "$page"; then
    exit 0
fi
for client in clients/typescript clients/react clients/web; do
    install "$client" || without "its parts cannot be installed"
    npm --prefix "$client" run --silent build
done
