//! The site that embeds the chat: its backend with an API key, and its own tokens.

use std::path::Path;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use madang_client::{Client, Error};
use madang_test_kit::{Program, binaries_directory};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Stage;

/// A secret that the site and the gateways share.
pub const SITE_SECRET: &str = "a secret of the old site, kept in a file";

/// A site's backend at one gateway.
#[derive(Debug, Clone)]
pub struct Backend {
    client: Client,
    /// The API key.
    pub key: String,
}

impl Backend {
    /// A backend with a new key, made as an operator makes one.
    ///
    /// # Panics
    /// When no key can be made.
    pub async fn new(stage: &Stage, base: &str, scopes: &[&str]) -> Self {
        let mut arguments = vec!["create", "--name", "a story's"];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        let key = stage.keys(&arguments).await;
        Self::with_key(base, key.trim())
    }

    /// A backend with a key that there is already.
    ///
    /// # Panics
    /// When the address is none.
    #[must_use]
    pub fn with_key(base: &str, key: &str) -> Self {
        let client = Client::new(base).expect("an address of the stage").with_token(key);
        Self { client, key: key.to_owned() }
    }

    /// The public part of the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.key.split('_').nth(1).unwrap_or_default()
    }

    /// Calls a route under `/v1/server`.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value, Error> {
        let request = self.client.request(method, &format!("/v1/server{path}")).json(body);
        self.client.call(request).await
    }

    /// Calls a route that answers with nothing.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn call_for_nothing(&self, method: Method, path: &str) -> Result<(), Error> {
        let request = self.client.request(method, &format!("/v1/server{path}"));
        self.client.call_for_nothing(request).await
    }

    /// Calls a route with an idempotency key; answers the status, too.
    ///
    /// # Panics
    /// When there is no answer, or it is no JSON.
    pub async fn call_with_key(&self, path: &str, body: &Value, key: &str) -> (StatusCode, Value) {
        let request = self.client.request(Method::POST, &format!("/v1/server{path}"));
        let answer = request.header("Idempotency-Key", key).json(body).send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }

    /// Makes or changes a user, and says who it is.
    ///
    /// # Panics
    /// When that fails.
    pub async fn put_user(&self, user: &str, body: &Value) -> Value {
        let put = self.call(Method::PUT, &format!("/users/{user}"), body).await;
        put.unwrap_or_else(|error| panic!("{user} cannot be made: {error}"))
    }
}

impl Stage {
    /// Runs `madang-auth keys …` on the cluster's database; answers what it printed.
    ///
    /// # Panics
    /// When it fails.
    pub async fn keys(&self, arguments: &[&str]) -> String {
        let url = self.cluster.auth_database_url();
        keys(Program::Auth, arguments, "MADANG_DATABASE_URL", Path::new(&url)).await
    }

    /// Adds a signing key, as an operator does, which signs when so many seconds have passed.
    ///
    /// # Panics
    /// When it fails.
    pub async fn rotate_signing_key(&self, overlap_seconds: &str) {
        let url = self.cluster.auth_database_url();
        let settings = [
            ("MADANG_DATABASE_URL", Path::new(&url)),
            ("MADANG_AUTH_KEY_OVERLAP_SECONDS", Path::new(overlap_seconds)),
        ];
        perform(Program::Auth, &["rotate-key"], &settings).await;
    }
}

/// Runs a program's `keys …`, with one setting; answers what it printed.
///
/// # Panics
/// When it fails.
pub async fn keys(program: Program, arguments: &[&str], setting: &str, value: &Path) -> String {
    perform(program, &[&["keys"], arguments].concat(), &[(setting, value)]).await
}

/// Runs a task of a program, with these settings alone; answers what it printed.
async fn perform(program: Program, arguments: &[&str], settings: &[(&str, &Path)]) -> String {
    let binary = binaries_directory().expect("the directory of the binaries").join(program.binary());
    let mut command = Command::new(binary);
    command.env_clear().envs(settings.iter().copied()).args(arguments);
    let output = command.output().await.expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// A token as `rest_framework_simplejwt` makes one, for a user with a number, with more claims or others.
///
/// # Panics
/// When the claims are no object.
#[must_use]
pub fn site_token(user: u64, more: &Value) -> String {
    let mut claims = site_claims(user);
    let claims_object = claims.as_object_mut().expect("an object");
    claims_object.extend(more.as_object().expect("more claims").clone());
    signed(&claims)
}

/// A token of the site that does not say when it was made, as some libraries make them.
///
/// # Panics
/// When there is no randomness.
#[must_use]
pub fn undated_site_token(user: u64) -> String {
    let mut claims = site_claims(user);
    claims.as_object_mut().expect("an object").remove("iat");
    signed(&claims)
}

fn site_claims(user: u64) -> Value {
    let now = jsonwebtoken::get_current_timestamp();
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).expect("randomness");
    json!({
        "token_type": "access", "user_id": user, "iat": now, "exp": now + 300,
        "jti": u128::from_be_bytes(id).to_string(),
    })
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SITE_SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).expect("a token")
}

/// The settings of gateways that accept such tokens.
#[must_use]
pub fn site_settings() -> [(&'static str, &'static str); 5] {
    [
        ("MADANG_ISSUER_ALGORITHMS", "HS256"),
        // The stories have users of both kinds.
        ("MADANG_REGISTRATION", "open"),
        ("MADANG_ISSUER_SECRET", SITE_SECRET),
        ("MADANG_ISSUER_USER_CLAIM", "user_id"),
        ("MADANG_ISSUER_REQUIRED_CLAIMS", "token_type=access"),
    ]
}
