//! What surrounds each call.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use madang_kit::{
    Lifecycle, Metrics, Readiness,
    grpc::{Access, ClientOptions, ServerOptions, ServiceChannel, channel, serve},
    lifecycle::Outcome,
};
use tokio::sync::Semaphore;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::replica::{Handler, call, routes};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

struct Fixture {
    life: Lifecycle,
    readiness: Readiness,
    metrics: Metrics,
    channel: ServiceChannel,
    url: String,
}

async fn fixture(options: ServerOptions, handler: Handler) -> Fixture {
    let (life, readiness) = (Lifecycle::new("test", Duration::from_secs(10)), Readiness::new());
    let metrics = Metrics::new("test").unwrap();
    let server = life.child("server");
    let address = serve(
        ([127, 0, 0, 1], 0).into(),
        routes(handler),
        &readiness,
        &metrics,
        &server,
        Access::default(),
        options,
    );
    let address = address.await.unwrap();
    let url = format!("http://{address}");
    let channel = channel("names", &url, ClientOptions::default(), &life).unwrap();
    Fixture { life, readiness, metrics, channel, url }
}

fn by_method(answer: fn(String) -> BoxFuture<'static, Result<String, Status>>) -> Handler {
    Arc::new(answer)
}

#[tokio::test]
async fn calls_are_measured_by_method_and_status() {
    let handler = by_method(|method| {
        Box::pin(async move {
            match method.as_str() {
                "Fail" => Err(Status::not_found("no")),
                "Panic" => panic!("a defect"),
                _ => Ok(method),
            }
        })
    });
    let fixture = fixture(ServerOptions::default(), handler).await;
    assert_eq!(call(&fixture.channel, "Get").await.unwrap(), "Get");
    assert_eq!(call(&fixture.channel, "Get").await.unwrap(), "Get");
    assert_eq!(call(&fixture.channel, "Fail").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(call(&fixture.channel, "Panic").await.unwrap_err().code(), Code::Internal);
    assert!(!fixture.life.is_stopping(), "a call's panic is that call's");
    let mut stranger = tonic::client::Grpc::new(fixture.channel.clone());
    stranger.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), String>::default();
    let path = "/test.Strangers/X".parse().unwrap();
    let answer = stranger.unary(tonic::Request::new(()), path, codec).await;
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);

    let text = fixture.metrics.render();
    for (method, code, count) in [
        ("test.Names/Get", "OK", 2),
        ("test.Names/Fail", "NOT_FOUND", 1),
        ("test.Names/Panic", "INTERNAL", 1),
        ("_OTHER", "UNIMPLEMENTED", 1),
    ] {
        let line = format!(
            r#"rpc_server_call_duration_seconds_count{{rpc_method="{method}",rpc_response_status_code="{code}",rpc_system_name="grpc"}} {count}"#
        );
        assert!(text.contains(&line), "{line}\n{text}");
    }
    assert!(text.contains("madang_rpc_server_active_calls 0"), "{text}");
    assert!(!text.contains("grpc.health"), "probes do not count");
}

#[tokio::test]
async fn too_many_calls_at_once_are_refused_at_once() {
    let gate = Arc::new(Semaphore::new(0));
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let own_gate = Arc::clone(&gate);
    let handler: Handler = Arc::new(move |method| {
        let gate = Arc::clone(&own_gate);
        let _ = arrived.send(());
        Box::pin(async move {
            let _permit = gate.acquire().await.unwrap();
            Ok(method)
        })
    });
    let options = ServerOptions { concurrent_calls: 2, ..ServerOptions::default() };
    let fixture = fixture(options, handler).await;
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let channel = fixture.channel.clone();
            tokio::spawn(async move { call(&channel, "Wait").await })
        })
        .collect();
    for _ in 0..2 {
        arrivals.recv().await.unwrap();
    }
    assert_eq!(call(&fixture.channel, "Wait").await.unwrap_err().code(), Code::Unavailable);
    gate.add_permits(1);
    for task in waiting {
        assert_eq!(task.await.unwrap().unwrap(), "Wait");
    }
    call(&fixture.channel, "Wait").await.unwrap();
    assert!(fixture.metrics.render().contains("madang_rpc_server_shed_calls_total 1"));
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    let handler = by_method(|_| Box::pin(std::future::pending()));
    let options = ServerOptions { call_timeout: Duration::from_millis(50), ..ServerOptions::default() };
    let fixture = fixture(options, handler).await;
    assert_eq!(call(&fixture.channel, "Hang").await.unwrap_err().code(), Code::DeadlineExceeded);
    assert!(fixture.metrics.render().contains("madang_rpc_server_active_calls 0"), "its place is free again");
}

#[tokio::test]
async fn health_follows_readiness_and_the_shutdown() {
    let fixture = fixture(ServerOptions::default(), by_method(|method| Box::pin(async { Ok(method) }))).await;
    let check = fixture.readiness.check("postgres");
    let mut client = HealthClient::new(fixture.channel.clone());
    let mut words = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let mut next = async || {
        let word = tokio::time::timeout(PATIENCE, words.message()).await.expect("a word, or the end");
        word.unwrap().map(|word| word.status())
    };
    // What the check said first may or may not have been seen.
    check.ready();
    while next().await != Some(ServingStatus::Serving) {}
    check.failing("no");
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    check.ready();
    assert_eq!(next().await, Some(ServingStatus::Serving));
    fixture.life.stop();
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    let late = channel("names", &fixture.url, ClientOptions::default(), &fixture.life).unwrap();
    assert!(call(&late, "Get").await.is_ok(), "it has said that it ends, and still takes calls");
    assert_eq!(next().await, None, "watchers are let go, or the server could not close");
    assert_eq!(fixture.life.finished().await, Outcome::Drained);
}
