package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// NameLabel is the label that selects the pods of a workload.
const NameLabel = "app.kubernetes.io/name"

// EdgesFile is the table of allowed connections.
const EdgesFile = "k8s/components/network-policies/edges.yaml"

// Edges is that table.
type Edges struct {
	Edges   []Edge              `json:"edges"`
	Outside map[string]Outside  `json:"outside"`
	Owners  map[string][]string `json:"owners"`
}

// Edge allows connections from one peer to another.
type Edge struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Ports     []int  `json:"ports"`
	Why       string `json:"why"`
	Component string `json:"component"`
}

// Outside is a peer outside of these manifests.
type Outside struct {
	NamespaceLabels map[string]string `json:"namespaceLabels"`
	PodLabels       map[string]string `json:"podLabels"`
	CIDR            string            `json:"cidr"`
	// Except are addresses of that which are not the peer's.
	Except []string `json:"except"`
	UDP    bool     `json:"udp"`
	// Hosts are its names in settings.
	Hosts []string `json:"hosts"`
}

// ReadEdges reads the table.
func ReadEdges() (*Edges, error) {
	text, err := os.ReadFile(filepath.Join(Root, EdgesFile))
	if err != nil {
		return nil, err
	}
	edges := &Edges{}
	if err := yaml.UnmarshalStrict(text, edges); err != nil {
		return nil, fmt.Errorf("%s: %w", EdgesFile, err)
	}
	for _, edge := range edges.Edges {
		for _, peer := range []string{edge.From, edge.To} {
			_, outside := edges.Outside[peer]
			_, ours := edges.Owners[peer]
			if outside == ours {
				return nil, fmt.Errorf("%s: %s is neither a workload nor outside, or both", EdgesFile, peer)
			}
		}
	}
	return edges, nil
}

// Components are the components that contain policies.
func (edges *Edges) Components() []string {
	var components []string
	for _, owners := range edges.Owners {
		components = append(components, owners...)
	}
	for _, edge := range edges.Edges {
		if edge.Component != "" {
			components = append(components, edge.Component)
		}
	}
	slices.Sort(components)
	return slices.Compact(components)
}

// Policies are the policies of one component: one for each of its workloads, the default in network-policies, and one for
// what the component adds to a workload of another.
func (edges *Edges) Policies(component string) []networkingv1.NetworkPolicy {
	both := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	var policies []networkingv1.NetworkPolicy
	if component == "network-policies" {
		policies = append(policies, networkPolicy("default-deny", networkingv1.NetworkPolicySpec{PolicyTypes: both}))
	}
	var workloads []string
	for workload, owners := range edges.Owners {
		if slices.Contains(owners, component) {
			workloads = append(workloads, workload)
		}
	}
	slices.Sort(workloads)
	for _, workload := range workloads {
		spec := networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{NameLabel: workload}},
			PolicyTypes: both,
		}
		for _, edge := range edges.Edges {
			if edge.Component != "" && edge.Component != component {
				continue
			}
			if edge.To == workload {
				spec.Ingress = append(spec.Ingress, networkingv1.NetworkPolicyIngressRule{
					From: []networkingv1.NetworkPolicyPeer{edges.peer(edge.From)}, Ports: edges.ports(edge),
				})
			}
			if edge.From == workload {
				spec.Egress = append(spec.Egress, networkingv1.NetworkPolicyEgressRule{
					To: []networkingv1.NetworkPolicyPeer{edges.peer(edge.To)}, Ports: edges.ports(edge),
				})
			}
		}
		policies = append(policies, networkPolicy(workload, spec))
	}
	return append(policies, edges.additions(component, workloads)...)
}

// additions are the policies for edges of a component from workloads that it does not own. The connections that policies
// of one pod allow add up.
func (edges *Edges) additions(component string, owned []string) []networkingv1.NetworkPolicy {
	var policies []networkingv1.NetworkPolicy
	for _, edge := range edges.Edges {
		if edge.Component != component || slices.Contains(owned, edge.From) || edges.Owners[edge.From] == nil {
			continue
		}
		policies = append(policies, networkPolicy(edge.From+"-"+edge.To, networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{NameLabel: edge.From}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
			Egress: []networkingv1.NetworkPolicyEgressRule{{
				To: []networkingv1.NetworkPolicyPeer{edges.peer(edge.To)}, Ports: edges.ports(edge),
			}},
		}))
	}
	return policies
}

func networkPolicy(name string, spec networkingv1.NetworkPolicySpec) networkingv1.NetworkPolicy {
	return networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       spec,
	}
}

func (edges *Edges) peer(name string) networkingv1.NetworkPolicyPeer {
	outside, ok := edges.Outside[name]
	switch {
	case !ok:
		return networkingv1.NetworkPolicyPeer{
			PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{NameLabel: name}},
		}
	case outside.CIDR != "":
		return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: outside.CIDR, Except: outside.Except}}
	}
	peer := networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{MatchLabels: outside.NamespaceLabels}}
	if outside.PodLabels != nil {
		peer.PodSelector = &metav1.LabelSelector{MatchLabels: outside.PodLabels}
	}
	return peer
}

func (edges *Edges) ports(edge Edge) []networkingv1.NetworkPolicyPort {
	protocols := []corev1.Protocol{corev1.ProtocolTCP}
	if edges.Outside[edge.To].UDP {
		protocols = append(protocols, corev1.ProtocolUDP)
	}
	var ports []networkingv1.NetworkPolicyPort
	for _, number := range edge.Ports {
		for _, protocol := range protocols {
			port := intstr.FromInt(number)
			ports = append(ports, networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port})
		}
	}
	return ports
}

// PolicyFile is the file with the policies of a component.
func PolicyFile(component string) string {
	return filepath.Join("k8s/components", component, "network-policy.yaml")
}

// PolicyText is the required content of that file.
func (edges *Edges) PolicyText(component string) (string, error) {
	documents := []string{"# Generated from k8s/components/network-policies/edges.yaml by `make manifests`."}
	for i, policy := range edges.Policies(component) {
		text, err := yaml.Marshal(policy)
		if err != nil {
			return "", err
		}
		// Types of an older Kubernetes write an empty status.
		body := strings.ReplaceAll(strings.ReplaceAll(string(text), "status: {}\n", ""), "  creationTimestamp: null\n", "")
		if i > 0 {
			body = "---\n" + body
		}
		documents = append(documents, strings.TrimRight(body, "\n"))
	}
	return strings.Join(documents, "\n") + "\n", nil
}

// AlertsFile contains the alerts for Prometheus, AlertsResource the same for its operator.
const (
	AlertsFile     = "deploy/prometheus/alerts.yaml"
	AlertsResource = "k8s/components/monitoring/alerts.yaml"
)

// AlertsText is the required content of AlertsResource.
func AlertsText() (string, error) {
	text, err := os.ReadFile(filepath.Join(Root, AlertsFile))
	if err != nil {
		return "", err
	}
	_, groups, found := strings.Cut(string(text), "\ngroups:\n")
	if !found {
		return "", fmt.Errorf("%s has no groups", AlertsFile)
	}
	var body strings.Builder
	body.WriteString("# Generated from deploy/prometheus/alerts.yaml by `make manifests`.\n" +
		"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: madang\nspec:\n  groups:\n")
	for line := range strings.Lines(groups) {
		if strings.TrimSpace(line) != "" {
			body.WriteString("  ")
		}
		body.WriteString(line)
	}
	return body.String(), nil
}
