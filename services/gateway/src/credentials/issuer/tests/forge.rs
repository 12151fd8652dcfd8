//! Keys that sign, and a server that publishes them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use axum::{Router, http::StatusCode, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};

/// Before the RSA key itself, PKCS#8 says what it is: of a key of 2048 bits, in so many bytes.
const PKCS8_HEADER_BYTES: usize = 26;

/// A key of a site's, with its public part.
#[derive(Clone)]
pub(super) struct Forge {
    id: String,
    algorithm: Algorithm,
    private: EncodingKey,
    public: Value,
}

impl Forge {
    pub(super) fn rsa(id: &str) -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let private = EncodingKey::from_rsa_der(&pkcs8.as_ref()[PKCS8_HEADER_BYTES..]);
        let public = Jwk::from_encoding_key(&private, Algorithm::RS256).unwrap();
        Self::new(id, Algorithm::RS256, private, serde_json::to_value(public).unwrap())
    }

    pub(super) fn p256(id: &str) -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        // An uncompressed point: 4, x, y.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let public = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        Self::new(id, Algorithm::ES256, EncodingKey::from_ec_der(pkcs8.as_ref()), public)
    }

    pub(super) fn ed25519(id: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let public = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": x});
        Self::new(id, Algorithm::EdDSA, EncodingKey::from_ed_der(pkcs8.as_ref()), public)
    }

    fn new(id: &str, algorithm: Algorithm, private: EncodingKey, mut public: Value) -> Self {
        public["kid"] = json!(id);
        Self { id: id.to_owned(), algorithm, private, public }
    }

    pub(super) fn jwk(&self) -> Jwk {
        serde_json::from_value(self.public.clone()).unwrap()
    }

    pub(super) fn token(&self, claims: &Value) -> String {
        self.token_with(claims, |_| {})
    }

    pub(super) fn token_without_id(&self, claims: &Value) -> String {
        self.token_with(claims, |header| header.kid = None)
    }

    pub(super) fn token_with(&self, claims: &Value, change: impl FnOnce(&mut Header)) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.clone());
        change(&mut header);
        encoded(&header, claims, &self.private)
    }

    /// The public key as its bytes may be found: the JSON, and the numbers in it.
    pub(super) fn public_forms(&self) -> Vec<Vec<u8>> {
        let number = self.public["n"].as_str().unwrap();
        vec![
            self.public.to_string().into_bytes(),
            number.as_bytes().to_vec(),
            URL_SAFE_NO_PAD.decode(number).unwrap(),
        ]
    }
}

pub(super) fn encoded(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

/// A token of any header, with any text as its signature.
pub(super) fn with_header(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// The public parts, as a site publishes them.
pub(super) fn key_set(forges: &[Forge]) -> String {
    let keys: Vec<&Value> = forges.iter().map(|forge| &forge.public).collect();
    json!({ "keys": keys }).to_string()
}

/// A site that publishes its keys.
pub(super) struct KeyServer {
    address: std::net::SocketAddr,
    state: Arc<State>,
    serving: tokio::task::JoinHandle<()>,
}

struct State {
    document: Mutex<String>,
    failing: AtomicBool,
    asked: AtomicU32,
}

impl KeyServer {
    pub(super) async fn start(document: &str) -> Self {
        let state = Arc::new(State {
            document: Mutex::new(document.to_owned()),
            failing: AtomicBool::new(false),
            asked: AtomicU32::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = {
            let state = Arc::clone(&state);
            move || async move {
                state.asked.fetch_add(1, Ordering::Relaxed);
                if state.failing.load(Ordering::Relaxed) {
                    return Err(StatusCode::BAD_GATEWAY);
                }
                Ok(state.document.lock().unwrap().clone())
            }
        };
        let router = Router::new().route("/keys", get(answer));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state, serving }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub(super) fn publish(&self, document: &str) {
        document.clone_into(&mut self.state.document.lock().unwrap());
    }

    pub(super) fn fail(&self, failing: bool) {
        self.state.failing.store(failing, Ordering::Relaxed);
    }

    pub(super) fn asked(&self) -> u32 {
        self.state.asked.load(Ordering::Relaxed)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
