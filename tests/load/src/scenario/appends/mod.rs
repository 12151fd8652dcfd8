//! How many messages a second the message store makes durable, beside what its PostgreSQL takes bare.

pub(super) mod callers;
mod measured;
mod peer;

use std::time::Duration;

use self::measured::MS_PER_SECOND;
use super::{
    bench::{Bench, Cluster},
    kind::Scenario,
};
use crate::{
    error::BenchError,
    layout::Shape,
    measure::meter::Meter,
    report::{Budget, Row},
    target::{Part, Process},
};

/// A hundred rooms, so that appends of a moment are to many.
const SHAPE: Shape = Shape { rooms: 100, clients_per_room: 2, members_per_room: 2 };
const WARM_UP: Duration = Duration::from_secs(3);
const PER_SECOND_MIN: f64 = 10_000.0;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<Vec<Row>, BenchError> {
    let work = Scenario::Appends;
    let window = bench.settings.window;
    // A bare server stores nothing.
    let Some(Cluster { target, api, accounts }) = &mut bench.cluster else { return Ok(Vec::new()) };
    bench.progress.say(&format!("{}: the message store", work.name()));
    let stored = bench.runtime.block_on(async {
        let members = SHAPE.members(accounts.len());
        let rooms = api.make_rooms(accounts, &members).await?;
        let stores = target.addresses(Part::Store);
        let callers = callers::Callers::new(&stores, accounts, &rooms, &members, &bench.run)?;
        callers.measure(WARM_UP, window, Meter::new(&target.processes)).await
    })?;
    bench.progress.say(&format!("{}: bare inserts", work.name()));
    let database: Vec<Process> = target.of(Part::Database).cloned().collect();
    let url = database.first().and_then(|process| process.url.as_deref());
    let url = url.ok_or(BenchError::NoDatabaseUrl)?;
    let bare = bench.runtime.block_on(peer::measure(url, WARM_UP, window, Meter::new(&database)))?;

    let ms = |duration: Option<Duration>| duration.map_or(f64::NAN, |d| d.as_secs_f64() * MS_PER_SECOND);
    let row = |figure, unit, value| Row::new(work.name(), figure, value, unit);
    #[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
    Ok(vec![
        row("durable appends", "/s", stored.per_second())
            .within(Budget::AtLeast(PER_SECOND_MIN))
            .beside(Some(bare.per_second())),
        row("appends refused", "", stored.refused as f64).within(Budget::AtMost(0.0)),
        row("append p50", "ms", ms(stored.latency.quantile(0.5))),
        row("append p99", "ms", ms(stored.latency.quantile(0.99))),
        row("appends a store CPU-second", "", stored.per_cpu_second(Part::Store)),
        row("CPU an append: stores", "ms", stored.cpu_ms(Part::Store)),
        row("CPU an append: PostgreSQL", "ms", stored.cpu_ms(Part::Database))
            .beside(Some(bare.cpu_ms(Part::Database))),
        row(
            "generator: CPU of one core",
            "%",
            stored.percent_of_core(stored.cpu.seconds(&[Part::Generator])),
        )
        .beside(Some(bare.percent_of_core(bare.cpu.seconds(&[Part::Generator])))),
        row(
            "other work on the machine: CPU of one core",
            "%",
            stored.percent_of_core(stored.cpu.seconds_of_others()),
        ),
    ])
}
