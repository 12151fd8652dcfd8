//! Files over two gateways, in one directory and in one store that speaks S3: through the ingress, in messages, on the
//! disk and off it again.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::path::{Path, PathBuf};

use madang_client::Body;
use madang_contract::{Attachment, EventBody};
use madang_e2e::{PATIENCE, Person, Stage, fast_sends, public_room};
use madang_test_kit::{
    Home, Process, ProcessSpec, Program, Signal, eventually, free_port, pictures::photograph,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

const WHERE: &str = "37.5665N 126.9780E";

/// All bytes of the files in a directory, and how many files there are.
fn kept(directory: &Path) -> (usize, Vec<u8>) {
    let (mut count, mut bytes) = (0, Vec::new());
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            let (more, of_them) = kept(&entry.path());
            count += more;
            bytes.extend(of_them);
        } else {
            count += 1;
            bytes.extend(std::fs::read(entry.path()).unwrap_or_default());
        }
    }
    (count, bytes)
}

#[tokio::test]
async fn a_photograph_is_sent_over_two_gateways_and_goes_with_its_message() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path().join("files");
    let path = at.to_str().expect("a path").to_owned();
    follow_a_photograph(&[("MADANG_FILES_URL", &path)], &at).await;
}

/// `make test-object-store` builds the store, a small one for tests, and names it.
#[tokio::test]
#[ignore = "needs a store that speaks S3: make test-object-store"]
async fn a_photograph_lies_in_a_store_that_speaks_s3() {
    let program = std::env::var_os("S3_SERVER").expect("S3_SERVER, by make test-object-store");
    let store = S3Server::start(program.into()).await;
    let key = tempfile::tempdir().expect("a directory");
    let [id, secret] = ["id", "secret"].map(|name| {
        let file = key.path().join(name);
        std::fs::write(&file, format!("of-the-test-{name}\n")).expect("a file");
        file.to_str().expect("a path").to_owned()
    });
    let settings = [
        ("MADANG_FILES_URL", &*format!("s3://{BUCKET}/of/this/cluster")),
        ("MADANG_FILES_ACCESS_KEY_ID_FILE", &id),
        ("MADANG_FILES_SECRET_ACCESS_KEY_FILE", &secret),
        ("AWS_ENDPOINT_URL", &store.url),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
    ];
    follow_a_photograph(&settings, &store.files.join("of/this/cluster")).await;
}

const BUCKET: &str = "files";

/// A store that speaks S3 and keeps its objects as files.
struct S3Server {
    url: String,
    files: PathBuf,
    _process: Process,
    _home: Home,
}

impl S3Server {
    async fn start(program: PathBuf) -> Self {
        let home = Home::create("s3", None).expect("a directory");
        let files = home.join("files");
        let address = format!("127.0.0.1:{}", free_port().expect("a port"));
        let arguments = [
            "-backend=directfs".into(),
            format!("-directfs.bucket={BUCKET}").into(),
            format!("-directfs.path={}", files.display()).into(),
            "-directfs.create".into(),
            format!("-host={address}").into(),
        ];
        let process = Process::spawn(ProcessSpec {
            name: "s3".to_owned(),
            program,
            arguments: arguments.into(),
            environment: Vec::new(),
            directory: home.path().to_owned(),
            log: home.join("s3.log"),
            account: None,
            stop_signal: Signal::TERM,
        })
        .expect("the store");
        let answers = || async { TcpStream::connect(&address).await.map(drop) };
        process.ready(PATIENCE, answers).await.expect("the store answers");
        Self { url: format!("http://{address}"), files, _process: process, _home: home }
    }
}

/// Follows a photograph through a cluster with these settings, whose files lie in this directory.
async fn follow_a_photograph(settings: &[(&str, &str)], at: &Path) {
    let options = settings
        .iter()
        .fold(fast_sends(), |options, (name, value)| options.with_setting(Program::Gateway, name, *value));
    let stage = Stage::start(options).await;
    let mina = Person::register(stage.gateway(0), "mina").await;
    let joon = Person::register(stage.gateway(1), "joon").await;
    let room = public_room(&mina, "Yard", &[&joon]).await.id;
    let listener = joon.listen(vec![stage.gateway(1)], room).await;

    // Through the ingress, which lets no other body of this size pass.
    let photograph = photograph(3_000, 2_000, 1, WHERE);
    assert!(photograph.len() > 128 * 1024, "{} bytes", photograph.len());
    let upload = mina
        .at(&stage.ingress())
        .request(Method::POST, &format!("/v1/rooms/{room}/files?name=%EB%A7%88%EB%8B%B9.jpg"));
    let answer = upload.body(photograph).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let file: Attachment = answer.json().await.expect("a file");
    assert_eq!(kept(at).0, 3, "the picture and two thumbnails");
    let body = json!({"text": "look", "attachments": [{"file": file.file}]});
    let send = mina.api.request(Method::POST, &format!("/v1/rooms/{room}/messages")).json(&body);
    let sent: Value = send.send().await.expect("an answer").json().await.expect("a message");
    let shown = |body: &Body| match body {
        Body::Known(EventBody::Message { message }) => message.attachments == [file.clone()],
        _ => false,
    };
    listener.until(PATIENCE, "the file", |heard| heard.events.iter().any(|event| shown(&event.body))).await;

    let get = async |part: &str| {
        let path = format!("{}{part}", file.url.as_str());
        joon.at(&stage.gateway(1)).request(Method::GET, &path).send().await.expect("an answer")
    };
    let whole = get("").await.bytes().await.expect("bytes");
    assert_eq!(whole.len() as u64, file.size_bytes);
    assert_eq!(get("/thumbnail/small").await.status(), StatusCode::OK);
    let holds_place = |bytes: &[u8]| bytes.windows(WHERE.len()).any(|part| part == WHERE.as_bytes());
    assert!(!holds_place(&whole) && !holds_place(&kept(at).1), "where it was taken is nowhere");

    // A gateway that is killed in the middle of an upload leaves nothing, and its place in the share expires.
    let mut upload =
        TcpStream::connect(stage.gateway(0).trim_start_matches("http://")).await.expect("a socket");
    let head = format!(
        "POST /v1/rooms/{room}/files?name=a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-length: 1000000\r\n\r\n",
        mina.grant.access_token
    );
    upload.write_all(head.as_bytes()).await.expect("the head");
    upload.write_all(&[7; 300_000]).await.expect("a part");
    stage.cluster.gateway(0).kill9().await.expect("killed");
    assert_eq!(kept(at).0, 3);

    // Deleted at the other gateway, the file is gone for everybody at once, and then from the disk.
    let id = sent["id"].as_str().expect("an id");
    let delete =
        mina.at(&stage.gateway(1)).request(Method::DELETE, &format!("/v1/rooms/{room}/messages/{id}"));
    assert_eq!(delete.send().await.expect("an answer").status(), StatusCode::NO_CONTENT);
    assert_eq!(get("").await.status(), StatusCode::NOT_FOUND);
    eventually(PATIENCE, "an empty directory", async || (kept(at).0 == 0).then_some(())).await;
}
