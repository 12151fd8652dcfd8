//! The tables of the document.

use std::fmt::Write as _;

use crate::{
    ceiling::ceiling,
    measured::{APPENDS, CONNECTS, GATEWAY_CPU_PERCENT, GATEWAY_THREADS, SOCKETS_AT_A_GATEWAY},
    shape::{Bound, SHAPES, Shape},
    simulation::{Nanos, Outcome, Setup, play},
};

/// The sockets.
const SOCKETS: u64 = 1_000_000;

/// Messages a second.
const MESSAGES: u64 = 100_000;

/// Where chance begins, so that everybody gets the same table.
const SEED: u64 = 1;

/// The share of a database's time that is planned for, in percent: as of the gateways.
const DATABASE_PERCENT: u64 = GATEWAY_CPU_PERCENT;

/// A table with the name that its place in the document has.
#[derive(Debug)]
pub struct Table {
    /// The name.
    pub name: &'static str,
    /// Markdown.
    pub text: String,
}

/// All tables.
#[must_use]
pub fn all() -> Vec<Table> {
    vec![
        Table { name: "arithmetic", text: arithmetic() },
        Table { name: "simulation", text: simulation() },
        Table { name: "ceilings", text: ceilings() },
    ]
}

/// Gateways, by their sockets.
const fn by_sockets() -> u64 {
    SOCKETS.div_ceil(SOCKETS_AT_A_GATEWAY)
}

/// Cores of gateways, at least; in rooms of 2, of all services.
fn cores(shape: Shape) -> u64 {
    let per_message = shape.work(shape.listeners, Bound::Lower);
    (MESSAGES * per_message).div_ceil(1_000_000_000)
}

fn by_cpu(shape: Shape) -> u64 {
    (cores(shape) * 100).div_ceil(GATEWAY_THREADS * GATEWAY_CPU_PERCENT)
}

fn gateways(shape: Shape) -> u64 {
    by_sockets().max(by_cpu(shape))
}

/// Servers of PostgreSQL that are busy for no more than the planned share.
const fn databases() -> u64 {
    (MESSAGES * 100).div_ceil(APPENDS * DATABASE_PERCENT)
}

/// Of so many gateways those with a listener, where so many are spread by chance.
fn with_a_listener(gateways: u64, listeners: u64) -> f64 {
    let without = 1.0 - 1.0 / gateways as f64;
    let exponent = i32::try_from(listeners).unwrap_or(i32::MAX);
    gateways as f64 * (1.0 - without.powi(exponent))
}

fn arithmetic() -> String {
    let all = by_sockets();
    let others = |shape: Shape| (all - 1) as f64 / all as f64 * with_a_listener(all, shape.listeners - 1);
    let heads = |shape: Shape| {
        let rooms = (SOCKETS / shape.listeners) as f64;
        rooms * with_a_listener(all, shape.listeners) / 2.0 + SOCKETS as f64 / 4.0
    };
    let same = |text: String| [text.clone(), text.clone(), text];
    let rows = [
        ("deliveries/s", SHAPES.map(|of| grouped(MESSAGES * of.listeners)), "100,000 × listeners".to_owned()),
        ("gateways, by sockets", same(all.to_string()), "1,000,000 / 12,000; 50 if all are full".to_owned()),
        (
            "gateway memory, of sockets",
            same("4.4 GB".to_owned()),
            format!("1,000,000 × m1; {} GiB are requested, {all} × 512 MiB", all / 2),
        ),
        (
            "cores, at least",
            SHAPES.map(|of| {
                format!(
                    "{}, of {}",
                    grouped(cores(of)),
                    if of.listeners == 2 { "all services" } else { "gateways" }
                )
            }),
            "100,000 × m4; deliveries / m2, / m3".to_owned(),
        ),
        (
            "gateways, by CPU",
            SHAPES.map(|of| {
                format!("{} at {}", grouped(by_cpu(of)), if of.listeners == 2 { "most" } else { "least" })
            }),
            "cores / (2 threads × the autoscaler's 70 %)".to_owned(),
        ),
        (
            "entries in gateway streams/s",
            SHAPES.map(|of| rounded(MESSAGES as f64 * others(of))),
            format!(
                "100,000 × {} × (1 − ({}/{all})^(listeners − 1)): the other gateways with a listener, of {all}",
                all - 1,
                all - 1
            ),
        ),
        (
            "appends/s, of one PostgreSQL as measured",
            same(format!("{:.1} times", MESSAGES as f64 / APPENDS as f64)),
            "100,000 / m5".to_owned(),
        ),
        (
            "heads read/s",
            SHAPES.map(|of| rounded(heads(of))),
            "rooms of each gateway / 2 s, and 1,000,000 inboxes / 4 s".to_owned(),
        ),
        ("presence in Redis", same("450 MB".to_owned()), "1,000,000 × m7".to_owned()),
        ("revocations asked for at auth/s", same((all * 10 / 4).to_string()), format!("{all} / 0.4 s")),
        ("refreshes at auth/s", same(grouped(SOCKETS / 900)), "1,000,000 / 900 s".to_owned()),
        (
            "handshakes, if all come back",
            same(format!("{} s", SOCKETS.div_ceil(CONNECTS))),
            "1,000,000 / m6, as measured on one machine".to_owned(),
        ),
    ];
    let mut text = "| | 500,000 rooms of 2 | 10,000 rooms of 100 | 1,000 rooms of 1,000 | calculation |\n\
                    | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for (what, cells, calculation) in rows {
        let _ = writeln!(text, "| {what} | {} | {calculation} |", cells.join(" | "));
    }
    text
}

fn played(shape: Shape, bound: Bound) -> Outcome {
    play(&Setup {
        shape,
        bound,
        rate: MESSAGES,
        gateways: count(gateways(shape)),
        databases: count(databases()),
        seed: SEED,
    })
}

fn simulation() -> String {
    let mut text = "| | rooms of 2 | rooms of 100 | rooms of 1,000 |\n| --- | --- | --- | --- |\n".to_owned();
    let mut row = |what: &str, cells: [String; 3]| {
        let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
    };
    row("gateways, PostgreSQL servers", SHAPES.map(|of| format!("{}, {}", gateways(of), databases())));
    let lower = SHAPES.map(|shape| played(shape, Bound::Lower));
    let upper = SHAPES.map(|shape| played(shape, Bound::Upper));
    row("work of PostgreSQL, of its time", lower.each_ref().map(|outcome| percent(outcome.database_load)));
    row(
        "work of gateways, of their time, at least",
        lower.each_ref().map(|outcome| percent(outcome.gateway_load)),
    );
    row("the same, at most", upper.each_ref().map(|outcome| percent(outcome.gateway_load)));
    row("entries from other gateways/s", lower.each_ref().map(|outcome| rounded(outcome.entries)));
    row("waiting and work until delivered, p50 / p99, at least", lower.each_ref().map(times));
    row("the same, at most", upper.each_ref().map(times));
    text
}

fn ceilings() -> String {
    let mut text = "| ceiling, in messages/s | rooms of 2 | rooms of 100 | rooms of 1,000 |\n\
                    | --- | --- | --- | --- |\n"
        .to_owned();
    let mut row = |what: &str, setup: &dyn Fn(Shape) -> Setup| {
        let cells = SHAPES.map(|shape| two_digits(ceiling(&setup(shape))));
        let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
    };
    let base = |shape: Shape| Setup {
        shape,
        bound: Bound::Lower,
        rate: MESSAGES,
        gateways: count(by_sockets()),
        databases: 0,
        seed: SEED,
    };
    // In rooms of 2 nothing else is in the way of a database.
    let of_databases = |servers: u64| {
        move |_: Shape| Setup { gateways: 2_000, databases: count(servers), ..base(SHAPES[0]) }
    };
    row("one PostgreSQL", &of_databases(1));
    row(&format!("{} of them, by room", databases()), &of_databases(databases()));
    row(&format!("{} gateways, at most", by_sockets()), &base);
    row(&format!("{} gateways, at least", by_sockets()), &|shape| Setup {
        bound: Bound::Upper,
        ..base(shape)
    });
    row("as many gateways as by CPU, at most", &|shape| Setup {
        gateways: count(gateways(shape)),
        ..base(shape)
    });
    row("as many gateways as by CPU, at least", &|shape| Setup {
        gateways: count(gateways(shape)),
        bound: Bound::Upper,
        ..base(shape)
    });
    text
}

fn count(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn times(outcome: &Outcome) -> String {
    if outcome.lag > 0.05 {
        return format!("does not keep up: {:.1} times as long", 1.0 + outcome.lag);
    }
    format!("{} / {} ms", millis(outcome.percentile(50)), millis(outcome.percentile(99)))
}

fn millis(time: Nanos) -> String {
    let millis = time as f64 / 1e6;
    if millis < 10.0 { format!("{millis:.1}") } else { format!("{millis:.0}") }
}

/// With three significant digits.
fn rounded(rate: f64) -> String {
    significant(rate.round() as u64, 3)
}

fn two_digits(rate: u64) -> String {
    significant(rate, 2)
}

fn significant(number: u64, digits: u32) -> String {
    let length = number.checked_ilog10().map_or(1, |log| log + 1);
    let unit = 10_u64.pow(length.saturating_sub(digits));
    grouped((number + unit / 2) / unit * unit)
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
