// Package collector starts an OpenTelemetry collector with the configuration of deploy/compose.yaml.
package collector

import (
	"context"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	configuration = "../../deploy/otel/collector.yaml"
	// The traces of normal requests. A tenth of them is kept.
	normal = 1000
	// Longer than `decision_wait`, which is 10 s.
	patience = 30 * time.Second
)

// components are those that the configuration names.
func components() (otelcol.Factories, error) {
	factories := otelcol.Factories{Telemetry: otelconftelemetry.NewFactory()}
	var err error
	if factories.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory()); err != nil {
		return factories, err
	}
	factories.Processors, err = otelcol.MakeFactoryMap[processor.Factory](
		memorylimiterprocessor.NewFactory(), tailsamplingprocessor.NewFactory(), batchprocessor.NewFactory(),
	)
	if err != nil {
		return factories, err
	}
	factories.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](debugexporter.NewFactory())
	return factories, err
}

// collect makes a collector of a configuration, with overrides as YAML.
func collect(t *testing.T, path string, overrides ...string) (*otelcol.Collector, *observer.ObservedLogs) {
	t.Helper()
	uris := []string{"file:" + path}
	for _, override := range overrides {
		uris = append(uris, "yaml:"+override)
	}
	core, logs := observer.New(zapcore.InfoLevel)
	collector, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo:      component.BuildInfo{Command: "collector", Version: version(t)},
		Factories:      components,
		LoggingOptions: []zap.Option{zap.WrapCore(func(zapcore.Core) zapcore.Core { return core })},
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs:              uris,
			ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), yamlprovider.NewFactory()},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return collector, logs
}

// version is that of the components, from go.mod.
func version(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`go\.opentelemetry\.io/collector/otelcol v(\S+)`).FindStringSubmatch(string(text))[1]
}

func TestComposeHasTheVersionThatIsTested(t *testing.T) {
	text, err := os.ReadFile("../../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if image := "opentelemetry-collector-contrib:" + version(t) + "\n"; !strings.Contains(string(text), image) {
		t.Errorf("deploy/compose.yaml does not have the image %s", image)
	}
}

// The collector keeps what failed and what was slow, and about a tenth of the rest.
func TestTheConfigurationKeepsWhatItSays(t *testing.T) {
	address := freeAddress(t)
	collector, logs := collect(t, configuration,
		"receivers::otlp::protocols::grpc::endpoint: "+address,
		// `normal` prints one line a span.
		"service::telemetry::metrics::level: none")
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- collector.Run(ctx) }()

	send(ctx, t, address, traces())
	// The decision about a trace comes `decision_wait` after its first span. Shutdown flushes the batches.
	printed := func() string {
		var text strings.Builder
		for _, entry := range logs.All() {
			text.WriteString(entry.Message)
			text.WriteString("\n")
		}
		return text.String()
	}
	deadline := time.Now().Add(patience)
	for !strings.Contains(printed(), "failed ") || !strings.Contains(printed(), "slow ") {
		select {
		case err := <-ended:
			t.Fatalf("the collector ended: %v\n%s", err, printed())
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s neither is printed:\n%s", patience, printed())
		}
	}
	collector.Shutdown()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	text := printed()
	failed, slow, kept := strings.Count(text, "failed "), strings.Count(text, "slow "), strings.Count(text, "normal ")
	t.Logf("kept %d failed, %d slow and %d of %d normal traces", failed, slow, kept, normal)
	if failed != 1 || slow != 1 {
		t.Errorf("kept %d failed and %d slow traces of one each", failed, slow)
	}
	// Seven standard deviations around a tenth.
	if kept < 34 || kept > 166 {
		t.Errorf("kept %d of %d normal traces", kept, normal)
	}
}

func TestAMistakeInTheConfigurationIsFound(t *testing.T) {
	text, err := os.ReadFile(configuration)
	if err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]struct{ right, wrong string }{
		"a misspelt key":              {"num_traces:", "num_trace:"},
		"a policy that is none":       {"type: latency,", "type: latencies,"},
		"an exporter that is missing": {"exporters: [debug]", "exporters: [otlp]"},
		"a limit without an interval": {"check_interval: 1s", "check_interval: 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := strings.Replace(string(text), fault.right, fault.wrong, 1)
			if wrong == string(text) {
				t.Fatal("the fault cannot be made")
			}
			path := t.TempDir() + "/collector.yaml"
			if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			collector, _ := collect(t, path, "receivers::otlp::protocols::grpc::endpoint: "+freeAddress(t),
				"service::telemetry::metrics::level: none")
			ended := make(chan error, 1)
			go func() { ended <- collector.Run(ctx) }()
			select {
			case err := <-ended:
				if err == nil {
					t.Error("the collector ended without an error")
				}
				t.Log(err)
			case <-time.After(5 * time.Second):
				collector.Shutdown()
				<-ended
				t.Error("the collector starts")
			}
		})
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// traces are one that failed, one that was slow, and normal ones.
func traces() ptrace.Traces {
	all := ptrace.NewTraces()
	resource := all.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "madang-gateway")
	spans := resource.ScopeSpans().AppendEmpty().Spans()
	now := time.Now()
	for i := range normal + 2 {
		span := spans.AppendEmpty()
		name, length := "normal", 5*time.Millisecond
		switch i {
		case 0:
			name = "failed"
			span.Status().SetCode(ptrace.StatusCodeError)
		case 1:
			name, length = "slow", 600*time.Millisecond
		}
		span.SetName(name)
		// Spread over the ids, as random ones are: the sampler hashes them.
		var id [16]byte
		copy(id[:], fmt.Sprintf("%016x", uint64(i+1)*0x9e3779b97f4a7c15))
		span.SetTraceID(pcommon.TraceID(id))
		span.SetSpanID(pcommon.SpanID(id[8:]))
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-length)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
	}
	return all
}

// send waits until the receiver listens.
func send(ctx context.Context, t *testing.T, address string, traces ptrace.Traces) {
	t.Helper()
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	answer, err := ptraceotlp.NewGRPCClient(connection).Export(ctx, ptraceotlp.NewExportRequestFromTraces(traces), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if rejected := answer.PartialSuccess().RejectedSpans(); rejected != 0 {
		t.Fatalf("%d spans are rejected: %s", rejected, answer.PartialSuccess().ErrorMessage())
	}
}
