//! The one binary: with nothing but a directory, and with PostgreSQL and Redis.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a story that cannot go on ends with a message")]

use std::path::Path;

use madang_client::{Client, Credential, Session, SessionOptions};
use madang_domain::{Code, Cursor, Seq};
use madang_e2e::{Listener, PATIENCE, Person, SITE_SECRET, Standalone, log_of, public_room, within};
use madang_test_kit::{Durability, PostgresServer, Program, RedisServer, data_directory};

/// Two who chat at two addresses, which may be one.
async fn chat_between(first: &str, second: &str) -> (Person, madang_domain::RoomId, Seq) {
    let (mina, joon) = tokio::join!(Person::register(first, "mina"), Person::register(second, "joon"));
    let room = public_room(&mina, "마당", &[&joon]).await.id;
    let mina_hears = mina.listen(vec![first.to_owned()], room).await;
    let joon_hears = joon.listen(vec![second.to_owned()], room).await;
    let hello = mina_hears.session.send(room, "안녕하세요").await.expect("a send");
    joon_hears.until_seq(PATIENCE, hello.seq).await;
    let answer = joon_hears.session.send(room, "반갑습니다").await.expect("a send");
    assert_eq!(answer.seq, hello.seq.next());
    for listener in [&mina_hears, &joon_hears] {
        listener.until_seq(PATIENCE, answer.seq).await;
        listener.assert_whole(Seq::START, answer.seq);
        assert_eq!(listener.texts(), ["안녕하세요", "반갑습니다"]);
    }
    (mina, room, answer.seq)
}

/// The memory of a log is the same after a restart, and so are the sessions.
async fn remembered(base: &str, mina: &Person, room: madang_domain::RoomId, last: Seq) {
    // The access token of before, and the refresh token.
    let history = mina.api.messages(room, None, None, None).await.expect("the history");
    let texts: Vec<_> = history.items.iter().map(|message| &*message.text).collect();
    assert_eq!(texts, ["반갑습니다", "안녕하세요"]);
    let listener = mina.listen(vec![base.to_owned()], room).await;
    listener.until_seq(PATIENCE, last).await;
    let next = listener.session.send(room, "after").await.expect("a send");
    assert_eq!(next.seq, last.next(), "the log goes on where it was");
    listener.until_seq(PATIENCE, next.seq).await;
    listener.assert_whole(Seq::START, next.seq);
    let renewed = mina.api.refresh(&mina.grant.refresh_token).await.expect("the session of before");
    Client::new(base).unwrap().with_token(renewed.access_token).me().await.expect("the new token");
}

/// Whoever signs in elsewhere does not make accounts here as well: an operator who named an issuer would hardly expect
/// it.
#[tokio::test]
async fn an_issuer_closes_registration_unless_it_is_opened() {
    let issuer = [("MADANG_ISSUER_ALGORITHMS", "HS256"), ("MADANG_ISSUER_SECRET", SITE_SECRET)];
    let (open, closed) = (("MADANG_REGISTRATION", "open"), ("MADANG_REGISTRATION", "closed"));
    let cases = [
        (vec![], None),
        (vec![closed], Some(Code::PermissionDenied)),
        (issuer.to_vec(), Some(Code::PermissionDenied)),
        (vec![issuer[0], issuer[1], open], None),
    ];
    for (settings, refusal) in cases {
        let data = data_directory("all-in-one").expect("a directory");
        let directory = data.path().display().to_string();
        let settings = [settings, vec![("MADANG_DATA_DIR", directory.as_str())]].concat();
        let madang = Standalone::start(Program::AllInOne, &settings).await;
        let guest = Client::new(&madang.service.base_url()).unwrap();
        let registered = guest.register("mina", "a courtyard at noon", None).await;
        let code = registered.err().map(|error| error.code().expect("an answer of the server"));
        assert_eq!(code, refusal, "{settings:?}");
    }
}

#[tokio::test]
async fn it_needs_nothing_but_a_directory() {
    let data = data_directory("all-in-one").expect("a directory");
    let directory = data.path().display().to_string();
    let madang = Standalone::start(Program::AllInOne, &[("MADANG_DATA_DIR", &directory)]).await;
    let base = madang.service.base_url();
    let (mina, room, last) = chat_between(&base, &base).await;
    assert!(holds_a_database(data.path()), "the data is in the directory that was named");
    // Its one port serves the operations routes.
    for path in ["/livez", "/readyz", "/metrics"] {
        let answer = Client::new(&base).unwrap().request(reqwest::Method::GET, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
    }

    // In good order, and in no order at all.
    let status = madang.service.stop().await.expect("an end");
    assert_eq!(status.code(), Some(0), "the exit status; its log:\n{}", madang.log());
    madang.service.restart().await.expect("a restart");
    remembered(&base, &mina, room, last).await;
    let rooms = mina.api.rooms(None, None).await.unwrap().items;
    madang.service.kill9().await.expect("a kill");
    madang.service.restart().await.expect("a restart");
    assert_eq!(mina.at(&base).rooms(None, None).await.unwrap().items, rooms);
    assert!(!madang.log().contains("panicked"), "{}", madang.log());
}

#[tokio::test]
async fn its_directory_may_have_any_name() {
    let data = data_directory("all-in-one").expect("a directory");
    // Beside each other: what is decoded, or cut off, is another directory.
    let names = ["a b", "a%20b", "a?mode=memory", "a#b", "한글 &+\"'"];
    for name in names {
        let directory = data.path().join(name);
        let setting = directory.display().to_string();
        let madang = Standalone::start(Program::AllInOne, &[("MADANG_DATA_DIR", &setting)]).await;
        // Where it is another start's, somebody has the name.
        let guest = Client::new(&madang.service.base_url()).unwrap();
        guest.register("mina", "a courtyard at noon", None).await.expect("a directory of its own");
        assert!(holds_a_database(&directory), "{name}");
        madang.service.stop().await.expect("an end");
    }
    let made = std::fs::read_dir(data.path()).expect("the directory").flatten();
    let made: std::collections::BTreeSet<_> =
        made.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(made, names.map(str::to_owned).into());
}

#[tokio::test]
async fn a_password_that_is_not_encoded_ends_the_start_with_a_hint() {
    for (setting, url) in [
        ("MADANG_DATABASE_URL", "postgres://madang:pa#ss@127.0.0.1:1/madang"),
        ("MADANG_DATABASE_URL", "postgres://madang:12?34@127.0.0.1:1/madang"),
        ("MADANG_REDIS_URL", "redis://:pa#ss@127.0.0.1:1"),
    ] {
        let data = data_directory("all-in-one").expect("a directory");
        let directory = data.path().display().to_string();
        let settings = [("MADANG_DATA_DIR", directory.as_str()), (setting, url)];
        let madang = Standalone::spawn(Program::AllInOne, &settings);
        madang.service.ready().await.expect_err("it does not start");
        let log = madang.log();
        assert!(log.contains(setting) && log.contains("%23"), "{url}: {log}");
        assert!(!log.contains("pa#ss") && !log.contains("12?34"), "{log}");
    }
}

fn holds_a_database(directory: &Path) -> bool {
    let mut files = std::fs::read_dir(directory).expect("the directory").flatten();
    files.any(|file| file.path().extension().is_some_and(|extension| extension == "db"))
}

#[tokio::test]
async fn a_listener_resumes_over_its_restart() {
    let data = data_directory("all-in-one").expect("a directory");
    let directory = data.path().display().to_string();
    let madang = Standalone::start(Program::AllInOne, &[("MADANG_DATA_DIR", &directory)]).await;
    let base = madang.service.base_url();
    let mina = Person::register(&base, "mina").await;
    let room = public_room(&mina, "Room", &[]).await.id;
    // The all-in-one lets a token stand in the address; nothing else does by default.
    let token = Credential::Query(mina.grant.access_token.clone());
    let listener = Listener::start(vec![base], token, room, SessionOptions::default()).await;
    let before = listener.session.send(room, "before").await.expect("a send");
    listener.until_seq(PATIENCE, before.seq).await;
    madang.service.kill9().await.expect("a kill");
    listener.until(PATIENCE, "the end of the socket", |heard| !heard.closes.is_empty()).await;
    // Sent while there is nobody: it waits for the restart.
    let session = listener.session.clone();
    let sending = tokio::spawn(async move { session.send(room, "meanwhile").await });
    madang.service.restart().await.expect("a restart");
    let meanwhile = within(PATIENCE, "the send to be acknowledged", sending).await.unwrap().expect("a send");
    listener.until_seq(PATIENCE, meanwhile.seq).await;
    listener.assert_whole(Seq::START, meanwhile.seq);
    assert_eq!(listener.texts(), ["before", "meanwhile"]);
}

#[tokio::test]
async fn with_postgres_and_redis_it_is_one_of_several() {
    let (postgres, redis) = tokio::join!(PostgresServer::start(Durability::Fast), RedisServer::start());
    let (postgres, redis) = (postgres.expect("PostgreSQL"), redis.expect("Redis"));
    let database = postgres.create_database("madang").await.expect("a database");
    let redis_url = redis.url();
    let settings = [("MADANG_DATABASE_URL", database.as_str()), ("MADANG_REDIS_URL", redis_url.as_str())];
    let (first, second) = tokio::join!(
        Standalone::start(Program::AllInOne, &settings),
        Standalone::start(Program::AllInOne, &settings)
    );
    let (one, other) = (first.service.base_url(), second.service.base_url());
    let (mina, room, last) = chat_between(&one, &other).await;
    let log = log_of(&database, room).await;
    assert_eq!(log.iter().filter(|row| row.is_message()).count(), 2);
    assert_eq!(log.last().map(|row| row.seq), i64::try_from(last.get()).ok());

    // One of them goes; the client of the other does not feel it, its own goes over.
    let cursor = Cursor { seq: last, epoch: None };
    let (session, mut events) =
        Session::start(vec![one, other.clone()], mina.bearer(), SessionOptions::default());
    session.subscribe(room, Some(cursor)).await.expect("a subscription");
    first.service.kill9().await.expect("a kill");
    let sent = session.send(room, "from the other").await.expect("a send");
    loop {
        let event = events.next_within(PATIENCE).await.expect("no fault").expect("the event");
        if let madang_client::SessionEvent::Event(event) = event {
            assert_eq!(event.seq, sent.seq);
            break;
        }
    }
    for process in [&first, &second] {
        assert!(!process.log().contains("panicked"), "{}", process.log());
    }
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_its_name() {
    for (name, value) in [
        ("MADANG_HTTP_ADDR", "nowhere"),
        ("MADANG_NO_SUCH_SETTING", "1"),
        ("MADANG_DATABASE_URL", "mysql://localhost/madang"),
        ("MADANG_REDIS_URL", "http://localhost"),
    ] {
        let data = data_directory("all-in-one").expect("a directory");
        let directory = data.path().display().to_string();
        let madang = Standalone::spawn(Program::AllInOne, &[("MADANG_DATA_DIR", &directory), (name, value)]);
        let ended = madang.service.process().exited(PATIENCE).await;
        let status = ended.unwrap_or_else(|error| panic!("{name}={value} is accepted: {error}"));
        assert!(!status.success(), "{name}={value}: {status}");
        let log = madang.log();
        assert!(log.contains(name), "{name}={value} is not named:\n{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}
