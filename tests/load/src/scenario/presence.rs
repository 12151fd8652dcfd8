//! What it costs that users come and go.

use std::{collections::BTreeMap, time::Duration};

use super::{
    bench::{Bench, Cluster},
    kind::Scenario,
    side::Side,
};
use crate::{
    error::BenchError,
    fleet::{Fleet, Step},
    layout::Shape,
    measure::meter::{CpuTimes, Edge, Meter},
    report::{Budget, Row},
    target::{Part, Process},
};

/// A hundred users in each room, none of them in two.
const SHAPE: Shape = Shape { rooms: 20, clients_per_room: 100, members_per_room: 100 };
const USERS: usize = SHAPE.rooms * SHAPE.clients_per_room;
/// All come within this, and all go within this: ten seconds together.
const EACH_WAY: Duration = Duration::from_secs(5);
const OPEN_DEADLINE: Duration = Duration::from_secs(60);
/// The grace of those who have gone (5 s by default), and the time until it is told.
const GRACE: Duration = Duration::from_secs(7);

/// What the processes count.
#[derive(Debug, Default)]
struct Counts {
    frames: f64,
    changes: f64,
    presence_calls: f64,
    /// Calls by command, of all and of clients alone.
    redis: BTreeMap<String, f64>,
}

struct Measured {
    before: Counts,
    after: Counts,
    cpu: CpuTimes,
    lost: u64,
    gateways: usize,
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<Vec<Row>, BenchError> {
    let work = Scenario::Presence;
    // The bare server knows no users: there is nothing to compare with.
    let Some(Cluster { target, api, .. }) = &mut bench.cluster else { return Ok(Vec::new()) };
    bench.progress.say(&format!("{}: registering {USERS} accounts", work.name()));
    let mut accounts = bench.runtime.block_on(api.register(&format!("{}-here", bench.run), USERS))?;
    let side = bench.runtime.block_on(Side::of_cluster(target, api, &mut accounts, SHAPE))?;
    bench.progress.say(work.name());
    let measured = enter_and_leave(bench, &side)?;
    let Measured { before, after, cpu, lost, gateways } = &measured;
    let told = after.changes - before.changes;
    // Each user comes and goes once, and every gateway has listeners in every room.
    let expected = (2 * USERS * gateways) as f64;
    let redis = |name: &str| {
        let of = |counts: &Counts| counts.redis.get(name).copied().unwrap_or_default();
        of(after) - of(before)
    };
    let all_of_redis: f64 = after.redis.values().sum::<f64>() - before.redis.values().sum::<f64>();
    let row = |figure, value, unit| Row::new(work.name(), figure, value, unit);
    Ok(vec![
        row("arrivals and departures told to gateways", told, "").beside(Some(expected)),
        row("too many or too few of them", (told - expected).abs(), "").within(Budget::AtMost(0.0)),
        row("sockets lost", *lost as f64, "").within(Budget::AtMost(0.0)),
        row("presence frames sent", after.frames - before.frames, ""),
        row(
            "frames a change and listener",
            (after.frames - before.frames) / (2 * USERS * SHAPE.clients_per_room) as f64,
            "",
        ),
        row("Redis: presence calls", after.presence_calls - before.presence_calls, ""),
        row("Redis: script calls, all", redis("evalsha"), ""),
        row("Redis: reads of inboxes", redis("xread"), ""),
        row("Redis: commands, those in scripts included", all_of_redis, ""),
        row("CPU: gateways", cpu.seconds(&[Part::Gateway]), "s"),
        row("CPU: Redis", cpu.seconds(&[Part::Redis]), "s"),
        row("CPU: stores and PostgreSQL", cpu.seconds(&[Part::Store, Part::Database]), "s"),
        row("generator: CPU", cpu.seconds(&[Part::Generator]), "s"),
        row("other work on the machine: CPU", cpu.seconds_of_others(), "s"),
    ])
}

fn enter_and_leave(bench: &Bench<'_>, side: &Side) -> Result<Measured, BenchError> {
    let mut fleet = Fleet::open(side.plan.clone(), OPEN_DEADLINE)?;
    // Opening has brought all in: they begin outside.
    fleet.walk(Step::Out, EACH_WAY)?;
    fleet.idle(GRACE)?;
    let count = || bench.runtime.block_on(count(&side.processes));
    let before = count()?;
    let mut meter = Meter::new(&side.processes);
    meter.mark(Edge::Start);
    fleet.walk(Step::In, EACH_WAY)?;
    fleet.walk(Step::Out, EACH_WAY)?;
    fleet.idle(GRACE)?;
    meter.mark(Edge::End);
    let after = count()?;
    let lost = fleet.ended().values().sum();
    fleet.close()?;
    Ok(Measured { before, after, cpu: meter.finish()?, lost, gateways: side.gateways().len() })
}

async fn count(processes: &[Process]) -> Result<Counts, BenchError> {
    let mut counts = Counts::default();
    for ops in processes.iter().filter(|p| p.part == Part::Gateway).filter_map(|p| p.ops_address) {
        let answer = reqwest::get(format!("http://{ops}/metrics")).await.map_err(BenchError::Metrics)?;
        let text = answer.text().await.map_err(BenchError::Metrics)?;
        counts.frames += metric(&text, "madang_gateway_presence_frames_total");
        counts.changes += metric(&text, "madang_bus_presence_changes_total");
        counts.presence_calls += metric(&text, "madang_bus_presence_calls_total");
    }
    let redis = processes.iter().find(|p| p.part == Part::Redis).ok_or(BenchError::NoRedis)?;
    let client = redis::Client::open(format!("redis://{}/", redis.address))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(&mut connection).await?;
    counts.redis = stats.lines().filter_map(command).collect();
    Ok(counts)
}

/// A metric's sum over its labels.
fn metric(text: &str, name: &str) -> f64 {
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

/// `cmdstat_xadd:calls=7,usec=…`
fn command(line: &str) -> Option<(String, f64)> {
    let (name, fields) = line.strip_prefix("cmdstat_")?.split_once(':')?;
    let calls = fields.strip_prefix("calls=")?.split(',').next()?.parse().ok()?;
    Some((name.to_owned(), calls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_they_are_written() {
        let text = "# TYPE a_total counter\na_total{x=\"1\"} 3\na_total{x=\"2\"} 4\nb_total 9\n";
        assert!((metric(text, "a_total") - 7.0).abs() < f64::EPSILON);
        assert_eq!(
            command("cmdstat_xadd:calls=7,usec=12,usec_per_call=1.71"),
            Some(("xadd".to_owned(), 7.0))
        );
        assert_eq!(command("# Commandstats"), None);
    }
}
