//! Traces reach a collector, joined across a call; a collector that is down delays nothing.

use std::time::{Duration, Instant};

use madang_kit::{
    CommonSettings,
    grpc::{extract_trace_context, inject_trace_context},
    telemetry,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::{net::TcpListener, sync::mpsc};
use tonic::{Request, Response, Status, metadata::MetadataMap, transport::server::TcpIncoming};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

struct Collector(mpsc::UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let _ = self.0.send(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_exported_and_joined_by_their_headers() {
    let (received, mut exports) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector =
        tonic::transport::Server::builder().add_service(TraceServiceServer::new(Collector(received)));
    tokio::spawn(collector.serve_with_incoming(TcpIncoming::from(listener)));

    let (dispatch, guard) =
        telemetry::build("madang-test", &CommonSettings::default(), Some(&endpoint)).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        let mut metadata = MetadataMap::new();
        tracing::info_span!(target: "madang_test", "sender").in_scope(|| inject_trace_context(&mut metadata));
        let headers = metadata.into_headers();
        assert!(headers.contains_key("traceparent"));
        let receiver = tracing::trace_span!(target: madang_trace::TARGET, "receiver");
        receiver.set_parent(extract_trace_context(&headers)).unwrap();
        receiver.in_scope(|| ());
        tracing::info_span!(target: "h2", "not ours").in_scope(|| ());
    });
    guard.shutdown().await;

    let mut spans = Vec::new();
    let mut service = None;
    while let Ok(export) = exports.try_recv() {
        for resource in export.resource_spans {
            service = resource.resource.and_then(|resource| {
                resource.attributes.into_iter().find(|attribute| attribute.key == "service.name")
            });
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    assert!(format!("{service:?}").contains("madang-test"), "{service:?}");
    let span = |name| spans.iter().find(|span| span.name == name);
    let (sender, receiver) = (span("sender").unwrap(), span("receiver").unwrap());
    assert_eq!(sender.trace_id, receiver.trace_id);
    assert_eq!(receiver.parent_span_id, sender.span_id);
    assert!(span("not ours").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_delays_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = format!("http://{closed}");
    let (dispatch, guard) =
        telemetry::build("madang-test", &CommonSettings::default(), Some(&endpoint)).unwrap();
    let begun = Instant::now();
    tracing::dispatcher::with_default(&dispatch, || {
        // Many times what the queue holds.
        for _ in 0..50_000 {
            tracing::info_span!(target: "madang_test", "span").in_scope(|| ());
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let begun = Instant::now();
    guard.shutdown().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn without_a_trace_nothing_is_injected() {
    let mut metadata = MetadataMap::new();
    tracing::info_span!("sender").in_scope(|| inject_trace_context(&mut metadata));
    assert!(metadata.is_empty());
    assert!(madang_trace::traceparent().is_empty());
}
