//! JSON over HTTP, to what runs on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use tokio::net::TcpStream;

/// More than any answer takes on a busy machine.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);

/// A client that any test may use: it keeps no connection, because one belongs to the runtime of the test that opened it.
pub(crate) fn client() -> Client {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(ANSWER_DEADLINE);
    client.build().expect("a client without TLS needs nothing that could be missing")
}

/// Sends a request that has to succeed; an answer without a body is `null`.
///
/// # Panics
/// When it does not, with what the server said.
pub(crate) async fn answer(request: RequestBuilder) -> Value {
    let response = request.send().await.expect("an answer");
    let (url, status) = (response.url().clone(), response.status());
    let body = response.text().await.unwrap_or_default();
    assert!(status.is_success(), "{url} answered {status}: {body}");
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{url} answered no JSON ({error}): {body}"))
}

/// Whether somebody listens there.
pub(crate) async fn connectable(address: SocketAddr) -> std::io::Result<()> {
    TcpStream::connect(address).await.map(drop)
}
