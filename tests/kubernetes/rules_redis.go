package manifests

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const redisAuthorities = "MADANG_REDIS_CA_FILE"

// redis requires that the gateways' Redis has an access control list without a default user, and that it and the gateways
// agree on TLS: both or neither, no port without it, a certificate with the name that gateways dial, and its authority.
func (overlay *Overlay) redis() {
	const rule = "redis"
	server, gateway := overlay.workload("madang-valkey"), overlay.workload("madang-gateway")
	if server == nil || gateway == nil {
		return
	}
	directives := overlay.directives(*server)
	if users := directives["aclfile"]; users == "" {
		overlay.complain(rule, "everybody may do everything")
	} else if text, err := overlay.mounted(*server, users); err != nil {
		overlay.complain(rule, "the users are not there: %v", err)
	} else if text != "" && !strings.Contains(text, "user default off") {
		overlay.complain(rule, "the default user is not switched off")
	}
	environment, err := overlay.Environment(gateway.Template.Spec.Containers[0])
	if err != nil {
		return
	}
	authorities, port := environment[redisAuthorities], directives["tls-port"]
	if authorities == "" && port == "" {
		return
	}
	if authorities == "" || port == "" {
		overlay.complain(rule, "one of the gateways and Redis has TLS, and the other has none")
		return
	}
	if directives["port"] != "0" {
		overlay.complain(rule, "Redis has a port without TLS, too")
	}
	for _, directive := range []string{"tls-cert-file", "tls-key-file", "tls-ca-cert-file"} {
		if _, err := overlay.mounted(*server, directives[directive]); err != nil {
			overlay.complain(rule, "%s: %v", directive, err)
		}
	}
	if _, err := overlay.mounted(*gateway, authorities); err != nil {
		overlay.complain(rule, "%s: %v", redisAuthorities, err)
	}
	shown, trusted := secretWith(*server, "tls.crt"), secretWith(*gateway, "ca.crt", "tls.crt")
	if shown != trusted {
		overlay.complain(rule, "Redis shows a certificate of %s, and gateways trust the authority of %s", shown, trusted)
	}
	certificate := overlay.issued(shown)
	if certificate == nil || !slices.Contains(certificate.Spec.DNSNames, server.Name) ||
		!slices.Contains(certificate.Spec.Usages, "server auth") {
		overlay.complain(rule, "the certificate of Redis is not one of a server %s", server.Name)
	}
}

// secretWith is the Secret of which a pod mounts a key, and none of the others.
func secretWith(workload Workload, key string, others ...string) string {
	for _, volume := range workload.Template.Spec.Volumes {
		if volume.Secret == nil {
			continue
		}
		has := func(key string) bool {
			return slices.ContainsFunc(volume.Secret.Items, func(item corev1.KeyToPath) bool { return item.Key == key })
		}
		if has(key) && !slices.ContainsFunc(others, has) {
			return volume.Secret.SecretName
		}
	}
	return ""
}

func (overlay *Overlay) workload(name string) *Workload {
	for _, workload := range overlay.Workloads() {
		if workload.Name == name {
			return &workload
		}
	}
	return nil
}

// directives are those of the configuration that a Redis starts with, and of the one which that includes; the last counts.
func (overlay *Overlay) directives(workload Workload) map[string]string {
	directives := map[string]string{}
	command := workload.Template.Spec.Containers[0].Command
	overlay.readDirectives(workload, command[len(command)-1], directives)
	return directives
}

func (overlay *Overlay) readDirectives(workload Workload, path string, directives map[string]string) {
	for _, line := range strings.Split(overlay.configFile(workload, path), "\n") {
		name, value, found := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case !found || strings.HasPrefix(name, "#"):
		case name == "include":
			overlay.readDirectives(workload, value, directives)
		default:
			directives[name] = value
		}
	}
}

// configFile is the text of a file of a mounted ConfigMap, or nothing.
func (overlay *Overlay) configFile(workload Workload, path string) string {
	for _, mount := range workload.Template.Spec.Containers[0].VolumeMounts {
		file, found := strings.CutPrefix(path, mount.MountPath+"/")
		if !found {
			continue
		}
		for _, volume := range workload.Template.Spec.Volumes {
			if volume.Name == mount.Name && volume.ConfigMap != nil {
				data, _ := overlay.configMap(volume.ConfigMap.Name)
				return data[file]
			}
		}
	}
	return ""
}
