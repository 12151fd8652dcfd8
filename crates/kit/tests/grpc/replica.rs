//! A replica of a small service, in a runtime of its own, so that it can be killed or made to hang as a
//! process can.

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    time::Duration,
};

use axum::{body::Body, extract::Request, routing::any};
use madang_kit::{
    Lifecycle, Metrics, Readiness,
    grpc::{Access, ServerOptions, ServiceChannel, serve},
    lifecycle::Outcome,
};
use tokio::runtime::Runtime;
use tonic::{Response, Status, client::Grpc, server, service::Routes};
use tonic_prost::ProstCodec;

/// What the service answers to a method's name.
pub(crate) type Handler =
    Arc<dyn Fn(String) -> futures_util::future::BoxFuture<'static, Result<String, Status>> + Send + Sync>;

/// `test.Names/<any>`: from nothing to a string.
pub(crate) fn routes(handler: Handler) -> Routes {
    routes_seen_by(handler, |_| ())
}

/// The same, where each request is seen first.
pub(crate) fn routes_seen_by(
    handler: Handler,
    see: impl Fn(&Request<Body>) + Clone + Send + Sync + 'static,
) -> Routes {
    let call = move |request: Request<Body>| {
        see(&request);
        let handler = Arc::clone(&handler);
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        async move {
            let service = tower::service_fn(move |_: tonic::Request<()>| {
                let answer = handler(method.clone());
                async move { answer.await.map(Response::new) }
            });
            server::Grpc::new(ProstCodec::<String, ()>::default()).unary(service, request).await
        }
    };
    let mut routes = Routes::default();
    let router = std::mem::take(routes.axum_router_mut());
    *routes.axum_router_mut() = router.route("/test.Names/{method}", any(call));
    routes
}

/// Calls it.
pub(crate) async fn call(channel: &ServiceChannel, method: &str) -> Result<String, Status> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
    let path = format!("/test.Names/{method}").parse().unwrap();
    let answer = client.unary(tonic::Request::new(()), path, ProstCodec::<(), String>::default()).await?;
    Ok(answer.into_inner())
}

/// A replica that answers its name.
pub(crate) struct Replica {
    runtime: Option<Runtime>,
    pub(crate) address: SocketAddr,
    pub(crate) life: Lifecycle,
    pub(crate) readiness: Readiness,
}

impl Replica {
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::start_at(name, ([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn start_at(name: &'static str, address: SocketAddr) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (life, readiness) = (Lifecycle::new(name, Duration::from_secs(10)), Readiness::new());
        let (own_life, own_readiness) = (life.clone(), readiness.clone());
        let started = runtime.spawn(async move {
            let handler: Handler = Arc::new(move |_| Box::pin(async move { Ok(name.to_owned()) }));
            let metrics = Metrics::new(name).unwrap();
            let options = ServerOptions::default();
            serve(address, routes(handler), &own_readiness, &metrics, &own_life, Access::default(), options)
                .await
                .unwrap()
        });
        let address = started.await.unwrap();
        Self { runtime: Some(runtime), address, life, readiness }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it as SIGKILL does: its sockets close, nothing is said.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Stops it as SIGTERM does.
    pub(crate) async fn stop(self) -> Outcome {
        self.life.stop();
        let life = self.life.clone();
        self.runtime().spawn(async move { life.finished().await }).await.unwrap()
    }

    /// Makes it hang as SIGSTOP does, until the sender is dropped: its only thread waits.
    pub(crate) fn hang(&self) -> mpsc::Sender<()> {
        let (resume, resumed) = mpsc::channel();
        self.runtime().spawn(async move {
            let _ = resumed.recv();
        });
        resume
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
