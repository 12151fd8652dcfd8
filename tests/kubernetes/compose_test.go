package manifests_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	manifests "madang/tests/kubernetes"
)

const composeFile = "deploy/compose.yaml"

// compose reads deploy/compose.yaml with the library and the schema of docker compose.
func compose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(manifests.Root, composeFile)}, cli.WithOsEnv)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeKeepsTheRules(t *testing.T) {
	operations, err := manifests.ReadOperations()
	if err != nil {
		t.Fatal(err)
	}
	published := []string{}
	for name, service := range compose(t).Services {
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) ||
			!slices.Contains(service.SecurityOpt, "no-new-privileges:true") || service.Privileged {
			t.Errorf("%s is not restricted", name)
		}
		image := service.Image[strings.LastIndex(service.Image, "/")+1:]
		if _, tag, found := strings.Cut(image, ":"); !found || tag == "latest" {
			t.Errorf("%s takes whatever %s is today", name, service.Image)
		}
		for _, port := range service.Ports {
			published = append(published, strings.TrimPrefix(port.HostIP+":"+port.Published, ":"))
		}
		environment := map[string]string{}
		for key, value := range service.Environment {
			if value != nil {
				environment[key] = *value
			}
			if strings.Contains(strings.ToLower(key), "password") && !strings.HasSuffix(key, "_FILE") {
				t.Errorf("%s has the password %s in its environment", name, key)
			}
			if setting, file := strings.CutSuffix(key, "_FILE"); strings.HasPrefix(key, "MADANG_") &&
				!operations.Knows(key) && !(file && operations.Knows(setting)) {
				t.Errorf("%s has the variable %s, which is no setting", name, key)
			}
		}
		if strings.HasPrefix(image, "madang-") {
			madang(t, operations, name, service, environment)
		}
	}
	slices.Sort(published)
	if !slices.Equal(published, []string{"127.0.0.1:3000", "8443"}) {
		t.Errorf("published are %q", published)
	}
}

func madang(t *testing.T, operations *manifests.Operations, name string, service types.ServiceConfig, environment map[string]string) {
	t.Helper()
	window, err := operations.Number(environment, "MADANG_DRAIN_SECONDS")
	if err != nil {
		t.Fatal(err)
	}
	if service.StopGracePeriod == nil || time.Duration(*service.StopGracePeriod) < time.Duration(window+manifests.Margin)*time.Second {
		t.Errorf("%s is killed while it drains", name)
	}
	if !strings.HasPrefix(name, "gateway") {
		if service.GetScale() < 2 {
			t.Errorf("%s has one replica", name)
		}
		return
	}
	connections, err := operations.Number(environment, "MADANG_MAX_CONNECTIONS")
	if err != nil {
		t.Fatal(err)
	}
	if limit := service.Ulimits["nofile"]; limit == nil || max(limit.Soft, limit.Single) < connections+500 {
		t.Errorf("%s has fewer file descriptors than connections", name)
	}
	if environment["MADANG_TRUSTED_PROXIES"] != "1" {
		t.Errorf("%s does not count the ingress as a proxy", name)
	}
}
