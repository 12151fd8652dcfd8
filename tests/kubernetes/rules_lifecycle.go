package manifests

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/utils/ptr"
)

// Margin is the part of the grace period beyond preStop and drain, in seconds, for the exit and the kubelet's delay.
const Margin = 5

// drain requires that the grace period covers preStop and the drain, and that the drain is long enough.
func (overlay *Overlay) drain(workload Workload) {
	const rule = "drain"
	if !workload.ours() {
		return
	}
	pod := workload.Template.Spec
	container := pod.Containers[0]
	environment, err := overlay.Environment(container)
	if err != nil {
		overlay.complain(rule, "%s: %v", workload, err)
		return
	}
	if container.Lifecycle == nil || container.Lifecycle.PreStop == nil || container.Lifecycle.PreStop.Sleep == nil {
		overlay.complain(rule, "%s does not wait before it stops", workload)
		return
	}
	wait := int(container.Lifecycle.PreStop.Sleep.Seconds)
	// Proxies and gateways must learn that the pod stops: by its endpoint, and by the next look-up of the name.
	lookup, err := overlay.Operations.Sentence(`looked up again every (\d+) s`)
	if err != nil {
		overlay.complain(rule, "%v", err)
	}
	if wait < lookup {
		overlay.complain(rule, "%s waits for %d s before it stops, and gateways look up names every %d s", workload, wait, lookup)
	}
	window, err := overlay.Operations.Number(environment, "MADANG_DRAIN_SECONDS")
	if err != nil {
		overlay.complain(rule, "%v", err)
	}
	if grace := int(ptr.Deref(pod.TerminationGracePeriodSeconds, 30)); grace < wait+window+Margin {
		overlay.complain(rule, "%s has a grace period of %d s, less than %d s before it stops, %d s to drain and %d s of margin",
			workload, grace, wait, window, Margin)
	}
	// Calls that are running when it is asked to stop finish.
	call, err := overlay.Operations.Sentence(`\| a call \| (\d+) s \|`)
	if err != nil {
		overlay.complain(rule, "%v", err)
	}
	if window <= call {
		overlay.complain(rule, "%s drains for %d s, and a call may take %d s", workload, window, call)
	}
	if workload.Name != "madang-gateway" {
		return
	}
	overlay.retirement(workload, environment)
	spread, err := overlay.Operations.Number(environment, "MADANG_RECONNECT_SPREAD_SECONDS")
	if err != nil {
		overlay.complain(rule, "%v", err)
	}
	beyond, err := overlay.Operations.Sentence("`MADANG_DRAIN_SECONDS` must exceed the spread by at least (\\d+) s")
	if err != nil {
		overlay.complain(rule, "%v", err)
	}
	if window < spread+beyond {
		overlay.complain(rule, "%s drains for %d s, less than the spread of %d s and %d s", workload, window, spread, beyond)
	}
	// The other gateways must admit sockets as fast as this one sends them away.
	connections, err := overlay.Operations.Number(environment, "MADANG_MAX_CONNECTIONS")
	if err != nil {
		overlay.complain(rule, "%v", err)
	}
	admissions, err := overlay.Operations.Number(environment, "MADANG_ADMISSIONS_PER_SECOND")
	if err != nil {
		overlay.complain(rule, "%v", err)
	}
	others := int(overlay.leastReplicas(workload)) - 1
	if others > 0 && connections > spread*admissions*others {
		overlay.complain(rule, "%s sends %d sockets away within %d s, and the %d others admit %d a second each",
			workload, connections, spread, others, admissions)
	}
}

// The part of the age of sockets over which those that came together go: a tenth below to a tenth above.
const retirementDivisor = 5

// retirement requires that sockets are retired, that those which came together need no longer than the randomness of their
// age, and that a single gateway could admit all that are retired.
func (overlay *Overlay) retirement(workload Workload, environment map[string]string) {
	const rule = "retirement"
	numbers := map[string]int{}
	for _, setting := range []string{"MADANG_MAX_SOCKET_AGE_SECONDS", "MADANG_RETIREMENTS_PER_SECOND", "MADANG_MAX_CONNECTIONS", "MADANG_ADMISSIONS_PER_SECOND"} {
		number, err := overlay.Operations.Number(environment, setting)
		if err != nil {
			overlay.complain(rule, "%v", err)
		}
		numbers[setting] = number
	}
	age, rate := numbers["MADANG_MAX_SOCKET_AGE_SECONDS"], numbers["MADANG_RETIREMENTS_PER_SECOND"]
	if age == 0 {
		overlay.complain(rule, "a pod that is added to %s gets no open sockets", workload)
		return
	}
	if connections := numbers["MADANG_MAX_CONNECTIONS"]; rate*age/retirementDivisor < connections {
		overlay.complain(rule, "%s retires %d sockets a second: %d that came together take longer than %d s", workload, rate, connections, age/retirementDivisor)
	}
	most, admissions := int(overlay.mostReplicas(workload)), numbers["MADANG_ADMISSIONS_PER_SECOND"]
	if most*rate > admissions {
		overlay.complain(rule, "%d of %s retire %d sockets a second, and one admits %d", most, workload, most*rate, admissions)
	}
}

// leastReplicas is the minimum number of replicas.
func (overlay *Overlay) leastReplicas(workload Workload) int32 {
	if autoscaler := overlay.autoscaler(workload); autoscaler != nil {
		return ptr.Deref(autoscaler.Spec.MinReplicas, 1)
	}
	return ptr.Deref(workload.Replicas, 1)
}

// mostReplicas is the maximum number of replicas.
func (overlay *Overlay) mostReplicas(workload Workload) int32 {
	if autoscaler := overlay.autoscaler(workload); autoscaler != nil {
		return autoscaler.Spec.MaxReplicas
	}
	return ptr.Deref(workload.Replicas, 1)
}

func (overlay *Overlay) autoscaler(workload Workload) *autoscalingv2.HorizontalPodAutoscaler {
	for i, autoscaler := range overlay.Autoscalers {
		target := autoscaler.Spec.ScaleTargetRef
		if target.Kind == workload.Kind && target.Name == workload.Name {
			return &overlay.Autoscalers[i]
		}
	}
	return nil
}

// rollout requires that a Deployment stops an old pod only after a new one is ready.
func (overlay *Overlay) rollout() {
	const rule = "rollout"
	for _, deployment := range overlay.Deployments {
		update := deployment.Spec.Strategy.RollingUpdate
		if update == nil || update.MaxUnavailable == nil || update.MaxUnavailable.String() != "0" {
			overlay.complain(rule, "Deployment %s may have fewer pods than it should during a rollout", deployment.Name)
		}
	}
}

// budgets requires one for each workload, which allows a disruption at the minimum number of replicas.
func (overlay *Overlay) budgets() {
	const rule = "budgets"
	covered := map[string]int{}
	for _, budget := range overlay.Budgets {
		selected, err := overlay.Selected(budget.Spec.Selector)
		if err != nil || len(selected) != 1 {
			overlay.complain(rule, "the budget %s covers %d workloads", budget.Name, len(selected))
			continue
		}
		workload := selected[0]
		covered[workload.String()]++
		least := int(overlay.leastReplicas(workload))
		if budget.Spec.MaxUnavailable != nil && budget.Spec.MaxUnavailable.String() == "0" {
			overlay.complain(rule, "the budget %s lets no node be drained", budget.Name)
		}
		if minimum := budget.Spec.MinAvailable; minimum != nil && minimum.IntValue() >= least {
			overlay.complain(rule, "the budget %s lets no node be drained", budget.Name)
		}
	}
	for _, workload := range overlay.Workloads() {
		if workload.Serves && covered[workload.String()] != 1 {
			overlay.complain(rule, "%s has %d budgets", workload, covered[workload.String()])
		}
		if workload.Kind == "Deployment" && overlay.leastReplicas(workload) < 2 {
			overlay.complain(rule, "%s has a single pod, whose drain is an outage", workload)
		}
	}
}

// autoscalers requires that each finds its target, alone sets its replicas, and removes one pod at a time.
func (overlay *Overlay) autoscalers() {
	const rule = "autoscalers"
	scaled := 0
	for _, workload := range overlay.Workloads() {
		autoscaler := overlay.autoscaler(workload)
		if autoscaler == nil {
			continue
		}
		scaled++
		if workload.Replicas != nil {
			overlay.complain(rule, "%s sets replicas, which its autoscaler owns", workload)
		}
		metrics := map[string]bool{}
		for _, metric := range autoscaler.Spec.Metrics {
			if metric.Resource != nil {
				metrics[string(metric.Resource.Name)] = true
			}
			if metric.Pods != nil {
				metrics[metric.Pods.Metric.Name] = true
			}
		}
		if !metrics["cpu"] {
			overlay.complain(rule, "%s does not scale on CPU", workload)
		}
		behavior := autoscaler.Spec.Behavior
		if behavior == nil || behavior.ScaleDown == nil || !slices.ContainsFunc(behavior.ScaleDown.Policies,
			func(policy autoscalingv2.HPAScalingPolicy) bool {
				return policy.Type == autoscalingv2.PodsScalingPolicy && policy.Value == 1 && policy.PeriodSeconds >= 120
			}) || len(behavior.ScaleDown.Policies) != 1 {
			overlay.complain(rule, "%s may lose more than one pod within two minutes", workload)
		}
		if workload.Name == "madang-gateway" {
			if !metrics["madang_gateway_sessions"] {
				overlay.complain(rule, "%s does not scale on its sockets", workload)
			}
			overlay.sessions(workload, autoscaler)
		}
	}
	if scaled != len(overlay.Autoscalers) {
		overlay.complain(rule, "%d of %d find their target", scaled, len(overlay.Autoscalers))
	}
}

// sessions requires that, at the target, the other gateways have room for the sockets of one.
func (overlay *Overlay) sessions(workload Workload, autoscaler *autoscalingv2.HorizontalPodAutoscaler) {
	environment, err := overlay.Environment(workload.Template.Spec.Containers[0])
	if err != nil {
		return
	}
	connections, err := overlay.Operations.Number(environment, "MADANG_MAX_CONNECTIONS")
	if err != nil {
		overlay.complain("autoscalers", "%v", err)
	}
	least := int64(ptr.Deref(autoscaler.Spec.MinReplicas, 1))
	for _, metric := range autoscaler.Spec.Metrics {
		if metric.Pods == nil || metric.Pods.Target.AverageValue == nil {
			continue
		}
		if target := metric.Pods.Target.AverageValue.Value(); target*least > int64(connections)*(least-1) {
			overlay.complain("autoscalers", "%s: %d sockets each leave no place at %d for those of one that stops",
				workload, target, least-1)
		}
	}
}
