#!/bin/sh
# compose-secrets.sh [DIRECTORY]: creates deploy/secrets for deploy/compose.yaml: random passwords, and a certificate
# for localhost. It keeps existing files.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
directory=${1:-$root/deploy/secrets}
mkdir -p "$directory"
cd "$directory"
# Only the owner can enter the directory. The files are readable by all, since containers run as other users.
chmod 0700 .
umask 022

# keep NAME: writes its input to the file, unless it exists.
keep() {
    [ -s "$1" ] || cat >"$1"
}

random() {
    openssl rand -hex 24
}

random | tr -d '\n' | keep database_password
printf 'postgres://madang:%s@postgres:5432/madang' "$(cat database_password)" | keep database_url
random | tr -d '\n' | keep redis_password
printf 'redis://madang:%s@redis:6379' "$(cat redis_password)" | keep redis_url
sed "s/>development/>$(cat redis_password)/" "$root"/k8s/overlays/dev/users.acl | keep redis_users.acl
openssl rand -base64 32 | tr -d '\n' | keep key_encryption_key
random | tr -d '\n' | keep grafana_password
# What gateways send to the other services.
random | tr -d '\n' | keep auth_secret
random | tr -d '\n' | keep store_secret
if [ ! -s tls.crt ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout tls.key -out tls.crt 2>/dev/null
    chmod 0644 tls.key
fi
echo "$directory is complete"
