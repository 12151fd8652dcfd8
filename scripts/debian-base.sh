#!/bin/sh
# debian-base.sh DIRECTORY: makes the root file system of a base image from Debian packages, without a registry. It has
# glibc, libgcc_s, certificates and the account 65532, and no programs, like a distroless image.
set -eu

root=$1
# glibc must not be older than the one that the programs were linked with. So this takes this machine's release.
suite=${DEBIAN_SUITE:-$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME" || echo bookworm)}

command -v mmdebstrap >/dev/null || {
    echo "debian-base: there is no mmdebstrap; see scripts/install-image-tools.sh" >&2
    exit 1
}
if [ "$(id -u)" = 0 ]; then mode=root; else mode=unshare; fi
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
# Extracts the packages without installing them, since their scripts would need a shell. The mirror is this machine's,
# or DEBIAN_MIRROR.
# shellcheck disable=SC2086 # nothing, or one word
mmdebstrap --quiet --mode=$mode --variant=extract --include=base-files,libc6,libgcc-s1,ca-certificates,netbase \
    "$suite" - ${DEBIAN_MIRROR:-} | tar -x -C "$unpacked" --no-same-owner --exclude='./dev/*'

mkdir -p "$root"
cd "$unpacked"
# In newer releases these are links into /usr.
for link in lib lib64; do
    [ ! -L "$link" ] || cp -a "$link" "$root"
done
# The loader, the libraries that Rust programs are linked with, and those that glibc needs to look up names.
mkdir -p usr/lib64
find lib*/ usr/lib*/ \( -name 'ld-linux*' -o -name 'libc.so*' -o -name 'libm.so*' -o -name 'libmvec.so*' \
    -o -name 'libdl.so*' -o -name 'libpthread.so*' -o -name 'librt.so*' -o -name 'libresolv.so*' \
    -o -name 'libgcc_s.so*' -o -name 'libnss_dns.so*' -o -name 'libnss_files.so*' \) \
    -exec cp -a --parents '{}' "$root" ';'
cp -a --parents etc/services etc/protocols etc/host.conf etc/os-release usr/lib/os-release etc/debian_version "$root"
for package in base-files libc6 libgcc-s1 ca-certificates netbase; do
    cp -L --parents "usr/share/doc/$package/copyright" "$root"
done

cd "$root"
# The package's script would make this file.
mkdir -p etc/ssl/certs tmp run usr/bin
chmod 1777 tmp
cat "$unpacked"/usr/share/ca-certificates/mozilla/*.crt >etc/ssl/certs/ca-certificates.crt
printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' >etc/passwd
printf 'root:x:0:\nnonroot:x:65532:\n' >etc/group
printf 'hosts: files dns\n' >etc/nsswitch.conf
