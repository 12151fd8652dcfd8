#!/usr/bin/env bash
# test-images.sh [TAG [PREFIX]]: runs the images of scripts/images.sh as on Kubernetes: as an ordinary user, without
# capabilities, on a read-only root file system, with limited memory. Each must serve, and exit with 0 on SIGTERM. The
# gateways use a Redis with the configuration and the permissions of k8s/. Needs podman or a Docker engine, curl, and
# redis-server or valkey-server.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=${1:-dev}
prefix=${2:-localhost/}
# The size limit of an image in MB, unpacked. For debug programs set MAX_IMAGE_MB=100.
max_mb=${MAX_IMAGE_MB:-40}
# The memory of each container: the smallest limit in k8s/base.
memory=${CONTAINER_MEMORY:-256m}
engine=$(scripts/container-engine.sh run)
run_id=madang-test-$$
talk=$(mktemp -d)
checks=0

cleanup() {
    # Only the containers of this run.
    for container in all-in-one auth message-store gateway gateway-2; do
        "$engine" rm -f "$run_id-$container" >/dev/null 2>&1 || true
    done
    "$engine" volume rm "$run_id" >/dev/null 2>&1 || true
    [ -z "${redis_pid:-}" ] || kill "$redis_pid" 2>/dev/null || true
    rm -rf "$talk"
}
trap cleanup EXIT

fail() {
    echo "test-images: $1" >&2
    for container in all-in-one auth message-store gateway gateway-2; do
        # The programs log to standard error.
        "$engine" logs "$run_id-$container" 2>&1 | tail -n 20 | sed "s/^/$container: /" >&2 || true
    done
    exit 1
}

passed() {
    echo "ok: $1"
    checks=$((checks + 1))
}

restricted=(--read-only --cap-drop all --security-opt no-new-privileges --memory "$memory" --pids-limit 128
    --network host --ulimit nofile=4096:4096 --ulimit nproc=512:512)
if [ "$engine" = podman ]; then
    # Without the writable temporary directories that podman would add.
    restricted+=(--read-only-tmpfs=false)
fi

# start NAME IMAGE ARGUMENT…: the arguments are the engine's.
start() {
    local name=$1 image=$2
    shift 2
    "$engine" run -d --name "$run_id-$name" "${restricted[@]}" "$@" "$prefix$image:$tag" >/dev/null
}

# An unused port of loopback.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# ready NAME URL: waits up to 30 s for /readyz.
ready() {
    local deadline=$((SECONDS + 30))
    until curl -sf -o /dev/null --max-time 2 "$2/readyz"; do
        [ "$("$engine" inspect --format '{{.State.Running}}' "$run_id-$1")" = true ] || fail "$1 has ended"
        [ $SECONDS -lt $deadline ] || fail "$1 is not ready after 30 s: $(curl -s --max-time 2 "$2/readyz")"
        sleep 0.2
    done
    curl -sf -o /dev/null --max-time 2 "$2/livez" || fail "$1 is ready but not alive"
    curl -sf --max-time 2 "$2/metrics" | grep '^process_resident_memory_bytes ' >/dev/null || fail "$1 has no metrics"
    passed "$1 is ready"
}

# stopped NAME: sends SIGTERM, and checks the exit code.
stopped() {
    "$engine" stop -t 40 "$run_id-$1" >/dev/null
    local state
    state=$("$engine" inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' "$run_id-$1")
    [ "$state" = "0 false" ] || fail "$1 ended with (exit code, out of memory) $state"
    passed "$1 exits with 0 on SIGTERM"
}

call() {
    curl -sS --fail-with-body --max-time 10 -H 'content-type: application/json' "$@"
}

# people_talk BASE: signs up, creates a room, sends a message, reads it, and opens a WebSocket.
people_talk() {
    local base=$1/v1 token room=room-$RANDOM status
    call "$base/auth/register" -d "{\"username\":\"mina$RANDOM\",\"password\":\"a courtyard at noon\",\"name\":\"Mina\"}" \
        >"$talk/account" || fail "signing up failed: $(cat "$talk/account")"
    token=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' "$talk/account")
    call "$base/rooms" -H "authorization: Bearer $token" -d "{\"name\":\"Yard\",\"kind\":\"public\",\"slug\":\"$room\"}" \
        >"$talk/room" || fail "making a room failed: $(cat "$talk/room")"
    call "$base/rooms/$room/messages" -H "authorization: Bearer $token" -d '{"text":"안녕하세요"}' \
        >"$talk/message" || fail "sending failed: $(cat "$talk/message")"
    call "$base/rooms/$room/messages" -H "authorization: Bearer $token" | grep 안녕하세요 >/dev/null || fail "the message is not there"
    # The answer is 101 and a stream that does not end.
    status=$(curl -s -o "$talk/frames" -w '%{http_code}' --max-time 2 --http1.1 "$base/ws" \
        -H 'connection: upgrade' -H 'upgrade: websocket' -H 'sec-websocket-version: 13' \
        -H 'sec-websocket-key: bWFkYW5nLW1hZGFuZy0xMg==' -H 'sec-websocket-protocol: madang.v1.json' \
        -H "authorization: Bearer $token" || true)
    [ "$status" = 101 ] || fail "the WebSocket's handshake was answered $status"
    grep -aq '"type":"hello"' "$talk/frames" || fail "the WebSocket said no hello"
    printf '%s %s\n' "$token" "$room" >"$talk/last"
    passed "sign up, a message and a WebSocket by $1"
}

# The contents of the images.
for image in madang-auth madang-message-store madang-gateway madang; do
    name=$prefix$image:$tag
    user=$("$engine" image inspect --format '{{.Config.User}}' "$name")
    [[ $user =~ ^[1-9][0-9]*(:[1-9][0-9]*)?$ ]] || fail "$name runs as '$user', which is not the number of an ordinary user"
    container=$("$engine" create "$name")
    programs=$("$engine" export "$container" | tar -tv | awk '/^-..x/ { print $6 }' |
        grep -vE '\.so(\.[0-9]+)*$|^usr/lib/|^lib/' || true)
    "$engine" rm "$container" >/dev/null
    [ "$programs" = "usr/bin/$image" ] || fail "$name holds more programs than its own: $programs"
    bytes=$("$engine" image inspect --format '{{.Size}}' "$name")
    [ "$bytes" -le $((max_mb * 1000000)) ] || fail "$name weighs $((bytes / 1000000)) MB, more than $max_mb"
    passed "$name: user $user, no other program, $((bytes / 1000000)) MB"
done

port=$(free_port)
"$engine" volume create "$run_id" >/dev/null
start all-in-one madang -v "$run_id:/data" -e "MADANG_HTTP_ADDR=127.0.0.1:$port"
ready all-in-one "http://127.0.0.1:$port"
people_talk "http://127.0.0.1:$port"
read -r token room <"$talk/last"
stopped all-in-one
"$engine" start "$run_id-all-in-one" >/dev/null
ready all-in-one "http://127.0.0.1:$port"
call "http://127.0.0.1:$port/v1/rooms/$room/messages" -H "authorization: Bearer $token" | grep 안녕하세요 >/dev/null ||
    fail "the message is gone after a restart"
passed "the message is there after a restart"
stopped all-in-one

# Redis with the configuration of k8s/, and a user with only the rights that gateways need.
redis=$(free_port)
"$(command -v valkey-server || command -v redis-server)" k8s/components/valkey/valkey.conf --port "$redis" \
    --bind 127.0.0.1 --dir "$talk" --aclfile "$PWD/k8s/overlays/dev/users.acl" >"$talk/redis.log" &
redis_pid=$!

auth=$(free_port) store=$(free_port) auth_ops=$(free_port) store_ops=$(free_port)
start auth madang-auth --tmpfs /data:mode=1777 -e MADANG_DATABASE_URL=sqlite:///data/accounts.db \
    -e "MADANG_GRPC_ADDR=127.0.0.1:$auth" -e "MADANG_OPS_ADDR=127.0.0.1:$auth_ops"
start message-store madang-message-store --tmpfs /data:mode=1777 -e MADANG_DATABASE_URL=sqlite:///data/messages.db \
    -e "MADANG_GRPC_ADDR=127.0.0.1:$store" -e "MADANG_OPS_ADDR=127.0.0.1:$store_ops"
start_gateway() {
    start "$1" madang-gateway -e "MADANG_AUTH_URL=http://127.0.0.1:$auth" -e "MADANG_STORE_URL=http://127.0.0.1:$store" \
        -e "MADANG_REDIS_URL=redis://madang:development@127.0.0.1:$redis" \
        -e "MADANG_HTTP_ADDR=127.0.0.1:$2" -e "MADANG_OPS_ADDR=127.0.0.1:$3"
}
first=$(free_port) first_ops=$(free_port) second=$(free_port) second_ops=$(free_port)
start_gateway gateway "$first" "$first_ops"
start_gateway gateway-2 "$second" "$second_ops"
ready auth "http://127.0.0.1:$auth_ops"
ready message-store "http://127.0.0.1:$store_ops"
ready gateway "http://127.0.0.1:$first_ops"
ready gateway-2 "http://127.0.0.1:$second_ops"
people_talk "http://127.0.0.1:$first"

# listen PORT TOKEN ROOM: opens a WebSocket, subscribes, and prints what it receives for five seconds. Client frames are
# masked; a mask of zeros does not change the text.
listen() {
    local frame="{\"type\":\"subscribe\",\"id\":\"1\",\"rooms\":[{\"room\":\"$3\"}]}"
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET /v1/ws HTTP/1.1\r\nhost: 127.0.0.1:%s\r\nconnection: upgrade\r\nupgrade: websocket\r\n' "$1" >&3
    printf 'sec-websocket-version: 13\r\nsec-websocket-key: bWFkYW5nLW1hZGFuZy0xMg==\r\n' >&3
    printf 'sec-websocket-protocol: madang.v1.json\r\nauthorization: Bearer %s\r\n\r\n' "$2" >&3
    # The header of a text frame: 0x81, then 0x80 plus the length, then the mask.
    printf "\\x81\\x$(printf %x $((128 + ${#frame})))\\0\\0\\0\\0%s" "$frame" >&3
    timeout 5 cat <&3 || true
}
read -r token room <"$talk/last"
listen "$second" "$token" "$room" >"$talk/heard" &
listener=$!
deadline=$((SECONDS + 5))
until grep -aq '"type":"subscribed"' "$talk/heard" 2>/dev/null; do
    [ $SECONDS -lt $deadline ] || fail "the second gateway did not answer a subscription: $(strings "$talk/heard")"
    sleep 0.1
done
call "http://127.0.0.1:$first/v1/rooms/$room/messages" -H "authorization: Bearer $token" -d '{"text":"through the bus"}' \
    >"$talk/message" || fail "sending failed: $(cat "$talk/message")"
wait "$listener"
grep -aq 'through the bus' "$talk/heard" || fail "the second gateway did not deliver what the first one sent"
delivered=$(curl -s "http://127.0.0.1:$second_ops/metrics" | sed -n 's/^madang_bus_delivered_total[^ ]* //p')
[ "${delivered:-0}" -gt 0 ] || fail "nothing came to the second gateway by way of Redis"
for gateway in gateway gateway-2; do
    refused=$("$engine" logs "$run_id-$gateway" 2>&1 | grep -iE "NOPERM|can't run this command|no permissions" || true)
    [ -z "$refused" ] || fail "the user of Redis may not do what $gateway needs: $refused"
done
passed "a message by one gateway is delivered by another, through Redis with the permissions of k8s/"

for service in gateway gateway-2 message-store auth; do
    stopped "$service"
done

# The containers above listen on loopback. By default the images must listen on all interfaces.
for image in madang-auth madang-message-store madang-gateway madang; do
    environment=$("$engine" image inspect --format '{{join .Config.Env " "}}' "$prefix$image:$tag" | tr ' ' '\n')
    addresses=$(grep -c '^MADANG_[A-Z]*_ADDR=0\.0\.0\.0:' <<<"$environment" || true)
    expected=2
    [ "$image" != madang ] || expected=1
    [ "$addresses" = "$expected" ] || fail "$image does not listen at all interfaces: $environment"
done
passed "images listen at all interfaces"
echo "$checks passed, 0 failed"
