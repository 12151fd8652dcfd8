//! Transactions against a real PostgreSQL: those that wait for each other are repeated, and are measured by name.

#![expect(clippy::unwrap_used, reason = "in a test, what is not as expected panics")]

use std::{sync::Arc, time::Duration};

use madang_database::{
    Connections, DatabaseError, DatabaseResult, PostgresConnector, Repetition, Transaction, Transactions,
};
use madang_kit::{Metrics, clock::SystemRandom};
use madang_test_kit::test_database;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::sync::Barrier;

const LIMIT: Duration = Duration::from_secs(30);

/// How long PostgreSQL waits before it looks for a deadlock; a second by default.
const DEADLOCK_TIMEOUT: (&str, &str) = ("deadlock_timeout", "50ms");

struct Fixture {
    connections: Connections<PostgresConnector>,
    transactions: Transactions,
    metrics: Metrics,
    url: String,
    _database: madang_test_kit::TestDatabase,
}

async fn fixture(repetition: Repetition) -> Fixture {
    let database = test_database().await.unwrap();
    let url = database.url().to_owned();
    let mut admin = PgConnection::connect(&url).await.unwrap();
    admin.execute("CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL)").await.unwrap();
    admin.execute("INSERT INTO counters VALUES (1, 0), (2, 0)").await.unwrap();
    let connector = PostgresConnector::new(&url, "test", LIMIT).unwrap().with_settings(&[DEADLOCK_TIMEOUT]);
    let metrics = Metrics::new("database-test").unwrap();
    let transactions = Transactions::new(&metrics, Arc::new(SystemRandom), repetition);
    Fixture { connections: Connections::new(connector, 4), transactions, metrics, url, _database: database }
}

impl Fixture {
    /// Counts up two rows in the order that is given. Before the second row it waits at the barrier, so that another
    /// transaction holds that row; a repetition waits for nobody.
    async fn count_up(&self, name: &'static str, ids: [i32; 2], met: &Barrier) -> DatabaseResult<()> {
        let first_attempt = std::sync::atomic::AtomicBool::new(true);
        let first_attempt = &first_attempt;
        self.transactions
            .run(name, || async move {
                let mut transaction = Transaction::begin(&self.connections, "BEGIN").await?;
                lock_and_count(&mut transaction, ids[0]).await?;
                if first_attempt.swap(false, std::sync::atomic::Ordering::Relaxed) {
                    met.wait().await;
                }
                lock_and_count(&mut transaction, ids[1]).await?;
                transaction.commit().await
            })
            .await
    }

    async fn deadlock(&self) -> [DatabaseResult<()>; 2] {
        let met = Barrier::new(2);
        let both = async {
            tokio::join!(self.count_up("upwards", [1, 2], &met), self.count_up("downwards", [2, 1], &met))
        };
        tokio::time::timeout(LIMIT, both).await.unwrap().into()
    }

    async fn counters(&self) -> Vec<i32> {
        let mut admin = PgConnection::connect(&self.url).await.unwrap();
        sqlx::query_scalar("SELECT n FROM counters ORDER BY id").fetch_all(&mut admin).await.unwrap()
    }
}

async fn lock_and_count(transaction: &mut Transaction<PostgresConnector>, id: i32) -> DatabaseResult<()> {
    let query = sqlx::query("UPDATE counters SET n = n + 1 WHERE id = $1").bind(id);
    let result = query.execute(transaction.connection()).await.map(drop);
    transaction.settle(result)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_transactions_that_wait_for_each_other_both_succeed() {
    let fixture = fixture(Repetition::within(LIMIT)).await;
    for result in fixture.deadlock().await {
        result.unwrap();
    }
    assert_eq!(fixture.counters().await, [2, 2], "each counted once");
    let text = fixture.metrics.render();
    let count = |outcome: &str| {
        let label = format!("outcome=\"{outcome}\"");
        let lines = text.lines().filter(|line| {
            line.starts_with("madang_database_transaction_duration_seconds_count") && line.contains(&label)
        });
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()).sum::<u32>()
    };
    assert_eq!((count("ok"), count("conflict")), (2, 1), "{text}");
    assert!(
        text.contains(r#"transaction="upwards""#) && text.contains(r#"transaction="downwards""#),
        "{text}"
    );
}

/// What the repetition is for: without it one of the two fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_repetition_one_of_them_fails() {
    let fixture = fixture(Repetition { attempts: 1, ..Repetition::within(LIMIT) }).await;
    let results = fixture.deadlock().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().any(|result| matches!(result, Err(DatabaseError::Conflict(_)))), "{results:?}");
    assert_eq!(fixture.counters().await, [1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repetitions_end_with_their_number_and_with_the_deadline_of_the_call() {
    let conflict = || async { Err::<(), _>(DatabaseError::Conflict("always".into())) };
    let attempts = async |repetition: Repetition| {
        let metrics = Metrics::new("database-test").unwrap();
        let transactions = Transactions::new(&metrics, Arc::new(SystemRandom), repetition);
        transactions.run("always", conflict).await.unwrap_err();
        let text = metrics.render();
        let line =
            r#"madang_database_transaction_duration_seconds_count{outcome="conflict",transaction="always"} "#;
        text.lines().find_map(|text| text.strip_prefix(line)).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert_eq!(attempts(Repetition::within(LIMIT)).await, "5");
    assert_eq!(attempts(Repetition::within(Duration::ZERO)).await, "1");
}

/// An attempt that is dropped, as by the deadline of its call, is measured all the same.
#[tokio::test]
async fn what_is_cancelled_is_measured() {
    let metrics = Metrics::new("database-test").unwrap();
    let transactions = Transactions::new(&metrics, Arc::new(SystemRandom), Repetition::within(LIMIT));
    let endless = transactions.run("endless", std::future::pending::<DatabaseResult<()>>);
    tokio::time::timeout(Duration::from_millis(10), endless).await.unwrap_err();
    let text = metrics.render();
    assert!(text.contains(r#"{outcome="cancelled",transaction="endless"} 1"#), "{text}");
}
