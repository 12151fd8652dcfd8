# Checks of what has been applied to the control plane. Each ends the shell by `fail` when it finds a fault. To be sourced
# after kubernetes-cluster.sh.
# shellcheck shell=bash
# $work and $tools are its; templates have variables of their own.
# shellcheck disable=SC2154,SC2016

# For how many seconds a workload may take to become available.
patience=180
watchers=()

in_madang() {
    kubectl -n madang "$@"
}

# generations ARGUMENT…: one line for each resource, which changes with it, but not with its status. Kubernetes counts
# the generations of some kinds, and only the versions of others, which have no status.
generations() {
    kubectl get "$@" -o go-template='{{range .items}}{{.kind}} {{.metadata.name}} {{with .metadata.generation}}generation {{.}}{{else}}version {{.metadata.resourceVersion}}{{end}}{{"\n"}}{{end}}'
}

# applied WHAT ARGUMENT…: applies it twice. There must be no warning, and the second time nothing may change. kubectl
# calls a resource `configured` where it sends a patch that changes nothing, so that its words do not count.
applied() {
    local what=$1
    shift
    kubectl apply "$@" >"$work/applied" 2>&1 || fail "$what is refused: $(cat "$work/applied")"
    ! grep -i warning "$work/applied" || fail "the API server warns of $what"
    kubectl diff "$@" >"$work/diff" 2>&1 || fail "another apply of $what would change something: $(cat "$work/diff")"
    generations "$@" >"$work/before"
    kubectl apply "$@" >"$work/applied" 2>&1 || fail "$what is refused the second time: $(cat "$work/applied")"
    generations "$@" | diff "$work/before" - >"$work/diff" || fail "a second apply of $what changes something: $(cat "$work/diff")"
    resources=$(wc -l <"$work/before")
    [ "$resources" -gt 20 ] || fail "$what has $resources resources"
}

available() {
    local workload
    for workload in $(in_madang get deployment,statefulset -o name); do
        in_madang rollout status "$workload" --timeout="${patience}s" >"$work/status" 2>&1 ||
            fail "$workload does not become available: $(tail -n 1 "$work/status"; in_madang get events | grep Warning | tail -n 3)"
    done
}

# Each workload must have all its pods, in a namespace whose pods are admitted under the restricted profile.
admitted() {
    local level workload
    level=$(kubectl get namespace madang -o jsonpath='{.metadata.labels.pod-security\.kubernetes\.io/enforce}')
    [ "$level" = restricted ] || fail "the namespace enforces '$level'"
    for workload in $(in_madang get deployment,statefulset -o name); do
        in_madang get "$workload" -o jsonpath='{.spec.replicas} {.status.replicas}' >"$work/replicas"
        awk '{ exit !(NF == 2 && $1 == $2 && $1 > 0) }' "$work/replicas" || fail "$workload has pods: $(cat "$work/replicas")"
    done
}

# Each service must have one ready endpoint for each pod, with all its ports.
served() {
    local service selector pods endpoints ports
    for service in $(in_madang get service -o jsonpath='{.items[*].metadata.name}'); do
        selector=$(in_madang get service "$service" -o jsonpath='{.spec.selector.app\.kubernetes\.io/name}')
        pods=$(in_madang get pods -l "app.kubernetes.io/name=$selector" -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}x{{end}}{{end}}' | wc -c)
        [ "$pods" -gt 0 ] || fail "the service $service selects no pods"
        endpoints=$(in_madang get endpointslice -l "kubernetes.io/service-name=$service" \
            -o jsonpath='{range .items[*].endpoints[?(@.conditions.ready==true)]}x{end}' | wc -c)
        [ "$endpoints" = "$pods" ] || fail "the service $service has $endpoints ready endpoints of $pods pods"
        ports=$(in_madang get endpointslice -l "kubernetes.io/service-name=$service" -o jsonpath='{.items[*].ports[*].port}' | wc -w)
        [ "$ports" = "$(in_madang get service "$service" -o jsonpath='{.spec.ports[*].port}' | wc -w)" ] ||
            fail "the service $service leads to $ports ports"
    done
}

# Each network policy must select a pod, except those named by the arguments: an operator makes the pods of these.
selected() {
    local policy selector
    for policy in $(in_madang get networkpolicy -o jsonpath='{.items[*].metadata.name}'); do
        [[ " $* " != *" $policy "* ]] || continue
        selector=$(in_madang get networkpolicy "$policy" \
            -o go-template='{{range $label, $value := .spec.podSelector.matchLabels}}{{$label}}={{$value}},{{end}}')
        [ -n "$(in_madang get pods -l "${selector%,}" -o name)" ] || fail "the network policy $policy selects no pods"
    done
}

# The keys of Secrets and ConfigMaps that a pod names must exist. A kubelet would wait for them; a simulated one does not.
complete() {
    # `secret NAME KEY` and `configmap NAME KEY`, one a line; `-` for the whole.
    local template='
        {{- range .items}}
            {{- range .spec.template.spec.volumes}}
                {{- with .secret}}{{$name := .secretName}}secret {{$name}} -{{"\n"}}
                    {{- range .items}}secret {{$name}} {{.key}}{{"\n"}}{{end}}
                {{- end}}
                {{- with .configMap}}{{$name := .name}}configmap {{$name}} -{{"\n"}}
                    {{- range .items}}configmap {{$name}} {{.key}}{{"\n"}}{{end}}
                {{- end}}
            {{- end}}
            {{- range .spec.template.spec.containers}}
                {{- range .envFrom}}
                    {{- with .configMapRef}}configmap {{.name}} -{{"\n"}}{{end}}
                    {{- with .secretRef}}secret {{.name}} -{{"\n"}}{{end}}
                {{- end}}
                {{- range .env}}
                    {{- with .valueFrom}}
                        {{- with .secretKeyRef}}secret {{.name}} {{.key}}{{"\n"}}{{end}}
                        {{- with .configMapKeyRef}}configmap {{.name}} {{.key}}{{"\n"}}{{end}}
                    {{- end}}
                {{- end}}
            {{- end}}
        {{- end}}'
    in_madang get deployment,statefulset -o go-template="$template" |
        sort -u >"$work/references"
    [ -s "$work/references" ] || fail "the pods name no Secret and no ConfigMap"
    local kind name key
    while read -r kind name key; do
        in_madang get "$kind" "$name" -o go-template='{{range $key, $value := .data}}{{$key}}{{"\n"}}{{end}}' \
            >"$work/keys" 2>&1 </dev/null || fail "there is no $kind $name"
        [ "$key" = - ] || grep -qxF "$key" "$work/keys" || fail "the $kind $name has no key $key"
    done <"$work/references"
}

# The pods of a Deployment must be in as many zones as possible.
spread() {
    local deployment pods zones
    for deployment in madang-gateway madang-auth madang-message-store; do
        in_madang get pods -l "app.kubernetes.io/name=$deployment" \
            -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.spec.nodeName}}{{"\n"}}{{end}}{{end}}' |
            sort >"$work/nodes"
        pods=$(wc -l <"$work/nodes")
        zones=$(uniq "$work/nodes" | wc -l)
        [ "$zones" = $((pods < 3 ? pods : 3)) ] || fail "the $pods pods of $deployment are in $zones zones"
    done
}

# watching FILE ARGUMENT…: writes the events of `kubectl get … -w` to a file until `watched`.
watching() {
    local file=$1
    shift
    # The program itself: a function would be a shell between, and its end not that of the program.
    "$tools/kubectl" -n madang get -w "$@" >"$file" &
    watchers+=($!)
    wait_for 60 "the watch of $1 shows nothing" test -s "$file"
}

watched() {
    kill "${watchers[@]}" 2>/dev/null || true
    wait "${watchers[@]}" 2>/dev/null || true
    watchers=()
}

# At every event of a restart of all pods there must be at least as many available pods as desired.
rolled_out() {
    watching "$work/events" deployment -o jsonpath='{.metadata.name} {.spec.replicas} {.status.availableReplicas}{"\n"}'
    in_madang rollout restart deployment >/dev/null
    available
    watched
    seen=$(wc -l <"$work/events")
    [ "$seen" -ge 9 ] || fail "a rollout of three deployments was seen as $seen events"
    ! awk 'NF < 3 || $3 < $2' "$work/events" | grep . || fail "a rollout left fewer pods than there should be"
}

# Each budget must cover pods and allow a disruption. Then each node is drained in turn: at every event there must be as
# many healthy pods as each budget demands, and afterwards as many as before.
drained() {
    local budget node
    wait_for 60 "budgets have no status" budgets_have_a_status
    for budget in $(in_madang get poddisruptionbudget -o name); do
        in_madang get "$budget" -o jsonpath='{.status.expectedPods} {.status.disruptionsAllowed}' >"$work/budget"
        awk '{ exit !($1 > 0) }' "$work/budget" || fail "$budget covers no pods"
        awk '{ exit !($2 > 0) }' "$work/budget" || fail "$budget allows no disruption"
    done
    watching "$work/events" poddisruptionbudget \
        -o jsonpath='{.metadata.name} {.status.desiredHealthy} {.status.currentHealthy} {.status.expectedPods}{"\n"}'
    for node in node-a node-b node-c; do
        kubectl drain "$node" --ignore-daemonsets --delete-emptydir-data --timeout="${patience}s" >"$work/drain" 2>&1 ||
            fail "$node cannot be drained: $(tail -n 3 "$work/drain")"
        available
        kubectl uncordon "$node" >/dev/null
    done
    watched
    seen=$(wc -l <"$work/events")
    awk '$3 < $4 { found = 1 } END { exit !found }' "$work/events" || fail "no event of the drains shows a pod that is missing"
    ! awk '$3 < $2' "$work/events" | grep . || fail "a drain left fewer pods than a budget demands"
}

budgets_have_a_status() {
    in_madang get poddisruptionbudget -o jsonpath='{range .items[*]}{.metadata.generation} {.status.observedGeneration}{"\n"}{end}' |
        awk '$1 != $2 { late = 1 } END { exit late }'
}

# Each autoscaler must find its Deployment, and give it as many pods as it must have at least.
scaled() {
    local autoscaler target
    for autoscaler in $(in_madang get horizontalpodautoscaler -o name); do
        wait_for "$((patience / 2))" "$autoscaler does not find its target" sh -c "'$tools/kubectl' -n madang get '$autoscaler' \
            -o jsonpath='{.status.conditions[?(@.type==\"AbleToScale\")].status}' | grep True"
        target=$(in_madang get "$autoscaler" -o jsonpath='{.spec.scaleTargetRef.kind}/{.spec.scaleTargetRef.name}')
        wait_for "$((patience / 2))" "$autoscaler does not raise $target to its minimum" sh -c \
            "[ \"\$('$tools/kubectl' -n madang get '$target' -o jsonpath='{.spec.replicas}')\" -ge \
            \"\$('$tools/kubectl' -n madang get '$autoscaler' -o jsonpath='{.spec.minReplicas}')\" ]"
    done
}
