//! The limit of the appends: the same rows into a table like the log's, in batches, with nothing around them.
//!
//! No membership, no idempotency beyond the index, no heads, no answers: `INSERT … SELECT FROM unnest(…)`, committed
//! as durably as the store's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use super::measured::{CALLERS, Measured, text};
use crate::{
    error::BenchError,
    measure::{
        histogram::Histogram,
        meter::{Edge, Meter},
    },
};

/// Connections that insert, each a batch after the other: as many as two replicas keep busy, and no more than two
/// cores have use for.
const CONNECTIONS: usize = 4;
/// Rows of a batch: what queues at each of two replicas while their last batch is written.
const BATCH_ROWS: usize = CALLERS / 2;
/// Topics of a connection; none is another's, so that no one waits for a lock.
const TOPICS: usize = 32;

/// A run that was killed may have left it.
const DROP: &str = "DROP SCHEMA IF EXISTS madang_load CASCADE";
const CREATE: &str = r"
    CREATE SCHEMA madang_load;
    CREATE TABLE madang_load.events (
        topic uuid NOT NULL,
        seq bigint NOT NULL,
        kind smallint NOT NULL,
        actor uuid NOT NULL,
        at bigint NOT NULL,
        ordinal bigint NOT NULL,
        key text,
        text text,
        PRIMARY KEY (topic, seq)
    ) PARTITION BY HASH (topic);
    DO $$
    BEGIN
        FOR part IN 0..15 LOOP
            EXECUTE format(
                'CREATE TABLE madang_load.events_%s PARTITION OF madang_load.events FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                part, part
            );
        END LOOP;
    END
    $$;
    CREATE UNIQUE INDEX ON madang_load.events (topic, actor, key) WHERE key IS NOT NULL;
";
const INSERT: &str = r"
    INSERT INTO madang_load.events (topic, seq, kind, actor, at, ordinal, key, text)
    SELECT topic, seq, 1, actor, seq, seq, key, text
    FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[])
        AS rows (topic, seq, actor, key, text)
";

/// Inserts until the window is over.
pub(super) async fn measure(
    url: &str,
    warm_up: Duration,
    window: Duration,
    mut meter: Meter,
) -> Result<Measured, BenchError> {
    let mut owner = PgConnection::connect(url).await?;
    sqlx::raw_sql(DROP).execute(&mut owner).await?;
    sqlx::raw_sql(CREATE).execute(&mut owner).await?;

    let rows = Arc::new(AtomicU64::new(0));
    let mut inserting = JoinSet::new();
    for number in 0..CONNECTIONS {
        let connection = PgConnection::connect(url).await?;
        inserting.spawn(insert(connection, number, Arc::clone(&rows)));
    }
    let measured = tokio::select! {
        measured = async {
            sleep(warm_up).await;
            meter.mark(Edge::Start);
            let (started, rows_before) = (Instant::now(), rows.load(Relaxed));
            sleep(window).await;
            let (rows, window) = (rows.load(Relaxed) - rows_before, started.elapsed());
            meter.mark(Edge::End);
            Ok((rows, window))
        } => measured,
        // They end only by an error.
        Some(Ok(Err(error))) = inserting.join_next() => Err(BenchError::from(error)),
    };
    inserting.shutdown().await;
    sqlx::raw_sql(DROP).execute(&mut owner).await?;
    let (rows, window) = measured?;
    Ok(Measured { rows, latency: Histogram::default(), refused: 0, window, cpu: meter.finish()? })
}

async fn insert(
    mut connection: PgConnection,
    number: usize,
    rows: Arc<AtomicU64>,
) -> Result<(), sqlx::Error> {
    let topics: Vec<Uuid> =
        (0..TOPICS).map(|topic| Uuid::from_u128(((number * TOPICS + topic) as u128) << 64 | 1)).collect();
    let batch_topics: Vec<Uuid> = (0..BATCH_ROWS).map(|row| topics[row % TOPICS]).collect();
    let texts = vec![text(); BATCH_ROWS];
    let mut next_seq = 1_i64;
    loop {
        let mut seqs = Vec::with_capacity(BATCH_ROWS);
        for row in 0..BATCH_ROWS {
            seqs.push(next_seq);
            // One place further in every topic.
            next_seq += i64::from(row % TOPICS == TOPICS - 1);
        }
        let keys: Vec<String> = seqs.iter().map(|seq| format!("bare-{number}-{seq}")).collect();
        let inserted = sqlx::query(INSERT)
            .bind(&batch_topics)
            .bind(&seqs)
            .bind(&batch_topics)
            .bind(&keys)
            .bind(&texts)
            .execute(&mut connection)
            .await?;
        rows.fetch_add(inserted.rows_affected(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rows_are_inserted_without_a_conflict_and_nothing_is_left() {
        let database = madang_test_kit::test_database().await.unwrap();
        let window = Duration::from_millis(300);
        let measured = measure(database.url(), Duration::ZERO, window, Meter::new(&[])).await.unwrap();
        // More than a round through all topics, so that places were counted on.
        assert!(measured.rows > (CONNECTIONS * BATCH_ROWS) as u64, "{}", measured.rows);
        assert!(measured.window >= window);
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        let left: Option<String> = sqlx::query_scalar("SELECT to_regnamespace('madang_load')::text")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(left, None);
    }
}
