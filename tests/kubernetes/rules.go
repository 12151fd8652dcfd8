package manifests

import (
	"fmt"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// Overlay is a set with the documents that its rules compare it with.
type Overlay struct {
	*Set
	Name       string
	External   ExternalSecrets
	Operations *Operations
	Edges      *Edges
	// Production has stricter rules: digests, no generated Secrets.
	Production bool

	complaints []string
}

func (overlay *Overlay) complain(rule, format string, arguments ...any) {
	overlay.complaints = append(overlay.complaints, rule+": "+fmt.Sprintf(format, arguments...))
}

// Judge applies every rule.
func (overlay *Overlay) Judge() []string {
	for _, workload := range overlay.Workloads() {
		overlay.restricted(workload)
		overlay.probes(workload)
		overlay.resources(workload)
		overlay.settings(workload)
		overlay.images(workload)
		overlay.references(workload)
		overlay.spread(workload)
		overlay.drain(workload)
	}
	overlay.rollout()
	overlay.budgets()
	overlay.autoscalers()
	overlay.services()
	overlay.edge()
	overlay.secretsAreNotHere()
	overlay.databases()
	overlay.backups()
	overlay.certificates()
	overlay.callers()
	overlay.redis()
	overlay.migrations()
	overlay.namespace()
	overlay.policies()
	overlay.dials()
	overlay.monitors()
	overlay.connections()
	overlay.files()
	overlay.memory()
	return overlay.complaints
}

// restricted requires the profile `restricted` of Pod Security, and a read-only root file system.
func (overlay *Overlay) restricted(workload Workload) {
	pod := workload.Template.Spec
	const rule = "restricted"
	if pod.HostNetwork || pod.HostPID || pod.HostIPC {
		overlay.complain(rule, "%s shares a namespace of its node", workload)
	}
	for _, volume := range pod.Volumes {
		source := volume.VolumeSource
		if source.ConfigMap == nil && source.Secret == nil && source.EmptyDir == nil && source.PersistentVolumeClaim == nil &&
			source.Projected == nil && source.DownwardAPI == nil && source.CSI == nil && source.Ephemeral == nil {
			overlay.complain(rule, "%s has the volume %s of a kind that is not allowed", workload, volume.Name)
		}
	}
	context := ptr.Deref(pod.SecurityContext, corev1.PodSecurityContext{})
	for _, container := range containers(pod) {
		own := ptr.Deref(container.SecurityContext, corev1.SecurityContext{})
		if !ptr.Deref(own.RunAsNonRoot, ptr.Deref(context.RunAsNonRoot, false)) {
			overlay.complain(rule, "%s may run as root", workload)
		}
		if user := ptr.Deref(own.RunAsUser, ptr.Deref(context.RunAsUser, 0)); user == 0 {
			overlay.complain(rule, "%s runs as user 0 or one that only its image knows", workload)
		}
		seccomp := own.SeccompProfile
		if seccomp == nil {
			seccomp = context.SeccompProfile
		}
		if seccomp == nil || seccomp.Type != corev1.SeccompProfileTypeRuntimeDefault {
			overlay.complain(rule, "%s has no seccomp profile", workload)
		}
		if ptr.Deref(own.AllowPrivilegeEscalation, true) {
			overlay.complain(rule, "%s allows an escalation of privileges", workload)
		}
		if ptr.Deref(own.Privileged, false) {
			overlay.complain(rule, "%s is privileged", workload)
		}
		if own.Capabilities == nil || !reflect.DeepEqual(own.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
			len(own.Capabilities.Add) > 0 {
			overlay.complain(rule, "%s keeps capabilities", workload)
		}
		if !ptr.Deref(own.ReadOnlyRootFilesystem, false) {
			overlay.complain("read-only", "%s may write to its root file system", workload)
		}
		for _, port := range container.Ports {
			if port.HostPort != 0 {
				overlay.complain(rule, "%s takes a port of its node", workload)
			}
		}
	}
	if ptr.Deref(pod.AutomountServiceAccountToken, true) {
		overlay.complain("token", "%s mounts a token of its service account", workload)
	}
	account := false
	for _, has := range overlay.ServiceAccounts {
		if has.Name == pod.ServiceAccountName {
			account = true
			if ptr.Deref(has.AutomountServiceAccountToken, true) {
				overlay.complain("token", "the service account %s has its token mounted", has.Name)
			}
		}
	}
	if !account {
		overlay.complain("token", "%s has no service account of its own", workload)
	}
}

// probes requires all three. Only readiness may depend on PostgreSQL and Redis.
func (overlay *Overlay) probes(workload Workload) {
	if !workload.Serves {
		return
	}
	const rule = "probes"
	pod := workload.Template.Spec
	for _, container := range pod.Containers {
		for name, probe := range map[string]*corev1.Probe{
			"startup": container.StartupProbe, "readiness": container.ReadinessProbe, "liveness": container.LivenessProbe,
		} {
			if probe == nil {
				overlay.complain(rule, "%s has no %s probe", workload, name)
				continue
			}
			if probe.HTTPGet != nil && !hasPort(pod, probe.HTTPGet.Port.String()) {
				overlay.complain(rule, "%s has its %s probe at a port that it does not have", workload, name)
			}
			if probe.TCPSocket != nil && !hasPort(pod, probe.TCPSocket.Port.String()) {
				overlay.complain(rule, "%s has its %s probe at a port that it does not have", workload, name)
			}
			if !workload.ours() {
				continue
			}
			path := "/livez"
			if name == "readiness" {
				path = "/readyz"
			}
			if probe.HTTPGet == nil || probe.HTTPGet.Path != path {
				overlay.complain(rule, "%s does not ask %s for its %s: the other also asks for its dependencies", workload, path, name)
			}
		}
	}
}

// resources requires requests, a memory limit that equals the request, and no CPU limit.
func (overlay *Overlay) resources(workload Workload) {
	const rule = "resources"
	for _, container := range containers(workload.Template.Spec) {
		requests, limits := container.Resources.Requests, container.Resources.Limits
		if requests.Cpu().IsZero() || requests.Memory().IsZero() {
			overlay.complain(rule, "%s asks for no CPU or no memory", workload)
		}
		if requests.Memory().Cmp(*limits.Memory()) != 0 {
			overlay.complain(rule, "%s has a limit of memory that is not its request", workload)
		}
		if !limits.Cpu().IsZero() {
			overlay.complain(rule, "%s has a limit of CPU", workload)
		}
	}
}

// settings allows only those of docs/operations.md, since a process refuses others. Secrets must come from files.
func (overlay *Overlay) settings(workload Workload) {
	const rule = "settings"
	pod := workload.Template.Spec
	if !workload.ours() {
		return
	}
	if ptr.Deref(pod.EnableServiceLinks, true) {
		overlay.complain(rule, "%s gets variables such as MADANG_AUTH_PORT of the services, and refuses to start", workload)
	}
	for _, container := range pod.Containers {
		environment, err := overlay.Environment(container)
		if err != nil {
			overlay.complain(rule, "%s: %v", workload, err)
		}
		for name, value := range environment {
			secret, file := strings.CutSuffix(name, "_FILE")
			isFile := file && !overlay.Operations.Knows(name)
			if !overlay.Operations.Knows(name) && !(isFile && overlay.Operations.Knows(secret)) {
				overlay.complain(rule, "%s has the variable %s, which is no setting", workload, name)
			}
			if isFile && !strings.HasPrefix(value, "/run/secrets/") {
				overlay.complain("secrets", "%s reads %s from a place that is not a mounted Secret", workload, name)
			}
			if !isFile && (strings.Contains(value, "://") && strings.Contains(value, "@")) {
				overlay.complain("secrets", "%s has a password in %s", workload, name)
			}
		}
		for _, variable := range container.Env {
			if variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil {
				overlay.complain("secrets", "%s has the secret %s in its environment", workload, variable.Name)
			}
		}
	}
}

// images requires digests in production, and a tag other than `latest` elsewhere.
func (overlay *Overlay) images(workload Workload) {
	const rule = "images"
	for _, container := range containers(workload.Template.Spec) {
		name := container.Image[strings.LastIndex(container.Image, "/")+1:]
		switch {
		case overlay.Production && !byDigest(container.Image):
			overlay.complain(rule, "%s names its image %s and no digest", workload, container.Image)
		case strings.HasSuffix(name, ":latest") || !strings.ContainsAny(name, ":@"):
			overlay.complain(rule, "%s takes whatever %s is today", workload, container.Image)
		}
	}
}

// spread requires that Deployments are spread over zones and nodes, each revision separately.
func (overlay *Overlay) spread(workload Workload) {
	const rule = "spread"
	if workload.Kind != "Deployment" {
		return
	}
	keys := map[string]bool{}
	for _, constraint := range workload.Template.Spec.TopologySpreadConstraints {
		keys[constraint.TopologyKey] = true
		if !reflect.DeepEqual(constraint.LabelSelector, workload.Selector) {
			overlay.complain(rule, "%s spreads other pods than its own", workload)
		}
		if !reflect.DeepEqual(constraint.MatchLabelKeys, []string{"pod-template-hash"}) {
			overlay.complain(rule, "%s counts the pods of an old revision", workload)
		}
		if constraint.WhenUnsatisfiable != corev1.ScheduleAnyway {
			overlay.complain(rule, "%s leaves pods of a drained node pending", workload)
		}
	}
	for _, key := range []string{corev1.LabelTopologyZone, corev1.LabelHostname} {
		if !keys[key] {
			overlay.complain(rule, "%s is not spread by %s", workload, key)
		}
	}
}
