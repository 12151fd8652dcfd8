//! The HTTP server: connections accepted within bounds, each with its own deadlines, drained on shutdown.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, response::Response};
use http::{HeaderValue, Request, header};
use madang_flow_control::{RateBucket, RateLimit};
use madang_kit::{Metrics, accept, lifecycle::Lifecycle, tls::ListenerTls};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;
use tracing::warn;

use super::{
    client_address::{ClientAddress, Proxies},
    connection::serve_connection,
    places::{Place, Places, Refusal},
    stream::HttpTimes,
    tls::shake_hands,
};
use crate::{client_stream::ClientStream, metrics::Counters};

/// How long a client may take to send a request's head (slow clients otherwise hold connections for free).
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take to send the next bytes of a body.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take nothing of an answer. What it does not take is kept in memory.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection beyond the bound may take to send its request's head: it is there to ask at once.
const RESERVE_PATIENCE: Duration = Duration::from_secs(1);
/// The connections beyond the bound. They are for the operations routes; who asks for anything else is told why not. One more
/// ends the oldest, so that nobody can hold them: whoever asks at once is answered before so many others have come.
const RESERVE_MAX: usize = 64;
/// How often the log says that connections are refused.
const WARNINGS: RateLimit = RateLimit { interval: Duration::from_secs(60), burst: 1 };

/// What a server is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerSettings {
    /// The connections of all.
    pub(crate) connections_max: usize,
    /// The connections of one address.
    pub(crate) address_connections_max: u32,
    /// How long a connection lives between an answer and the next request.
    pub(crate) keep_alive: Duration,
    pub(crate) proxies: Proxies,
}

/// The server, as its connections share it.
pub(crate) struct Server {
    settings: ServerSettings,
    tls: Option<ListenerTls>,
    router: Router,
    places: Places,
    counters: Arc<Counters>,
    life: Lifecycle,
    epoch: Instant,
    warnings: RateBucket,
}

impl Server {
    pub(crate) fn new(
        settings: ServerSettings,
        router: Router,
        counters: Arc<Counters>,
        life: Lifecycle,
    ) -> Self {
        let are_clients = settings.proxies.trusted == 0;
        let places = Places::new(settings.connections_max, settings.address_connections_max, are_clients);
        let (epoch, warnings) = (Instant::now(), RateBucket::new());
        Self { settings, tls: None, router, places, counters, life, epoch, warnings }
    }

    /// Serves by TLS, where there is a certificate.
    pub(crate) fn with_tls(self, tls: Option<ListenerTls>) -> Self {
        Self { tls, ..self }
    }

    /// Shows how many connections there are.
    pub(crate) fn observe(&self, metrics: &Metrics) {
        self.places.observe(metrics);
    }

    /// Serves until the soft shutdown, then lets the requests under way finish. Sockets that were upgraded
    /// live on in their own tasks.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        // None of them is ever settled.
        let reserve = madang_kit::Places::new(RESERVE_MAX, RESERVE_MAX);
        while let Some((stream, peer)) = accept(&listener, self.life.soft()).await {
            // Chat frames are small and wait for nothing.
            let _ = stream.set_nodelay(true);
            let tasks = self.life.tasks();
            match self.places.take(peer.ip()) {
                Ok(place) => {
                    let connection = Arc::clone(&self).connection(stream, peer, Ok(Arc::new(place)));
                    tasks.spawn_contained("http connection", connection);
                }
                Err(refusal) => {
                    self.refused(refusal, peer);
                    let Some(place) = reserve.take(peer.ip()) else { continue };
                    let connection = Arc::clone(&self).connection(stream, peer, Err(refusal));
                    tasks.spawn_contained("http connection", async move {
                        place.ended().run_until_cancelled(connection).await;
                    });
                }
            }
        }
    }

    /// Serves a connection that has a place, or says why it has none.
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        place: Result<Arc<Place>, Refusal>,
    ) {
        let times = HttpTimes {
            head: if place.is_ok() { HEAD_PATIENCE } else { RESERVE_PATIENCE },
            keep_alive: self.settings.keep_alive,
            body: BODY_PATIENCE,
            answer: ANSWER_PATIENCE,
        };
        let Some(stream) = self.open(stream, times.head).await else { return };
        let answer = |request| self.answer(request, peer, place.clone());
        serve_connection(stream, times, answer, self.life.soft()).await;
    }

    /// The stream of a connection: by TLS once its handshake is done, which has as much time as the head of a request.
    async fn open(&self, stream: TcpStream, patience: Duration) -> Option<ClientStream> {
        let Some(tls) = &self.tls else { return Some(stream.into()) };
        // The end of this process is no failure of a client's.
        match self.life.soft().run_until_cancelled(shake_hands(tls, stream, patience)).await? {
            Ok(stream) => Some(stream),
            Err(reason) => {
                self.counters.failed_tls_handshakes.add(reason, 1);
                None
            }
        }
    }

    async fn answer(
        &self,
        mut request: Request<Body>,
        peer: SocketAddr,
        place: Result<Arc<Place>, Refusal>,
    ) -> Result<Response, Infallible> {
        let client = ClientAddress::of(request.headers(), peer.ip(), self.settings.proxies);
        let extensions = request.extensions_mut();
        extensions.insert(client);
        let is_reserve = place.is_err();
        let permit = place.and_then(|place| self.places.permit(place, client));
        match &permit {
            Ok(permit) => drop(extensions.insert(permit.clone())),
            Err(refusal) => {
                if !is_reserve {
                    self.refused(*refusal, peer);
                }
                extensions.insert(*refusal);
            }
        }
        let mut response = self.router.clone().oneshot(request).await?;
        // Until now the request counts, whatever its handler keeps of it.
        drop(permit);
        if is_reserve {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Counts a refusal, and says now and then that there are some.
    fn refused(&self, refusal: Refusal, peer: SocketAddr) {
        self.counters.refused_connections.add(refusal.into(), 1);
        if self.warnings.take(WARNINGS, self.epoch.elapsed().as_micros() as u64).is_err() {
            return;
        }
        let ServerSettings { connections_max, address_connections_max, .. } = self.settings;
        match refusal {
            Refusal::Full => {
                warn!(connections_max, "no more connections: raise MADANG_MAX_CONNECTIONS or add gateways");
            }
            Refusal::AddressFull => warn!(
                address_connections_max,
                peer = %peer.ip().to_canonical(),
                "no more connections for an address: where it is a proxy's, set MADANG_TRUSTED_PROXIES"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
