//! Messages to rooms: three shapes, from two in a room to a thousand.

use std::time::Duration;

use super::{bench::Bench, kind::Scenario, side::Side};
use crate::{
    error::BenchError,
    fleet::{Fleet, Load, Outcome},
    layout::Shape,
    measure::{
        disk::DiskProbe,
        histogram::Histogram,
        meter::{CpuTimes, Meter},
    },
    report::{Budget, Row},
    target::Part,
};

/// A load of messages and what it must keep to.
pub(super) struct FanOut {
    work: Scenario,
    shape: Shape,
    per_room_hz: u32,
    /// Of the time from a send's scheduled time to each delivery.
    p99_ms_max: Option<f64>,
    deliveries_per_cpu_second_min: Option<f64>,
    /// In gateways, stores and auth together.
    cpu_ms_per_publish_max: Option<f64>,
}

pub(super) const SMALL: FanOut = FanOut {
    work: Scenario::FanOut,
    shape: Shape { rooms: 10, clients_per_room: 100, members_per_room: 20 },
    per_room_hz: 10,
    p99_ms_max: Some(50.0),
    deliveries_per_cpu_second_min: Some(50_000.0),
    cpu_ms_per_publish_max: None,
};

pub(super) const LARGE: FanOut = FanOut {
    work: Scenario::FanOutLarge,
    shape: Shape { rooms: 10, clients_per_room: 1_000, members_per_room: 20 },
    per_room_hz: 10,
    p99_ms_max: Some(100.0),
    deliveries_per_cpu_second_min: None,
    cpu_ms_per_publish_max: None,
};

pub(super) const PAIRS: FanOut = FanOut {
    work: Scenario::Pairs,
    shape: Shape { rooms: 500, clients_per_room: 2, members_per_room: 2 },
    per_room_hz: 2,
    p99_ms_max: None,
    deliveries_per_cpu_second_min: None,
    cpu_ms_per_publish_max: Some(0.35),
};

const TEXT_BYTES: usize = 128;
const OPEN_DEADLINE: Duration = Duration::from_secs(60);
const WARM_UP: Duration = Duration::from_secs(3);
/// Deliveries later than this after the last send count as missing.
const DRAIN: Duration = Duration::from_secs(10);
const SERVICES: [Part; 3] = [Part::Gateway, Part::Store, Part::Auth];
const MS_PER_SECOND: f64 = 1_000.0;

/// What a side did and used.
struct Measured {
    outcome: Outcome,
    cpu: CpuTimes,
    /// The machine's own durable writes meanwhile.
    disk: Histogram,
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
impl Measured {
    fn deliveries_per_cpu_second(&self) -> f64 {
        self.outcome.delivered_in_window as f64 / self.cpu.seconds(&[Part::Gateway])
    }

    fn cpu_ms_per_publish(&self, parts: &[Part]) -> f64 {
        self.cpu.seconds(parts) * MS_PER_SECOND / self.outcome.acked_in_window as f64
    }

    fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.outcome.window.as_secs_f64()
    }

    /// Of one core.
    fn generator_percent(&self) -> f64 {
        100.0 * self.cpu.seconds(&[Part::Generator]) / self.outcome.window.as_secs_f64()
    }

    fn others_percent(&self) -> f64 {
        100.0 * self.cpu.seconds_of_others() / self.outcome.window.as_secs_f64()
    }

    /// Sends without an acknowledgement, refused or not.
    fn not_acked(&self) -> f64 {
        (self.outcome.sent - self.outcome.acked.min(self.outcome.sent)) as f64
    }

    fn disorder(&self) -> f64 {
        let faults = self.outcome.faults;
        (faults.gaps + faults.repeats + faults.inversions) as f64
    }
}

pub(super) fn measure(bench: &mut Bench<'_>, fan_out: &FanOut) -> Result<Vec<Row>, BenchError> {
    let window = bench.settings.window;
    let both = bench.on_both_sides(fan_out.work.name(), fan_out.shape, |side, run| {
        let load = Load {
            per_room_hz: fan_out.per_room_hz,
            text_bytes: TEXT_BYTES,
            warm_up: WARM_UP,
            window,
            drain: DRAIN,
            run: run.to_owned(),
        };
        drive(side, &load)
    })?;

    let row = |figure, unit, of: &dyn Fn(&Measured) -> f64| both.row(fan_out.work, figure, unit, of);
    let at_most = |row: Row, most: Option<f64>| match most {
        Some(most) => row.within(Budget::AtMost(most)),
        None => row,
    };
    // No measurement is no number, and misses its budget.
    let ms = |duration: Option<Duration>| duration.map_or(f64::NAN, |d| d.as_secs_f64() * MS_PER_SECOND);
    let none = Some(0.0);
    #[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
    let mut rows = vec![
        at_most(row("deliveries missing", "", &|m| m.outcome.faults.missing as f64), none),
        at_most(row("gaps, repeats, inversions", "", &Measured::disorder), none),
        at_most(row("sends not acknowledged", "", &Measured::not_acked), none),
        at_most(row("sockets lost", "", &|m| m.outcome.ended.values().sum::<u64>() as f64), none),
        row("deliveries", "/s", &|m| m.per_second(m.outcome.delivered_in_window)),
        row("delivery p50", "ms", &|m| ms(m.outcome.delivery.quantile(0.5))),
        at_most(row("delivery p99", "ms", &|m| ms(m.outcome.delivery.quantile(0.99))), fan_out.p99_ms_max),
        row("delivery max", "ms", &|m| ms(m.outcome.delivery.max())),
        row("ack p99", "ms", &|m| ms(m.outcome.ack.quantile(0.99))),
    ];
    let deliveries = row("deliveries a gateway CPU-second", "", &Measured::deliveries_per_cpu_second);
    rows.push(match fan_out.deliveries_per_cpu_second_min {
        Some(least) => deliveries.within(Budget::AtLeast(least)),
        None => deliveries,
    });
    let of_services =
        row("CPU a publish: gateways, stores, auth", "ms", &|m| m.cpu_ms_per_publish(&SERVICES));
    rows.push(at_most(of_services, fan_out.cpu_ms_per_publish_max));
    if both.cluster.is_some() {
        for (figure, part) in [
            ("CPU a publish: gateways", Part::Gateway),
            ("CPU a publish: stores", Part::Store),
            ("CPU a publish: PostgreSQL", Part::Database),
            ("CPU a publish: Redis", Part::Redis),
        ] {
            rows.push(row(figure, "ms", &|m| m.cpu_ms_per_publish(&[part])));
        }
    }
    rows.push(row("generator: CPU of one core", "%", &Measured::generator_percent));
    rows.push(row("other work on the machine: CPU of one core", "%", &Measured::others_percent));
    rows.push(row("disk: one durable write p99", "ms", &|m| ms(m.disk.quantile(0.99))));
    rows.push(row("disk: one durable write max", "ms", &|m| ms(m.disk.max())));
    rows.push(row("generator: sends late by p99", "ms", &|m| ms(m.outcome.lateness.quantile(0.99))));
    Ok(rows)
}

fn drive(side: &Side, load: &Load) -> Result<Measured, BenchError> {
    let mut fleet = Fleet::open(side.plan.clone(), OPEN_DEADLINE)?;
    let mut meter = Meter::new(&side.processes);
    let disk = DiskProbe::start()?;
    let outcome = fleet.drive(load, &mut |edge| meter.mark(edge))?;
    let disk = disk.finish()?;
    fleet.close()?;
    Ok(Measured { outcome, cpu: meter.finish()?, disk })
}
