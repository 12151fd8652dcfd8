# Starts a control plane on loopback with three nodes in three zones. kwok simulates their kubelets: pods become ready
# without running. To be sourced: sets $work and $KUBECONFIG, defines `kubectl`, `wait_for`, `fail`, `passed` and `memory`,
# and stops everything when the shell exits.
# shellcheck shell=bash

tools=$(scripts/kubernetes-tools.sh)
work=$(mktemp -d)
export KUBECONFIG=$work/kubeconfig
pids=()
checks=0

end_cluster() {
    # In reverse order, so that etcd stops last.
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || true
        wait "${pids[i]}" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap end_cluster EXIT

fail() {
    echo "test-kubernetes: $1" >&2
    exit 1
}

passed() {
    echo "ok: $1"
    checks=$((checks + 1))
}

kubectl() {
    "$tools/kubectl" "$@"
}

# wait_for SECONDS WHAT COMMAND…: until the command succeeds.
wait_for() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || fail "$what: $("$@" 2>&1 | tail -n 5)"
        sleep 0.3
    done
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# run NAME ARGUMENT…: starts one program of the control plane, with its own log.
run() {
    local name=$1
    shift
    "$tools/$name" "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
}

start_cluster() {
    local etcd peer api token
    etcd=$(free_port) peer=$(free_port) api=$(free_port)
    token=$(openssl rand -hex 16)
    openssl genrsa -out "$work/accounts.key" 2048 2>/dev/null
    openssl rsa -in "$work/accounts.key" -pubout -out "$work/accounts.pub" 2>/dev/null
    echo "$token,admin,admin,system:masters" >"$work/tokens.csv"
    cat >"$KUBECONFIG" <<CONFIGURATION
apiVersion: v1
kind: Config
clusters: [{ name: test, cluster: { server: "https://127.0.0.1:$api", insecure-skip-tls-verify: true } }]
users: [{ name: admin, user: { token: "$token" } }]
contexts: [{ name: test, context: { cluster: test, user: admin } }]
current-context: test
CONFIGURATION

    # The data does not have to survive a crash.
    run etcd --data-dir "$work/etcd" --unsafe-no-fsync --listen-client-urls "http://127.0.0.1:$etcd" \
        --advertise-client-urls "http://127.0.0.1:$etcd" --listen-peer-urls "http://127.0.0.1:$peer" \
        --initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "default=http://127.0.0.1:$peer"
    run kube-apiserver --etcd-servers "http://127.0.0.1:$etcd" --bind-address 127.0.0.1 --secure-port "$api" \
        --advertise-address 127.0.0.1 --endpoint-reconciler-type none --cert-dir "$work/certificates" \
        --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$work/accounts.pub" \
        --service-account-signing-key-file "$work/accounts.key" --token-auth-file "$work/tokens.csv" \
        --authorization-mode AlwaysAllow --allow-privileged --service-cluster-ip-range 10.96.0.0/16
    wait_for 180 "the API server is not ready" kubectl get --raw /readyz
    run kube-controller-manager --kubeconfig "$KUBECONFIG" --leader-elect=false --secure-port 0 \
        --horizontal-pod-autoscaler-sync-period 2s --service-account-private-key-file "$work/accounts.key"
    run kube-scheduler --kubeconfig "$KUBECONFIG" --leader-elect=false --secure-port 0
    run kwok --kubeconfig "$KUBECONFIG" --manage-all-nodes=true --node-lease-duration-seconds 40 \
        --config "$tools/stages/node-initialize.yaml" --config "$tools/stages/pod-ready.yaml" \
        --config "$tools/stages/pod-delete.yaml"
    for zone in a b c; do
        kubectl apply -f - >/dev/null <<NODE
apiVersion: v1
kind: Node
metadata:
  name: node-$zone
  labels: { topology.kubernetes.io/zone: $zone, kubernetes.io/hostname: node-$zone }
status:
  allocatable: { cpu: "16", memory: 64Gi, pods: "110" }
  capacity: { cpu: "16", memory: 64Gi, pods: "110" }
NODE
    done
    wait_for 120 "the nodes are not ready" kubectl wait --for=condition=ready node --all --timeout=1s
    wait_for 120 "there is no default service account" kubectl -n default get serviceaccount default
    # Volumes for the development database and for uploaded files. There is no provisioner.
    kubectl apply -f - >/dev/null <<'VOLUME'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: test
  annotations: { storageclass.kubernetes.io/is-default-class: "true" }
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: Immediate
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: test-1
spec:
  storageClassName: test
  capacity: { storage: 1Gi }
  accessModes: [ReadWriteOnce]
  hostPath: { path: /var/empty }
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: test-2
spec:
  storageClassName: test
  capacity: { storage: 1Gi }
  accessModes: [ReadWriteOnce]
  hostPath: { path: /var/empty }
VOLUME
}

# The definitions of the custom resources, with their rules: of the Gateway API from its Go module, of the Prometheus
# operator from its Go types, of CloudNativePG and its plugin reduced copies.
define_custom_resources() {
    local kind
    for kind in gatewayclasses gateways httproutes; do
        define "$tools/gateway-api/gateway.networking.k8s.io_$kind.yaml"
    done
    for kind in podmonitors prometheusrules; do
        define "$tools/definitions/monitoring.coreos.com_$kind.yaml"
    done
    for kind in tests/kubernetes/testdata/definitions/*.yaml; do
        define "$kind"
    done
    kubectl wait --for=condition=established customresourcedefinition --all --timeout=120s >/dev/null
}

# define FILE: on the server's side, since a definition is too long for the annotation of a client's apply.
define() {
    kubectl apply --server-side -f "$1" >"$work/defined" 2>&1 || fail "$1 is refused: $(cat "$work/defined")"
}

# The most memory that the control plane has used, in MB.
memory() {
    local pid
    for pid in "${pids[@]}"; do
        sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status"
    done | awk '{ sum += $1 } END { printf "%d", sum / 1000 }'
}
