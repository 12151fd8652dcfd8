//! The restore drill: the commands of docs/backup.md, run as they stand there, under traffic; then the clients are asked
//! what they have seen.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a story that cannot go on ends with a message")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use madang_client::{Client, Session, SessionEvent, SessionOptions};
use madang_domain::{Code, Cursor, RoomId, Seq};
use madang_e2e::{Listener, PATIENCE, Person, eventually, log_of, public_room, within};
use madang_test_kit::{
    Account, Durability, Home, PostgresServer, Process, ProcessSpec, Program, RedisServer, Service,
    ServiceSpec, Signal, binaries_directory, data_directory, free_address,
};
use sqlx::Connection as _;
use tokio::{process::Command, task::JoinHandle};

/// Messages that are acknowledged before the backup begins, and after it has ended.
const BEFORE: usize = 40;
const LOST: usize = 30;

/// Runs the commands of docs/backup.md that stand behind a mark, in a directory and with variables.
async fn run_documented(mark: &str, directory: &Path, variables: &[(&str, &str)]) {
    run_documented_as(None, mark, directory, variables).await;
}

/// The same, as another account.
async fn run_documented_as(
    account: Option<Account>,
    mark: &str,
    directory: &Path,
    variables: &[(&str, &str)],
) {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/backup.md");
    let document = std::fs::read_to_string(document).expect("docs/backup.md");
    let after = document.split_once(&format!("<!-- run: {mark} -->")).expect("the mark").1;
    let block = after.split_once("```sh\n").expect("a block of commands").1;
    let block = block.split_once("```").expect("the end of the block").0;
    let mut path = binaries_directory().expect("the binaries").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", block]).current_dir(directory).env_clear();
    command.env("PATH", path).env("LC_ALL", "C.UTF-8").envs(variables.iter().copied()).kill_on_drop(true);
    if let Some(account) = account {
        command.uid(account.user_id).gid(account.group_id);
    }
    let output = within(PATIENCE * 4, mark, command.output()).await.expect("bash runs");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{mark}: {block}\n{}", String::from_utf8_lossy(&said));
}

/// An all-in-one at an address that stays the same, whichever data it has.
async fn start(home: &Home, name: &str, address: SocketAddr, settings: &[(&str, &str)]) -> Service {
    let directory = home.join(name);
    std::fs::create_dir_all(&directory).expect("a directory");
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let service = Service::start(ServiceSpec {
        name: name.to_owned(),
        program: Program::AllInOne,
        binaries: binaries_directory().expect("the binaries"),
        address,
        ops_address: address,
        settings: settings.iter().map(own).collect(),
        log: directory.join("log"),
        directory,
        host: None,
    });
    service.await.unwrap_or_else(|error| panic!("{name} does not start: {error}"))
}

/// Somebody who sends without end, and remembers what was acknowledged.
struct Traffic {
    acknowledged: Arc<Mutex<Vec<(Seq, String, String)>>>,
    stopped: Arc<AtomicBool>,
    sending: JoinHandle<()>,
}

impl Traffic {
    fn start(sender: &Person, bases: Vec<String>, room: RoomId) -> Self {
        let (acknowledged, stopped) = (Arc::<Mutex<Vec<_>>>::default(), Arc::new(AtomicBool::new(false)));
        let (noted, end) = (Arc::clone(&acknowledged), Arc::clone(&stopped));
        let (session, mut events) = Session::start(bases, sender.bearer(), SessionOptions::default());
        let sending = tokio::spawn(async move {
            let drain = tokio::spawn(async move { while let Ok(Some(_)) = events.next().await {} });
            for number in 0.. {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                let (text, key) = (format!("traffic {number}"), format!("traffic-{number}"));
                let sent = session.send_with_key(room, &text, &key).await.expect("a send");
                noted.lock().unwrap().push((sent.seq, text, key));
            }
            session.close().await;
            drain.abort();
        });
        Self { acknowledged, stopped, sending }
    }

    /// Nothing is sent any more.
    fn over() -> Self {
        Self { acknowledged: Arc::default(), stopped: Arc::default(), sending: tokio::spawn(async {}) }
    }

    fn so_far(&self) -> Vec<(Seq, String, String)> {
        self.acknowledged.lock().unwrap().clone()
    }

    async fn until_more(&self, more: usize) {
        let before = self.so_far().len();
        eventually(PATIENCE, "more messages", async || (self.so_far().len() >= before + more).then_some(()))
            .await;
    }

    async fn stop(self) -> Vec<(Seq, String, String)> {
        self.stopped.store(true, Ordering::Relaxed);
        within(PATIENCE, "the last send", self.sending).await.expect("no panic");
        let acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.clone()
    }
}

fn resets(listener: &Listener) -> usize {
    listener.heard().others.iter().filter(|event| matches!(event, SessionEvent::Reset { .. })).count()
}

/// The users and the room of a drill, before its backup.
struct Drill {
    mina: Person,
    room: RoomId,
    bases: Vec<String>,
    /// Stays connected, as far as there is something to be connected with.
    joon: Listener,
    /// Goes away after the backup, with a cursor of the time that will be lost.
    hana: Person,
    traffic: Traffic,
}

/// What was acknowledged before the backup began, until it had ended, and afterwards.
struct Acknowledged {
    kept: Vec<(Seq, String, String)>,
    all: Vec<(Seq, String, String)>,
    /// Those after this one are certainly lost.
    at_end: usize,
    hana_at: Cursor,
    newcomer: Person,
}

impl Drill {
    async fn begin(bases: Vec<String>) -> Self {
        let (first, last) = (bases[0].as_str(), bases[bases.len() - 1].as_str());
        let mina = Person::register(first, "mina").await;
        let (joon, hana) = (Person::register(last, "joon").await, Person::register(last, "hana").await);
        let room = public_room(&mina, "Room", &[&joon, &hana]).await.id;
        let joon = joon.listen(vec![last.to_owned()], room).await;
        let traffic = Traffic::start(&mina, vec![first.to_owned()], room);
        traffic.until_more(BEFORE).await;
        Self { mina, room, bases, joon, hana, traffic }
    }

    /// Runs the backup in the middle of the traffic, and lets more be sent.
    async fn back_up(&self, backup: impl AsyncFnOnce()) -> Acknowledged {
        let kept = self.traffic.so_far();
        backup().await;
        let at_end = self.traffic.so_far().len();
        self.traffic.until_more(LOST).await;
        // Both of the lost time: where somebody has read to, and somebody who has just come.
        let listener = self.hana.listen(vec![self.bases[0].clone()], self.room).await;
        let seen = self.traffic.so_far().last().expect("a message").0;
        listener.until_seq(PATIENCE, seen).await;
        let hana_at = listener.session.cursor(self.room).await.expect("a cursor");
        assert!(hana_at.epoch.is_some(), "a cursor has the epoch");
        let newcomer = Person::register(&self.bases[0], "newcomer").await;
        let all = self.traffic.so_far();
        Acknowledged { kept, all, at_end, hana_at, newcomer }
    }

    /// Asks the clients, once the restored data is served at the same addresses.
    async fn judge(self, acknowledged: Acknowledged, log: impl AsyncFnOnce() -> BTreeMap<i64, String>) {
        let Acknowledged { kept, all, at_end, hana_at, newcomer } = acknowledged;
        let (room, base) = (self.room, self.bases[0].as_str());
        // The client that was there all the time learns that its cursor is of another history.
        self.joon
            .until(PATIENCE, "the new epoch", |heard| {
                heard.others.iter().any(|event| matches!(event, SessionEvent::Reset { .. }))
            })
            .await;
        let reset_from = self.joon.heard().others.iter().find_map(|event| match event {
            SessionEvent::Reset { from, .. } => Some(*from),
            _ => None,
        });
        let reset_from = reset_from.expect("the reset");

        // A message that is in the backup is not doubled by its key; one that is not is sent.
        let api = self.mina.at(base);
        let (seq, text, key) = kept.last().expect("a message");
        let again = api.send_message(room, text, Some(key)).await.expect("a send");
        assert_eq!((again.seq, again.duplicate), (*seq, true), "what is in the backup is not sent twice");
        let (lost_seq, text, key) = all.last().expect("a message");
        let anew = api.send_message(room, text, Some(key)).await.expect("a send");
        assert!(!anew.duplicate && anew.seq < *lost_seq, "{anew:?}: what was lost is sent anew");

        // More than was lost: without a new epoch, every old cursor would lie within the new history.
        let mut last = anew.seq;
        let mut number = 0;
        while last <= *lost_seq {
            let sent = api.send_message(room, &format!("after {number}"), None).await.expect("a send");
            assert_eq!(sent.seq, last.next(), "the log goes on without a gap");
            (last, number) = (sent.seq, number + 1);
        }
        self.joon.until_seq(PATIENCE, last).await;
        let after: Vec<u64> = {
            let heard = self.joon.heard();
            assert_eq!(heard.faults, [], "a reset is no fault");
            let from =
                heard.events.iter().rposition(|event| event.seq == reset_from.next()).expect("the first");
            heard.events[from..].iter().map(|event| event.seq.get()).collect()
        };
        let expected: Vec<u64> = (reset_from.get() + 1..=last.get()).collect();
        assert_eq!(after, expected, "after the reset everything comes once, in order");
        assert_eq!(resets(&self.joon), 1);

        // Somebody comes back with a cursor that lies within the new history.
        let hana = Listener::start_after(
            vec![base.to_owned()],
            self.hana.bearer(),
            room,
            hana_at,
            SessionOptions::default(),
        )
        .await;
        hana.until(PATIENCE, "the new epoch", |heard| {
            heard.others.iter().any(|event| matches!(event, SessionEvent::Reset { .. }))
        })
        .await;
        let farewell = api.send_message(room, "farewell", None).await.expect("a send").seq;
        hana.until_seq(PATIENCE, farewell).await;
        {
            let heard = hana.heard();
            assert_eq!(heard.faults, [], "a reset is no fault");
            let from = heard.others.iter().find_map(|event| match event {
                SessionEvent::Reset { from, .. } => Some(from.get()),
                _ => None,
            });
            let seqs: Vec<u64> = heard.events.iter().map(|event| event.seq.get()).collect();
            let expected: Vec<u64> = (from.expect("the reset") + 1..=farewell.get()).collect();
            assert_eq!(seqs, expected, "nothing is taken for a continuation of what was lost");
        }
        last = farewell;

        // The log: what was acknowledged before the backup is there once, what came after it is not.
        let log = log().await;
        let seqs: Vec<i64> = log.keys().copied().collect();
        assert_eq!(seqs, (1..=i64::try_from(last.get()).unwrap()).collect::<Vec<_>>(), "no gap");
        let times = |text: &str| log.values().filter(|row| row.as_str() == text).count();
        for (_, text, _) in &kept {
            assert_eq!(times(text), 1, "{text} was acknowledged before the backup");
        }
        let resent = &all.last().expect("a message").1;
        // The one that was on its way at the end of the backup may be either.
        for (_, text, _) in all[at_end + 1..].iter().filter(|(_, text, _)| text != resent) {
            assert_eq!(times(text), 0, "{text} was acknowledged after the backup");
        }
        assert_eq!(times(resent), 1, "what was sent anew is there once");

        // Who came after the backup has no session any more.
        let guest = Client::new(base).unwrap();
        let refused = guest.refresh(&newcomer.grant.refresh_token).await.expect_err("no session");
        assert_eq!(refused.code(), Some(Code::Unauthenticated));
        guest.refresh(&self.mina.grant.refresh_token).await.expect("the session of before");
    }
}

#[tokio::test]
async fn a_dump_of_postgres_is_restored_under_traffic() {
    let (postgres, redis) = tokio::join!(PostgresServer::start(Durability::Fast), RedisServer::start());
    let (postgres, redis) = (postgres.expect("PostgreSQL"), redis.expect("Redis"));
    let database = postgres.create_database("madang").await.expect("a database");
    let (maintenance, restored) = (postgres.url("postgres"), postgres.url("madang_restored"));
    let home = Home::create("restore", None).expect("a directory");
    let (one, two) = (free_address().unwrap(), free_address().unwrap());
    let redis_url = redis.url();
    let fast = [
        ("MADANG_REDIS_URL", redis_url.as_str()),
        ("MADANG_SENDS_PER_SECOND", "1000000"),
        ("MADANG_SENDS_BURST", "1000000"),
        ("MADANG_ROOM_SENDS_PER_SECOND", "1000000"),
        ("MADANG_ADDRESS_SENDS_PER_SECOND", "0"),
    ];
    let with = |url| [fast.as_slice(), &[("MADANG_DATABASE_URL", url)]].concat();
    let before = with(database.as_str());
    let (first, second) = tokio::join!(start(&home, "one", one, &before), start(&home, "two", two, &before));

    let drill = Drill::begin(vec![first.base_url(), second.base_url()]).await;
    let variables = [
        ("MADANG_DATABASE_URL", database.as_str()),
        ("MAINTENANCE_URL", &maintenance),
        ("RESTORED_URL", &restored),
    ];
    let acknowledged = drill.back_up(async || run_documented("dump", home.path(), &variables).await).await;
    let Drill { mina, room, bases, joon, hana, traffic } = drill;
    let all = traffic.stop().await;
    for service in [first, second] {
        service.stop().await.expect("an end");
    }

    run_documented("restore", home.path(), &variables).await;
    run_documented("epoch", home.path(), &variables).await;

    let after = with(restored.as_str());
    let (_first, _second) = tokio::join!(start(&home, "one", one, &after), start(&home, "two", two, &after));
    let traffic = Traffic::over();
    let drill = Drill { mina, room, bases, joon, hana, traffic };
    let acknowledged = Acknowledged { all, ..acknowledged };
    drill.judge(acknowledged, async || log_texts(&restored, room).await).await;
}

#[tokio::test]
async fn a_copy_of_sqlite_is_restored_under_traffic() {
    let data = data_directory("restore").expect("a directory");
    let (old, new) = (data.path().join("old"), data.path().join("new"));
    let (old, new) = (old.display().to_string(), new.display().to_string());
    let home = Home::create("restore", None).expect("a directory");
    let address = free_address().unwrap();
    let fast = [
        ("MADANG_SENDS_PER_SECOND", "1000000"),
        ("MADANG_SENDS_BURST", "1000000"),
        ("MADANG_ROOM_SENDS_PER_SECOND", "1000000"),
    ];
    let with = |directory| [fast.as_slice(), &[("MADANG_DATA_DIR", directory)]].concat();
    let service = start(&home, "one", address, &with(old.as_str())).await;
    let drill = Drill::begin(vec![service.base_url()]).await;
    let variables = [("DATA", old.as_str()), ("RESTORED", new.as_str())];
    let acknowledged =
        drill.back_up(async || run_documented("sqlite-dump", home.path(), &variables).await).await;
    let Drill { mina, room, bases, joon, hana, traffic } = drill;
    let all = traffic.stop().await;
    service.stop().await.expect("an end");

    run_documented("sqlite-restore", home.path(), &variables).await;

    let _service = start(&home, "one", address, &with(new.as_str())).await;
    let traffic = Traffic::over();
    let api = mina.at(&bases[0]);
    let drill = Drill { mina, room, bases, joon, hana, traffic };
    let acknowledged = Acknowledged { all, ..acknowledged };
    drill.judge(acknowledged, async || history(&api, room).await).await;
}

#[tokio::test]
async fn postgres_is_restored_to_a_moment() {
    let postgres = PostgresServer::start(Durability::Fast).await.expect("PostgreSQL");
    let account = Account::unprivileged().expect("an account");
    let home = Home::create("restore", account).expect("a directory");
    let (archive, backup) = (home.join("archive"), home.join("backup").display().to_string());
    let restored = home.join("restored").display().to_string();
    std::fs::create_dir(&archive).expect("a directory");
    if let Some(account) = account {
        std::os::unix::fs::chown(&archive, Some(account.user_id), Some(account.group_id))
            .expect("a directory");
    }
    let (archive, maintenance) = (archive.display().to_string(), postgres.url("postgres"));
    let mut variables = vec![
        ("MAINTENANCE_URL", maintenance.as_str()),
        ("ARCHIVE", &archive),
        ("BACKUP", &backup),
        ("RESTORED_DATA", &restored),
    ];
    run_documented_as(account, "archive", home.path(), &variables).await;
    postgres.restart().await.expect("a restart");
    let database = postgres.create_database("madang").await.expect("a database");
    let address = free_address().unwrap();
    let services = Home::create("restore", None).expect("a directory");
    let fast = [
        ("MADANG_SENDS_PER_SECOND", "1000000"),
        ("MADANG_SENDS_BURST", "1000000"),
        ("MADANG_ROOM_SENDS_PER_SECOND", "1000000"),
    ];
    let with = |url| [fast.as_slice(), &[("MADANG_DATABASE_URL", url)]].concat();
    let service = start(&services, "one", address, &with(database.as_str())).await;

    let drill = Drill::begin(vec![service.base_url()]).await;
    run_documented_as(account, "base-backup", home.path(), &variables).await;
    drill.traffic.until_more(BEFORE).await;
    let mut moment = String::new();
    let acknowledged =
        drill.back_up(async || moment = query(&maintenance, "SELECT clock_timestamp()::text").await).await;
    let Drill { mina, room, bases, joon, hana, traffic } = drill;
    let all = traffic.stop().await;
    service.stop().await.expect("an end");
    // What the archive does each minute by itself.
    let file = query(&maintenance, "SELECT pg_walfile_name(pg_switch_wal())").await;
    eventually(PATIENCE, "the archived log", async || Path::new(&archive).join(&file).exists().then_some(()))
        .await;
    let port = postgres.address().port();
    let programs = query(&maintenance, "SELECT setting FROM pg_config WHERE name = 'BINDIR'").await;
    postgres.stop().await.expect("an end");

    variables.push(("MOMENT", &moment));
    run_documented_as(account, "recover", home.path(), &variables).await;
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".into(),
        "unix_socket_directories=".into(),
        // A recovery needs as many as the server had.
        "max_connections=300".into(),
    ];
    let mut arguments = vec!["-D".into(), restored.clone().into()];
    arguments.extend(settings.into_iter().flat_map(|setting| ["-c".into(), setting.into()]));
    let recovered = Process::spawn(ProcessSpec {
        name: "postgres".to_owned(),
        program: Path::new(&programs).join("postgres"),
        arguments,
        environment: vec![
            ("PATH".to_owned(), format!("{programs}:/usr/bin:/bin")),
            ("LC_ALL".to_owned(), "C".to_owned()),
        ],
        directory: home.path().to_owned(),
        log: home.join("recovered.log"),
        account,
        stop_signal: Signal::INT,
    });
    let recovered = recovered.expect("PostgreSQL");
    let ended = recovered.ready(PATIENCE * 2, || async {
        match try_query(&maintenance, "SELECT pg_is_in_recovery()::text").await {
            Ok(answer) if answer == "false" => Ok(()),
            Ok(_) => Err("it still recovers".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    });
    ended.await.unwrap_or_else(|error| panic!("the end of the recovery: {error}"));
    run_documented("epoch", services.path(), &[("RESTORED_URL", database.as_str())]).await;
    let _service = start(&services, "one", address, &with(database.as_str())).await;
    let traffic = Traffic::over();
    let drill = Drill { mina, room, bases, joon, hana, traffic };
    let acknowledged = Acknowledged { all, ..acknowledged };
    drill.judge(acknowledged, async || log_texts(&database, room).await).await;
}

/// The only value of a query.
async fn query(url: &str, query: &'static str) -> String {
    try_query(url, query).await.unwrap_or_else(|error| panic!("{query}: {error}"))
}

async fn try_query(url: &str, query: &'static str) -> Result<String, sqlx::Error> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    sqlx::query_scalar(query).fetch_one(&mut connection).await
}

/// The log in the database: each event's text, empty where it is no message.
async fn log_texts(database: &str, room: RoomId) -> BTreeMap<i64, String> {
    let rows = log_of(database, room).await;
    rows.iter().map(|row| (row.seq, row.text.clone().unwrap_or_default())).collect()
}

/// The history by REST, which has messages alone: places of other events stay empty.
async fn history(api: &Client, room: RoomId) -> BTreeMap<i64, String> {
    let mut texts = BTreeMap::new();
    let mut after = Seq::START;
    loop {
        let page = api.messages(room, None, Some(after), Some(200)).await.expect("the history");
        for message in &page.items {
            after = message.seq;
            let twice = texts.insert(i64::try_from(after.get()).unwrap(), message.text.to_string());
            assert_eq!(twice, None);
        }
        if !page.more {
            let last = i64::try_from(after.get()).unwrap();
            for seq in 1..=last {
                texts.entry(seq).or_default();
            }
            return texts;
        }
    }
}
