//! Connections that end while calls begin: what the service has not begun with is repeated, whatever the method.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use h2::Reason;
use madang_domain::Code;
use madang_rpc::{
    Auth as _, AuthClient,
    auth::{ClientInfo, RedeemTicket, Token},
    client::CallSettings,
};
use tokio::{net::TcpListener, time::Instant};
use tonic::transport::Endpoint;

use crate::{scripted::Scripted, served::Served};

/// A method of the class `never`.
fn redeem_ticket() -> RedeemTicket {
    RedeemTicket { ticket: Token::new("ticket"), client: ClientInfo::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_where_its_connection_reaches_its_maximum_age_and_none_is_made_twice() {
    const AGE: Duration = Duration::from_millis(150);
    const LOAD: Duration = Duration::from_secs(3);
    const CALLERS: usize = 16;
    let service = Arc::new(Scripted::default());
    let served = Served::aging(&service, AGE);
    let auth = Arc::new(AuthClient::new(served.channel()));
    let until = Instant::now() + LOAD;
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let auth = Arc::clone(&auth);
            tokio::spawn(async move {
                let (mut calls, mut failed) = (0, Vec::new());
                while Instant::now() < until {
                    calls += 1;
                    failed.extend(auth.redeem_ticket(redeem_ticket()).await.err());
                }
                (calls, failed)
            })
        })
        .collect();
    let (mut calls, mut failed) = (0, Vec::new());
    for caller in callers {
        let (theirs, failures) = caller.await.unwrap();
        calls += theirs;
        failed.extend(failures);
    }
    assert!(failed.is_empty(), "{} of {calls} calls failed: {:?}", failed.len(), failed[0]);
    assert_eq!(service.calls().len(), calls);
}

/// A server that resets the first stream for a reason, and answers the next ones with a status that no service of ours has.
/// Tells how many requests came.
async fn resetting(reason: Reason) -> (Endpoint, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        let mut connection = h2::server::handshake(listener.accept().await.unwrap().0).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            if seen.fetch_add(1, Ordering::Relaxed) == 0 {
                respond.send_reset(reason);
            } else {
                let head = http::Response::builder().header("content-type", "application/grpc");
                let answer = head.header("grpc-status", "12").body(()).unwrap();
                respond.send_response(answer, true).unwrap();
            }
        }
    });
    (endpoint, requests)
}

#[tokio::test]
async fn a_refused_stream_is_repeated_whatever_the_method_and_another_reset_is_not() {
    for (reason, tries, code) in
        [(Reason::REFUSED_STREAM, 2, Code::Internal), (Reason::INTERNAL_ERROR, 1, Code::Unavailable)]
    {
        let (endpoint, requests) = resetting(reason).await;
        let auth = AuthClient::with_settings(endpoint.connect_lazy(), CallSettings::default());
        let error = auth.redeem_ticket(redeem_ticket()).await.unwrap_err();
        assert_eq!((error.code, requests.load(Ordering::Relaxed)), (code, tries), "{reason:?}: {error:?}");
    }
}
