// Package manifests builds the overlays of k8s/ and checks the result with the types of Kubernetes and the project's
// rules.
package manifests

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Root is the repository's root, relative to this directory, where `go test` runs.
const Root = "../.."

// Build does what `kustomize build` does. The directory is relative to the repository's root.
func Build(directory string) (string, error) {
	kustomizer := krusty.MakeKustomizer(krusty.MakeDefaultOptions())
	resources, err := kustomizer.Run(filesys.MakeFsOnDisk(), filepath.Join(Root, directory))
	if err != nil {
		return "", fmt.Errorf("build %s: %w", directory, err)
	}
	text, err := resources.AsYaml()
	return string(text), err
}

// Set contains the resources of an overlay by kind.
type Set struct {
	Namespaces      []corev1.Namespace
	Deployments     []appsv1.Deployment
	StatefulSets    []appsv1.StatefulSet
	DaemonSets      []appsv1.DaemonSet
	Jobs            []batchv1.Job
	CronJobs        []batchv1.CronJob
	Services        []corev1.Service
	ServiceAccounts []corev1.ServiceAccount
	ConfigMaps      []corev1.ConfigMap
	Secrets         []corev1.Secret
	Budgets         []policyv1.PodDisruptionBudget
	Autoscalers     []autoscalingv2.HorizontalPodAutoscaler
	Policies        []networkingv1.NetworkPolicy
	Ingresses       []networkingv1.Ingress
	Gateways        []gatewayv1.Gateway
	Routes          []gatewayv1.HTTPRoute
	PodMonitors     []monitoringv1.PodMonitor
	AlertRules      []monitoringv1.PrometheusRule
	VolumeClaims    []corev1.PersistentVolumeClaim
	Databases       []Cluster
	BackupSchedules []ScheduledBackup
	BackupStores    []ObjectStore
	Certificates    []Certificate
	Issuers         []Issuer
}

// Parse reads documents strictly. Unknown kinds, unknown or repeated fields and values of another type are errors.
func Parse(text string) (*Set, []string) {
	set := &Set{}
	var complaints []string
	for document := range strings.SplitSeq(text, "\n---\n") {
		if len(bytes.TrimSpace([]byte(document))) == 0 {
			continue
		}
		if err := set.add([]byte(document)); err != nil {
			complaints = append(complaints, "schema: "+err.Error())
		}
	}
	return set, complaints
}

func (set *Set) add(document []byte) error {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(document, &head); err != nil {
		return err
	}
	var err error
	switch kind := head.APIVersion + " " + head.Kind; kind {
	case "v1 Namespace":
		err = read(document, &set.Namespaces)
	case "apps/v1 Deployment":
		err = read(document, &set.Deployments)
	case "apps/v1 StatefulSet":
		err = read(document, &set.StatefulSets)
	case "apps/v1 DaemonSet":
		err = read(document, &set.DaemonSets)
	case "batch/v1 Job":
		err = read(document, &set.Jobs)
	case "batch/v1 CronJob":
		err = read(document, &set.CronJobs)
	case "v1 Service":
		err = read(document, &set.Services)
	case "v1 ServiceAccount":
		err = read(document, &set.ServiceAccounts)
	case "v1 ConfigMap":
		err = read(document, &set.ConfigMaps)
	case "v1 Secret":
		err = read(document, &set.Secrets)
	case "v1 PersistentVolumeClaim":
		err = read(document, &set.VolumeClaims)
	case "policy/v1 PodDisruptionBudget":
		err = read(document, &set.Budgets)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		err = read(document, &set.Autoscalers)
	case "networking.k8s.io/v1 NetworkPolicy":
		err = read(document, &set.Policies)
	case "networking.k8s.io/v1 Ingress":
		err = read(document, &set.Ingresses)
	case "gateway.networking.k8s.io/v1 Gateway":
		err = read(document, &set.Gateways)
	case "gateway.networking.k8s.io/v1 HTTPRoute":
		err = read(document, &set.Routes)
	case "monitoring.coreos.com/v1 PodMonitor":
		err = read(document, &set.PodMonitors)
	case "monitoring.coreos.com/v1 PrometheusRule":
		err = read(document, &set.AlertRules)
	case "postgresql.cnpg.io/v1 Cluster":
		err = read(document, &set.Databases)
	case "postgresql.cnpg.io/v1 ScheduledBackup":
		err = read(document, &set.BackupSchedules)
	case "barmancloud.cnpg.io/v1 ObjectStore":
		err = read(document, &set.BackupStores)
	case "cert-manager.io/v1 Certificate":
		err = read(document, &set.Certificates)
	case "cert-manager.io/v1 Issuer":
		err = read(document, &set.Issuers)
	default:
		err = fmt.Errorf("no rule knows the kind %s", kind)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", head.Kind, head.Metadata.Name, err)
	}
	return nil
}

func read[T any](document []byte, into *[]T) error {
	var object T
	if err := yaml.UnmarshalStrict(document, &object, yaml.DisallowUnknownFields); err != nil {
		return err
	}
	*into = append(*into, object)
	return nil
}

// ExternalSecrets are the Secrets that an overlay uses and does not contain: name to keys.
type ExternalSecrets map[string][]string

// ReadExternalSecrets reads external-secrets.yaml of an overlay, if there is one.
func ReadExternalSecrets(overlay string) (ExternalSecrets, error) {
	text, err := os.ReadFile(filepath.Join(Root, overlay, "external-secrets.yaml"))
	if os.IsNotExist(err) {
		return ExternalSecrets{}, nil
	} else if err != nil {
		return nil, err
	}
	var file struct {
		Secrets map[string]struct {
			Keys []string `json:"keys"`
			By   string   `json:"by"`
		} `json:"secrets"`
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return nil, err
	}
	secrets := ExternalSecrets{}
	for name, secret := range file.Secrets {
		secrets[name] = secret.Keys
	}
	return secrets, nil
}
