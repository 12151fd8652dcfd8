//! A server in the test's process that can be killed with all its connections.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use madang_rpc::{auth_server, message_store_server};
use tokio::runtime::{Builder, Runtime};
use tonic::{
    Request, Status,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

use crate::scripted::Scripted;

/// Both services on one port, in a runtime of their own: when that ends, so do all their connections, as
/// when a process is killed.
pub(crate) struct Served {
    runtime: Option<Runtime>,
    address: SocketAddr,
    rpcs: Arc<AtomicUsize>,
}

impl Served {
    pub(crate) fn new(service: &Arc<Scripted>) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), service)
    }

    /// The same, with connections that reach their maximum age after a time.
    pub(crate) fn aging(service: &Arc<Scripted>, age: Duration) -> Self {
        Self::of((Ipv4Addr::LOCALHOST, 0).into(), service, Server::builder().max_connection_age(age))
    }

    pub(crate) fn at(address: SocketAddr, service: &Arc<Scripted>) -> Self {
        Self::of(address, service, Server::builder())
    }

    fn of(address: SocketAddr, service: &Arc<Scripted>, mut server: Server) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let rpcs = Arc::new(AtomicUsize::new(0));
        let count = {
            let rpcs = Arc::clone(&rpcs);
            move |request: Request<()>| {
                assert!(request.metadata().contains_key("grpc-timeout"), "every call has a deadline");
                rpcs.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Status>(request)
            }
        };
        let router = server
            .add_service(InterceptedService::new(auth_server(Arc::clone(service) as _), count.clone()))
            .add_service(InterceptedService::new(message_store_server(Arc::clone(service) as _), count));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            router.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        Self { runtime: Some(runtime), address, rpcs }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A channel that connects when it is first used, and again when its connection breaks.
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }

    /// How many RPCs have arrived.
    pub(crate) fn rpcs(&self) -> usize {
        self.rpcs.load(Ordering::Relaxed)
    }

    /// Ends the server without a farewell, and returns when nothing of it is left.
    pub(crate) async fn kill(mut self) {
        let runtime = self.runtime.take();
        tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
