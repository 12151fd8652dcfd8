//! Tokens of this project's own: what makes one good, and where its key may come from.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use async_trait::async_trait;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};
use madang_kit::clock::ManualClock;
use madang_rpc::{
    around::Double,
    auth::{AuthDouble, GetKeys},
};
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;

const NOW: i64 = 1_700_000_000;

/// A signing key with its public part.
struct SigningKey {
    id: &'static str,
    private: EncodingKey,
    public: Value,
}

impl SigningKey {
    fn new(id: &'static str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let public = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": id, "x": x});
        Self { id, private: EncodingKey::from_ed_der(pkcs8.as_ref()), public }
    }

    fn header(&self) -> Header {
        Header { typ: Some(TYPE.to_owned()), kid: Some(self.id.to_owned()), ..Header::new(Algorithm::EdDSA) }
    }

    fn sign(&self, header: &Header, more: &Value) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 900, "iat": NOW, "jti": "1",
            "sub": UserId::new(uuid::Uuid::from_u128(1)).to_string(),
            "sid": SessionId::new(uuid::Uuid::from_u128(2)).to_string(),
            "preferred_username": "mina", "name": "Mina", "profile_version": 7,
        });
        let claims = {
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            claims
        };
        jsonwebtoken::encode(header, &claims, &self.private).unwrap()
    }
}

/// An auth service that publishes keys, or is away.
struct Publisher {
    keys: Mutex<Vec<Value>>,
    is_away: AtomicBool,
    asked: AtomicU32,
    /// From where the last ticket was shown.
    shown_from: Mutex<Option<IpAddr>>,
}

#[async_trait]
impl AuthDouble for Publisher {
    async fn get_keys(&self, _: GetKeys) -> Result<String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Error::unavailable("the service is away"));
        }
        Ok(json!({"keys": *self.keys.lock().unwrap()}).to_string())
    }

    async fn redeem_ticket(&self, request: RedeemTicket) -> Result<Identity> {
        *self.shown_from.lock().unwrap() = request.client.ip;
        Err(Error::new(Code::Unauthenticated, "no ticket"))
    }
}

fn verifier(keys: &[&SigningKey]) -> (Arc<Double<Publisher>>, Verifier) {
    let keys = Mutex::new(keys.iter().map(|key| key.public.clone()).collect());
    let auth = Arc::new(Double(Publisher {
        keys,
        is_away: AtomicBool::new(false),
        asked: AtomicU32::new(0),
        shown_from: Mutex::new(None),
    }));
    let clock = Arc::new(ManualClock::new(seconds(NOW)));
    let service = Arc::clone(&auth) as Arc<dyn Auth>;
    (auth, Verifier::new(service, None, Arc::default(), clock))
}

async fn judge(verifier: &Verifier, token: String) -> Option<Code> {
    verifier.verify(&Credential::Token(token), None).await.err().map(|error| error.code)
}

#[tokio::test]
async fn only_an_access_token_of_ours_is_one() {
    let key = SigningKey::new("ours");
    let (_, verifier) = verifier(&[&key]);
    for (typ, is_good) in [
        (Some("at+jwt"), true),
        (Some("AT+JWT"), true),
        (Some("JWT"), false),
        (Some("rt+jwt"), false),
        (Some("application/at+jwt"), false),
        (None, false),
    ] {
        let header = Header { typ: typ.map(str::to_owned), ..key.header() };
        let code = judge(&verifier, key.sign(&header, &json!({}))).await;
        assert_eq!(code.is_none(), is_good, "{typ:?}: {code:?}");
    }
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..key.header() };
    assert_eq!(judge(&verifier, key.sign(&critical, &json!({}))).await, Some(Code::Unauthenticated));
}

#[tokio::test]
async fn issuer_audience_and_times_are_judged() {
    let key = SigningKey::new("ours");
    let (_, verifier) = verifier(&[&key]);
    for good in [json!({}), json!({"exp": NOW - 4}), json!({"iat": NOW + 4})] {
        assert_eq!(judge(&verifier, key.sign(&key.header(), &good)).await, None, "{good}");
    }
    for bad in [
        json!({"iss": "other"}),
        json!({"iss": null}),
        json!({"aud": "other"}),
        json!({"aud": null}),
        json!({"aud": ["other", AUDIENCE]}),
        json!({"exp": NOW - 6}),
        json!({"exp": null}),
        json!({"iat": NOW + 6}),
        json!({"iat": null}),
        json!({"sub": null}),
        json!({"sub": "nobody"}),
        json!({"sid": null}),
    ] {
        let code = judge(&verifier, key.sign(&key.header(), &bad)).await;
        assert_eq!(code, Some(Code::Unauthenticated), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_comes_from_the_auth_service_alone_which_is_asked_at_most_once_in_five_seconds() {
    let (ours, theirs) = (SigningKey::new("ours"), SigningKey::new("theirs"));
    let (auth, verifier) = verifier(&[&ours]);
    assert_eq!(judge(&verifier, ours.sign(&ours.header(), &json!({}))).await, None);
    assert_eq!(auth.asked.load(Ordering::Relaxed), 1);
    let jwk: Jwk = serde_json::from_value(theirs.public.clone()).unwrap();
    let named = Header {
        jku: Some("https://attacker.example/keys".to_owned()),
        x5u: Some("https://attacker.example/chain".to_owned()),
        jwk: Some(jwk),
        ..theirs.header()
    };
    // Its own key under a name of its own, and under the name of ours.
    let as_ours = Header { kid: Some("ours".to_owned()), ..named.clone() };
    for _ in 0..100 {
        for header in [&named, &as_ours] {
            let code = judge(&verifier, theirs.sign(header, &json!({}))).await;
            assert_eq!(code, Some(Code::Unauthenticated));
        }
    }
    assert_eq!(auth.asked.load(Ordering::Relaxed), 1, "made-up keys cost the auth service nothing");
    // A key that is published now is found once the pause is over.
    auth.keys.lock().unwrap().push(theirs.public.clone());
    advance(Duration::from_secs(5)).await;
    assert_eq!(judge(&verifier, theirs.sign(&theirs.header(), &json!({}))).await, None);
    assert_eq!(auth.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_had_stay_while_the_auth_service_is_away() {
    let (ours, theirs) = (SigningKey::new("ours"), SigningKey::new("theirs"));
    let (auth, verifier) = verifier(&[&ours]);
    let good = || ours.sign(&ours.header(), &json!({}));
    assert_eq!(judge(&verifier, good()).await, None);
    auth.is_away.store(true, Ordering::Relaxed);
    advance(Duration::from_secs(5)).await;
    let unknown = judge(&verifier, theirs.sign(&theirs.header(), &json!({}))).await;
    assert_eq!(unknown, Some(Code::Unavailable), "whose it is cannot be said now");
    assert_eq!(judge(&verifier, good()).await, None);
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_had_are_good_for_a_day_without_the_auth_service() {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    let ours = SigningKey::new("ours");
    let (auth, verifier) = verifier(&[&ours]);
    let good = || ours.sign(&ours.header(), &json!({}));
    assert_eq!(judge(&verifier, good()).await, None);
    auth.is_away.store(true, Ordering::Relaxed);
    // The clock by which tokens are judged stands still: the token is good for all that time.
    advance(DAY - Duration::from_secs(1)).await;
    assert_eq!(judge(&verifier, good()).await, None);
    advance(Duration::from_secs(1)).await;
    assert_eq!(judge(&verifier, good()).await, Some(Code::Unavailable), "and not as if the token were bad");
    auth.is_away.store(false, Ordering::Relaxed);
    verifier.keys.refresh().await.unwrap();
    assert_eq!(judge(&verifier, good()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_without_good_keys_is_not_ready() {
    let ours = SigningKey::new("ours");
    let (auth, verifier) = verifier(&[&ours]);
    let readiness = madang_kit::health::Readiness::new();
    let mut state = readiness.watch();
    let keeping = tokio::spawn(Arc::new(verifier).keep_keys(readiness.check("keys")));
    let mut becomes = async |ready: bool| {
        let wait = state.wait_for(|state| state.is_ready() == ready);
        // By a clock that goes on by itself: more than a day.
        drop(tokio::time::timeout(Duration::from_secs(30 * 3_600), wait).await.unwrap().unwrap());
    };
    becomes(true).await;
    auth.is_away.store(true, Ordering::Relaxed);
    becomes(false).await;
    auth.is_away.store(false, Ordering::Relaxed);
    becomes(true).await;
    keeping.abort();
}

#[tokio::test]
async fn the_auth_service_is_told_from_where_a_ticket_is_shown() {
    let (auth, verifier) = verifier(&[]);
    let address = IpAddr::from([192, 0, 2, 9]);
    let ticket = Credential::Ticket("no-ticket".to_owned());
    let refused = verifier.verify(&ticket, Some(address)).await.unwrap_err();
    assert_eq!(refused.code, Code::Unauthenticated);
    assert_eq!(*auth.shown_from.lock().unwrap(), Some(address));
}

#[tokio::test]
async fn so_many_keys_are_kept_and_no_more() {
    const KEPT: usize = 64;
    let ids: Vec<&'static str> = (0..=KEPT).map(|n| &*format!("key-{n}").leak()).collect();
    let keys: Vec<SigningKey> = ids.into_iter().map(SigningKey::new).collect();
    let (_, verifier) = verifier(&keys.iter().collect::<Vec<_>>());
    for (place, key) in keys.iter().enumerate() {
        let refused = (place == KEPT).then_some(Code::Unauthenticated);
        assert_eq!(judge(&verifier, key.sign(&key.header(), &json!({}))).await, refused, "{place}");
    }
}
