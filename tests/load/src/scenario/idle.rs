//! What an idle socket costs a gateway.

use std::time::Duration;

use super::{bench::Bench, kind::Scenario, side::Side};
use crate::{
    error::BenchError,
    fleet::Fleet,
    layout::Shape,
    measure::process::{self, Memory, ProcessError},
    report::{Budget, Row},
};

const SHAPE: Shape = Shape { rooms: 500, clients_per_room: 10, members_per_room: 10 };
const KB_PER_SOCKET_MAX: f64 = 8.0;
const OPEN_DEADLINE: Duration = Duration::from_secs(60);
/// Until the memory of the handshakes has gone back to the system: jemalloc's default decay is ten seconds.
const SETTLE: Duration = Duration::from_secs(12);
const BYTES_PER_KB: f64 = 1_000.0;

/// The memory of a side, with and without its sockets.
struct Growth {
    before: Memory,
    after: Memory,
    lost: u64,
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one machine are far below 2^52")]
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<Vec<Row>, BenchError> {
    let work = Scenario::Idle;
    let both = bench.on_both_sides(work.name(), SHAPE, |side, _| open_and_wait(side))?;
    let per_socket =
        |after: u64, before: u64| (after as f64 - before as f64) / SHAPE.clients() as f64 / BYTES_PER_KB;
    let rss = |growth: &Growth| per_socket(growth.after.rss_bytes, growth.before.rss_bytes);
    let pss = |growth: &Growth| per_socket(growth.after.pss_bytes, growth.before.pss_bytes);
    Ok(vec![
        both.row(work, "gateway memory a socket (RSS)", "kB", rss).within(Budget::AtMost(KB_PER_SOCKET_MAX)),
        both.row(work, "gateway memory a socket (PSS)", "kB", pss),
        both.row(work, "sockets lost", "", |growth| growth.lost as f64).within(Budget::AtMost(0.0)),
    ])
}

fn open_and_wait(side: &Side) -> Result<Growth, BenchError> {
    let before = memory(side)?;
    let mut fleet = Fleet::open(side.plan.clone(), OPEN_DEADLINE)?;
    fleet.idle(SETTLE)?;
    let after = memory(side)?;
    let lost = fleet.ended().values().sum();
    fleet.close()?;
    Ok(Growth { before, after, lost })
}

fn memory(side: &Side) -> Result<Memory, ProcessError> {
    side.gateways().into_iter().try_fold(Memory::default(), |sum, pid| {
        let memory = process::memory(pid)?;
        Ok(Memory {
            rss_bytes: sum.rss_bytes + memory.rss_bytes,
            pss_bytes: sum.pss_bytes + memory.pss_bytes,
        })
    })
}
