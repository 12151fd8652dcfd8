//! Services and gateways in this process.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use clap::Parser;
use madang_bus::InProcessExchange;
use madang_client::{Body, Client, ConnectOptions, Credential, Incoming, RoomEvent, Socket};
use madang_contract::{ClientFrame, RoomSince, ServerFrame, Subscribe};
use madang_domain::{AddedBy, GatewayId, Profile, RoomId, Seq, Username};
use madang_gateway::{Deps, GatewaySettings};
use madang_kit::{
    Host, Lifecycle, Running, Secret,
    clock::{SystemClock, SystemRandom, new_id},
};
use madang_rpc::{
    Auth, MessageStore,
    auth::{ClientInfo, Password, Register},
};
use tempfile::TempDir;

/// How long anything may take that is not said to take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The password of every user.
pub(crate) const PASSWORD: &str = "a long enough password";

/// Waits for something, and says in the failure what did not come.
pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come within {limit:?}"))
}

/// The services, and the bus that gateways share.
pub(crate) struct Services {
    pub(crate) auth: Arc<dyn Auth>,
    pub(crate) store: Arc<dyn MessageStore>,
    exchange: InProcessExchange,
    life: Lifecycle,
    // Dropped last: the services keep their files open.
    _directory: TempDir,
}

/// A user with an access token.
pub(crate) struct User {
    pub(crate) profile: Arc<Profile>,
    pub(crate) token: String,
}

/// A gateway that runs.
pub(crate) struct Gateway {
    running: Running,
    host: Host,
}

/// The gateway's settings, for their defaults.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    gateway: GatewaySettings,
}

impl Services {
    pub(crate) async fn start() -> Self {
        Self::start_where_added_by(AddedBy::Anyone).await
    }

    /// Starts the services, where so many may make users members who have set nothing.
    pub(crate) async fn start_where_added_by(added_by: AddedBy) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let life = Lifecycle::default();
        let file = |name: &str| Secret::from(format!("sqlite://{}", directory.path().join(name).display()));
        let host = || Host::new("in-process", life.clone()).unwrap();
        let auth = madang_auth::start(&madang_auth::Settings::default(), &file("accounts.db"), &host())
            .await
            .unwrap();
        // Most stories begin with rooms of people who have never met.
        let settings = madang_message_store::Settings { added_by, ..Default::default() };
        let store = madang_message_store::start(&settings, &file("messages.db"), &host()).await.unwrap();
        let exchange = InProcessExchange::new();
        Self { auth: Arc::new(auth), store: Arc::new(store), exchange, life, _directory: directory }
    }

    /// Registers a user.
    pub(crate) async fn user(&self, username: &str) -> User {
        let register = Register {
            username: Username::new(username).unwrap(),
            password: Password::new(PASSWORD.to_owned()),
            name: None,
            client: ClientInfo::default(),
        };
        let grant = self.auth.register(register).await.unwrap();
        User { profile: Arc::new(grant.user), token: grant.access_token }
    }

    /// Starts a gateway with the default settings.
    pub(crate) async fn gateway(&self) -> Gateway {
        self.gateway_on(Arc::clone(&self.store)).await
    }

    /// Starts a gateway that calls this store.
    pub(crate) async fn gateway_on(&self, store: Arc<dyn MessageStore>) -> Gateway {
        self.start_gateway(Arc::clone(&self.auth), store, &[], |_| ()).await
    }

    /// Starts a gateway whose paths stand under a base path.
    pub(crate) async fn gateway_under(&self, base_path: &str) -> Gateway {
        self.gateway_with(|settings| base_path.clone_into(&mut settings.base_path)).await
    }

    /// Starts a gateway with other settings than the default ones.
    pub(crate) async fn gateway_with(&self, change: impl FnOnce(&mut GatewaySettings)) -> Gateway {
        self.gateway_with_auth(Arc::clone(&self.auth), change).await
    }

    /// Starts a gateway that calls this auth service, with other settings than the default ones.
    pub(crate) async fn gateway_with_auth(
        &self,
        auth: Arc<dyn Auth>,
        change: impl FnOnce(&mut GatewaySettings),
    ) -> Gateway {
        self.start_gateway(auth, Arc::clone(&self.store), &[], change).await
    }

    /// Starts a gateway with these flags.
    pub(crate) async fn gateway_with_flags(&self, flags: &[&str]) -> Gateway {
        self.start_gateway(Arc::clone(&self.auth), Arc::clone(&self.store), flags, |_| ()).await
    }

    /// Starts a gateway that calls these services, with other settings than the default ones.
    pub(crate) async fn gateway_of(
        &self,
        auth: Arc<dyn Auth>,
        store: Arc<dyn MessageStore>,
        change: impl FnOnce(&mut GatewaySettings),
    ) -> Gateway {
        self.start_gateway(auth, store, &[], change).await
    }

    async fn start_gateway(
        &self,
        auth: Arc<dyn Auth>,
        store: Arc<dyn MessageStore>,
        flags: &[&str],
        change: impl FnOnce(&mut GatewaySettings),
    ) -> Gateway {
        let bus = self.exchange.connect(GatewayId::new(new_id(&SystemClock, &SystemRandom)));
        let deps = Deps { auth, store, bus };
        let mut settings = Flags::try_parse_from(["gateway"].iter().chain(flags)).unwrap().gateway;
        settings.http_addr = ([127, 0, 0, 1], 0).into();
        change(&mut settings);
        let host = Host::new("in-process", self.life.clone()).unwrap();
        // As the all-in-one does.
        let operations = madang_kit::ops::router(host.readiness.clone(), host.metrics.clone());
        let running = madang_gateway::start(settings, deps, operations, &host).await.unwrap();
        Gateway { running, host }
    }
}

impl Services {
    /// A gateway that the others hear of only by its death: what it told them may be lost.
    pub(crate) fn lose_a_gateway(&self) {
        drop(self.exchange.connect(GatewayId::new(new_id(&SystemClock, &SystemRandom))));
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.life.stop();
    }
}

impl Gateway {
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.running.address("http").unwrap())
    }

    /// All metrics.
    pub(crate) fn metrics(&self) -> String {
        self.host.metrics.render()
    }

    /// The value of the first series whose name, with its labels, begins so.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.metric_if_shown(name).unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// The same, where there is one.
    pub(crate) fn metric_if_shown(&self, name: &str) -> Option<u64> {
        let metrics = self.metrics();
        let line = metrics.lines().find(|line| !line.starts_with('#') && line.starts_with(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address("http").or_else(|| self.running.address("https")).unwrap()
    }

    /// The REST routes, for nobody yet.
    pub(crate) fn api(&self) -> Client {
        Client::new(&self.base()).unwrap()
    }

    /// A socket of a user.
    pub(crate) async fn socket(&self, user: &User) -> Socket {
        let credential = Credential::Bearer(user.token.clone());
        Socket::open(&self.base(), &credential, &ConnectOptions::default()).await.unwrap().0
    }

    /// A socket of a user that subscribes to a room from its beginning.
    pub(crate) async fn subscribe(&self, user: &User, room: RoomId) -> Subscriber {
        let mut socket = self.socket(user).await;
        let room_since = RoomSince { room: room.into(), since: Some(Seq::START), epoch: None };
        let frame = ClientFrame::Subscribe(Subscribe { rooms: vec![room_since], ..Subscribe::default() });
        let answer = socket.call(frame, PATIENCE).await.unwrap();
        assert!(matches!(answer, Incoming::Frame(ServerFrame::Subscribed(_))), "{answer:?}");
        let mut subscriber = Subscriber { socket };
        subscriber.next(|incoming| matches!(incoming, Incoming::Frame(ServerFrame::CaughtUp(_)))).await;
        subscriber
    }
}

/// A socket that subscribes to a room.
pub(crate) struct Subscriber {
    pub(crate) socket: Socket,
}

impl Subscriber {
    pub(crate) async fn next(&mut self, is_it: impl Fn(&Incoming) -> bool) -> Incoming {
        loop {
            let incoming = self.socket.next_frame(PATIENCE).await.unwrap();
            if is_it(&incoming) {
                return incoming;
            }
        }
    }

    /// The next event of the room whose body is this one.
    pub(crate) async fn event(&mut self, is_it: impl Fn(&Body) -> bool) -> RoomEvent {
        match self.next(|incoming| matches!(incoming, Incoming::Event(event) if is_it(&event.body))).await {
            Incoming::Event(event) => event,
            other => panic!("{other:?} is no event"),
        }
    }

    /// The next frame that is neither an event nor an answer.
    pub(crate) async fn frame(&mut self, is_it: impl Fn(&ServerFrame<'static>) -> bool) {
        self.next(|incoming| matches!(incoming, Incoming::Frame(frame) if is_it(frame))).await;
    }
}
