//! A client of the public REST API that prepares a load: accounts with tokens, rooms with members.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Requests at a time. Registering is bounded by the servers' password hashing anyway.
const CONCURRENCY: usize = 16;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a request is repeated after a temporary refusal (429, 503).
const TRIES_MAX: u32 = 8;
/// The pause before a repetition if the server names none.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_millis(500);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);
/// Tokens that expire sooner than this are renewed before a scenario. Each scenario is shorter.
const TOKEN_LIFE_MIN: Duration = Duration::from_secs(480);
/// The password of all accounts.
pub const PASSWORD: &str = "correct horse battery staple";
/// The addresses from which accounts are registered, so that none of them meets what one address may.
const REGISTERING: [IpAddr; 4] = [from(1), from(2), from(3), from(4)];

const fn from(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

/// An account of the load.
#[derive(Debug, Clone)]
pub struct Account {
    /// The user's id.
    pub id: String,
    /// The username with which it signs in.
    pub username: String,
    /// The access token with which it sends.
    pub token: Arc<str>,
    refresh_token: String,
    expires_at: Instant,
}

/// A set-up that failed.
#[derive(Debug, thiserror::Error)]
pub enum RestApiError {
    /// The gateway does not answer.
    #[error("{path}: no answer")]
    Http {
        /// The path of the request.
        path: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The gateway refuses.
    #[error("{path}: {status}: {body}")]
    Refused {
        /// The path of the request.
        path: String,
        /// How it was refused.
        status: StatusCode,
        /// Why.
        body: String,
    },
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct NewRoom {
    id: String,
    members: usize,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// The gateways' REST API; requests take them in turn.
#[derive(Debug, Clone)]
pub struct RestApi {
    http: Client,
    registering: Vec<Client>,
    gateways: Vec<SocketAddr>,
}

impl RestApi {
    /// The API of these gateways.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(gateways: Vec<SocketAddr>) -> Result<Self, RestApiError> {
        let client = |from: Option<IpAddr>| {
            let client = Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().local_address(from).build();
            client.map_err(|source| RestApiError::Http { path: "the HTTP client".to_owned(), source })
        };
        let registering = REGISTERING.iter().map(|from| client(Some(*from))).collect::<Result<_, _>>()?;
        Ok(Self { http: client(None)?, registering, gateways })
    }

    /// Registers new accounts, named after the run.
    ///
    /// # Errors
    /// When one cannot be registered.
    pub async fn register(&self, run: &str, accounts: usize) -> Result<Vec<Account>, RestApiError> {
        stream::iter(0..accounts)
            .map(|number| async move {
                let username = format!("load-{run}-{number}");
                let body = json!({
                    "username": username,
                    "password": PASSWORD,
                    "name": format!("Load {number}"),
                });
                let (path, url) = ("/v1/auth/register", self.url(number, "/v1/auth/register"));
                let http = &self.registering[number % self.registering.len()];
                let tokens: Tokens = answer(path, || http.post(&url).json(&body)).await?;
                let token = Arc::from(tokens.access_token);
                let me: Id = self.get(number, "/v1/users/me", &token).await?;
                let expires_at = Instant::now() + Duration::from_secs(tokens.expires_in);
                Ok(Account { id: me.id, username, token, refresh_token: tokens.refresh_token, expires_at })
            })
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    /// Gives new tokens to accounts whose present ones might expire during a scenario.
    ///
    /// # Errors
    /// When one is refused.
    pub async fn renew(&self, accounts: &mut [Account]) -> Result<(), RestApiError> {
        stream::iter(accounts.iter_mut().enumerate())
            .map(Ok)
            .try_for_each_concurrent(CONCURRENCY, |(number, account)| async move {
                if account.expires_at > Instant::now() + TOKEN_LIFE_MIN {
                    return Ok(());
                }
                let body = json!({ "refresh_token": account.refresh_token });
                let tokens: Tokens = self.post(number, "/v1/auth/refresh", None, &body).await?;
                account.token = Arc::from(tokens.access_token);
                account.refresh_token = tokens.refresh_token;
                account.expires_at = Instant::now() + Duration::from_secs(tokens.expires_in);
                Ok(())
            })
            .await
    }

    /// Makes private rooms; the first of each one's members owns it. Their ids, in order.
    ///
    /// # Errors
    /// When one cannot be made.
    pub async fn make_rooms(
        &self,
        accounts: &[Account],
        members: &[Vec<usize>],
    ) -> Result<Vec<Arc<str>>, RestApiError> {
        stream::iter(members.iter().enumerate())
            .map(|(number, members)| async move {
                let others: Vec<_> = members.iter().skip(1).map(|member| &accounts[*member].id).collect();
                let body =
                    json!({ "name": format!("Load room {number}"), "kind": "private", "members": others });
                let owner = members.first().map(|member| &*accounts[*member].token);
                let room: NewRoom = self.post(number, "/v1/rooms", owner, &body).await?;
                if room.members < members.len() {
                    // Who shares no room with the owner was invited.
                    let join = format!("/v1/rooms/{}/join", room.id);
                    for member in &members[1..] {
                        let _: Id =
                            self.post(number, &join, Some(&accounts[*member].token), &json!({})).await?;
                    }
                }
                Ok(Arc::from(room.id))
            })
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    /// Makes a public room of an account.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn make_public_room(&self, owner: &Account) -> Result<Arc<str>, RestApiError> {
        let body = json!({ "name": "Load room for all", "kind": "public" });
        let room: Id = self.post(0, "/v1/rooms", Some(&owner.token), &body).await?;
        Ok(Arc::from(room.id))
    }

    /// Says a text in a room so many times; the accounts take turns.
    ///
    /// # Errors
    /// When one is not allowed to.
    pub async fn say(
        &self,
        accounts: &[Account],
        room: &str,
        text: &str,
        times: usize,
    ) -> Result<(), RestApiError> {
        let (path, body) = (format!("/v1/rooms/{room}/messages"), json!({ "text": text }));
        stream::iter(0..times)
            .map(Ok)
            .try_for_each_concurrent(CONCURRENCY, |number| {
                let (path, body) = (&path, &body);
                async move {
                    let account = &accounts[number % accounts.len()];
                    let _: Value = self.post(number, path, Some(&account.token), body).await?;
                    Ok(())
                }
            })
            .await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        number: usize,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<T, RestApiError> {
        let url = self.url(number, path);
        answer(path, || {
            let request = self.http.post(&url).json(body);
            match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            }
        })
        .await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        number: usize,
        path: &str,
        token: &str,
    ) -> Result<T, RestApiError> {
        let url = self.url(number, path);
        answer(path, || self.http.get(&url).bearer_auth(token)).await
    }

    fn url(&self, number: usize, path: &str) -> String {
        format!("http://{}{path}", self.gateways[number % self.gateways.len()])
    }
}

/// Sends a request until it is answered, refused for good, or refused for now too often. Repeating is safe: what
/// is repeated was refused, not lost.
async fn answer<T: DeserializeOwned>(
    path: &str,
    request: impl Fn() -> RequestBuilder,
) -> Result<T, RestApiError> {
    let failed = |source| RestApiError::Http { path: path.to_owned(), source };
    let mut tries = 0;
    loop {
        tries += 1;
        let response = request().send().await.map_err(failed)?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(failed);
        }
        let for_now = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        if !for_now || tries == TRIES_MAX {
            let body = response.text().await.unwrap_or_default();
            return Err(RestApiError::Refused { path: path.to_owned(), status, body });
        }
        let named =
            response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        sleep(named.map_or(RETRY_AFTER_DEFAULT, Duration::from_secs).min(RETRY_AFTER_MAX)).await;
    }
}
