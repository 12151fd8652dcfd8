package manifests

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// calls are the services that listen on gRPC: the setting with the secret that each demands, and the one by which callers
// find it.
var calls = map[string]struct{ secret, url string }{
	"madang-auth":          {"MADANG_AUTH_SECRET", "MADANG_AUTH_URL"},
	"madang-message-store": {"MADANG_STORE_SECRET", "MADANG_STORE_URL"},
}

// The shortest secret that a process takes: SECRET_MIN_CHARS of crates/kit/src/grpc/secret.rs.
const shortestSecret = 32

// callers requires that each service which listens on gRPC demands a certificate or a secret of its callers, that each
// caller has it, and that the secret of one service is not that of another: else whoever reaches the port speaks as anybody.
func (overlay *Overlay) callers() {
	const rule = "callers"
	for _, server := range overlay.Workloads() {
		if !server.ours() || !hasPort(server.Template.Spec, "grpc") {
			continue
		}
		of, known := calls[server.Name]
		if !known {
			overlay.complain(rule, "nobody knows by what %s knows its callers", server)
			continue
		}
		environment, err := overlay.Environment(server.Template.Spec.Containers[0])
		if err != nil {
			continue
		}
		byTLS := overlay.speaksTLS(server.Template.Spec.Containers[0])
		if byTLS && environment["MADANG_TLS_ACCEPT_PLAINTEXT"] != "true" {
			continue
		}
		accepted := overlay.callSecret(rule, server, of.secret)
		if accepted == nil {
			overlay.complain(rule, "whoever reaches the gRPC port of %s speaks as anybody", server)
			continue
		}
		if previous := environment[of.secret+"_PREVIOUS_FILE"]; previous != "" {
			if _, err := overlay.mounted(server, previous); err != nil {
				overlay.complain(rule, "%s: %v", server, err)
			}
		}
		for _, caller := range overlay.Workloads() {
			if caller.ours() && caller.Name != server.Name {
				overlay.calling(rule, caller, server, of.secret, of.url, accepted)
			}
		}
	}
}

// calling requires of a service that it sends this secret where it calls the server, and does not have it otherwise.
func (overlay *Overlay) calling(rule string, caller, server Workload, setting, url string, accepted *callSecret) {
	environment, err := overlay.Environment(caller.Template.Spec.Containers[0])
	if err != nil {
		return
	}
	if environment[url] == "" {
		for _, volume := range caller.Template.Spec.Volumes {
			if volume.Secret != nil && volume.Secret.SecretName == accepted.name &&
				slices.ContainsFunc(volume.Secret.Items, func(item corev1.KeyToPath) bool { return item.Key == accepted.key }) {
				overlay.complain(rule, "%s has the secret of %s, which it does not call", caller, server)
			}
		}
		return
	}
	if strings.HasPrefix(environment[url], "https://") {
		return
	}
	sent := overlay.callSecret(rule, caller, setting)
	switch {
	case sent == nil:
		overlay.complain(rule, "%s calls %s without the secret that it demands", caller, server)
	case *sent != *accepted:
		overlay.complain(rule, "%s sends %s of %s to %s, which demands %s of %s", caller, sent.key, sent.name, server, accepted.key, accepted.name)
	}
}

// callSecret is where a service has its secret from, and what is in it where the overlay makes it.
type callSecret struct{ name, key, text string }

func (overlay *Overlay) callSecret(rule string, workload Workload, setting string) *callSecret {
	environment, err := overlay.Environment(workload.Template.Spec.Containers[0])
	if err != nil || environment[setting+"_FILE"] == "" {
		return nil
	}
	path := environment[setting+"_FILE"]
	text, err := overlay.mounted(workload, path)
	if err != nil {
		overlay.complain(rule, "%s: %v", workload, err)
		return nil
	}
	found := &callSecret{text: text}
	for _, mount := range workload.Template.Spec.Containers[0].VolumeMounts {
		file, inside := strings.CutPrefix(path, mount.MountPath+"/")
		for _, volume := range workload.Template.Spec.Volumes {
			if !inside || volume.Name != mount.Name || volume.Secret == nil {
				continue
			}
			for _, item := range volume.Secret.Items {
				if item.Path == file {
					found.name, found.key = volume.Secret.SecretName, item.Key
				}
			}
		}
	}
	data, made := overlay.secret(found.name)
	if made && len(text) < shortestSecret {
		overlay.complain(rule, "%s refuses to start: its secret has %d characters", workload, len(text))
	}
	for key, other := range data {
		if key != found.key && key != found.key+"-previous" && other == text {
			overlay.complain(rule, "the secret %s of %s is that of %s, too", found.key, found.name, key)
		}
	}
	return found
}
