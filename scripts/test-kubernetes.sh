#!/usr/bin/env bash
# Applies the overlays of k8s/ to a real control plane with simulated kubelets, and checks the result. Then it plants
# faults, each of which a check must find. It cannot show what happens inside a pod: images, probes, network policies.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/kubernetes-cluster.sh
. scripts/kubernetes-cluster.sh
# shellcheck source=scripts/kubernetes-checks.sh
. scripts/kubernetes-checks.sh

# Creates the Secrets of external-secrets.yaml.
make_secrets() {
    local name keys key arguments
    sed -n 's/^  \([a-z0-9-]*\): { keys: \[\(.*\)\], by.*/\1 \2/p' "$1/external-secrets.yaml" | while read -r name keys; do
        arguments=()
        for key in ${keys//,/ }; do
            arguments+=(--from-literal="$key=test")
        done
        in_madang create secret generic "$name" "${arguments[@]}" >/dev/null
    done
}

# plant WHAT SED-EXPRESSION: writes the built overlay with a fault to $work/wrong.yaml.
plant() {
    sed -z "$2" "$work/right.yaml" >"$work/wrong.yaml"
    ! cmp -s "$work/right.yaml" "$work/wrong.yaml" || fail "the fault cannot be made: $1"
}

# refused WHAT SED-EXPRESSION COMPLAINT: the API server must refuse this fault, with this complaint.
refused() {
    plant "$1" "$2"
    ! kubectl apply --dry-run=server -f "$work/wrong.yaml" >"$work/refused" 2>&1 || fail "the API server takes $1"
    grep -q "$3" "$work/refused" || fail "$1 is refused for another reason: $(cat "$work/refused")"
    passed "refused: $1 ($(grep -o "$3" "$work/refused" | head -n 1))"
}

# found WHAT SED-EXPRESSION COMPLAINT CHECK…: the API server takes this fault. The check must find it.
found() {
    local what=$1 complaint=$3
    plant "$what" "$2"
    shift 3
    kubectl apply -f "$work/wrong.yaml" >"$work/wrong" 2>&1 || fail "the API server refuses $what: $(cat "$work/wrong")"
    # In a shell of its own, which the check ends.
    if (
        trap watched EXIT
        patience=30
        "$@"
    ) >"$work/found" 2>&1; then
        fail "no check finds $what"
    fi
    grep -q "$complaint" "$work/found" || fail "$what is found for another reason: $(cat "$work/found")"
    passed "found: $what ($(sed -n 's/^test-kubernetes: //p' "$work/found" | head -n 1 | cut -c1-160))"
    kubectl apply -f "$work/right.yaml" >/dev/null 2>&1
    available
}

start_cluster
define_custom_resources
passed "a control plane of $("$tools/kube-apiserver" --version) is ready after $SECONDS s"

kubectl kustomize k8s/overlays/dev >"$work/right.yaml"
applied k8s/overlays/dev -k k8s/overlays/dev
passed "dev is applied without a warning, and a second time none of $resources resources changes"
available
admitted
passed "every workload has its pods, which are admitted under the restricted profile, and becomes available"
served
selected
complete
passed "services lead to ready pods, policies select pods, and every named key exists"
spread
rolled_out
spread
passed "a rollout never has fewer available pods than it should ($seen events), and leaves the pods spread over zones"
drained
passed "each node is drained, and no budget is ever short ($seen events)"

plant "a privileged container" 's/allowPrivilegeEscalation: false/privileged: true/'
kubectl apply --dry-run=server -f "$work/wrong.yaml" >"$work/warned" 2>&1 || fail "a privileged container: $(cat "$work/warned")"
grep -q 'Warning: would violate PodSecurity "restricted:latest"' "$work/warned" || fail "nothing warns of a privileged container"
passed "warned of: a privileged container, which \`applied\` takes as a fault"
found "pods that are not admitted" 's/allowPrivilegeEscalation: false/privileged: true/' \
    'violates PodSecurity' available
found "a service that selects nothing" 's/selector:\n    app.kubernetes.io\/name: madang-auth/selector:\n    app.kubernetes.io\/name: auth/' \
    'madang-auth selects no pods' served
found "a service to a port that is not there" 's/targetPort: grpc/targetPort: rpc/' 'leads to 0 ports' served
found "a policy that selects nothing" 's/podSelector:\n    matchLabels:\n      app.kubernetes.io\/name: madang-auth/podSelector:\n    matchLabels:\n      app.kubernetes.io\/name: auth/' \
    'selects no pods' selected
found "a missing key" 's/- key: users.acl/- key: users/' 'has no key users' complete
found "a missing Secret" 's/secretName: madang-database/secretName: madang-databases/' 'there is no secret' complete
found "pods on one node" 's/enableServiceLinks: false/&\n      nodeSelector: { topology.kubernetes.io\/zone: a }/2' \
    'are in 1 zones' eval 'available; spread'
found "a rollout with fewer pods" 's/maxUnavailable: 0/maxUnavailable: 1/g' 'fewer pods than there should be' rolled_out
found "a budget that allows nothing" 's/\n  maxUnavailable: 1\n/\n  maxUnavailable: 0\n/g' 'allows no disruption' drained
found "a budget that covers nothing" 's/matchLabels:\n      app.kubernetes.io\/name: madang-auth\n  unhealthy/matchLabels:\n      app.kubernetes.io\/name: auth\n  unhealthy/' \
    'covers no pods' drained
kubectl delete namespace madang --timeout=180s >/dev/null

kubectl kustomize k8s/overlays/production >"$work/right.yaml"
kubectl apply -f k8s/overlays/production/namespace.yaml >/dev/null
make_secrets k8s/overlays/production
applied k8s/overlays/production -k k8s/overlays/production
passed "production is applied without a warning, and a second time none of $resources resources changes"
scaled
passed "each autoscaler finds its target and raises it to its minimum"
available
admitted
served
selected madang-postgres
complete
spread
rolled_out
drained
passed "production keeps what dev keeps, with three gateways"
refused "a field that is misspelt" 's/terminationGracePeriodSeconds/terminationGracePeriodSecond/' 'unknown field "[^"]*"'
refused "a field of a PodMonitor that is misspelt" 's/jobLabel:/jobLabels:/' 'unknown field "[^"]*"'
refused "a field of a Cluster that is misspelt" 's/walStorage:/walStorages:/' 'unknown field "[^"]*"'
refused "a field of a ScheduledBackup that is misspelt" 's/immediate:/immediately:/' 'unknown field "[^"]*"'
refused "a way of backups that there is not" 's/method: plugin/method: plug/' 'Unsupported value: "plug"'
refused "backups that stay for no time" 's/retentionPolicy: 30d/retentionPolicy: "30"/' 'spec.retentionPolicy[^:]*: Invalid value'
refused "a field of a route that is misspelt" 's/backendRefs:/backendRef:/' 'unknown field "[^"]*"'
refused "a route whose time for the gateway exceeds the whole" 's/request: 0s/request: 1s/; s/backendRequest: 0s/backendRequest: 9s/' \
    'backendRequest timeout cannot be longer than request timeout'
refused "a replication to no standby" 's/number: 1\n/number: 0\n/' 'The number of synchronous replicas should be greater than zero'
refused "an interval that is none" 's/interval: 15s/interval: 15 seconds/' 'spec.podMetricsEndpoints\[0\].interval[^:]*: Invalid value'
refused "a number out of its range" 's/port: 7001/port: 77001/' 'must be between 1 and 65535'
! in_madang run privileged --image=x --privileged --dry-run=server >"$work/refused" 2>&1 || fail "the namespace takes a privileged pod"
grep -q 'violates PodSecurity "restricted:latest"' "$work/refused" || fail "a privileged pod is refused for another reason: $(cat "$work/refused")"
passed "refused: a privileged pod ($(grep -o 'violates PodSecurity "restricted:latest": [^(]*' "$work/refused"))"
found "an autoscaler without a target" 's/kind: Deployment\n    name: madang-auth/kind: Deployment\n    name: auth/' \
    'does not find its target' scaled
echo "took $SECONDS s; the control plane used $(memory) MB at most"
echo "$checks passed, 0 failed"
