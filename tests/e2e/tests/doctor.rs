//! `doctor`: each check fails with the real thing, and says what to do.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a story that cannot go on ends with a message")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use madang_e2e::{PATIENCE, Standalone, within};
use madang_kit::clock::{Clock as _, SystemClock};
use madang_test_kit::{
    Authority, CertificateFiles, Durability, PostgresServer, Program, RedisServer, ServeRole, StepClock,
    binaries_directory, data_directory, free_address, test_database, where_available,
};
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::Command,
};

/// What a program's `doctor` found.
struct Found {
    code: Option<i32>,
    report: Value,
}

impl Found {
    /// The levels of a check, worst first, with what was said.
    fn of(&self, check: &str) -> Vec<(&str, &str)> {
        let findings = self.report["findings"].as_array().expect("findings");
        let text = |finding: &'_ Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        assert!(
            findings
                .iter()
                .all(|finding| text(finding, "level") == "ok" || !text(finding, "advice").is_empty())
        );
        findings
            .iter()
            .filter(|finding| finding["check"] == check)
            .map(|finding| (finding["level"].as_str().unwrap(), finding["says"].as_str().unwrap()))
            .collect()
    }

    /// Asserts that a check has a finding of a level that says something.
    #[track_caller]
    fn assert(&self, check: &str, level: &str, says: &str) {
        let found = self.of(check);
        assert!(
            found.iter().any(|(of, said)| *of == level && said.contains(says)),
            "{check} {level} {says:?}: {:#}",
            self.report
        );
        assert_eq!(self.code, Some(i32::from(self.report["worst"] == "error")), "{:#}", self.report);
    }
}

async fn run(program: Program, arguments: &[&str], settings: &[(&str, &str)]) -> std::process::Output {
    let binary = binaries_directory().expect("the binaries").join(program.binary());
    run_as(Command::new(binary), arguments, settings).await
}

async fn run_as(mut command: Command, arguments: &[&str], settings: &[(&str, &str)]) -> std::process::Output {
    command
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    within(PATIENCE, "an answer", command.output()).await.expect("it runs")
}

fn found(output: &std::process::Output) -> Found {
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
    Found { code: output.status.code(), report }
}

async fn doctor(settings: &[(&str, &str)]) -> Found {
    // A port that nobody else's test has.
    let address = free_address().unwrap().to_string();
    let settings = [&[("MADANG_HTTP_ADDR", address.as_str())], settings].concat();
    found(&run(Program::AllInOne, &["doctor", "--json"], &settings).await)
}

async fn execute(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL");
    for statement in statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.expect(statement);
    }
}

#[tokio::test]
async fn where_all_is_well_nothing_is_wrong_and_nothing_is_changed() {
    let (database, redis) = tokio::join!(test_database(), RedisServer::start());
    let (database, redis) = (database.unwrap(), redis.unwrap());
    let redis_url = redis.url();
    let settings = [("MADANG_DATABASE_URL", database.url()), ("MADANG_REDIS_URL", redis_url.as_str())];
    let fresh = doctor(&settings).await;
    assert_eq!(fresh.code, Some(0), "{:#}", fresh.report);
    fresh.assert("database.migrations", "ok", "is empty");
    for check in ["settings.read", "database.version", "database.locale", "database.rights", "database.clock"]
    {
        fresh.assert(check, "ok", "");
    }
    for check in ["redis.version", "redis.rights", "redis.memory", "redis.persistence", "redis.clock"] {
        fresh.assert(check, "ok", "");
    }
    fresh.assert("process.port", "ok", "is free");
    let again = doctor(&settings).await;
    again.assert("database.migrations", "ok", "is empty");
    let mut connection = redis.connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    assert_eq!(keys, Vec::<String>::new(), "the keys by which rights are tried are gone");

    let madang = Standalone::start(Program::AllInOne, &settings).await;
    let running = madang.service.address().to_string();
    let with_address = [settings.as_slice(), &[("MADANG_HTTP_ADDR", running.as_str())]].concat();
    let beside = found(&run(Program::AllInOne, &["doctor", "--json"], &with_address).await);
    beside.assert("process.port", "ok", "a running Madang answers");
    beside.assert("database.migrations", "ok", "migrations are applied");
}

#[tokio::test]
async fn every_mistake_in_the_settings_is_named_at_once() {
    let found = doctor(&[
        ("MADANG_DATABASE_URL", "postgres://madang@127.0.0.1:1/madang"),
        ("MADANG_NO_SUCH_SETTING", "1"),
        ("MADANG_MAX_CONNECTIONS", "many"),
        ("MADANG_DRAIN_SECONDS", "3"),
    ])
    .await;
    found.assert("settings.read", "error", "MADANG_NO_SUCH_SETTING");
    found.assert("settings.read", "error", "MADANG_MAX_CONNECTIONS");
    found.assert("settings.drain", "warning", "MADANG_DRAIN_SECONDS=3");
    found.assert("database.reachable", "error", "");
}

/// The start waits for a database; what contradicts itself should not.
#[tokio::test]
async fn contradictions_are_found_without_waiting_for_a_database() {
    let settings = [
        ("MADANG_DATABASE_URL", "postgres://madang@127.0.0.1:1/madang"),
        ("MADANG_REDIS_URL", "http://localhost"),
        ("MADANG_ISSUER_ALGORITHMS", "HS256"),
        ("MADANG_ISSUER_SECRET", "short"),
        ("MADANG_AUTH_KEY_OVERLAP_SECONDS", "2000000"),
    ];
    let found = doctor(&settings).await;
    found.assert("settings.consistent", "error", "MADANG_REDIS_URL");
    found.assert("settings.consistent", "error", "MADANG_ISSUER_SECRET");
    found.assert("settings.consistent", "error", "MADANG_AUTH_KEY_OVERLAP_SECONDS");
    let started = Instant::now();
    for remove in ["MADANG_ISSUER_SECRET", "MADANG_REDIS_URL"] {
        let rest: Vec<_> = settings.into_iter().filter(|(name, _)| *name != remove).collect();
        let output = run(Program::AllInOne, &[], &rest).await;
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(started.elapsed() < PATIENCE, "the start does not wait either");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_told_with_the_reason() {
    let postgres = PostgresServer::start(Durability::Fast).await.expect("PostgreSQL");
    let good = postgres.url("postgres");
    let wrong_password = good.replacen("madang:", "madang:wrong", 1);
    for (url, says) in [
        ("postgres://madang@127.0.0.1:1/madang".to_owned(), "refused"),
        (wrong_password, "password"),
        (postgres.url("nowhere"), "nowhere"),
    ] {
        doctor(&[("MADANG_DATABASE_URL", &url)]).await.assert("database.reachable", "error", says);
    }
    doctor(&[("MADANG_DATABASE_URL", "mysql://h/d")]).await.assert("database.url", "error", "postgres://");
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_told_with_the_reason() {
    let postgres = PostgresServer::start(Durability::Fast).await.expect("PostgreSQL");
    let admin = postgres.url("postgres");
    execute(
        &admin,
        "CREATE DATABASE narrow ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0; CREATE DATABASE readonly; \
         ALTER DATABASE readonly SET default_transaction_read_only = on; CREATE DATABASE used; \
         CREATE ROLE reader LOGIN PASSWORD 'reader'",
    )
    .await;
    let url = |name: &str| postgres.url(name);
    let of_reader = |name: &str| format!("postgres://reader:reader@{}/{name}", postgres.address());
    let with = async |url: &str| doctor(&[("MADANG_DATABASE_URL", url)]).await;

    with(&url("narrow")).await.assert("database.locale", "error", "LC_CTYPE C");
    with(&url("readonly")).await.assert("database.primary", "error", "read-only");
    with(&url("used")).await.assert("database.fsync", "warning", "fsync is off");
    let many = [("MADANG_DATABASE_URL", url("used")), ("MADANG_STORE_CONNECTIONS", "1000".to_owned())];
    let many = many.each_ref().map(|(name, value)| (*name, value.as_str()));
    doctor(&many).await.assert("database.connections", "warning", "of 300 connections");

    // An account that may not make tables, before they are there and afterwards.
    let empty = with(&of_reader("used")).await;
    empty.assert("database.migrations", "error", "may not apply them");
    let migrated = Standalone::start(Program::AllInOne, &[("MADANG_DATABASE_URL", &url("used"))]).await;
    migrated.service.stop().await.expect("an end");
    let forbidden = with(&of_reader("used")).await;
    forbidden.assert("database.rights", "error", "auth_users");
    execute(&url("used"), "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader")
        .await;
    let granted = with(&of_reader("used")).await;
    granted.assert("database.rights", "ok", "reader may read and change");
    granted.assert("database.migrations", "error", "the right to create tables");
}

/// Starts a message-store until it says that it waits for the migrations.
async fn waits(settings: &[(&str, &str)]) {
    let binary = binaries_directory().expect("the binaries").join(Program::MessageStore.binary());
    let mut store = Command::new(binary);
    store.env_clear().envs(settings.iter().copied()).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut store = store.kill_on_drop(true).spawn().expect("it runs");
    let mut lines = BufReader::new(store.stderr.take().expect("its log")).lines();
    let told = async {
        while let Some(line) = lines.next_line().await.expect("its log") {
            if line.contains("MADANG_MIGRATE is false") && line.contains("trying again") {
                return;
            }
        }
        panic!("it ended");
    };
    within(PATIENCE, "the wait for the migrations", told).await;
}

/// A role that may change the tables' rows and not the tables, and the two values of `MADANG_MIGRATE`: what `doctor` says
/// is what the start does.
#[tokio::test]
async fn the_start_does_with_migrations_what_is_told_of_it() {
    let database = test_database().await.expect("PostgreSQL");
    let role = ServeRole::create(&database).await.expect("a role");
    let addresses = [(); 2].map(|()| free_address().unwrap().to_string());
    let call = async |arguments: &[&str], url: &str, migrate: &str| {
        let settings = [
            ("MADANG_DATABASE_URL", url),
            ("MADANG_MIGRATE", migrate),
            ("MADANG_GRPC_ADDR", addresses[0].as_str()),
            ("MADANG_OPS_ADDR", addresses[1].as_str()),
        ];
        run(Program::MessageStore, arguments, &settings).await
    };
    let doctor = async |url: &str, migrate: &str| found(&call(&["doctor", "--json"], url, migrate).await);
    let fails = async |url: &str| {
        let output = call(&[], url, "true").await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("permission denied"), "{said}");
    };
    let (owner, server) = (database.url(), role.url());

    doctor(owner, "true").await.assert("database.migrations", "ok", "is empty; the first start");
    for url in [owner, server] {
        let told = doctor(url, "false").await;
        told.assert("database.migrations", "error", "the next start waits until they are applied");
    }
    waits(&[
        ("MADANG_DATABASE_URL", server),
        ("MADANG_MIGRATE", "false"),
        ("MADANG_GRPC_ADDR", &addresses[0]),
        ("MADANG_OPS_ADDR", &addresses[1]),
    ])
    .await;
    let refused = doctor(server, "true").await;
    refused.assert("database.migrations", "error", "may not apply them: the next start fails");
    fails(server).await;

    assert!(call(&["migrate"], owner, "false").await.status.success());
    for url in [owner, server] {
        doctor(url, "false").await.assert("database.migrations", "ok", "migrations are applied");
    }
    doctor(owner, "true").await.assert("database.migrations", "ok", "migrations are applied");
    doctor(server, "true").await.assert("database.migrations", "error", "fails all the same");
    fails(server).await;

    // Another version's migrations: one that is newer, and one that is missing here.
    let newer = "INSERT INTO message_store_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', true, '', 0)";
    execute(owner, newer).await;
    doctor(server, "false").await.assert("database.migrations", "warning", "of a newer version");
    execute(owner, "DELETE FROM message_store_migrations WHERE version = 12").await;
    doctor(server, "false").await.assert("database.migrations", "error", "1 of");
    let to_apply = doctor(owner, "true").await;
    to_apply.assert("database.migrations", "ok", "the next start does so");
    // It may create tables and does not own those that are there.
    let name = server.split("://").nth(1).and_then(|rest| rest.split(':').next()).expect("a role");
    execute(owner, &format!("GRANT CREATE ON SCHEMA public TO {name}")).await;
    doctor(server, "true").await.assert("database.migrations", "error", "the next start fails");
}

/// The server is a new one, and says of itself that it is old.
#[tokio::test]
async fn an_old_postgresql_is_warned_of() {
    let database = test_database().await.expect("PostgreSQL");
    let settings = [("MADANG_DATABASE_URL", database.url())];
    doctor(&settings).await.assert("database.version", "ok", "PostgreSQL");
    execute(
        database.url(),
        &format!(
            "CREATE SCHEMA old; \
             CREATE FUNCTION old.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT CASE $1 \
                 WHEN 'server_version_num' THEN '140012' WHEN 'server_version' THEN '14.12' \
                 ELSE pg_catalog.current_setting($1) END $$; \
             ALTER DATABASE {} SET search_path = old, pg_catalog",
            database.name()
        ),
    )
    .await;
    doctor(&settings).await.assert("database.version", "warning", "14.12 answers, which is older than 15");
}

#[tokio::test]
async fn certificates_that_end_are_told() {
    let data = data_directory("doctor").expect("a directory");
    let directory = data.path().join("data").display().to_string();
    let authority = Authority::new("services").unwrap();
    let names = ["localhost"];
    let files =
        CertificateFiles::write(data.path(), "http", &authority.issue(&names).unwrap(), &[&authority])
            .unwrap();
    let (certificate, key) = (files.certificate.display().to_string(), files.key.display().to_string());
    let settings = [
        ("MADANG_DATA_DIR", directory.as_str()),
        ("MADANG_HTTP_TLS_CERTIFICATE_FILE", &certificate),
        ("MADANG_HTTP_TLS_KEY_FILE", &key),
    ];
    doctor(&settings).await.assert("certificate.end", "ok", "is valid until");
    let now = Duration::from_micros(SystemClock.now().as_micros().try_into().unwrap());
    let in_days = |days: u64| SystemTime::UNIX_EPOCH + now + Duration::from_secs(days * 86_400);
    for (issued, level, says) in [
        (authority.issue_until(&names, in_days(8)), "ok", "is valid until"),
        (authority.issue_until(&names, in_days(6)), "warning", "is valid until"),
        (authority.issue_ended(&names), "error", "was valid until"),
    ] {
        files.replace(&issued.unwrap()).unwrap();
        doctor(&settings).await.assert("certificate.end", level, says);
    }
    fs::write(&files.certificate, "nothing").unwrap();
    doctor(&settings).await.assert("certificate.end", "error", "holds no certificate");
    fs::remove_file(&files.certificate).unwrap();
    doctor(&settings).await.assert("certificate.end", "error", "cannot be read");
}

#[tokio::test]
async fn a_file_of_sqlite_is_looked_at() {
    let data = data_directory("doctor").expect("a directory");
    let directory = data.path().join("data");
    let shown = directory.display().to_string();
    doctor(&[("MADANG_DATA_DIR", &shown)]).await.assert("database.file", "ok", "the first start makes");
    assert!(!directory.exists(), "nothing is changed");
    fs::write(&directory, "in the way").unwrap();
    doctor(&[("MADANG_DATA_DIR", &shown)]).await.assert("database.file", "error", "cannot be made");
    fs::remove_file(&directory).unwrap();
    let madang = Standalone::start(Program::AllInOne, &[("MADANG_DATA_DIR", &shown)]).await;
    madang.service.stop().await.expect("an end");
    let file = directory.join("messages.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let found = doctor(&[("MADANG_DATA_DIR", &shown)]).await;
    found.assert("database.readers", "warning", "messages.db");
    found.assert("database.migrations", "ok", "migrations are applied");
    fs::write(&file, [b'x'; 8_192]).unwrap();
    doctor(&[("MADANG_DATA_DIR", &shown)]).await.assert("database.reachable", "error", "cannot be read");
}

#[tokio::test]
async fn a_redis_that_does_not_suit_is_told_with_the_reason() {
    let redis = RedisServer::start().await.expect("Redis");
    let (data, mut connection) = (data_directory("doctor").unwrap(), redis.connection().await.unwrap());
    let directory = data.path().display().to_string();
    let with = async |url: &str| doctor(&[("MADANG_DATA_DIR", &directory), ("MADANG_REDIS_URL", url)]).await;
    let mut tell = async |command: &str| {
        let mut words = command.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.exec_async(&mut connection).await.expect("Redis does so");
    };
    let url = redis.url();

    with("redis://127.0.0.1:1").await.assert("redis.reachable", "error", "refused");
    tell("ACL SETUSER narrow on >secret ~madang:* +@all -xadd -spop").await;
    let narrow = url.replacen("redis://", "redis://narrow:secret@", 1);
    with(&narrow).await.assert("redis.rights", "error", "SPOP, XADD");
    let wrong = url.replacen("redis://", "redis://narrow:wrong@", 1);
    with(&wrong).await.assert("redis.reachable", "error", "cannot be used");
    // The user of the manifests may do all that is needed.
    tell(
        "ACL SETUSER madang on >development ~madang:* resetchannels -@all +@read +@write +@connection +@scripting \
         -@dangerous +info +time +cluster|slots",
    )
    .await;
    let shipped = url.replacen("redis://", "redis://madang:development@", 1);
    with(&shipped).await.assert("redis.rights", "ok", "");

    tell("CONFIG SET maxmemory 104857600 maxmemory-policy allkeys-lru").await;
    with(&url).await.assert("redis.memory", "warning", "allkeys-lru");
    tell("CONFIG SET maxmemory 1048576 maxmemory-policy noeviction").await;
    with(&url).await.assert("redis.memory", "warning", "full Redis refuses");
    tell("CONFIG SET maxmemory 0 appendonly yes").await;
    with(&url).await.assert("redis.persistence", "warning", "append-only file");
    tell("CONFIG SET appendonly no").await;
    tell("REPLICAOF 127.0.0.1 1").await;
    with(&url).await.assert("redis.master", "error", "replica");
}

#[tokio::test]
async fn clocks_that_differ_are_told() {
    let data = data_directory("doctor").unwrap();
    let Some(clock) = where_available(StepClock::new(data.path().join("clock"))) else { return };
    let (database, redis) = tokio::join!(test_database(), RedisServer::start());
    let (database, redis) = (database.unwrap(), redis.unwrap());
    let redis_url = redis.url();
    let environment = clock.environment();
    let settings = [("MADANG_DATABASE_URL", database.url()), ("MADANG_REDIS_URL", redis_url.as_str())];
    for (seconds, level, says) in
        [(0, "ok", "give or take"), (-3, "warning", "ahead of"), (60, "error", "behind")]
    {
        clock.step(seconds).expect("a step");
        let environment = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let found = doctor(&settings.into_iter().chain(environment).collect::<Vec<_>>()).await;
        found.assert("database.clock", level, says);
        found.assert("redis.clock", level, says);
    }
}

#[tokio::test]
async fn ports_files_and_keys_of_the_site_are_looked_at() {
    let data = data_directory("doctor").unwrap();
    let directory = data.path().display().to_string();
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let settings = [("MADANG_DATA_DIR", directory.as_str()), ("MADANG_HTTP_ADDR", taken.as_str())];
    let in_use = found(&run(Program::AllInOne, &["doctor", "--json"], &settings).await);
    in_use.assert("process.port", "error", "in use, and not by Madang");

    let binary = binaries_directory().unwrap().join("madang").display().to_string();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 600; exec \"$0\" \"$@\"", &binary]);
    let few = found(&run_as(limited, &["doctor", "--json"], &settings[..1]).await);
    few.assert("process.files", "warning", "600 files");
    let enough = [settings[0], ("MADANG_MAX_CONNECTIONS", "100")];
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 600; exec \"$0\" \"$@\"", &binary]);
    found(&run_as(limited, &["doctor", "--json"], &enough).await).assert("process.files", "ok", "600 files");

    let keys = data.path().join("keys.json").display().to_string();
    let of_file = [settings[0], ("MADANG_ISSUER_ALGORITHMS", "RS256"), ("MADANG_ISSUER_JWKS_FILE", &keys)];
    doctor(&of_file).await.assert("issuer.keys", "error", "MADANG_ISSUER_JWKS_FILE");
    let url = "http://127.0.0.1:1/keys";
    let of_url = [settings[0], ("MADANG_ISSUER_ALGORITHMS", "RS256"), ("MADANG_ISSUER_JWKS_URL", url)];
    doctor(&of_url).await.assert("issuer.keys", "warning", "cannot be fetched");
}

#[tokio::test]
async fn a_gateway_looks_for_the_services_that_it_calls() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let auth = format!("http://{}", other.local_addr().unwrap());
    let ops = free_address().unwrap().to_string();
    let settings = [
        ("MADANG_AUTH_URL", auth.as_str()),
        ("MADANG_STORE_URL", "http://127.0.0.1:1"),
        ("MADANG_OPS_ADDR", ops.as_str()),
    ];
    let found = found(&run(Program::Gateway, &["doctor", "--json"], &settings).await);
    found.assert("upstream.auth", "ok", "accepts connections");
    found.assert("upstream.message-store", "error", "nobody accepts connections");
}

/// The settings as they are, without secrets; and the report for people.
#[tokio::test]
async fn what_is_printed_is_plain_where_no_terminal_shows_it_and_holds_no_secret() {
    let data = data_directory("doctor").unwrap();
    let file = data.path().join("madang.toml");
    fs::write(&file, "[log]\nformat = 'json'\n").unwrap();
    let (file, directory) = (file.display().to_string(), data.path().join("data").display().to_string());
    let settings = [
        ("MADANG_CONFIG", file.as_str()),
        ("MADANG_DATA_DIR", directory.as_str()),
        ("MADANG_REDIS_URL", "redis://madang:hunter2@127.0.0.1:1/0"),
    ];
    let arguments = ["--max-user-sockets", "7", "config", "print"];
    let printed = run(Program::AllInOne, &arguments, &settings).await;
    let text = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(printed.status.code(), Some(0), "{text}");
    let line = |name: &str| {
        let line =
            text.lines().find(|line| line.trim_start().starts_with(&format!("{name} "))).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("MADANG_MAX_USER_SOCKETS"), "MADANG_MAX_USER_SOCKETS 7 flag");
    assert_eq!(line("MADANG_DRAIN_SECONDS"), "MADANG_DRAIN_SECONDS 30 default");
    assert!(line("MADANG_LOG_FORMAT").starts_with("MADANG_LOG_FORMAT json file: log_format (in "), "{text}");
    assert_eq!(
        line("MADANG_REDIS_URL"),
        "MADANG_REDIS_URL redis://[redacted]@127.0.0.1:1/0 variable MADANG_REDIS_URL"
    );
    assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");

    let report = run(Program::AllInOne, &["doctor"], &settings).await;
    let text = String::from_utf8(report.stdout).unwrap();
    assert_eq!(report.status.code(), Some(1), "{text}");
    assert!(text.contains("Redis\n  error") && text.contains("           > "), "{text}");
    assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
    let wrong = run(Program::AllInOne, &["config", "print"], &[("MADANG_LGO", "info")]).await;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean MADANG_LOG?"));
}
