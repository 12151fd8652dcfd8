//! The process as others see it: gRPC, and the operations port.

use std::net::SocketAddr;

use madang_auth::{Cli, run};
use madang_domain::Code;
use madang_kit::{Host, Lifecycle, config, lifecycle::Outcome};
use madang_rpc::auth::{
    Auth as _, AuthClient, ClientInfo, GetKeys, IssueTicket, Login, RedeemTicket, Register, Token,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{PASSWORD, World, assert_code, client, password, session_of, username};

fn command(world: &World, more: &[&str]) -> Cli {
    let url = world.url();
    let mut args = vec!["madang-auth", "--grpc-addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0"];
    args.extend(["--database-url", url.expose(), "--auth-argon2-memory-kib", "64"]);
    args.extend(more);
    config::try_parse_from(args, &config::Environment::new()).unwrap()
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: auth\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_grpc_and_the_public_keys_and_ends_in_order() {
    let world = World::sqlite();
    let host = Host::new("auth-test", Lifecycle::default()).unwrap();
    let running = run(command(&world, &[]), host).await.unwrap();
    let grpc = running.address("grpc").unwrap();
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{grpc}")).unwrap().connect_lazy();
    let auth = AuthClient::new(channel);

    let grant = auth
        .register(Register {
            username: username("mina"),
            password: password(PASSWORD),
            name: None,
            client: client(1),
        })
        .await
        .unwrap();
    let result = auth
        .login(Login { username: username("mina"), password: password("wrong password"), client: client(1) })
        .await;
    assert_code(result, Code::Unauthenticated);
    let ticket = auth
        .issue_ticket(IssueTicket { user: grant.user.id, session: session_of(&grant), issued_at: None })
        .await
        .unwrap();
    assert_eq!(
        auth.redeem_ticket(RedeemTicket {
            ticket: Token::new(&ticket.ticket),
            client: ClientInfo::default()
        })
        .await
        .unwrap()
        .profile,
        grant.user
    );

    let ops = running.address("ops").unwrap();
    let answer = get(ops, "/.well-known/jwks.json").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("cache-control: public, max-age=1800"), "{answer}");
    assert!(answer.ends_with(&auth.get_keys(GetKeys).await.unwrap()), "{answer}");
    assert!(get(ops, "/livez").await.starts_with("HTTP/1.1 200"));
    let metrics = get(ops, "/metrics").await;
    let line =
        r#"madang_auth_operation_duration_seconds_count{operation="login",outcome="unauthenticated"} 1"#;
    assert!(metrics.contains(line), "{metrics}");

    drop(auth);
    assert_eq!(running.stop().await, Outcome::Drained);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_told_to_let_nobody_register() {
    let world = World::sqlite();
    let host = Host::new("auth-test", Lifecycle::default()).unwrap();
    let running = run(command(&world, &["--registration", "closed"]), host).await.unwrap();
    let grpc = running.address("grpc").unwrap();
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{grpc}")).unwrap().connect_lazy();
    let auth = AuthClient::new(channel);
    let (username, password) = (username("mina"), password(PASSWORD));
    let result = auth.register(Register { username, password, name: None, client: client(1) }).await;
    assert_code(result, Code::PermissionDenied);
    drop(auth);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_tasks_end_by_themselves() {
    let world = World::sqlite();
    for (task, keys) in [(&["migrate"][..], 0), (&["rotate-key"], 2), (&["rotate-key", "--compromised"], 1)] {
        let host = Host::new("auth-test", Lifecycle::default()).unwrap();
        let running = run(command(&world, task), host.clone()).await.unwrap();
        assert!(running.addresses().is_empty());
        assert_eq!(host.lifecycle.finished().await, Outcome::Drained);
        assert_eq!(world.count("auth_signing_keys").await, keys, "{task:?}");
    }
}
