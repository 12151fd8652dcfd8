//! What surrounds each call: a bound, a span, a time limit, a metric.
//!
//! One layer and one boxed future for all of it, for this is a hot path. Health checks pass by: a probe
//! must not be shed, nor drown the numbers. They have a bound of their own, by connection.

use std::{
    borrow::Cow,
    convert::Infallible,
    future::{Future, ready},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::{Bytes, Frame, SizeHint};
use madang_counters::instruments;
use madang_domain::Timestamp;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{
    ServerOptions,
    access::{Access, Refusal},
    health_calls::HealthCalls,
    peer::Peer,
};
use crate::{
    Escaped, LogBudget, Metrics,
    grpc::{code_name, extract_trace_context},
    metrics::{DURATION_BOUNDS_SECONDS, Recorder},
};

const HEALTH_PREFIX: &str = "/grpc.health.v1.Health/";

/// The label of a method that does not exist: the caller chose its name, and could choose many.
const UNKNOWN_METHOD: &str = "_OTHER";

/// What the calls of one server share.
pub(super) struct Calls {
    limit: u64,
    timeout: Duration,
    access: Arc<Access>,
    refusals: LogBudget,
    epoch: Instant,
    health: Arc<HealthCalls>,
    counters: Arc<CallCounters>,
    duration: Recorder<3>,
}

instruments! {
    /// What a server counts.
    struct CallCounters {
        active: Gauge = "madang.rpc.server.active_calls", "{call}", "Calls in progress.";
        shed: Counter =
            "madang.rpc.server.shed_calls", "{call}", "Calls refused because too many were in progress.";
        refused: Counter = "madang.rpc.server.refused_callers", "{call}",
            "Calls and health checks refused because their caller is unknown, or may not call the method.";
    }
}

impl Calls {
    pub(super) fn new(metrics: &Metrics, options: &ServerOptions, access: Arc<Access>) -> Self {
        let counters = Arc::default();
        metrics.export(&counters);
        let duration = metrics.recorder(
            "rpc.server.call.duration",
            "s",
            "Time from a call's arrival to the end of its answer.",
            ["rpc.system.name", "rpc.method", "rpc.response.status_code"],
            &DURATION_BOUNDS_SECONDS,
        );
        let limit = u64::try_from(options.concurrent_calls).unwrap_or(u64::MAX);
        Self {
            limit,
            timeout: options.call_timeout,
            access,
            refusals: LogBudget::default(),
            epoch: Instant::now(),
            health: Arc::default(),
            counters,
            duration,
        }
    }

    /// Judges who calls. Health checks are for any known caller.
    fn judge(&self, request: &Request<Body>) -> Result<(), Status> {
        let (path, peer) = (request.uri().path(), request.extensions().get::<Peer>());
        let judged = if path.starts_with(HEALTH_PREFIX) {
            self.access.judge_health(peer, request.headers())
        } else {
            self.access.judge_call(path, peer, request.headers())
        };
        judged.map_err(|refusal| self.refuse(refusal, path, peer))
    }

    /// Tells of a refusal. The status has no code of the domain beside gRPC's: it is about this deployment, and what the
    /// caller's client gets is an internal error, not a refusal of the client.
    fn refuse(&self, refusal: Refusal, path: &str, peer: Option<&Peer>) -> Status {
        self.counters.refused.add(1);
        if let Some(left_out) = self.refusals.take(Timestamp::default().plus(self.epoch.elapsed())) {
            let address = peer.and_then(|peer| peer.address).map(|address| address.to_string());
            let method = Escaped(path.trim_start_matches('/'));
            tracing::warn!(address, %method, reason = %refusal, left_out, "a call is refused");
        }
        Status::permission_denied(refusal.to_string())
    }

    fn admit(self: &Arc<Self>, method: &str) -> Option<Call> {
        if self.counters.active.add(1) >= self.limit {
            self.counters.active.subtract(1);
            self.counters.shed.add(1);
            return None;
        }
        let span = tracing::trace_span!(
            target: madang_trace::TARGET,
            "rpc.server",
            otel.name = method,
            otel.kind = "server",
            otel.status_code = Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = Empty,
            error.type = Empty,
        );
        let method = method.to_owned();
        Some(Call { calls: Arc::clone(self), method, started: Instant::now(), code: None, span })
    }
}

/// A call in progress. Its end, by whatever way, is its drop: the place is free again and the metric told.
struct Call {
    calls: Arc<Calls>,
    method: String,
    started: Instant,
    code: Option<Code>,
    span: Span,
}

impl Call {
    /// Ends it with its status.
    fn end(mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.calls.counters.active.subtract(1);
        // A call that ended without a status was given up by its caller.
        let code = self.code.unwrap_or(Code::Cancelled);
        self.span.record("rpc.response.status_code", code_name(code));
        if is_fault(code) {
            self.span.record("error.type", code_name(code));
            self.span.record("otel.status_code", "ERROR");
        }
        let method = if code == Code::Unimplemented {
            Cow::Borrowed(UNKNOWN_METHOD)
        } else {
            Cow::Owned(std::mem::take(&mut self.method))
        };
        let labels = [Cow::Borrowed("grpc"), method, Cow::Borrowed(code_name(code))];
        self.calls.duration.record(self.started.elapsed().as_secs_f64(), labels);
    }
}

/// Whether a status is the server's fault, as the conventions for spans have it; the others are the caller's matter.
const fn is_fault(code: Code) -> bool {
    match code {
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unauthenticated => false,
    }
}

/// Wraps the routes.
#[derive(Clone)]
pub(super) struct CallsLayer(Arc<Calls>);

impl CallsLayer {
    pub(super) const fn new(calls: Arc<Calls>) -> Self {
        Self(calls)
    }
}

impl<S> Layer<S> for CallsLayer {
    type Service = CallsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CallsService { inner, calls: Arc::clone(&self.0) }
    }
}

/// The routes, each call surrounded.
#[derive(Clone)]
pub(super) struct CallsService<S> {
    inner: S,
    calls: Arc<Calls>,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<S> Service<Request<Body>> for CallsService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        if let Err(refusal) = self.calls.judge(&request) {
            return Box::pin(ready(Ok(refusal.into_http())));
        }
        let path = request.uri().path();
        if path.starts_with(HEALTH_PREFIX) {
            let Some(held) = self.calls.health.hold(&request) else {
                let refusal = Status::resource_exhausted("too many health checks of one connection");
                return Box::pin(ready(Ok(refusal.into_http())));
            };
            let answer = self.inner.call(request);
            return Box::pin(async move { Ok(held.until_the_end_of(answer.await?)) });
        }
        let Some(call) = self.calls.admit(path.trim_start_matches('/')) else {
            let refusal = Status::unavailable("too many calls at once; try another replica or later");
            return Box::pin(ready(Ok(refusal.into_http())));
        };
        let span = call.span.clone();
        if !span.is_disabled() {
            // It can fail only where no layer exports the span, and then it does not matter.
            let _ = span.set_parent(extract_trace_context(request.headers()));
        }
        let timeout = self.calls.timeout;
        let answer = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let surrounded = async move {
            let response = match tokio::time::timeout(timeout, answer).await {
                Ok(Ok(Ok(response))) => response,
                Ok(Ok(Err(never))) => match never {},
                Ok(Err(_panic)) => {
                    // The panic hook has printed it; one call's defect is not the other calls' end.
                    tracing::error!(method = %call.method, "a call panicked");
                    Status::internal("a defect of the server; it has been logged").into_http()
                }
                Err(_elapsed) => Status::deadline_exceeded("the server took too long").into_http(),
            };
            let complete = match status_in(response.headers()) {
                // What is not even HTTP's 200 has no trailers: a path that no service has.
                None if response.status() != StatusCode::OK => Some(Code::Unimplemented),
                // A status among the headers: an answer without a body.
                status => status,
            };
            if let Some(code) = complete {
                call.end(code);
                return Ok(response);
            }
            Ok(response.map(|body| Body::new(Measured { body, call: Some(call) })))
        };
        Box::pin(surrounded.instrument(span))
    }
}

fn status_in(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|status| Code::from_bytes(status.as_bytes()))
}

/// A body whose trailers hold the call's status.
struct Measured {
    body: Body,
    call: Option<Call>,
}

impl hyper::body::Body for Measured {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let code = match &polled {
            Poll::Pending => return polled,
            Poll::Ready(Some(Ok(frame))) => match frame.trailers_ref() {
                Some(trailers) => status_in(trailers).unwrap_or(Code::Unknown),
                None => return polled,
            },
            Poll::Ready(Some(Err(status))) => status.code(),
            Poll::Ready(None) => Code::Ok,
        };
        if let Some(call) = self.call.take() {
            call.end(code);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
