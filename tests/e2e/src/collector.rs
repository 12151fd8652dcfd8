//! A collector of traces: it receives what the processes export, and keeps it.

use std::{collections::BTreeMap, fmt, net::SocketAddr};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{self as wire, span::SpanKind, status::StatusCode},
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

use crate::PATIENCE;

/// A span as it was exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The service that exported it.
    pub service: String,
    /// The process that did.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// Its trace.
    pub trace: String,
    /// Itself.
    pub id: String,
    /// The span that it is a child of; empty of a root.
    pub parent: String,
    /// The spans that it links to: trace and span.
    pub links: Vec<(String, String)>,
    /// Its attributes, as texts.
    pub attributes: BTreeMap<String, String>,
    /// Whether its status is an error.
    pub is_error: bool,
    /// Its start, in nanoseconds since 1970.
    pub start_nanos: u64,
    /// Its end.
    pub end_nanos: u64,
}

impl Span {
    /// An attribute; empty where it has none of the name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Whether it links to another.
    #[must_use]
    pub fn links_to(&self, other: &Self) -> bool {
        self.links.contains(&(other.trace.clone(), other.id.clone()))
    }

    /// Whether it is a child of another.
    #[must_use]
    pub fn is_child_of(&self, other: &Self) -> bool {
        self.trace == other.trace && self.parent == other.id
    }
}

impl fmt::Display for Span {
    /// One line: when it began, how long it took, what it is, where, and to what it belongs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.end_nanos.saturating_sub(self.start_nanos) / 1_000;
        let parent = if self.parent.is_empty() { "root" } else { &self.parent };
        let Self { service, pid, name, kind, trace, id, .. } = self;
        let trace = trace.get(..8).unwrap_or(trace);
        let kind = kind.as_str_name().trim_start_matches("SPAN_KIND_");
        write!(f, "{micros:>8} µs  {kind:<8} {name}  [{service} {pid}]  {trace}/{id} < {parent}")?;
        for (trace, id) in &self.links {
            write!(f, "  ~> {}/{id}", trace.get(..8).unwrap_or(trace))?;
        }
        Ok(())
    }
}

/// What processes export, received by OTLP over gRPC in this process.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    spans: watch::Receiver<Vec<Span>>,
    _serving: JoinSet<()>,
}

impl Collector {
    /// Starts a collector on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (received, spans) = watch::channel(Vec::new());
        let service = TraceServiceServer::new(Receiver(received));
        let serve = tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpIncoming::from(listener));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            if let Err(error) = serve.await {
                panic!("the collector has ended: {error}");
            }
        });
        Self { address, spans, _serving: serving }
    }

    /// The settings of a process that exports here, soon after each span's end.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", self.address)),
            ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
        ]
    }

    /// All that was received so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.spans.borrow().clone()
    }

    /// Waits until what was received has what is looked for.
    ///
    /// # Panics
    /// When it does not in time; the message lists what was received.
    pub async fn until<T>(&self, awaited: &str, find: impl Fn(&[Span]) -> Option<T>) -> T {
        let mut spans = self.spans.clone();
        let seen = async {
            loop {
                if let Some(found) = find(&spans.borrow_and_update()) {
                    return found;
                }
                spans.changed().await.expect("a collector that runs");
            }
        };
        match tokio::time::timeout(PATIENCE, seen).await {
            Ok(found) => found,
            Err(_) => {
                panic!("waited {PATIENCE:?} in vain: {awaited}; received were\n{}", table(&self.spans()))
            }
        }
    }
}

/// Spans in the order of their starts, one a line.
#[must_use]
pub fn table(spans: &[Span]) -> String {
    let mut spans: Vec<&Span> = spans.iter().collect();
    spans.sort_by_key(|span| span.start_nanos);
    let first = spans.first().map_or(0, |span| span.start_nanos);
    let line = |span: &&Span| format!("{:>8} µs +{span}\n", (span.start_nanos - first) / 1_000);
    spans.iter().map(line).collect()
}

struct Receiver(watch::Sender<Vec<Span>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut received = Vec::new();
        for exported in request.into_inner().resource_spans {
            let resource = attributes(exported.resource.unwrap_or_default().attributes);
            let of = |name: &str| resource.get(name).cloned().unwrap_or_default();
            let (service, pid) = (of("service.name"), of("process.pid").parse().unwrap_or_default());
            let spans = exported.scope_spans.into_iter().flat_map(|scope| scope.spans);
            received.extend(spans.map(|span| read(span, service.clone(), pid)));
        }
        self.0.send_modify(|spans| spans.extend(received));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn read(span: wire::Span, service: String, pid: u32) -> Span {
    Span {
        service,
        pid,
        kind: span.kind(),
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        attributes: attributes(span.attributes),
        is_error: span.status.is_some_and(|status| status.code() == StatusCode::Error),
        start_nanos: span.start_time_unix_nano,
        end_nanos: span.end_time_unix_nano,
    }
}

fn attributes(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value| match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    let read = |KeyValue { key, value, .. }| Some((key, text(value?.value?)));
    attributes.into_iter().filter_map(read).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
