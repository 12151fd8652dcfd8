//! The whole cluster, of the services' real binaries (`make test` builds them first).

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::path::Path;

use madang_test_kit::{Cluster, ClusterOptions, Error, PROCESSES_FILE, ProcessEntry, Program, is_free};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The status line of `GET path`.
async fn status(address: &str, path: &str) -> String {
    let address = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

fn listed(data_dir: &Path) -> Vec<ProcessEntry> {
    serde_json::from_str(&std::fs::read_to_string(data_dir.join(PROCESSES_FILE)).unwrap()).unwrap()
}

#[tokio::test]
async fn a_cluster_starts_survives_a_killed_gateway_and_stops_whole() {
    let data = tempfile::tempdir().unwrap();
    let options = ClusterOptions { data_dir: Some(data.path().to_owned()), ..ClusterOptions::default() };
    let cluster = Cluster::start(options).await.unwrap();

    let again = ClusterOptions { data_dir: Some(data.path().to_owned()), ..ClusterOptions::default() };
    assert!(matches!(Cluster::start(again).await, Err(Error::ClusterRuns { .. })));

    let processes = listed(data.path());
    let names: Vec<&str> = processes.iter().map(|process| process.name.as_str()).collect();
    let services = ["auth-1", "auth-2", "message-store-1", "message-store-2", "gateway-1", "gateway-2"];
    assert_eq!(names, [&["postgres", "redis"], &services[..], &["nginx"]].concat());
    for process in &processes {
        assert!(Path::new(&format!("/proc/{}", process.pid)).exists(), "{process:?}");
        assert!(process.log.is_file(), "{process:?}");
        assert_eq!(process.ops_address.is_some(), services.contains(&process.name.as_str()), "{process:?}");
    }
    for service in cluster.services() {
        assert_eq!(status(&service.ops_url(), "/livez").await, "HTTP/1.1 200 OK", "{}", service.name());
        assert!(service.process().usage().unwrap().resident_bytes > 0);
    }
    let keys = "/.well-known/jwks.json";
    assert_eq!(status(&cluster.ingress_url(), keys).await, "HTTP/1.1 200 OK");

    cluster.gateway(0).kill9().await.unwrap();
    for _ in 0..4 {
        assert_eq!(status(&cluster.ingress_url(), keys).await, "HTTP/1.1 200 OK", "one gateway is enough");
    }
    cluster.gateway(0).restart().await.unwrap();
    assert_eq!(status(&cluster.gateway(0).base_url(), keys).await, "HTTP/1.1 200 OK");

    cluster.stop().await.unwrap();
    assert!(!data.path().join(PROCESSES_FILE).exists());
    assert!(processes.iter().all(|process| is_free(process.address.port())));
}

#[tokio::test]
async fn a_service_that_refuses_its_settings_says_so_in_the_error() {
    let options =
        ClusterOptions { auth: 1, message_store: 0, gateways: 0, nginx: false, ..ClusterOptions::default() }
            .with_setting(Program::Auth, "MADANG_NO_SUCH_SETTING", "1");
    let error = Cluster::start(options).await.unwrap_err();
    assert!(matches!(error, Error::Exited { .. }), "{error}");
    assert!(error.to_string().contains("MADANG_NO_SUCH_SETTING"), "{error}");
}
