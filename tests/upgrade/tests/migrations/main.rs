//! Migrations since the previous release leave what it needs: during an upgrade, and after its reversal, its processes work
//! on the schema of this tree. `previous-release.migrations` has the migrations of that release.
//!
//! The databases themselves say what a migration does: the schemas before it and after it are compared.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test tells what it found, or why it cannot go on"
)]

mod schema;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use madang_test_kit::{TestDatabase, test_database};
use sha2::{Digest as _, Sha384};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use self::schema::Database;

const RECORDED: &str = include_str!("../../previous-release.migrations");

/// A line of a migration that removes on purpose what no release needs any more, with the reason after it.
const MARK: &str = "-- contracts: ";

/// A migration: its path in the repository, and its statements.
type Migration = (String, String);

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The migrations of a service for a database, in order.
fn migrations(directory: &str) -> Vec<Migration> {
    let entries = fs::read_dir(root().join(directory)).expect("the migrations");
    let names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("a name"));
    let paths: BTreeSet<String> = names.map(|name| format!("{directory}/{name}")).collect();
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).expect("a migration");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// The paths that the previous release had, with the hashes of the files.
fn recorded() -> BTreeMap<&'static str, &'static str> {
    let pair = |line: &'static str| line.split_once("  ").map(|(hash, path)| (path, hash));
    RECORDED.lines().map(|line| pair(line).expect("a hash and a path")).collect()
}

fn sha384(text: &str) -> String {
    Sha384::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// An empty database, and what it needs to be there.
async fn empty(is_postgres: bool) -> (Database, Option<TestDatabase>) {
    if !is_postgres {
        return (Database::Sqlite(SqliteConnection::connect("sqlite::memory:").await.expect("SQLite")), None);
    }
    let database = test_database().await.expect("PostgreSQL");
    let connection = PgConnection::connect(database.url()).await.expect("a connection");
    (Database::Postgres(connection), Some(database))
}

/// What each of these migrations takes from the release before it, or demands of it. What is marked is left out, and a mark
/// without a reason or without need is named.
async fn contractions(is_postgres: bool, before: &[Migration], since: &[Migration]) -> Vec<String> {
    let (mut database, _kept) = empty(is_postgres).await;
    for (path, text) in before {
        database.migrate(text).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let previous = database.schema().await.expect("the schema");
    let (mut known, mut wrong) = (BTreeSet::new(), Vec::new());
    for (path, text) in since {
        database.migrate(text).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let all = previous.contractions(&database.schema().await.expect("the schema"));
        let found: Vec<&String> = all.difference(&known).collect();
        let mark = text.lines().find_map(|line| line.strip_prefix(MARK));
        match mark.map(str::trim) {
            Some("") => wrong.push(format!("{path}: {MARK}needs a reason")),
            Some(_) if found.is_empty() => {
                wrong.push(format!("{path}: nothing is taken; remove the line {MARK}"));
            }
            Some(reason) => println!("{path}: {found:?}, because {reason}"),
            None => wrong.extend(found.iter().map(|what| format!("{path}: {what}"))),
        }
        known = all;
    }
    wrong
}

/// The directories of migrations, and whether they are of PostgreSQL.
const DIRECTORIES: [(&str, bool); 4] = [
    ("services/auth/migrations/postgres", true),
    ("services/auth/migrations/sqlite", false),
    ("services/message-store/migrations/postgres", true),
    ("services/message-store/migrations/sqlite", false),
];

#[tokio::test]
async fn the_previous_release_can_work_on_the_new_schema() {
    let recorded = recorded();
    let mut wrong = Vec::new();
    for (directory, is_postgres) in DIRECTORIES {
        let (before, since): (Vec<_>, Vec<_>) =
            migrations(directory).into_iter().partition(|(path, _)| recorded.contains_key(path.as_str()));
        assert!(!before.is_empty(), "{directory} has none of the previous release's migrations");
        println!("{directory}: {} of the previous release, {} since", before.len(), since.len());
        wrong.extend(contractions(is_postgres, &before, &since).await);
    }
    assert!(
        wrong.is_empty(),
        "the previous release cannot work with these (CONTRIBUTING.md, \"A migration\"):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn released_migrations_are_as_they_were() {
    let present: BTreeMap<String, String> =
        DIRECTORIES.into_iter().flat_map(|(directory, _)| migrations(directory)).collect();
    for (path, hash) in recorded() {
        let text = present.get(path).unwrap_or_else(|| panic!("{path} was released, and is gone"));
        assert_eq!(sha384(text), hash, "{path} was released, and has changed since");
    }
}

/// What the release before has, for the migrations below.
const BEFORE: &str =
    "CREATE TABLE rooms (id int PRIMARY KEY, name text NOT NULL, head int NOT NULL DEFAULT 0);
    CREATE UNIQUE INDEX rooms_by_name ON rooms (name);
    CREATE TABLE other (id int PRIMARY KEY);";
const FUNCTION: &str = "CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';";

/// A migration after those, and what is found in it.
async fn found(is_postgres: bool, migration: &str) -> Vec<String> {
    let before = if is_postgres { format!("{BEFORE} {FUNCTION}") } else { BEFORE.to_owned() };
    let one = |text: &str| vec![("0001".to_owned(), text.to_owned())];
    contractions(is_postgres, &one(&before), &one(migration)).await
}

#[tokio::test]
async fn what_the_release_before_would_miss_is_found() {
    let both = [
        ("DROP TABLE other", "removes the table other"),
        ("ALTER TABLE rooms DROP COLUMN head", "removes the column rooms head"),
        ("ALTER TABLE rooms RENAME COLUMN head TO tail", "removes the column rooms head"),
        ("ALTER TABLE rooms RENAME TO places", "removes the table rooms"),
        ("DROP INDEX rooms_by_name", "removes the unique rooms"),
        ("CREATE UNIQUE INDEX one_head ON rooms (head)", "adds the unique rooms"),
        ("CREATE TABLE more (room int REFERENCES rooms (id))", "adds the restricts rooms"),
        (
            "ALTER TABLE rooms ADD COLUMN more int NOT NULL DEFAULT 1; CREATE UNIQUE INDEX more ON rooms (more)",
            "adds the unique rooms",
        ),
        ("-- contracts:  \nDROP TABLE other", "needs a reason"),
        ("-- contracts: nobody reads it\nCREATE TABLE more (id int)", "nothing is taken"),
    ];
    let postgres = [
        ("ALTER TABLE rooms ADD COLUMN more int NOT NULL", "adds the required rooms more"),
        ("ALTER TABLE rooms ALTER COLUMN head DROP DEFAULT", "removes the default rooms head"),
        ("ALTER TABLE rooms ALTER COLUMN head TYPE bigint", "from integer to bigint"),
        ("ALTER TABLE rooms ADD CHECK (head < 9)", "adds the constraint rooms CHECK"),
        (
            "ALTER TABLE rooms ADD FOREIGN KEY (head) REFERENCES other (id)",
            "adds the constraint rooms FOREIGN",
        ),
        (
            "ALTER TABLE rooms ADD COLUMN more int NOT NULL DEFAULT 0 CHECK (more <= head)",
            "adds the constraint rooms CHECK",
        ),
        ("DROP FUNCTION twice", "removes the function twice integer"),
        (
            "DROP FUNCTION twice; CREATE FUNCTION twice(n int, m int) RETURNS int LANGUAGE sql AS 'SELECT n * m'",
            "removes the function twice integer",
        ),
        (
            "DROP FUNCTION twice; CREATE FUNCTION twice(n int) RETURNS bigint LANGUAGE sql AS 'SELECT 2 * n::bigint'",
            "from integer to bigint",
        ),
        (
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER no BEFORE INSERT ON rooms FOR EACH ROW EXECUTE FUNCTION no()",
            "adds the trigger rooms",
        ),
    ];
    let sqlite = [(
        "CREATE TABLE new (id int PRIMARY KEY, name text NOT NULL, head int NOT NULL); DROP TABLE rooms; \
         ALTER TABLE new RENAME TO rooms; CREATE UNIQUE INDEX rooms_by_name ON rooms (name)",
        "adds the required rooms head",
    )];
    let of = |is_postgres| move |(migration, says)| (is_postgres, migration, says);
    let of_postgres = both.into_iter().chain(postgres).map(of(true));
    for (is_postgres, migration, says) in of_postgres.chain(both.into_iter().chain(sqlite).map(of(false))) {
        let found = found(is_postgres, migration).await;
        assert!(found.iter().any(|found| found.contains(says)), "{migration}: {found:?}");
    }
}

#[tokio::test]
async fn what_only_adds_and_what_is_marked_passes() {
    let both = [
        "CREATE TABLE more (id int PRIMARY KEY, room int REFERENCES rooms (id) ON DELETE CASCADE)",
        "ALTER TABLE rooms ADD COLUMN more int",
        "ALTER TABLE rooms ADD COLUMN more int NOT NULL DEFAULT 0",
        "ALTER TABLE rooms ADD COLUMN more int; CREATE UNIQUE INDEX more ON rooms (more)",
        "ALTER TABLE rooms ADD COLUMN more int NOT NULL DEFAULT 1 CHECK (more BETWEEN 1 AND 3)",
        "CREATE INDEX more ON rooms (head)",
        "UPDATE rooms SET head = 1",
        "-- contracts: no release reads it since 2.0\nDROP TABLE other",
    ];
    let postgres = [
        "ALTER TABLE rooms ALTER COLUMN name DROP NOT NULL",
        "DROP FUNCTION twice; CREATE FUNCTION twice(n int, m int DEFAULT 2) RETURNS int LANGUAGE sql AS 'SELECT n * m'",
        "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n + n'",
    ];
    let of_postgres = both.into_iter().chain(postgres).map(|migration| (true, migration));
    for (is_postgres, migration) in of_postgres.chain(both.map(|migration| (false, migration))) {
        assert_eq!(found(is_postgres, migration).await, Vec::<String>::new(), "{migration}");
    }
}
