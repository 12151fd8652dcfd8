#!/bin/sh
# Installs what a build needs besides Rust: make, and a C compiler with its linker and headers, for the libraries in C
# that come with crates (SQLite, aws-lc, jemalloc); and the certificates by which cargo and npm trust their registries.
# Does nothing where they are present.
set -eu

# The compiler alone is of no use: a program is compiled and linked.
can_compile() {
    command -v cc >/dev/null || return 1
    printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' | cc -x c -o /dev/null - 2>/dev/null
}

missing_packages() {
    command -v make >/dev/null || printf ' make'
    can_compile || printf ' gcc libc6-dev'
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] ||
        [ -e /etc/ssl/cert.pem ] || printf ' ca-certificates'
}

packages=$(missing_packages)
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086 # a list of words
"$(dirname "$0")/apt-install.sh" $packages
packages=$(missing_packages)
[ -z "$packages" ] || {
    echo "install-build-dependencies: still missing after the installation:$packages" >&2
    exit 1
}
