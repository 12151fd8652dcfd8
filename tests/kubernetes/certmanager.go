package manifests

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Certificate has the fields of cert-manager's cert-manager.io/v1 that k8s/components/mtls and valkey-tls use: a copy by hand, since its
// module would bring the dependencies of its controllers. It finds a misspelt field, but not one that was renamed.
type Certificate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              CertificateSpec `json:"spec"`
}

// CertificateSpec is its specification.
type CertificateSpec struct {
	IsCA        bool            `json:"isCA"`
	CommonName  string          `json:"commonName"`
	SecretName  string          `json:"secretName"`
	Duration    metav1.Duration `json:"duration"`
	RenewBefore metav1.Duration `json:"renewBefore"`
	PrivateKey  PrivateKey      `json:"privateKey"`
	Usages      []string        `json:"usages"`
	URIs        []string        `json:"uris"`
	DNSNames    []string        `json:"dnsNames"`
	IssuerRef   IssuerRef       `json:"issuerRef"`
}

// PrivateKey says how a key is made.
type PrivateKey struct {
	Algorithm      string `json:"algorithm"`
	Size           int    `json:"size"`
	RotationPolicy string `json:"rotationPolicy"`
}

// IssuerRef names an Issuer.
type IssuerRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// Issuer has the fields of an Issuer that are in use.
type Issuer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              IssuerSpec `json:"spec"`
}

// IssuerSpec is its specification: one of the two.
type IssuerSpec struct {
	SelfSigned *struct{} `json:"selfSigned"`
	CA         *CAIssuer `json:"ca"`
}

// CAIssuer signs with a certificate.
type CAIssuer struct {
	SecretName string `json:"secretName"`
}

// issued finds the Certificate that makes a Secret.
func (overlay *Overlay) issued(secret string) *Certificate {
	for i, certificate := range overlay.Certificates {
		if certificate.Spec.SecretName == secret {
			return &overlay.Certificates[i]
		}
	}
	return nil
}

// shortestRest is the least time between the renewal of a certificate and its end: an operator sees the alert, and acts.
const shortestRest = 7 * 24 * time.Hour

// certificates requires that all services have a certificate or none has, each with its own name and key, for both sides
// of a connection, and renewed in time; and that the gateways then call by TLS.
func (overlay *Overlay) certificates() {
	const rule = "certificates"
	for _, certificate := range overlay.Certificates {
		spec := certificate.Spec
		if spec.RenewBefore.Duration < shortestRest || spec.RenewBefore.Duration >= spec.Duration.Duration {
			overlay.complain(rule, "%s is renewed too late", certificate.Name)
		}
		if !overlay.hasIssuer(spec.IssuerRef, spec.IsCA) {
			overlay.complain(rule, "%s has no issuer, or not one of its own authority", certificate.Name)
		}
		if !spec.IsCA && spec.PrivateKey.RotationPolicy != "Always" {
			overlay.complain(rule, "%s keeps its key", certificate.Name)
		}
	}
	with, without := 0, 0
	for _, workload := range overlay.Workloads() {
		if !workload.ours() {
			continue
		}
		environment, err := overlay.Environment(workload.Template.Spec.Containers[0])
		if err != nil {
			continue
		}
		if _, ok := environment["MADANG_TLS_CERTIFICATE_FILE"]; !ok {
			without++
			continue
		}
		with++
		overlay.shows(rule, workload, environment)
	}
	if with > 0 && without > 0 {
		overlay.complain(rule, "%d services have a certificate, and %d have none", with, without)
	}
}

// shows requires that a service shows a certificate with its own name, from the mounted Secret.
func (overlay *Overlay) shows(rule string, workload Workload, environment map[string]string) {
	var certificate *Certificate
	if secret := secretWith(workload, "tls.crt"); secret != "" {
		certificate = overlay.issued(secret)
	}
	if certificate == nil {
		overlay.complain(rule, "%s shows a certificate that nobody makes", workload)
		return
	}
	service := strings.TrimPrefix(workload.Name, "madang-")
	peers, ok := environment["MADANG_TLS_PEERS"]
	if !ok {
		peers = overlay.Operations.defaults["MADANG_TLS_PEERS"]
	}
	names := slices.Concat(certificate.Spec.URIs, certificate.Spec.DNSNames)
	if len(names) != 1 || !slices.Contains(strings.Split(peers, ","), fmt.Sprintf("%s=%s", service, names[0])) {
		overlay.complain(rule, "%s shows a certificate with the names %v, and MADANG_TLS_PEERS is %s", workload, names, peers)
	}
	for _, usage := range []string{"server auth", "client auth"} {
		if !slices.Contains(certificate.Spec.Usages, usage) {
			overlay.complain(rule, "%s shows a certificate without the usage %s", workload, usage)
		}
	}
	for _, name := range []string{"MADANG_AUTH_URL", "MADANG_STORE_URL"} {
		if url, ok := environment[name]; ok && !strings.HasPrefix(url, "https://") {
			overlay.complain(rule, "%s calls %s without TLS", workload, url)
		}
	}
}

// hasIssuer says whether a certificate's issuer is here: for an authority one that signs itself, and for others one that
// signs with an authority of the overlay.
func (overlay *Overlay) hasIssuer(ref IssuerRef, isCA bool) bool {
	return ref.Kind == "Issuer" && slices.ContainsFunc(overlay.Issuers, func(issuer Issuer) bool {
		if issuer.Name != ref.Name {
			return false
		}
		if isCA {
			return issuer.Spec.SelfSigned != nil
		}
		if issuer.Spec.CA == nil {
			return false
		}
		authority := overlay.issued(issuer.Spec.CA.SecretName)
		return authority != nil && authority.Spec.IsCA
	})
}

// speaksTLS says whether a workload's first container has a certificate for its port.
func (overlay *Overlay) speaksTLS(container corev1.Container) bool {
	environment, err := overlay.Environment(container)
	_, ok := environment["MADANG_TLS_CERTIFICATE_FILE"]
	return err == nil && ok
}
