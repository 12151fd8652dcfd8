//! Every refusal, on every path, is the contract's problem document; and every answer is for one reader.

use std::{any::Any, sync::Arc};

use madang_contract::rest::{Access, Method, Route, all_routes};
use madang_domain::Code;
use madang_rpc::{
    Auth,
    around::{Around, Call, Layer},
    auth::{ApiKey, Scope},
    method::Method as RpcMethod,
};

use crate::{
    raw::{Answer, ask},
    support::{Gateway, Services},
};

/// Takes every API key for one that may do everything.
#[derive(Clone)]
pub(crate) struct AnyKey;

impl<S: Sync> Layer<S> for AnyKey {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static RpcMethod,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        if method.name == "verify_api_key" {
            let scopes = Scope::ALL.to_vec();
            let key: Box<dyn Any> = Box::new(ApiKey { id: "any".into(), name: "any".into(), scopes });
            let key = *key.downcast::<T>().expect("an API key");
            return Box::pin(async { Ok(key) });
        }
        call(service)
    }
}

/// One way to be wrong.
struct Wrong {
    what: &'static str,
    /// What stands in place of each parameter of the path.
    parameter: &'static str,
    query: &'static str,
    headers: String,
    body: Vec<u8>,
}

const JSON: &str = "content-type: application/json\r\n";

/// The ways to be wrong with a credential that is right.
fn ways(credential: &str) -> Vec<Wrong> {
    let ways: [(&str, &str, &str, &str, Vec<u8>); 14] = [
        ("a parameter that is none", "%20", "", JSON, b"{}".to_vec()),
        ("a parameter that is not UTF-8", "%FF%FE", "", JSON, b"{}".to_vec()),
        ("a parameter of nobody", "01941f29-7c00-7000-8000-0000000000ab", "", JSON, b"{}".to_vec()),
        (
            "a query said twice",
            "x",
            "?limit=1&limit=2&before=1&before=2&scope=a&scope=b",
            JSON,
            b"{}".to_vec(),
        ),
        ("a query that is none", "x", "?limit=x&before=x&after=%FF&scope=x&cursor=%00", JSON, b"{}".to_vec()),
        ("no body", "x", "", "", Vec::new()),
        ("a body of another type", "x", "", "content-type: text/plain\r\n", b"{}".to_vec()),
        ("a body of no type", "x", "", "", b"{}".to_vec()),
        ("a body that is cut", "x", "", JSON, b"{\"text\":\"".to_vec()),
        ("a body that is not UTF-8", "x", "", JSON, b"{\"text\":\"\xff\"}".to_vec()),
        ("half a surrogate pair", "x", "", JSON, br#"{"text":"cut \ud83d"}"#.to_vec()),
        ("a body that is no object", "x", "", JSON, b"[]".to_vec()),
        ("a field that there is not", "x", "", JSON, br#"{"volume":11}"#.to_vec()),
        (
            "a body over the bound",
            "x",
            "",
            JSON,
            format!("{{\"x\":\"{}\"}}", "x".repeat(200 * 1024)).into_bytes(),
        ),
    ];
    let wrong = |(what, parameter, query, headers, body)| Wrong {
        what,
        parameter,
        query,
        headers: format!("{credential}{headers}"),
        body,
    };
    let key = Wrong {
        what: "a key that is none",
        parameter: "x",
        query: "",
        headers: format!("{credential}{JSON}idempotency-key: \u{e9}\r\n"),
        body: b"{}".to_vec(),
    };
    ways.into_iter().map(wrong).chain([key]).collect()
}

/// The ways not to be let in.
fn without_credential() -> Vec<Wrong> {
    [
        ("no credential", ""),
        ("a credential that is none", "authorization: Basic eDp5\r\n"),
        ("a token that is none", "authorization: Bearer x\r\n"),
    ]
    .into_iter()
    .map(|(what, headers)| Wrong {
        what,
        parameter: "x",
        query: "",
        headers: format!("{headers}{JSON}"),
        body: b"{}".to_vec(),
    })
    .collect()
}

async fn send(gateway: &Gateway, method: &str, path: &str, wrong: &Wrong) -> Answer {
    let path: String = path
        .split('/')
        .map(|part| if part.starts_with('{') { wrong.parameter } else { part })
        .collect::<Vec<_>>()
        .join("/");
    let head = format!(
        "{method} {path}{} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n{}\r\n",
        wrong.query,
        gateway.address(),
        wrong.body.len(),
        wrong.headers
    );
    ask(gateway.address(), &[head.as_bytes(), &wrong.body].concat()).await
}

fn check(answer: &Answer, method: &str, route: &str, what: &str) -> bool {
    let cached = matches!(route, "/.well-known/jwks.json" | "/v1/openapi.json" | "/v1/asyncapi.json");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{method} {route}, {what}");
    if !(cached && answer.status < 400) {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method} {route}, {what}");
    }
    assert!(answer.status < 500, "{method} {route}, {what}: {}", answer.status);
    if answer.status < 400 || method == "HEAD" {
        return false;
    }
    let problem = answer.problem();
    assert!(!problem.detail.is_empty() && !problem.title.is_empty(), "{method} {route}, {what}");
    true
}

fn is_parsed(route: &Route) -> bool {
    route.request.is_some() || route.query.is_some() || route.path.contains('{')
}

#[tokio::test]
async fn every_refusal_on_every_path_is_a_problem() {
    let services = Services::start().await;
    let auth: Arc<dyn Auth> = Arc::new(Around::new(Arc::clone(&services.auth), AnyKey));
    let gateway = services.gateway_with_auth(auth, |_| ()).await;
    let mina = services.user("mina").await;
    for route in all_routes() {
        let method = route.method.as_str();
        let credential = match route.access {
            Access::Public => String::new(),
            Access::User | Access::OwnSession | Access::WebSocket => {
                format!("authorization: Bearer {}\r\n", mina.token)
            }
            Access::ApiKey(_) => "authorization: Bearer mk_any\r\n".to_owned(),
        };
        let mut refused = 0;
        for wrong in ways(&credential) {
            // What would end the story is not sent.
            if route.method == Method::Delete && !route.path.contains('{') {
                continue;
            }
            let answer = send(&gateway, method, route.path, &wrong).await;
            refused += usize::from(check(&answer, method, route.path, wrong.what));
        }
        assert!(refused > 0 || !is_parsed(route), "nothing is wrong for {method} {}", route.path);
        for wrong in without_credential() {
            let answer = send(&gateway, method, route.path, &wrong).await;
            let was_refused = check(&answer, method, route.path, wrong.what);
            // Here every key is good.
            let is_good = matches!(route.access, Access::ApiKey(_)) && wrong.headers.contains("Bearer");
            let may_pass = route.access == Access::Public || is_good;
            assert!(was_refused || may_pass, "{method} {}, {}", route.path, wrong.what);
        }
        // Methods that no route knows, and a path behind each.
        let [wrong, ..] = &ways(&credential)[..] else { unreachable!("there are ways") };
        for method in ["PROPFIND", "TRACE", "CONNECT-X"] {
            let answer = send(&gateway, method, route.path, wrong).await;
            assert_eq!(answer.status, 405, "{method} {}", route.path);
            assert!(answer.header("allow").is_some_and(|allow| allow.contains(route.method.as_str())));
            check(&answer, method, route.path, "an unknown method");
        }
        let behind = format!("{}/no/such/path", route.path);
        let answer = send(&gateway, method, &behind, wrong).await;
        assert_eq!((answer.status, answer.problem().code), (404, Code::NotFound), "{method} {behind}");
        check(&answer, method, &behind, "an unknown path");
    }
}
