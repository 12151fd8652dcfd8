//! What becomes of spans: whose children they are, what they link to, and when they end.

#![expect(clippy::unwrap_used, reason = "a helper of a test that fails fails the test")]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use madang_trace::{Causes, Keeping, UntilDropped, sampled_span};
use opentelemetry::{Context, trace::TracerProvider as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, Span as SdkSpan, SpanData, SpanProcessor},
};
use tracing::{Span, subscriber::DefaultGuard};
use tracing_subscriber::layer::SubscriberExt as _;

#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut SdkSpan, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Ended {
    fn named(&self, name: &str) -> Option<SpanData> {
        self.0.lock().unwrap().iter().find(|span| span.name == name).cloned()
    }

    fn get(&self, name: &str) -> SpanData {
        self.named(name).unwrap_or_else(|| panic!("{name} has not ended"))
    }
}

/// Traces of this thread, until the guard is dropped.
fn traced(sampler: Sampler) -> (Ended, SdkTracerProvider, DefaultGuard) {
    let ended = Ended::default();
    let provider =
        SdkTracerProvider::builder().with_span_processor(ended.clone()).with_sampler(sampler).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    (ended, provider, guard)
}

fn request(name: &'static str) -> Span {
    tracing::trace_span!(target: madang_trace::TARGET, parent: None, "request", otel.name = name)
}

fn batch(causes: &Causes) -> Span {
    causes.span(|parent| tracing::trace_span!(target: madang_trace::TARGET, parent: parent, "batch"))
}

#[test]
fn a_batch_is_a_child_of_its_first_request_and_links_to_each_once() {
    let (ended, _provider, _guard) = traced(Sampler::AlwaysOn);
    let requests = [request("first"), request("second")];
    let mut causes = Causes::default();
    for request in [&requests[0], &requests[1], &requests[0]] {
        request.in_scope(|| causes.add(sampled_span()));
    }
    causes.add(sampled_span());
    drop(batch(&causes));
    drop((causes, requests));
    let [first, second, batch] = ["first", "second", "batch"].map(|name| ended.get(name));
    assert_eq!(batch.parent_span_id, first.span_context.span_id());
    let links: Vec<_> = batch.links.iter().map(|link| link.span_context.span_id()).collect();
    assert_eq!(links, [first.span_context.span_id(), second.span_context.span_id()]);
}

#[test]
fn what_is_not_sampled_causes_no_span() {
    let (_, _provider, _guard) = traced(Sampler::AlwaysOff);
    let mut causes = Causes::default();
    request("request").in_scope(|| causes.add(sampled_span()));
    assert!(batch(&causes).is_disabled());
    assert!(Keeping::new(1).keep(sampled_span()).is_none());
}

#[test]
fn a_kept_span_ends_with_the_last_who_keeps_it() {
    let (ended, _provider, _guard) = traced(Sampler::AlwaysOn);
    let keeping = Keeping::new(1);
    let span = request("kept");
    let kept = keeping.keep(span.clone()).unwrap();
    span.in_scope(|| ());
    drop(span);
    let other = kept.clone();
    drop(kept);
    assert!(ended.named("kept").is_none());
    assert!(keeping.keep(request("one too many")).is_none());
    assert!(ended.named("one too many").is_some(), "it ends as others do");
    #[expect(clippy::disallowed_methods, reason = "compared with the time of a span")]
    let before = SystemTime::now();
    drop(other);
    assert!(ended.get("kept").end_time >= before, "not when it was left");
    assert!(keeping.keep(request("next")).is_some());
}

#[test]
fn a_span_until_dropped_ends_then() {
    let (ended, _provider, _guard) = traced(Sampler::AlwaysOn);
    let span = UntilDropped::new(request("span"));
    span.span().in_scope(|| ());
    assert!(ended.named("span").is_none());
    drop(span);
    assert!(ended.named("span").is_some());
}
