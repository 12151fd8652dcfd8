//! How many clients a second can come.

use std::time::Duration;

use super::{bench::Bench, kind::Scenario, side::Side};
use crate::{
    error::BenchError,
    fleet::{Churn, ChurnOutcome, churn},
    layout::Shape,
    measure::meter::{CpuTimes, Meter},
    report::{Budget, Row},
    target::Part,
};

/// Two hundred seats, each of another account.
const SHAPE: Shape = Shape { rooms: 20, clients_per_room: 10, members_per_room: 10 };
/// Clients on their way at a time: enough to keep both gateways busy, below what they admit at once.
const CONCURRENCY: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const PER_SECOND_MIN: f64 = 3_000.0;
const MS_PER_SECOND: f64 = 1_000.0;

struct Measured {
    outcome: ChurnOutcome,
    cpu: CpuTimes,
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<Vec<Row>, BenchError> {
    let work = Scenario::Connections;
    let how = Churn { concurrency: CONCURRENCY, warm_up: WARM_UP, window: bench.settings.window };
    let both = bench.on_both_sides(work.name(), SHAPE, |side, _| come_and_go(side, how))?;
    let row = |figure, unit, of: &dyn Fn(&Measured) -> f64| both.row(work, figure, unit, of);
    // No measurement is no number, and misses its budget.
    let ms = |duration: Option<Duration>| duration.map_or(f64::NAN, |d| d.as_secs_f64() * MS_PER_SECOND);
    let cpu_ms =
        |m: &Measured, parts: &[Part]| m.cpu.seconds(parts) * MS_PER_SECOND / m.outcome.completed as f64;
    Ok(vec![
        row("clients", "/s", &|m| m.outcome.completed as f64 / m.outcome.window.as_secs_f64())
            .within(Budget::AtLeast(PER_SECOND_MIN)),
        row("clients that failed", "", &|m| m.outcome.failed.values().sum::<u64>() as f64)
            .within(Budget::AtMost(0.0)),
        row("connect to subscribed p50", "ms", &|m| ms(m.outcome.subscribed.quantile(0.5))),
        row("connect to subscribed p99", "ms", &|m| ms(m.outcome.subscribed.quantile(0.99))),
        row("CPU a client: gateways", "ms", &|m| cpu_ms(m, &[Part::Gateway])),
        row("CPU a client: gateways, stores, auth", "ms", &|m| {
            cpu_ms(m, &[Part::Gateway, Part::Store, Part::Auth])
        }),
        row("generator: CPU of one core", "%", &|m| {
            100.0 * m.cpu.seconds(&[Part::Generator]) / m.outcome.window.as_secs_f64()
        }),
        row("other work on the machine: CPU of one core", "%", &|m| {
            100.0 * m.cpu.seconds_of_others() / m.outcome.window.as_secs_f64()
        }),
    ])
}

fn come_and_go(side: &Side, how: Churn) -> Result<Measured, BenchError> {
    let mut meter = Meter::new(&side.processes);
    let outcome = churn(&side.plan, how, &mut |edge| meter.mark(edge))?;
    Ok(Measured { outcome, cpu: meter.finish()? })
}
