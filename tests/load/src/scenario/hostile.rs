//! How much the others feel of hostile clients.

use std::{sync::Arc, time::Duration};

use super::{
    bench::{Bench, Cluster},
    kind::Scenario,
};
use crate::{
    error::BenchError,
    fleet::{Fleet, Load, Outcome, Plan},
    hostile::{Aim, Attack, Attacker, Newcomers, NewcomersOutcome, SignIns, SignInsOutcome, Spoils},
    layout::Shape,
    measure::{
        meter::{CpuTimes, Edge, Meter},
        peak::MemoryPeak,
    },
    report::{Budget, Row},
    rest_api::PASSWORD,
    target::Part,
};

/// The normal load: it leaves accounts for the attacker and the newcomers, and most of the machine.
const SHAPE: Shape = Shape { rooms: 9, clients_per_room: 20, members_per_room: 20 };
const PER_ROOM_HZ: u32 = 10;
const TEXT_BYTES: usize = 128;
const OPEN_DEADLINE: Duration = Duration::from_secs(60);
/// The attack begins with the warm-up, so that the window sees what it has become.
const WARM_UP: Duration = Duration::from_secs(3);
const DRAIN: Duration = Duration::from_secs(10);
/// The accounts that the attacker has; the next one is the newcomers'.
const ATTACKERS: usize = 4;
/// The messages of the archive: as many as are replayed, of as many bytes as a text may have.
const ARCHIVE_MESSAGES: usize = 500;
const ARCHIVE_TEXT: char = '𝄞';
const ARCHIVE_TEXT_CHARS: usize = 4_000;
/// Those who write it: none of them comes near what a user may send at once.
const ARCHIVE_WRITERS: usize = 25;
const SERVICES: [Part; 3] = [Part::Gateway, Part::Store, Part::Auth];
const MS_PER_SECOND: f64 = 1_000.0;
const BYTES_PER_MB: f64 = 1_000_000.0;

/// What the others felt, and what the attack cost.
struct Measured {
    outcome: Outcome,
    newcomers: NewcomersOutcome,
    sign_ins: SignInsOutcome,
    cpu: CpuTimes,
    grown_bytes: u64,
    spoils: Spoils,
}

/// The people of the scenario.
struct Cast {
    plan: Plan,
    aim: Aim,
    newcomer: Arc<str>,
    /// Those who sign in meanwhile.
    usernames: Arc<[String]>,
}

/// Without an attack, and then beside each. The calm one stands in the column of the limit.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<Vec<Row>, BenchError> {
    let Some(cluster) = &mut bench.cluster else { return Ok(Vec::new()) };
    let cast = bench.runtime.block_on(Cast::of(cluster, &bench.run))?;
    let mut fleet = Fleet::open(cast.plan.clone(), OPEN_DEADLINE)?;
    let window = bench.settings.window;
    let attacks = bench.settings.attacks.clone();
    let run = bench.run.clone();
    let mut beside = |attack: Option<Attack>| {
        let name = attack.map_or("calm", Attack::name);
        bench.progress.say(&format!("{}: {name}", Scenario::Hostile.name()));
        let load = Load {
            per_room_hz: PER_ROOM_HZ,
            text_bytes: TEXT_BYTES,
            warm_up: WARM_UP,
            window,
            drain: DRAIN,
            run: format!("{run}-{name}"),
        };
        felt(cluster, &cast, &mut fleet, &load, attack)
    };
    let calm = beside(None)?;
    let mut rows = Vec::new();
    for attack in attacks {
        rows.extend(rows_of(attack, &beside(Some(attack))?, &calm));
    }
    fleet.close()?;
    Ok(rows)
}

impl Cast {
    async fn of(cluster: &mut Cluster, run: &str) -> Result<Self, BenchError> {
        let Cluster { target, api, accounts } = cluster;
        api.renew(accounts).await?;
        let newcomer = accounts.len() - ATTACKERS - 1;
        let attacker = newcomer + 1;
        let mut members = SHAPE.members(newcomer);
        // The attacker is a member of one room of the load, where it sends nothing.
        members[0].push(attacker);
        members.push(vec![attacker, newcomer]);
        members.push((0..ARCHIVE_WRITERS).chain([attacker]).collect());
        let gateways = target.addresses(Part::Gateway);
        let seats = SHAPE.seats(newcomer, gateways.len());
        let mut rooms = api.make_rooms(accounts, &members).await?;
        let (archive, own_room) = (Arc::clone(&rooms[SHAPE.rooms + 1]), Arc::clone(&rooms[SHAPE.rooms]));
        rooms.truncate(SHAPE.rooms);
        let public_room = api.make_public_room(&accounts[newcomer]).await?;
        let text = String::from_iter([ARCHIVE_TEXT; ARCHIVE_TEXT_CHARS]);
        api.say(&accounts[..ARCHIVE_WRITERS], &archive, &text, ARCHIVE_MESSAGES).await?;
        let token = |account: usize| Arc::clone(&accounts[account].token);
        let tokens = (0..newcomer).map(token).collect();
        let aim = Aim {
            run: run.into(),
            gateways: gateways.clone(),
            token: token(attacker),
            usernames: accounts[attacker..].iter().map(|account| account.username.clone()).collect(),
            password: PASSWORD,
            room: Arc::clone(&rooms[0]),
            public_room,
            archive,
            own_room,
            newcomer: accounts[newcomer].id.as_str().into(),
            bystander: accounts[0].id.as_str().into(),
        };
        Ok(Self {
            plan: Plan { servers: gateways, tokens, rooms, seats },
            aim,
            newcomer: token(newcomer),
            usernames: accounts[..newcomer].iter().map(|account| account.username.clone()).collect(),
        })
    }
}

fn felt(
    cluster: &Cluster,
    cast: &Cast,
    fleet: &mut Fleet,
    load: &Load,
    attack: Option<Attack>,
) -> Result<Measured, BenchError> {
    let gateways = cluster.target.of(Part::Gateway).map(|process| process.pid).collect();
    let peak = MemoryPeak::start(gateways)?;
    let mut meter = Meter::new(&cluster.target.processes);
    let newcomers = Newcomers::start(
        cast.aim.gateways.clone(),
        Arc::clone(&cast.newcomer),
        Arc::clone(&cast.aim.own_room),
    )?;
    let sign_ins = SignIns::start(cast.aim.gateways.clone(), Arc::clone(&cast.usernames), PASSWORD)?;
    let attacker = attack.map(|attack| Attacker::start(attack, cast.aim.clone())).transpose()?;
    // It ends with the window, so that what comes late does not hide behind what still goes on.
    let mut attacker = attacker.map(Some);
    let mut spoils = None;
    let outcome = fleet.drive(load, &mut |edge| {
        meter.mark(edge);
        if edge == Edge::End {
            spoils = attacker.as_mut().and_then(Option::take).map(Attacker::finish);
        }
    })?;
    let (newcomers, sign_ins) = (newcomers.finish()?, sign_ins.finish()?);
    Ok(Measured {
        outcome,
        newcomers,
        sign_ins,
        cpu: meter.finish()?,
        grown_bytes: peak.finish()?,
        spoils: spoils.transpose()?.unwrap_or_default(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
fn rows_of(attack: Attack, measured: &Measured, calm: &Measured) -> Vec<Row> {
    let row = |figure, unit, of: &dyn Fn(&Measured) -> f64| {
        Row::new(attack.name(), figure, of(measured), unit).beside(Some(of(calm)))
    };
    let spoil = |figure, unit, value| Row::new(attack.name(), figure, value, unit);
    // No measurement is no number, and misses its budget.
    let ms = |duration: Option<Duration>| duration.map_or(f64::NAN, |d| d.as_secs_f64() * MS_PER_SECOND);
    let seconds = measured.spoils.lasted.as_secs_f64();
    vec![
        row("others' messages lost, repeated or refused", "", &|m| {
            let faults = m.outcome.faults;
            let lost = faults.missing + faults.gaps + faults.repeats + faults.inversions;
            (lost + m.outcome.sent - m.outcome.acked.min(m.outcome.sent)) as f64
        })
        .within(Budget::AtMost(0.0)),
        row("others' sockets lost", "", &|m| m.outcome.ended.values().sum::<u64>() as f64)
            .within(Budget::AtMost(0.0)),
        row("others' delivery p50", "ms", &|m| ms(m.outcome.delivery.quantile(0.5))),
        row("others' delivery p99", "ms", &|m| ms(m.outcome.delivery.quantile(0.99))),
        row("others' acknowledgement p50", "ms", &|m| ms(m.outcome.ack.quantile(0.5))),
        row("others' acknowledgement p99", "ms", &|m| ms(m.outcome.ack.quantile(0.99))),
        row("newcomers turned away", "", &|m| m.newcomers.turned_away as f64).within(Budget::AtMost(0.0)),
        row("newcomers: connect to subscribed p99", "ms", &|m| ms(m.newcomers.subscribed.quantile(0.99))),
        row("others' sign-ins refused", "", &|m| m.sign_ins.refused as f64).within(Budget::AtMost(0.0)),
        row("others' sign-in p50", "ms", &|m| ms(m.sign_ins.took.quantile(0.5))),
        row("others' slowest sign-in", "ms", &|m| ms(m.sign_ins.took.max())),
        row("gateways' growth of memory at most", "MB", &|m| m.grown_bytes as f64 / BYTES_PER_MB),
        row("CPU of gateways, stores, auth", "%", &|m| {
            100.0 * m.cpu.seconds(&SERVICES) / m.outcome.window.as_secs_f64()
        }),
        spoil("attacker: done", "/s", measured.spoils.done as f64 / seconds),
        spoil("attacker: refused", "/s", measured.spoils.refused as f64 / seconds),
        spoil("attacker: connections at the end", "", measured.spoils.held as f64),
    ]
}
