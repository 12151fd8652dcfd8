package manifests

import (
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Workload is a resource that creates pods.
type Workload struct {
	Kind     string
	Name     string
	Replicas *int32
	Selector *metav1.LabelSelector
	Template corev1.PodTemplateSpec
	// Serves is false for jobs.
	Serves bool
}

// String names it.
func (workload Workload) String() string {
	return workload.Kind + " " + workload.Name
}

// Workloads are all of them.
func (set *Set) Workloads() []Workload {
	var workloads []Workload
	for _, object := range set.Deployments {
		workloads = append(workloads, Workload{
			"Deployment", object.Name, object.Spec.Replicas, object.Spec.Selector, object.Spec.Template, true,
		})
	}
	for _, object := range set.StatefulSets {
		workloads = append(workloads, Workload{
			"StatefulSet", object.Name, object.Spec.Replicas, object.Spec.Selector, object.Spec.Template, true,
		})
	}
	for _, object := range set.DaemonSets {
		workloads = append(workloads, Workload{"DaemonSet", object.Name, nil, object.Spec.Selector, object.Spec.Template, true})
	}
	for _, object := range set.Jobs {
		workloads = append(workloads, Workload{"Job", object.Name, nil, nil, object.Spec.Template, false})
	}
	for _, object := range set.CronJobs {
		workloads = append(workloads, Workload{"CronJob", object.Name, nil, nil, object.Spec.JobTemplate.Spec.Template, false})
	}
	return workloads
}

// Selected are the workloads whose pods a selector selects.
func (set *Set) Selected(selector *metav1.LabelSelector) ([]Workload, error) {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, err
	}
	var selected []Workload
	for _, workload := range set.Workloads() {
		if parsed.Matches(labels.Set(workload.Template.Labels)) {
			selected = append(selected, workload)
		}
	}
	return selected, nil
}

// Environment returns a container's variables. It resolves ConfigMaps and no Secrets. Empty variables are left out, as the
// processes do.
func (set *Set) Environment(container corev1.Container) (map[string]string, error) {
	environment := map[string]string{}
	for _, from := range container.EnvFrom {
		if from.ConfigMapRef == nil {
			return nil, fmt.Errorf("the environment comes from something else than a ConfigMap")
		}
		data, ok := set.configMap(from.ConfigMapRef.Name)
		if !ok {
			return nil, fmt.Errorf("there is no ConfigMap %s", from.ConfigMapRef.Name)
		}
		for key, value := range data {
			environment[from.Prefix+key] = value
		}
	}
	for _, variable := range container.Env {
		environment[variable.Name] = variable.Value
	}
	maps.DeleteFunc(environment, func(_, value string) bool { return value == "" })
	return environment, nil
}

func (set *Set) configMap(name string) (map[string]string, bool) {
	for _, object := range set.ConfigMaps {
		if object.Name == name {
			return object.Data, true
		}
	}
	return nil, false
}

// secret finds a generated Secret.
func (set *Set) secret(name string) (map[string]string, bool) {
	for _, object := range set.Secrets {
		if object.Name != name {
			continue
		}
		data := map[string]string{}
		for key, value := range object.Data {
			data[key] = string(value)
		}
		for key, value := range object.StringData {
			data[key] = value
		}
		return data, true
	}
	return nil, false
}

// ours is true for the three services, and false for databases.
func (workload Workload) ours() bool {
	switch workload.Name {
	case "madang-gateway", "madang-auth", "madang-message-store":
		return true
	}
	return false
}

// containers returns all containers of a pod, including init containers.
func containers(pod corev1.PodSpec) []corev1.Container {
	all := append([]corev1.Container{}, pod.InitContainers...)
	return append(all, pod.Containers...)
}

// hasPort says whether a container has a port by this name or number.
func hasPort(pod corev1.PodSpec, port string) bool {
	for _, container := range containers(pod) {
		for _, has := range container.Ports {
			if has.Name == port || fmt.Sprint(has.ContainerPort) == port {
				return true
			}
		}
	}
	return false
}

// byDigest says whether an image is named by its digest.
func byDigest(image string) bool {
	_, digest, found := strings.Cut(image, "@sha256:")
	return found && len(digest) == 64
}
