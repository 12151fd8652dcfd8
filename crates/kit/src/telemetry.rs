//! Logs, and traces where a collector is named.
//!
//! Traces leave by OTLP over gRPC when `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_ENDPOINT` is set, and only then. What is kept is decided at a trace's root by
//! `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` (parent-based, everything, unless told otherwise), and where a
//! gateway delivers what others published, by what it follows.
//!
//! Finished spans wait in a queue of `OTEL_BSP_MAX_QUEUE_SIZE` (2,048) for a thread of their own, and are
//! dropped when it is full: a collector that is slow or down costs nothing but the traces.

mod line;
mod sampler;

use std::{io::IsTerminal as _, time::Duration};

use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    resource::{EnvResourceDetector, TelemetryResourceDetector},
    trace::SdkTracerProvider,
};
use tracing::{Dispatch, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, Layer, Registry, filter::Targets, layer::SubscriberExt as _};

pub use self::sampler::SamplerError;
use self::{
    line::WithTrace,
    sampler::{FollowLinks, configured},
};
use crate::{
    clock::{SystemClock, SystemRandom, new_id},
    settings::{CommonSettings, LogFormat},
};

/// The prefix of the targets whose spans are exported at `INFO` and above: this workspace's crates. The
/// exporter's own HTTP/2 must not trace itself.
const EXPORTED_TARGETS: &str = "madang";

/// How long the last spans may take to leave at the end of the process.
const FLUSH_DEADLINE: Duration = Duration::from_secs(3);

/// Keeps telemetry going; [`shutdown`](Self::shutdown) sends what is still queued.
#[derive(Debug)]
#[must_use = "spans that are queued at the end are lost without a shutdown"]
pub struct TelemetryGuard {
    provider: Option<SdkTracerProvider>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter cannot be parsed.
    #[error("MADANG_LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter cannot be made, mostly because of its endpoint.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: cannot export traces")]
    Exporter(#[from] ExporterBuildError),
    /// What is to be sampled cannot be read.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// Something has set the process's subscriber before.
    #[error("the process logs already")]
    AlreadyInitialised(#[from] tracing::subscriber::SetGlobalDefaultError),
}

impl TelemetryError {
    /// Whether a setting is wrong.
    pub(crate) const fn is_setting(&self) -> bool {
        match self {
            Self::Filter(_) | Self::Exporter(_) | Self::Sampler(_) => true,
            Self::AlreadyInitialised(_) => false,
        }
    }
}

/// Starts logging, and tracing where the environment names a collector. Once per process, within the
/// Tokio runtime.
///
/// # Errors
///
/// When the filter or the endpoint is malformed, or the process logs already.
pub fn init(service: &'static str, settings: &CommonSettings) -> Result<TelemetryGuard, TelemetryError> {
    let (dispatch, guard) = build(service, settings, traces_endpoint().as_deref())?;
    tracing::dispatcher::set_global_default(dispatch)?;
    Ok(guard)
}

/// As [`init`], to a collector that is given, and without making the result the process's own.
///
/// # Errors
///
/// When the filter or the endpoint is malformed.
pub fn build(
    service: &'static str,
    settings: &CommonSettings,
    traces_endpoint: Option<&str>,
) -> Result<(Dispatch, TelemetryGuard), TelemetryError> {
    let provider = traces_endpoint.map(|endpoint| exporting(service, endpoint)).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        let exported = Targets::new()
            .with_target(EXPORTED_TARGETS, LevelFilter::INFO)
            .with_target(madang_trace::TARGET, LevelFilter::TRACE);
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("madang"))
            // Spans have the attributes that their conventions name, and no others.
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(exported)
    });
    let filter = EnvFilter::builder().parse(&settings.log)?;
    let subscriber = Registry::default().with(logs(settings.log_format).with_filter(filter)).with(traces);
    Ok((Dispatch::new(subscriber), TelemetryGuard { provider }))
}

fn logs(format: Option<LogFormat>) -> Box<dyn Layer<Registry> + Send + Sync> {
    let terminal = std::io::stderr().is_terminal();
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json }) {
        LogFormat::Text => {
            // https://no-color.org: any value that is not empty.
            let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            layer.with_ansi(colour).boxed()
        }
        LogFormat::Json => {
            layer.json().flatten_event(true).with_span_list(false).map_event_format(WithTrace).boxed()
        }
    }
}

fn exporting(service: &'static str, endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let sampler = configured(|name| std::env::var(name).ok())?;
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource(service));
    Ok(provider.with_sampler(FollowLinks::or(sampler)).build())
}

/// What says which process a span is of. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, where set, are the operator's word.
fn resource(service: &'static str) -> Resource {
    let own = Resource::builder_empty().with_service_name(service).with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", new_id(&SystemClock, &SystemRandom).to_string()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ]);
    let resource =
        own.with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())]);
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => resource.with_service_name(name),
        _ => resource,
    }
    .build()
}

fn traces_endpoint() -> Option<String> {
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

impl TelemetryGuard {
    /// Sends what is queued, within a deadline: a collector that is down does not delay the end for longer.
    pub async fn shutdown(self) {
        let Some(provider) = self.provider else { return };
        let flush = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_DEADLINE));
        match tokio::time::timeout(FLUSH_DEADLINE, flush).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last traces were not sent"),
            Ok(Err(_)) | Err(_) => tracing::warn!("the last traces were not sent in time"),
        }
    }
}

/// Puts the current span's context into `carrier` as W3C `traceparent` and `tracestate`. Without a trace it
/// puts nothing.
pub fn inject(carrier: &mut dyn Injector) {
    Context::map_current(|context| {
        if context.has_active_span() {
            TraceContextPropagator::new().inject_context(context, carrier);
        }
    });
}

/// The trace context that `carrier` holds. Use it for what comes from our own services alone: a
/// `traceparent` from the internet is a stranger's word.
#[must_use]
pub fn extract(carrier: &dyn Extractor) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), carrier)
}
