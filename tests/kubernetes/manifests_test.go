package manifests_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	manifests "madang/tests/kubernetes"
)

// overlays are the directories of all overlays.
var overlays = []string{"k8s/overlays/dev", "k8s/overlays/production", "tests/kubernetes/testdata/ingress-nginx", "tests/kubernetes/testdata/secured"}

func build(t *testing.T, overlay string) string {
	t.Helper()
	text, err := manifests.Build(overlay)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// judge reads documents strictly and applies the rules.
func judge(t *testing.T, name, text string) []string {
	t.Helper()
	set, complaints := manifests.Parse(text)
	external, err := manifests.ReadExternalSecrets(name)
	if err != nil {
		t.Fatal(err)
	}
	operations, err := manifests.ReadOperations()
	if err != nil {
		t.Fatal(err)
	}
	edges, err := manifests.ReadEdges()
	if err != nil {
		t.Fatal(err)
	}
	overlay := manifests.Overlay{
		Set: set, Name: name, External: external, Operations: operations, Edges: edges,
		Production: name != "k8s/overlays/dev",
	}
	return append(complaints, overlay.Judge()...)
}

func TestOverlaysKeepTheRules(t *testing.T) {
	for _, overlay := range overlays {
		t.Run(filepath.Base(overlay), func(t *testing.T) {
			for _, complaint := range judge(t, overlay, build(t, overlay)) {
				t.Error(complaint)
			}
		})
	}
}

// The table of docs/kubernetes.md repeats numbers of the manifests for people. It must not lag behind.
func TestDocumentSaysTheNumbers(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(manifests.Root, "docs/kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(document), "## Where the numbers come from")
	if !found {
		t.Fatal("docs/kubernetes.md no longer says where the numbers come from")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `?([^|`]+?)`? \\| ([0-9,]+)").FindAllStringSubmatch(table, -1) {
		rows[row[1]] = strings.ReplaceAll(row[2], ",", "")
	}
	set, _ := manifests.Parse(build(t, "k8s/overlays/production"))
	overlay := manifests.Overlay{Set: set}
	said := 0
	for _, workload := range overlay.Workloads() {
		if workload.Name != "madang-gateway" {
			continue
		}
		container := workload.Template.Spec.Containers[0]
		numbers, err := overlay.Environment(container)
		if err != nil {
			t.Fatal(err)
		}
		numbers["terminationGracePeriodSeconds"] = strconv.FormatInt(*workload.Template.Spec.TerminationGracePeriodSeconds, 10)
		numbers["preStop"] = strconv.FormatInt(container.Lifecycle.PreStop.Sleep.Seconds, 10)
		for name, number := range rows {
			if set, ok := numbers[name]; ok {
				said++
				if number != set {
					t.Errorf("docs/kubernetes.md says %s for %s, and the manifests say %s", number, name, set)
				}
			}
		}
	}
	// preStop, the grace period, the drain, its spread, the age, its rate, the connections.
	if said < 7 {
		t.Errorf("docs/kubernetes.md says %d of the numbers of gateways: %v", said, rows)
	}
}

func TestGeneratedManifestsFollowTheirTables(t *testing.T) {
	edges, err := manifests.ReadEdges()
	if err != nil {
		t.Fatal(err)
	}
	for _, component := range edges.Components() {
		text, err := edges.PolicyText(component)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, manifests.PolicyFile(component), text)
	}
	text, err := manifests.AlertsText()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, manifests.AlertsResource, text)
}

// Any address of the Internet is not any address of the cluster. The API server's own address differs between clusters.
func TestWhoReachesTheInternetReachesNoPrivateAddress(t *testing.T) {
	edges, err := manifests.ReadEdges()
	if err != nil {
		t.Fatal(err)
	}
	for name, outside := range edges.Outside {
		if outside.CIDR != "0.0.0.0/0" || name == "api-server" {
			continue
		}
		for _, private := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} {
			if !slices.Contains(outside.Except, private) {
				t.Errorf("who may reach %s may reach %s", name, private)
			}
		}
	}
}

func compare(t *testing.T, path, expected string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(manifests.Root, path))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != expected {
		t.Errorf("%s is not what its table says: run `make manifests`", path)
	}
}

// A changed setting or Secret must change a pod template, so that the pods restart.
func TestAChangeOfConfigurationMakesNewPods(t *testing.T) {
	templates := regexp.MustCompile(`(?s)\nkind: (?:Deployment|StatefulSet)\n.*?\n---`)
	for name, change := range map[string]struct{ overlay, generator string }{
		"a setting of the gateways": {"k8s/overlays/production", `
configMapGenerator:
  - { name: madang-gateway, behavior: merge, namespace: madang, literals: [MADANG_HEARTBEAT_SECONDS=20] }
`},
		"a setting of auth": {"k8s/overlays/production", `
configMapGenerator:
  - { name: madang-auth, behavior: merge, namespace: madang, literals: [MADANG_AUTH_TICKET_SECONDS=20] }
`},
		"a secret between the services": {"k8s/overlays/dev", `
secretGenerator:
  - { name: madang-calls, behavior: merge, namespace: madang, literals: ["auth=another-of-at-least-thirty-two-characters"] }
`},
		"a password of the development database": {"k8s/overlays/dev", `
secretGenerator:
  - { name: madang-database, behavior: merge, namespace: madang, literals: ["password=another"] }
`},
	} {
		t.Run(name, func(t *testing.T) {
			before := templates.FindAllString(build(t, change.overlay), -1)
			directory := temporary(t)
			text := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../../" +
				change.overlay + "]\n" + change.generator
			if err := os.WriteFile(filepath.Join(manifests.Root, directory, "kustomization.yaml"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			after := templates.FindAllString(build(t, directory), -1)
			changed := 0
			for i := range before {
				if before[i] != after[i] {
					changed++
				}
			}
			if len(before) != len(after) || changed == 0 {
				t.Errorf("%d of %d workloads changed", changed, len(before))
			}
		})
	}
}

// docs/kubernetes.md has steps from secrets to certificates. In the first, servers take connections without TLS, too, which
// must not be anybody's.
func TestTheWayToCertificatesIsOpenToNobody(t *testing.T) {
	const first = `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: madang
resources: [../../../k8s/base]
components: [../../../k8s/components/mtls%s]
configMapGenerator:
  - name: madang-gateway
    behavior: merge
    literals: ["MADANG_AUTH_URL=http://madang-auth:7001", "MADANG_STORE_URL=http://madang-message-store:7002",
      "MADANG_TLS_CERTIFICATE_FILE=", "MADANG_TLS_KEY_FILE=", "MADANG_TLS_CA_FILE="]
  - { name: madang-auth, behavior: merge, literals: [MADANG_TLS_ACCEPT_PLAINTEXT=true] }
  - { name: madang-message-store, behavior: merge, literals: [MADANG_TLS_ACCEPT_PLAINTEXT=true] }
`
	for component, open := range map[string]bool{"/beside-secrets": false, "": true} {
		directory := temporary(t)
		path := filepath.Join(manifests.Root, directory, "kustomization.yaml")
		if err := os.WriteFile(path, fmt.Appendf(nil, first, component), 0o644); err != nil {
			t.Fatal(err)
		}
		complaints := judge(t, "tests/kubernetes/testdata/ingress-nginx", build(t, directory))
		complaints = slices.DeleteFunc(complaints, func(complaint string) bool { return !strings.HasPrefix(complaint, "callers: ") })
		if open != (len(complaints) > 0) {
			t.Errorf("with mtls%s: %q", component, complaints)
		}
	}
}

// What docs/kubernetes.md says of a restore is built as it stands there. It keeps the rules: the new cluster does not write to
// the archive that it is made from, and the services use it.
func TestTheRestoreOfTheDocumentKeepsTheRules(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(manifests.Root, "docs/kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(document), "<!-- built: restore -->\n   ```yaml\n")
	patches, _, ends := strings.Cut(rest, "   ```\n")
	if !found || !ends {
		t.Fatal("docs/kubernetes.md no longer has the patch of a restore")
	}
	restored := func(patches string) []string {
		directory := temporary(t)
		text := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../../k8s/overlays/production]\n" +
			strings.ReplaceAll("\n"+patches, "\n   ", "\n")
		if err := os.WriteFile(filepath.Join(manifests.Root, directory, "kustomization.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return judge(t, "k8s/overlays/production", build(t, directory))
	}
	for _, complaint := range restored(patches) {
		t.Error(complaint)
	}
	for _, fault := range []struct{ text, complaint string }{
		{"serverName\n           value: madang-postgres", "backups: madang-postgres-2 writes to the archive that it is restored from"},
		{"/cluster/name, value: madang-postgres", "backups: madang-postgres-2 is not backed up each day"},
		{"secretName, value: madang-postgres", "databases: Deployment madang-auth does not use madang-postgres-2"},
	} {
		if !strings.Contains(patches, fault.text+"-2") {
			t.Fatalf("the patch no longer has %q", fault.text+"-2")
		}
		complaints := restored(strings.Replace(patches, fault.text+"-2", fault.text, 1))
		if !slices.Contains(complaints, fault.complaint) {
			t.Errorf("with %q nobody said %q, only %q", fault.text, fault.complaint, complaints)
		}
	}
}

// temporary creates a directory inside the repository, since kustomize reads relative paths.
func temporary(t *testing.T) string {
	t.Helper()
	parent := filepath.Join(manifests.Root, "tests/kubernetes")
	directory, err := os.MkdirTemp(parent, "build-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	return filepath.Join("tests/kubernetes", filepath.Base(directory))
}

// kubectl contains another version of kustomize, which must build the same.
func TestKubectlBuildsTheSame(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("there is no kubectl here")
	}
	for _, overlay := range overlays {
		output, err := exec.Command(kubectl, "kustomize", filepath.Join(manifests.Root, overlay)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", overlay, err, output)
			continue
		}
		if !slices.Equal(documents(string(output)), documents(build(t, overlay))) {
			t.Errorf("%s: kubectl builds something else", overlay)
		}
	}
}

// documents are the sorted documents of a text.
func documents(text string) []string {
	parts := strings.Split(strings.TrimSpace(text), "\n---\n")
	slices.Sort(parts)
	return parts
}
