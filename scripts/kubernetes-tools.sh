#!/bin/sh
# Builds the programs of a control plane from the module tests/kubernetes/cluster, and generates the definitions of the
# Prometheus operator with tests/kubernetes/definitions. Prints their directory in the user's cache. The first build
# takes a quarter of an hour of CPU time. A change of a module builds what it has again.
set -eu

modules=$(cd "$(dirname "$0")/../tests/kubernetes" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/madang
version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' "$modules/cluster/go.mod")
minor=$(echo "$version" | cut -d. -f2)

# directory MODULE: where its results are.
directory() {
    echo "$cache/kubernetes-$(cat "$modules/$1/go.mod" "$modules/$1/go.sum" | sha256sum | cut -c1-12)"
}
programs=$(directory cluster)
definitions=$(directory definitions)

# Builds under another name first, so that an interrupted build leaves no broken program.
build() {
    [ ! -x "$programs/$1" ] || return 0
    echo "kubernetes-tools: building $1" >&2
    flags="-s -w"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags="$flags -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
    done
    (cd "$modules/cluster" && go build -trimpath -ldflags "$flags" -o "$programs/$1.new" "$2")
    mv "$programs/$1.new" "$programs/$1"
}

mkdir -p "$programs"
build etcd go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager
build kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler
build kubectl k8s.io/kubernetes/cmd/kubectl
build kwok sigs.k8s.io/kwok/cmd/kwok
if [ ! -d "$definitions" ]; then
    echo "kubernetes-tools: generating the definitions of monitoring.coreos.com" >&2
    rm -rf "$definitions.new"
    (cd "$modules/definitions" && go tool controller-gen crd output:dir="$definitions.new" \
        paths=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1)
    mv "$definitions.new" "$definitions"
fi
ln -sfn "$definitions" "$programs/definitions"

# source_of MODULE NAME: the directory of a published module.
source_of() {
    (cd "$modules/$1" && go mod download "$2" && go list -m -f '{{.Dir}}' "$2")
}
if [ ! -d "$programs/stages" ]; then
    # What kwok does with nodes and pods. A pod takes a moment to become ready and to end, so that a rollout which does not
    # wait is seen.
    mkdir -p "$programs/stages.new"
    stages=$(source_of cluster sigs.k8s.io/kwok)/kustomize/stage
    cat "$stages/node/fast/node-initialize.yaml" >"$programs/stages.new/node-initialize.yaml"
    for stage in ready delete; do
        sed 's/^  next:/  delay: { durationMilliseconds: 500 }\n&/' "$stages/pod/fast/pod-$stage.yaml" >"$programs/stages.new/pod-$stage.yaml"
    done
    mv "$programs/stages.new" "$programs/stages"
fi
ln -sfn "$(source_of . sigs.k8s.io/gateway-api)/config/crd/standard" "$programs/gateway-api"
echo "$programs"
