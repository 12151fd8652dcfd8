//! A world for each test: a database, a clock, services, and a verifier that knows the public keys alone.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, jwk::JwkSet};
use madang_auth::{Service, Settings, start};
use madang_domain::{Code, Error, Limit, SessionId, Username};
use madang_kit::{Host, Lifecycle, Secret, StartError, clock::ManualClock};
use madang_rpc::auth::{
    Auth as _, ClientInfo, Grant, Login, Password, Refresh, Register, Token, claims::AccessClaims,
};
use madang_test_kit::EitherDatabase;

/// A password that is nobody else's.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A database and a clock.
pub(crate) struct World {
    database: EitherDatabase,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: Settings,
}

/// Settings under which a hash costs nothing.
fn cheap() -> Settings {
    Settings { argon2_memory_kib: 64, argon2_passes: 1, ..Settings::default() }
}

impl From<EitherDatabase> for World {
    fn from(database: EitherDatabase) -> Self {
        Self { database, clock: Arc::new(ManualClock::default()), settings: cheap() }
    }
}

impl World {
    pub(crate) async fn postgres() -> Self {
        EitherDatabase::postgres().await.unwrap().into()
    }

    pub(crate) fn sqlite() -> Self {
        EitherDatabase::sqlite().unwrap().into()
    }

    pub(crate) fn url(&self) -> Secret {
        self.database.url().into()
    }

    /// The file of an SQLite database.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.database.file().unwrap()
    }

    pub(crate) fn host(&self) -> Host {
        host(&self.clock)
    }

    /// A replica with the world's settings.
    pub(crate) async fn service(&self) -> Service {
        self.service_with(&self.settings).await.unwrap()
    }

    pub(crate) async fn service_with(&self, settings: &Settings) -> Result<Service, StartError> {
        start(settings, &self.url(), &self.host()).await
    }

    /// The first column of each row, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        self.database.texts(sql).await.unwrap()
    }

    /// Carries out the statement of the database's own kind, past the service.
    pub(crate) async fn execute(&self, postgres: &str, sqlite: &str) {
        self.database.execute(postgres, sqlite).await.unwrap();
    }

    /// The rows of a table.
    pub(crate) async fn count(&self, table: &str) -> usize {
        self.texts(&format!("SELECT '' FROM {table}")).await.len()
    }
}

pub(crate) fn host(clock: &Arc<ManualClock>) -> Host {
    let mut host = Host::new("auth-test", Lifecycle::default()).unwrap();
    host.clock = Arc::clone(clock) as _;
    host
}

pub(crate) fn username(name: &str) -> Username {
    Username::new(name).unwrap()
}

pub(crate) fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// A client at an address of the documentation's range.
pub(crate) fn client(last: u8) -> ClientInfo {
    ClientInfo { ip: Some(IpAddr::from([192, 0, 2, last])), user_agent: Some("test/1".to_owned()) }
}

pub(crate) async fn register(service: &Service, name: &str) -> Grant {
    service
        .register(Register {
            username: username(name),
            password: password(PASSWORD),
            name: None,
            client: client(1),
        })
        .await
        .unwrap()
}

pub(crate) async fn login(service: &Service, name: &str) -> Grant {
    service
        .login(Login { username: username(name), password: password(PASSWORD), client: client(1) })
        .await
        .unwrap()
}

/// Refreshes as a client does.
pub(crate) async fn refresh(
    service: &Service,
    token: &str,
    client: ClientInfo,
) -> madang_domain::Result<Grant> {
    service.refresh(Refresh { refresh_token: Token::new(token), client }).await
}

pub(crate) fn assert_code<T: std::fmt::Debug>(result: Result<T, Error>, code: Code) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.code, code, "{error}");
    // A refusal for a limit names it and says when to come back; nothing else names one.
    let is_rate = code == Code::RateLimited;
    assert_eq!(error.limit.is_some(), is_rate, "{error:?}");
    assert!(!is_rate || error.retry_after.is_some(), "{error:?}");
    error
}

/// A refusal for this limit.
pub(crate) fn assert_limit<T: std::fmt::Debug>(result: Result<T, Error>, limit: Limit) -> Error {
    let error = assert_code(result, Code::RateLimited);
    assert_eq!(error.limit, Some(limit), "{error:?}");
    error
}

/// The session that an access token names.
pub(crate) fn session_of(grant: &Grant) -> SessionId {
    let claims: AccessClaims = jsonwebtoken::dangerous::insecure_decode(&grant.access_token).unwrap().claims;
    claims.sid.parse().unwrap()
}

/// Verifies by a key set and nothing else, as gateways do; of time, by the caller's.
pub(crate) fn verify(token: &str, jwks: &str, now_seconds: i64) -> Result<(Header, AccessClaims), String> {
    let keys: JwkSet = serde_json::from_str(jwks).map_err(|error| error.to_string())?;
    let header = decode_header(token).map_err(|error| error.to_string())?;
    let kid = header.kid.clone().ok_or("no kid")?;
    let jwk = keys.find(&kid).ok_or_else(|| format!("unknown key {kid}"))?;
    let key = DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["madang"]);
    validation.set_issuer(&["madang"]);
    validation.validate_exp = false;
    let claims: AccessClaims = decode(token, &key, &validation).map_err(|error| error.to_string())?.claims;
    if claims.exp <= now_seconds {
        return Err("expired".to_owned());
    }
    Ok((header, claims))
}

/// Seconds as a duration.
pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
