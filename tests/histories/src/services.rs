//! The services that outlive a case: the store, auth with its accounts, the kind of bus.

use std::{path::Path, sync::Arc};

use madang_domain::{AddedBy, DisplayName, Profile, Username};
use madang_kit::{Host, Lifecycle, Secret};
use madang_message_store::Settings as StoreSettings;
use madang_rpc::{
    Auth, MessageStore,
    auth::{Password, Register},
};
use madang_test_kit::{TestDatabase, data_directory, test_database, test_redis_url};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::{
    Violation,
    case::{GATEWAYS, USERS},
};

/// A password; nothing here depends on it.
const PASSWORD: &str = "a courtyard at noon";
/// The cases that act at a time.
const ACTING_AT_ONCE: usize = 3;

/// A user with an account and a token. The token is valid for longer than any run of these tests.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The account.
    pub(crate) profile: Arc<Profile>,
    /// An access token.
    pub(crate) token: String,
}

/// The bus between the gateways of a case.
#[derive(Debug, Clone)]
pub(crate) enum BusKind {
    /// A map in this process.
    InProcess,
    /// A Redis at this URL.
    Redis(String),
}

/// The store, the accounts and the kind of bus, for many cases. Each case has its own rooms and gateways.
pub(crate) struct Services {
    /// The auth service.
    pub(crate) auth: Arc<dyn Auth>,
    /// The store, as each gateway has it: the same one, or a replica on the same database.
    pub(crate) stores: [Arc<dyn MessageStore>; GATEWAYS],
    /// The users of all cases.
    pub(crate) people: Vec<Person>,
    /// The bus between the gateways.
    pub(crate) bus: BusKind,
    /// Taken by a case while it acts. Cases that are played together wait together, but their writes would queue before
    /// the one writer of SQLite, whose callers are refused after a bounded wait.
    pub(crate) acting: Semaphore,
    life: Lifecycle,
    // Dropped after the services have been stopped.
    _database: Option<TestDatabase>,
    _directory: TempDir,
}

impl Services {
    /// SQLite, one store, a bus in this process: many cases in little time.
    ///
    /// # Errors
    /// When a service does not start.
    pub(crate) async fn small() -> Result<Self, Violation> {
        let directory = data_directory("histories").map_err(Violation::stage)?;
        let life = Lifecycle::default();
        let store = store(&sqlite(directory.path(), "messages.db"), &life).await?;
        let stores = [Arc::clone(&store), store];
        Self::furnish(directory, None, life, stores, BusKind::InProcess).await
    }

    /// PostgreSQL, a replica of the store for each gateway, Redis.
    ///
    /// # Errors
    /// When a server or a service does not start.
    pub(crate) async fn large() -> Result<Self, Violation> {
        let directory = data_directory("histories").map_err(Violation::stage)?;
        let database = test_database().await.map_err(Violation::stage)?;
        let redis = test_redis_url().await.map_err(Violation::stage)?;
        let life = Lifecycle::default();
        let url = Secret::from(database.url());
        let stores = [store(&url, &life).await?, store(&url, &life).await?];
        Self::furnish(directory, Some(database), life, stores, BusKind::Redis(redis)).await
    }

    async fn furnish(
        directory: TempDir,
        database: Option<TestDatabase>,
        life: Lifecycle,
        stores: [Arc<dyn MessageStore>; GATEWAYS],
        bus: BusKind,
    ) -> Result<Self, Violation> {
        let accounts = sqlite(directory.path(), "accounts.db");
        let auth = madang_auth::start(&madang_auth::Settings::default(), &accounts, &host(&life)?)
            .await
            .map_err(Violation::stage)?;
        let mut people = Vec::with_capacity(USERS);
        for number in 0..USERS {
            let username = Username::new(format!("user-{number}")).map_err(Violation::stage)?;
            let name = DisplayName::new(format!("User {number}")).map_err(Violation::stage)?;
            let password = Password::new(PASSWORD.to_owned());
            let grant = auth
                .register(Register { username, password, name: Some(name), client: Default::default() })
                .await;
            let grant = grant.map_err(Violation::stage)?;
            people.push(Person { profile: Arc::new(grant.user), token: grant.access_token });
        }
        let auth = Arc::new(auth);
        let acting = Semaphore::new(ACTING_AT_ONCE);
        Ok(Self { auth, stores, people, bus, acting, life, _database: database, _directory: directory })
    }

    /// Stops the services.
    pub(crate) async fn close(self) {
        self.life.stop();
        self.life.finished().await;
    }
}

fn sqlite(directory: &Path, file: &str) -> Secret {
    Secret::from(format!("sqlite://{}", directory.join(file).display()))
}

fn host(life: &Lifecycle) -> Result<Host, Violation> {
    Host::new("histories", life.clone()).map_err(Violation::stage)
}

async fn store(url: &Secret, life: &Lifecycle) -> Result<Arc<dyn MessageStore>, Violation> {
    let started = madang_message_store::start(
        &StoreSettings { added_by: AddedBy::Anyone, ..StoreSettings::default() },
        url,
        &host(life)?,
    )
    .await;
    Ok(Arc::new(started.map_err(Violation::stage)?))
}
