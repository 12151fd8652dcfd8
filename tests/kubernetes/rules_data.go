package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// needsSecret requires that a Secret with these keys is in the overlay or among the external ones.
func (overlay *Overlay) needsSecret(rule, who, name string, keys ...string) {
	data, made := overlay.secret(name)
	external, known := overlay.External[name]
	if overlay.issued(name) != nil {
		external, known = []string{"tls.crt", "tls.key", "ca.crt"}, true
	}
	for _, database := range overlay.Databases {
		if name == database.Name+"-app" {
			external, known = []string{"uri"}, true
		}
	}
	for _, key := range keys {
		_, has := data[key]
		if made && !has || !made && !(known && slices.Contains(external, key)) {
			overlay.complain(rule, "%s needs %s of the Secret %s, which is not there", who, key, name)
		}
	}
}

// references requires that each ConfigMap and Secret of a pod exists, with the keys in use.
func (overlay *Overlay) references(workload Workload) {
	const rule = "references"
	mounts := map[string]bool{}
	for _, container := range containers(workload.Template.Spec) {
		if _, err := overlay.Environment(container); err != nil {
			overlay.complain(rule, "%s: %v", workload, err)
		}
		for _, mount := range container.VolumeMounts {
			mounts[mount.Name] = true
		}
	}
	for _, volume := range workload.Template.Spec.Volumes {
		if !mounts[volume.Name] {
			overlay.complain(rule, "%s has the volume %s and mounts it nowhere", workload, volume.Name)
		}
		if secret := volume.Secret; secret != nil {
			for _, item := range secret.Items {
				overlay.needsSecret(rule, workload.String(), secret.SecretName, item.Key)
			}
			if len(secret.Items) == 0 {
				overlay.complain(rule, "%s mounts all of the Secret %s", workload, secret.SecretName)
			}
		}
		if volume.ConfigMap != nil {
			if _, ok := overlay.configMap(volume.ConfigMap.Name); !ok {
				overlay.complain(rule, "%s mounts the ConfigMap %s, which is not there", workload, volume.ConfigMap.Name)
			}
		}
	}
}

// mounted returns the content of a file of a mounted Secret. For external Secrets it returns the documented address.
func (overlay *Overlay) mounted(workload Workload, path string) (string, error) {
	pod := workload.Template.Spec
	for _, mount := range pod.Containers[0].VolumeMounts {
		file, found := strings.CutPrefix(path, mount.MountPath+"/")
		if !found {
			continue
		}
		for _, volume := range pod.Volumes {
			if volume.Name != mount.Name || volume.Secret == nil {
				continue
			}
			for _, item := range volume.Secret.Items {
				if item.Path != file {
					continue
				}
				if data, ok := overlay.secret(volume.Secret.SecretName); ok {
					return data[item.Key], nil
				}
				if overlay.issued(volume.Secret.SecretName) != nil {
					return "", nil
				}
				for _, database := range overlay.Databases {
					// docs/kubernetes.md says how to create that of the role that serves.
					if volume.Secret.SecretName == "madang-database-serve" {
						return fmt.Sprintf("postgresql://user:password@%s-rw:5432/%s", database.Name, database.Spec.Bootstrap.Database()), nil
					}
					if volume.Secret.SecretName == database.Name+"-app" {
						return fmt.Sprintf("postgresql://user:password@%s-rw:5432/%s", database.Name, database.Spec.Bootstrap.Database()), nil
					}
				}
				if volume.Secret.SecretName == "madang-files" || strings.HasPrefix(volume.Secret.SecretName, "madang-calls") {
					return "", nil
				}
				// docs/kubernetes.md says how to create it.
				if strings.HasPrefix(volume.Secret.SecretName, "madang-redis") {
					if item.Key == "users.acl" {
						return "", nil
					}
					return "rediss://madang:password@madang-valkey:6379", nil
				}
			}
		}
	}
	return "", fmt.Errorf("no Secret is mounted at %s", path)
}

// secretsAreNotHere forbids Secrets in production's files.
func (overlay *Overlay) secretsAreNotHere() {
	if !overlay.Production {
		return
	}
	for _, secret := range overlay.Secrets {
		overlay.complain("secrets", "the Secret %s stands in a file", secret.Name)
	}
}

// databases requires an image by digest in production, synchronous replication, and UTF-8.
func (overlay *Overlay) databases() {
	for _, database := range overlay.Databases {
		if overlay.Production && !byDigest(database.Spec.ImageName) {
			overlay.complain("images", "the database %s names its image %s and no digest", database.Name, database.Spec.ImageName)
		}
		synchronous := database.Spec.PostgreSQL.Synchronous
		if synchronous == nil || synchronous.Number < 1 || synchronous.DataDurability != "required" || database.Spec.Instances < 3 {
			overlay.complain("databases", "%s loses acknowledged messages with its primary, or stops with a standby", database.Name)
		}
		for _, workload := range overlay.Workloads() {
			url := secretWith(workload, "uri")
			serves := slices.ContainsFunc(workload.Template.Spec.Volumes, func(volume corev1.Volume) bool {
				return volume.Secret != nil && volume.Secret.SecretName == "madang-database-serve"
			})
			if workload.ours() && workload.Name != "madang-gateway" && url != database.Name+"-app" && !(serves && url == "") {
				overlay.complain("databases", "%s does not use %s", workload, database.Name)
			}
		}
		if init := database.Spec.Bootstrap.InitDB; init != nil && (init.Encoding != "UTF8" || init.LocaleCType != "C.UTF-8") {
			overlay.complain("databases", "%s is refused by message-store: its characters are not UTF-8", database.Name)
		}
	}
}

// migrations requires that a service which does not migrate has an init container that does, with the same image and another
// Secret, which the service itself does not mount.
func (overlay *Overlay) migrations() {
	const rule = "migrations"
	for _, workload := range overlay.Workloads() {
		pod := workload.Template.Spec
		if !workload.ours() {
			continue
		}
		container := pod.Containers[0]
		environment, err := overlay.Environment(container)
		if err != nil {
			continue
		}
		if (environment["MADANG_MIGRATE"] == "false") != (len(pod.InitContainers) > 0) {
			overlay.complain(rule, "%s is migrated by nobody, or by two", workload)
			continue
		}
		for _, init := range pod.InitContainers {
			if init.Image != container.Image || !slices.Equal(init.Args, []string{"migrate"}) {
				overlay.complain(rule, "%s does not migrate with its own version", workload)
			}
			for _, mount := range init.VolumeMounts {
				if slices.ContainsFunc(container.VolumeMounts, func(own corev1.VolumeMount) bool { return own.Name == mount.Name }) {
					overlay.complain(rule, "%s has the Secret of the role that migrates", workload)
				}
			}
		}
	}
}

// namespace requires one namespace with the restricted profile, for all workloads.
func (overlay *Overlay) namespace() {
	const rule = "namespace"
	if len(overlay.Namespaces) != 1 {
		overlay.complain(rule, "there are %d", len(overlay.Namespaces))
		return
	}
	namespace := overlay.Namespaces[0]
	if namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		overlay.complain(rule, "%s admits pods that are not restricted", namespace.Name)
	}
	for _, object := range overlay.Deployments {
		if object.Namespace != namespace.Name {
			overlay.complain(rule, "%s is in %s", object.Name, object.Namespace)
		}
	}
}

// monitors requires that each service is scraped at an existing port.
func (overlay *Overlay) monitors() {
	const rule = "monitors"
	for _, monitor := range overlay.PodMonitors {
		selected, err := overlay.Selected(&monitor.Spec.Selector)
		if err != nil {
			overlay.complain(rule, "%v", err)
		}
		scraped := 0
		for _, workload := range selected {
			if workload.ours() {
				scraped++
			}
			for _, endpoint := range monitor.Spec.PodMetricsEndpoints {
				if endpoint.Port == nil || !hasPort(workload.Template.Spec, *endpoint.Port) {
					overlay.complain(rule, "%s scrapes a port that %s does not have", monitor.Name, workload)
				}
			}
		}
		if scraped != 3 {
			overlay.complain(rule, "%s scrapes %d of the 3 services", monitor.Name, scraped)
		}
	}
	if overlay.Production && (len(overlay.PodMonitors) == 0 || len(overlay.AlertRules) == 0) {
		overlay.complain(rule, "nobody is told of an outage")
	}
}

// connections requires that PostgreSQL has enough for all replicas, one more each for migrations, and ten for people
// and the operator.
func (overlay *Overlay) connections() {
	const rule = "connections"
	total := 10
	for _, workload := range overlay.Workloads() {
		if !workload.ours() || workload.Name == "madang-gateway" {
			continue
		}
		environment, err := overlay.Environment(workload.Template.Spec.Containers[0])
		if err != nil {
			continue
		}
		settings, each := []string{"MADANG_AUTH_DATABASE_CONNECTIONS"}, 1
		if workload.Name == "madang-message-store" {
			settings, each = []string{"MADANG_STORE_CONNECTIONS", "MADANG_STORE_APPEND_WORKERS"}, 2
		}
		for _, setting := range settings {
			number, err := overlay.Operations.Number(environment, setting)
			if err != nil {
				overlay.complain(rule, "%v", err)
			}
			each += number
		}
		// One more pod than the most, during a rollout.
		total += each * (int(overlay.mostReplicas(workload)) + 1)
	}
	if has := overlay.databaseConnections(); has < total {
		overlay.complain(rule, "PostgreSQL has %d, and the replicas hold up to %d", has, total)
	}
}

var maxConnections = regexp.MustCompile(`max_connections=(\d+)`)

func (overlay *Overlay) databaseConnections() int {
	for _, database := range overlay.Databases {
		number, _ := strconv.Atoi(database.Spec.PostgreSQL.Parameters["max_connections"])
		return number
	}
	for _, object := range overlay.StatefulSets {
		if match := maxConnections.FindStringSubmatch(strings.Join(object.Spec.Template.Spec.Containers[0].Args, " ")); match != nil {
			number, _ := strconv.Atoi(match[1])
			return number
		}
	}
	return 100
}

// The memory of a gateway without sockets, and the factor on the memory budget of a socket.
const (
	gatewayBaseBytes = 128 << 20
	socketHeadroom   = 2
)

var socketBudget = regexp.MustCompile(`gateway memory a socket \| [^|]* \| ≤ (\d+) kB`)

// memory requires that a gateway's limit covers twice the README's budget for all its sockets. Kubernetes has no field
// for the limit of file descriptors.
func (overlay *Overlay) memory() {
	const rule = "memory"
	readme, err := os.ReadFile(filepath.Join(Root, "README.md"))
	if err != nil {
		overlay.complain(rule, "%v", err)
		return
	}
	match := socketBudget.FindSubmatch(readme)
	if match == nil {
		overlay.complain(rule, "README.md no longer says what a socket may take")
		return
	}
	budget, _ := strconv.Atoi(string(match[1]))
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{NameLabel: "madang-gateway"}}
	gateways, err := overlay.Selected(selector)
	if err != nil || len(gateways) != 1 {
		overlay.complain(rule, "there are %d kinds of gateways", len(gateways))
		return
	}
	container := gateways[0].Template.Spec.Containers[0]
	environment, err := overlay.Environment(container)
	if err != nil {
		return
	}
	connections, err := overlay.Operations.Number(environment, "MADANG_MAX_CONNECTIONS")
	if err != nil {
		overlay.complain(rule, "%v", err)
	}
	needed := int64(gatewayBaseBytes + connections*budget*1000*socketHeadroom)
	if has := container.Resources.Limits.Memory().Value(); has < needed {
		overlay.complain(rule, "gateways have %d bytes, and %d sockets may take %d", has, connections, needed)
	}
}
