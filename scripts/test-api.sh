#!/bin/sh
# Sends what schemathesis draws from docs/openapi.json to the all-in-one, as a user and with a site's key: no answer may
# have a status from 500 on, and none a status, a media type or a body that the document does not say.
# SECONDS_EACH is the time for each of the two runs; SEED draws the same again.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
venv=$target/api/venv
seconds=${SECONDS_EACH:-120}
seed=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}

fail() {
    echo "test-api: $1" >&2
    exit 1
}

if ! cmp -s tests/api/requirements.txt "$venv/installed"; then
    python3 -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or later is needed"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
        --only-binary :all: -r tests/api/requirements.txt
    cp tests/api/requirements.txt "$venv/installed"
fi

home=$(mktemp -d)
server=
end() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$home"
}
trap end EXIT
trap 'exit 130' INT TERM

port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
many=1000000
export MADANG_HTTP_ADDR="127.0.0.1:$port" MADANG_STORE_ADDED_BY=anyone \
    MADANG_SENDS_PER_SECOND=$many MADANG_SENDS_BURST=$many MADANG_ADDRESS_SENDS_PER_SECOND=0 \
    MADANG_READS_PER_SECOND=$many MADANG_READS_BURST=$many MADANG_ADDRESS_READS_PER_SECOND=0 \
    MADANG_ROOM_SENDS_PER_SECOND=$many MADANG_ROOM_CREATIONS_PER_MINUTE=$many \
    MADANG_MEMBER_ADDITIONS_PER_MINUTE=$many MADANG_SERVER_CALLS_PER_SECOND=$many
binary=$(realpath "${MADANG_BINARY:-$target/debug/madang}")
# The server refuses settings that it does not know.
unset MADANG_BINARY
# In the directory of the data: the default is ./data.
(cd "$home" && exec "$binary") >"$home/log" 2>&1 &
server=$!
tries=0
until curl --silent --fail --output /dev/null "$url/readyz"; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail "the all-in-one is not ready: $(tail -n 5 "$home/log")"
    sleep 0.2
done

field() {
    "$venv/bin/python" -c 'import json, sys; print(eval("json.load(sys.stdin)" + sys.argv[1]))' "$1"
}
post() {
    curl --silent --fail-with-body --header "Content-Type: application/json" --header "Authorization: Bearer ${3-}" \
        --data "$2" "$url$1"
}
register() {
    post /v1/auth/register "{\"username\":\"$1\",\"password\":\"correct horse battery staple\"}"
}
# Somebody who acts, and somebody to whom it is done.
token=$(register mina | field '["access_token"]')
API_USER=$(register joon | field '["user"]["id"]')
API_ROOM=$(post /v1/rooms "{\"name\":\"Courtyard\",\"kind\":\"public\",\"members\":[\"$API_USER\"]}" "$token" | field '["id"]')
post "/v1/rooms/$API_ROOM/messages" '{"text":"hello"}' "$token" >/dev/null
key=$(cd "$home" && "$binary" keys create --name test --scope rooms --scope messages --scope notices --scope users \
    --scope tickets | grep -o 'mk_[^ ]*')
export API_USER API_ROOM SCHEMATHESIS_HOOKS=hooks

# What ends the session of the one who acts is left out; services/gateway/tests has those routes.
draw() {
    credential=$1
    shift
    PYTHONPATH=tests/api "$venv/bin/schemathesis" run docs/openapi.json --url "$url" --seed "$seed" \
        --header "Authorization: Bearer $credential" --phases examples,fuzzing --max-time "$seconds" \
        --max-examples "${EXAMPLES:-60}" --generation-database none --request-timeout 20 --continue-on-failure \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --suppress-health-check all --warnings off "$@"
}
code=0
draw "$token" --exclude-path-regex '^/v1/server/|/auth/sessions/' --exclude-operation-id erase_me \
    --exclude-operation-id change_password || code=1
draw "$key" --include-path-regex '^/v1/server/' || code=1
! grep -n 'panicked' "$home/log" || code=1
[ "$code" = 0 ] || fail "see above (seed $seed)"
