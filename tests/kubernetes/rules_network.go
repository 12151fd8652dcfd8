package manifests

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// services requires that each selects pods with its port. gRPC Services must be headless, and ports must name their
// protocol.
func (overlay *Overlay) services() {
	const rule = "services"
	for _, service := range overlay.Services {
		selected, err := overlay.Selected(&metav1.LabelSelector{MatchLabels: service.Spec.Selector})
		if err != nil || len(selected) != 1 {
			overlay.complain(rule, "the service %s selects %d workloads", service.Name, len(selected))
			continue
		}
		for _, port := range service.Spec.Ports {
			if !hasPort(selected[0].Template.Spec, port.TargetPort.String()) {
				overlay.complain(rule, "the service %s leads to a port that %s does not have", service.Name, selected[0])
			}
			if port.Name == "" {
				overlay.complain(rule, "a port of the service %s has no name", service.Name)
			}
			if port.Name == "ops" || port.TargetPort.String() == "ops" || port.Port == 9090 {
				overlay.complain(rule, "the service %s leads to the operations port", service.Name)
			}
			protocol, expected := ptr.Deref(port.AppProtocol, ""), "kubernetes.io/h2c"
			if overlay.speaksTLS(selected[0].Template.Spec.Containers[0]) {
				expected = "https"
			}
			if port.Name == "grpc" && (service.Spec.ClusterIP != corev1.ClusterIPNone || protocol != expected) {
				overlay.complain(rule, "gateways reach but one replica of %s, or do not know its protocol", service.Name)
			}
			if port.Name == "http" && protocol != "kubernetes.io/ws" {
				overlay.complain(rule, "the service %s does not say that it has WebSockets", service.Name)
			}
		}
	}
	for _, object := range overlay.StatefulSets {
		if overlay.service(object.Spec.ServiceName) == nil {
			overlay.complain(rule, "StatefulSet %s names the service %s, which is not there", object.Name, object.Spec.ServiceName)
		}
	}
}

func (overlay *Overlay) service(name string) *corev1.Service {
	for i, service := range overlay.Services {
		if service.Name == name {
			return &overlay.Services[i]
		}
	}
	return nil
}

// edge requires that routes and ingresses lead to the gateways, with TLS and without a timeout for WebSockets, and that
// the gateways trust that proxy.
func (overlay *Overlay) edge() {
	const rule = "edge"
	fronts := 0
	for _, route := range overlay.Routes {
		fronts++
		for _, parent := range route.Spec.ParentRefs {
			if !overlay.hasListener(string(parent.Name), string(ptr.Deref(parent.SectionName, ""))) {
				overlay.complain(rule, "the route %s hangs at no listener", route.Name)
			}
		}
		for _, match := range route.Spec.Rules {
			if match.Timeouts == nil || ptr.Deref(match.Timeouts.Request, "") != "0s" {
				overlay.complain(rule, "the route %s ends sockets after a time", route.Name)
			}
			for _, backend := range match.BackendRefs {
				port := int(ptr.Deref(backend.Port, 0))
				if !overlay.leads(string(backend.Name), strconv.Itoa(port)) {
					overlay.complain(rule, "the route %s leads to %s:%d, which is not there", route.Name, backend.Name, port)
				}
			}
		}
	}
	for _, gateway := range overlay.Gateways {
		for _, listener := range gateway.Spec.Listeners {
			if listener.Protocol != "HTTPS" || listener.TLS == nil || len(listener.TLS.CertificateRefs) == 0 {
				overlay.complain(rule, "the listener %s has no TLS", listener.Name)
				continue
			}
			for _, certificate := range listener.TLS.CertificateRefs {
				overlay.needsSecret(rule, "the listener "+string(listener.Name), string(certificate.Name), "tls.crt", "tls.key")
			}
		}
	}
	for _, ingress := range overlay.Ingresses {
		fronts++
		overlay.ingress(rule, ingress)
	}
	for _, workload := range overlay.Workloads() {
		if workload.Name != "madang-gateway" {
			continue
		}
		environment, err := overlay.Environment(workload.Template.Spec.Containers[0])
		if err != nil {
			continue
		}
		proxies, err := overlay.Operations.Number(environment, "MADANG_TRUSTED_PROXIES")
		if err != nil || proxies != min(fronts, 1) {
			overlay.complain(rule, "gateways count %d proxies in front of them, and there are %d", proxies, min(fronts, 1))
		}
	}
}

func (overlay *Overlay) ingress(rule string, ingress networkingv1.Ingress) {
	if len(ingress.Spec.TLS) == 0 {
		overlay.complain(rule, "the ingress %s has no TLS", ingress.Name)
	}
	hosts := map[string]bool{}
	for _, tls := range ingress.Spec.TLS {
		overlay.needsSecret(rule, "the ingress "+ingress.Name, tls.SecretName, "tls.crt", "tls.key")
		for _, host := range tls.Hosts {
			hosts[host] = true
		}
	}
	if ingress.Annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] != "3600" {
		overlay.complain(rule, "the ingress %s ends silent sockets early", ingress.Name)
	}
	// Those of deploy/nginx/limits.conf.
	for annotation, limit := range map[string]string{"limit-connections": "1000", "limit-rps": "200", "limit-burst-multiplier": "5"} {
		if ingress.Annotations["nginx.ingress.kubernetes.io/"+annotation] != limit {
			overlay.complain(rule, "the ingress %s has no %s of %s for one address", ingress.Name, annotation, limit)
		}
	}
	for _, of := range ingress.Spec.Rules {
		if !hosts[of.Host] {
			overlay.complain(rule, "the ingress %s has no certificate for %s", ingress.Name, of.Host)
		}
		for _, path := range of.HTTP.Paths {
			port := path.Backend.Service.Port
			if !overlay.leads(path.Backend.Service.Name, port.Name) && !overlay.leads(path.Backend.Service.Name, fmt.Sprint(port.Number)) {
				overlay.complain(rule, "the ingress %s leads to %s, which is not there", ingress.Name, path.Backend.Service.Name)
			}
		}
	}
}

func (overlay *Overlay) hasListener(name, section string) bool {
	for _, gateway := range overlay.Gateways {
		for _, listener := range gateway.Spec.Listeners {
			if gateway.Name == name && string(listener.Name) == section {
				return true
			}
		}
	}
	return false
}

// leads says whether a service has a port by this name or number.
func (overlay *Overlay) leads(name, port string) bool {
	service := overlay.service(name)
	return service != nil && slices.ContainsFunc(service.Spec.Ports, func(has corev1.ServicePort) bool {
		return has.Name == port || fmt.Sprint(has.Port) == port
	})
}

// policies requires that exactly the edges of the table are allowed.
func (overlay *Overlay) policies() {
	const rule = "policies"
	if len(overlay.Policies) == 0 {
		overlay.complain(rule, "there are none")
		return
	}
	expected := map[string]networkingv1.NetworkPolicySpec{}
	for _, policy := range overlay.Edges.Policies("network-policies") {
		expected[policy.Name] = policy.Spec
	}
	has := map[string]bool{}
	for _, workload := range overlay.Workloads() {
		has[workload.Name] = true
	}
	for _, component := range overlay.Edges.Components() {
		// An overlay has one of the two databases.
		isHere := component == "network-policies" || component == "files-s3" && overlay.keepsFilesInS3() ||
			component == "development-database" && has["madang-postgres"] ||
			component == "postgres" && len(overlay.Databases) > 0 ||
			component == "postgres-backup" && len(overlay.BackupStores) > 0 || component == "valkey" && has["madang-valkey"]
		if !isHere {
			continue
		}
		for _, policy := range overlay.Edges.Policies(component) {
			expected[policy.Name] = policy.Spec
		}
	}
	for _, policy := range overlay.Policies {
		spec, ok := expected[policy.Name]
		if !ok || !reflect.DeepEqual(policy.Spec, spec) {
			overlay.complain(rule, "the policy %s is not that of the table", policy.Name)
		}
		delete(expected, policy.Name)
		if name, ok := policy.Spec.PodSelector.MatchLabels[NameLabel]; ok && !has[name] && !overlay.hasDatabase(name) {
			overlay.complain(rule, "the policy %s selects nothing", policy.Name)
		}
	}
	for name := range expected {
		overlay.complain(rule, "the policy %s is missing", name)
	}
	for _, workload := range overlay.Workloads() {
		if workload.Template.Labels[NameLabel] != workload.Name {
			overlay.complain(rule, "the policies do not know %s, whose label is another", workload)
		}
	}
}

func (overlay *Overlay) hasDatabase(name string) bool {
	return slices.ContainsFunc(overlay.Databases, func(database Cluster) bool {
		return database.Spec.InheritedMetadata.Labels[NameLabel] == name
	})
}

// dials requires that each address in a service's settings is an edge of the table, and each edge between workloads is
// in some setting.
func (overlay *Overlay) dials() {
	const rule = "dials"
	dialled := map[string]bool{}
	for _, workload := range overlay.Workloads() {
		if !workload.ours() {
			continue
		}
		for _, address := range overlay.addresses(rule, workload) {
			to, port, err := overlay.resolve(address)
			if err != nil {
				overlay.complain(rule, "%s: %v", workload, err)
				continue
			}
			key := fmt.Sprintf("%s %s %d", workload.Name, to, port)
			dialled[key] = true
			if !slices.ContainsFunc(overlay.Edges.Edges, func(edge Edge) bool {
				return edge.From == workload.Name && edge.To == to && slices.Contains(edge.Ports, port)
			}) {
				overlay.complain(rule, "%s connects to %s at port %d, which is no edge", workload, to, port)
			}
		}
	}
	for _, edge := range overlay.Edges.Edges {
		_, fromOurs := overlay.Edges.Owners[edge.From]
		_, toOurs := overlay.Edges.Owners[edge.To]
		if !fromOurs || !toOurs || edge.From == edge.To {
			continue
		}
		for _, port := range edge.Ports {
			if !dialled[fmt.Sprintf("%s %s %d", edge.From, edge.To, port)] {
				overlay.complain(rule, "the edge from %s to %s at port %d is open, and nobody connects along it", edge.From, edge.To, port)
			}
		}
	}
}

// addresses are the `host:port` in a workload's settings, including its mounted Secrets.
func (overlay *Overlay) addresses(rule string, workload Workload) []string {
	var addresses []string
	container := workload.Template.Spec.Containers[0]
	environment, err := overlay.Environment(container)
	if err != nil {
		return nil
	}
	for name, value := range environment {
		if strings.HasSuffix(name, "_FILE") {
			value, err = overlay.mounted(workload, value)
			if err != nil {
				overlay.complain(rule, "%s: %v", workload, err)
				continue
			}
		}
		for part := range strings.SplitSeq(value, ",") {
			parsed, err := url.Parse(part)
			switch {
			case err != nil || parsed.Host == "":
			case parsed.Scheme == "s3":
				addresses = append(addresses, "s3:443")
			default:
				addresses = append(addresses, parsed.Host)
			}
		}
	}
	return addresses
}

// resolve finds the peer of an address and the port of its pod.
func (overlay *Overlay) resolve(address string) (string, int, error) {
	host, text, _ := strings.Cut(address, ":")
	number, err := strconv.Atoi(text)
	if err != nil {
		return "", 0, fmt.Errorf("%s has no port", address)
	}
	for name, outside := range overlay.Edges.Outside {
		if slices.Contains(outside.Hosts, host) {
			return name, number, nil
		}
	}
	for _, database := range overlay.Databases {
		if host == database.Name+"-rw" {
			return database.Spec.InheritedMetadata.Labels[NameLabel], number, nil
		}
	}
	service := overlay.service(host)
	if service == nil {
		return "", 0, fmt.Errorf("%s is no service", address)
	}
	for _, port := range service.Spec.Ports {
		if int(port.Port) != number {
			continue
		}
		selected, err := overlay.Selected(&metav1.LabelSelector{MatchLabels: service.Spec.Selector})
		if err != nil || len(selected) != 1 {
			break
		}
		for _, has := range selected[0].Template.Spec.Containers[0].Ports {
			if has.Name == port.TargetPort.String() || fmt.Sprint(has.ContainerPort) == port.TargetPort.String() {
				return selected[0].Name, int(has.ContainerPort), nil
			}
		}
	}
	return "", 0, fmt.Errorf("%s leads nowhere", address)
}
