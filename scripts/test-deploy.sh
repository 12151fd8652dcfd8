#!/usr/bin/env bash
# Checks the files that deploy/compose.yaml mounts, by starting the programs that read them: Prometheus with its alerts,
# the ingress with TLS, Redis with its users. `make test-manifests` checks the compose file itself, `make test-collector`
# the configuration of the collector. Grafana is not started.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$PATH:/usr/sbin:/usr/local/sbin"
work=$(mktemp -d)
pids=()
checks=0
cleanup() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "test-deploy: $1" >&2
    exit 1
}

passed() {
    echo "ok: $1"
    checks=$((checks + 1))
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

listening() {
    local deadline=$((SECONDS + 10))
    until (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
        [ $SECONDS -lt $deadline ] || fail "nothing listens at $1: $(cat "$2")"
        sleep 0.1
    done
}

promtool check config deploy/prometheus/prometheus.yaml >"$work/promtool" || fail "$(cat "$work/promtool")"
passed "Prometheus takes its configuration"
promtool test rules deploy/prometheus/alerts_test.yaml >"$work/promtool" 2>&1 || fail "$(cat "$work/promtool")"
# Each alert must fire in some test.
for alert in $(sed -n 's/^ *- alert: //p' deploy/prometheus/alerts.yaml); do
    awk -v alert="$alert" '
        index($0, "alertname: " alert) { seen = 1; next }
        /eval_time|alertname:/ { seen = seen && !/alertname:/ }
        seen && /exp_labels/ { found = 1 }
        END { exit !found }' deploy/prometheus/alerts_test.yaml || fail "no test sees the alert $alert fire"
done
passed "each alert fires, and keeps silent, where it should"

# Prometheus itself, with that configuration and a shorter interval. Its targets are not there.
prometheus=$(free_port)
mkdir -p "$work/prometheus"
cp deploy/prometheus/alerts.yaml "$work/prometheus"
sed 's/evaluation_interval: 15s/evaluation_interval: 1s/' deploy/prometheus/prometheus.yaml >"$work/prometheus/prometheus.yaml"
prometheus --config.file="$work/prometheus/prometheus.yaml" --storage.tsdb.path="$work/prometheus/data" \
    --web.listen-address="127.0.0.1:$prometheus" >"$work/prometheus.log" 2>&1 &
pids+=($!)
listening "$prometheus" "$work/prometheus.log"
query() {
    curl -s --max-time 5 "http://127.0.0.1:$prometheus/api/v1/$1"
}
rules=$(grep -c '^ *- alert: ' deploy/prometheus/alerts.yaml)
deadline=$((SECONDS + 20))
until [ "$(query 'rules?type=alert' | grep -o '"health":"ok"' | wc -l)" = "$rules" ]; do
    [ $SECONDS -lt $deadline ] || fail "Prometheus does not evaluate $rules alerts: $(query 'rules?type=alert')"
    sleep 0.2
done
jobs=$(sed -n 's/^ *- job_name: //p' deploy/prometheus/prometheus.yaml | sort | paste -sd' ')
pools() {
    curl -s --max-time 5 "http://127.0.0.1:$prometheus/metrics" |
        sed -n 's/^prometheus_target_scrape_pool_targets{scrape_job="\(.*\)"}.*/\1/p' | sort | paste -sd' '
}
until [ "$(pools)" = "$jobs" ]; do
    [ $SECONDS -lt $deadline ] || fail "Prometheus scrapes $(pools), not $jobs"
    sleep 0.2
done
passed "Prometheus starts with it, evaluates $rules alerts, and scrapes $jobs"

scripts/compose-secrets.sh "$work/secrets" >/dev/null
secrets=$(sed -n 's/^ *[a-z_]*: { file: \.\/secrets\/\(.*\) }/\1/p' deploy/compose.yaml)
for secret in $secrets; do
    [ -s "$work/secrets/$secret" ] || fail "scripts/compose-secrets.sh does not make $secret"
done
before=$(cat "$work"/secrets/* | cksum)
scripts/compose-secrets.sh "$work/secrets" >/dev/null
[ "$before" = "$(cat "$work"/secrets/* | cksum)" ] || fail "a second run of scripts/compose-secrets.sh changes secrets"
[ "$(stat -c %a "$work/secrets")" = 700 ] || fail "others can read the secrets"
passed "the secrets are made, once, and their owner's alone"

redis=$(free_port)
"$(command -v valkey-server || command -v redis-server)" k8s/components/valkey/valkey.conf --port "$redis" --bind 127.0.0.1 \
    --dir "$work" --aclfile "$work/secrets/redis_users.acl" >"$work/redis.log" &
pids+=($!)
listening "$redis" "$work/redis.log"
ask() {
    "$(command -v valkey-cli || command -v redis-cli)" --no-auth-warning -p "$redis" "$@" 2>&1
}
password=$(cat "$work/secrets/redis_password")
[[ $(ask ping) == NOAUTH* ]] || fail "Redis answers who has not signed in: $(ask ping)"
[ "$(ask --user madang --pass "$password" ping)" = PONG ] || fail "the password of the URL is not the user's"
[[ $(cat "$work/secrets/redis_url") == "redis://madang:$password@redis:6379" ]] || fail "the URL of Redis is another's"
for command in "flushall" "config get maxmemory" "keys x" "acl list" "shutdown" "set other 1"; do
    # shellcheck disable=SC2086 # words
    [[ $(ask --user madang --pass "$password" $command) == NOPERM* ]] || fail "the gateways may $command"
done
passed "Redis knows its users, and lets them do no more than they need"

# The same with the configuration of k8s/components/valkey-tls, whose files are elsewhere here.
secure=$(free_port)
authority=$work/secrets/tls.crt
sed "s#/etc/valkey#$PWD/k8s/components/valkey#; s#6379#$secure#; s#/run/secrets/valkey-tls/ca.crt#$authority#
    s#/run/secrets/valkey-tls#$work/secrets#" k8s/components/valkey-tls/tls.conf >"$work/tls.conf"
"$(command -v valkey-server || command -v redis-server)" "$work/tls.conf" --bind 127.0.0.1 --dir "$work" \
    --aclfile "$work/secrets/redis_users.acl" >"$work/secure.log" &
pids+=($!)
listening "$secure" "$work/secure.log"
ask_securely() {
    "$(command -v valkey-cli || command -v redis-cli)" --no-auth-warning -p "$secure" --user madang --pass "$password" "$@" 2>&1
}
[ "$(ask_securely --tls --cacert "$authority" -h localhost ping)" = PONG ] || fail "Redis does not answer by TLS: $(cat "$work/secure.log")"
[[ $(ask_securely --tls --cacert "$authority" -h localhost flushall) == NOPERM* ]] || fail "by TLS the gateways may more"
[ "$(timeout 5 "$(command -v valkey-cli || command -v redis-cli)" -p "$secure" ping 2>&1)" != PONG ] || fail "Redis answers without TLS"
passed "Redis speaks TLS alone where it has a certificate"

# The ingress as deployed, except for its addresses.
port=$(free_port)
mkdir -p "$work/nginx"
chmod 0755 "$work"
cp deploy/nginx/nginx.conf deploy/nginx/limits.conf "$work/nginx"
# A gateway that returns the forwarded protocol and address.
gateway=$(free_port)
mkdir -p "$work/gateway"
cat >"$work/gateway/nginx.conf" <<CONFIGURATION
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
    server {
        listen 127.0.0.1:$gateway;
        location / { return 200 "\$http_x_forwarded_proto \$http_x_forwarded_for"; }
    }
}
CONFIGURATION
nginx -p "$work/gateway" -c "$work/gateway/nginx.conf" -e stderr -g 'daemon off;' 2>"$work/gateway.log" &
gateway_pid=$!
pids+=("$gateway_pid")
listening "$gateway" "$work/gateway.log"
echo "server 127.0.0.1:$gateway;" >"$work/nginx/gateways.conf"
sed "s#listen 8443#listen 127.0.0.1:$port#; s#/run/secrets/tls_certificate#$work/secrets/tls.crt#; s#/run/secrets/tls_key#$work/secrets/tls.key#" \
    deploy/compose/listen.conf >"$work/nginx/listen.conf"
nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" -e stderr -t 2>"$work/nginx.log" || fail "$(cat "$work/nginx.log")"
nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" -e stderr -g 'daemon off;' >"$work/access.log" 2>"$work/nginx.log" &
pids+=($!)
listening "$port" "$work/nginx.log"
visit() {
    curl -s --max-time 10 --cacert "$work/secrets/tls.crt" "$@"
}
visit -D "$work/head" -o "$work/body" "https://localhost:$port/v1/me" || fail "TLS with the made certificate fails"
grep -iq '^strict-transport-security: max-age=' "$work/head" || fail "browsers may come without TLS: $(cat "$work/head")"
[ "$(cat "$work/body")" = "https 127.0.0.1" ] || fail "gateways are told of $(cat "$work/body")"
[ "$(visit -o /dev/null -w '%{http_code}' "https://localhost:$port/metrics")" = 404 ] || fail "the metrics are public"
clear=$(curl -s --max-time 10 -o /dev/null -w '%{http_code} %{redirect_url}' "http://127.0.0.1:$port/v1/me")
[ "$clear" = "400 " ] || fail "what comes without TLS is answered $clear"
! visit -o /dev/null --tls-max 1.1 "https://localhost:$port/v1/me" || fail "TLS 1.1 is spoken"
kill "$gateway_pid"
wait "$gateway_pid" || true
visit -o "$work/body" "https://localhost:$port/v1/me"
grep -q '"code":"deadline_exceeded"' "$work/body" || fail "a dead gateway is answered $(cat "$work/body")"
passed "the ingress speaks TLS alone, and tells of no operations routes"
for gateway in $(sed -n 's/^server \([^:]*\):.*/\1/p' deploy/nginx/gateways.conf); do
    grep -q "^  $gateway:" deploy/compose.yaml || fail "there is no service $gateway for the ingress"
done
passed "the ingress' gateways are services"
echo "$checks passed, 0 failed"
