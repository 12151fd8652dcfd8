//! What is told of a run when it is over.

use std::{fmt::Write as _, time::Duration};

use madang_chaos::{
    drain::Drained,
    fault::End,
    report::{Report, judged, seconds, table, thousands},
};

use crate::{drain::Bounds, partitions::Run};

/// A tenth of the spread: closes have a step of their own, and clients see them a little later.
const SPREAD_TOLERANCE: u32 = 10;
/// Of the sockets, so many in a hundred may be closed within any second, times what an even spread would close.
const UNEVEN_MAX: usize = 2;
/// No socket is away for longer, as with a rolling restart.
const AWAY_MAX: Duration = Duration::from_secs(30);

/// Tells of partitions.
#[must_use]
pub fn partitions(run: &Run) -> Report {
    let rows: Vec<Vec<String>> = run
        .faults
        .iter()
        .map(|(name, end)| {
            let complete = match end {
                End::Over { complete: Some(took), .. } => seconds(*took),
                End::Over { complete: None, .. } => "never".to_owned(),
                End::Impossible(_) => "-".to_owned(),
            };
            vec![name.clone(), complete]
        })
        .collect();
    let faults = table(&["fault", "complete after"], &rows);
    let outcomes = run.faults.iter().map(|(name, end)| (name.as_str(), end));
    let section = judged(&run.settings, outcomes, &run.judged);
    let page = format!(
        "# Hosts that are cut off and stand still, seed {}\n\n{faults}\n{}",
        run.settings.seed, section.page
    );
    Report { passes: section.passes, summary: format!("\n{faults}\n{}", section.summary), page }
}

/// Tells of a drain.
#[must_use]
pub fn drain(drained: &Drained) -> Report {
    let Drained { outcome, asked, ended_after, status } = drained;
    let Bounds { spread: wanted, grace, .. } = Bounds::of_kubernetes();
    let closes: Vec<Duration> = outcome.lost.iter().map(|at| at.since(*asked)).collect();
    let first = closes.first().copied().unwrap_or_default();
    let last = closes.last().copied().unwrap_or_default();
    let spread = last.saturating_sub(first);
    let mut seconds_of = vec![0_usize; usize::try_from(last.as_secs()).unwrap_or_default() + 1];
    for close in &closes {
        if let Some(count) =
            usize::try_from(close.as_secs()).ok().and_then(|second| seconds_of.get_mut(second))
        {
            *count += 1;
        }
    }
    let busiest = seconds_of.iter().copied().max().unwrap_or_default();
    let even = outcome.sockets.div_ceil(usize::try_from(wanted.as_secs()).unwrap_or(1));
    let away_longest = outcome.away.last().copied().unwrap_or_default();
    let away_median = outcome.away.get(outcome.away.len() / 2).copied().unwrap_or_default();
    let checks = [
        ("exit status", status.to_string(), "0".to_owned(), status.success()),
        (
            "ended after",
            seconds(*ended_after),
            format!("within the grace period, {}", seconds(grace)),
            *ended_after < grace,
        ),
        ("sockets", thousands(outcome.sockets), String::new(), outcome.sockets > 0),
        (
            "closes that clients saw",
            thousands(closes.len()),
            "one for each socket".to_owned(),
            closes.len() == outcome.sockets,
        ),
        ("first close after", seconds(first), String::new(), true),
        (
            "closes spread over",
            seconds(spread),
            format!("{}, a tenth more or less", seconds(wanted)),
            spread.abs_diff(wanted) <= wanted / SPREAD_TOLERANCE,
        ),
        (
            "most closes within a second",
            thousands(busiest),
            "twice an even spread's".to_owned(),
            busiest <= UNEVEN_MAX * even,
        ),
        ("messages acknowledged", thousands(outcome.acknowledged), String::new(), outcome.acknowledged > 0),
        ("messages not acknowledged", thousands(outcome.failed), "0".to_owned(), outcome.failed == 0),
        ("delivered", thousands(outcome.delivered), String::new(), outcome.delivered > 0),
        ("missing, repeated or out of order", thousands(outcome.wrong), "0".to_owned(), outcome.wrong == 0),
        (
            "faults that sockets found",
            thousands(outcome.faults.len()),
            "0".to_owned(),
            outcome.faults.is_empty(),
        ),
        ("away, median", seconds(away_median), String::new(), true),
        ("away, longest", seconds(away_longest), seconds(AWAY_MAX), away_longest < AWAY_MAX),
    ];
    let passes = checks.iter().all(|(_, _, _, kept)| *kept);
    let rows: Vec<Vec<String>> = checks
        .into_iter()
        .map(|(name, value, bound, kept)| {
            let verdict = if kept { "" } else { "BROKEN" };
            vec![name.to_owned(), value, bound, verdict.to_owned()]
        })
        .collect();
    let figures = table(&["", "value", "bound", ""], &rows);
    let mut histogram = String::from("Closes in each second after `SIGTERM`:");
    for count in &seconds_of {
        // Writing to a string does not fail.
        let _ = write!(histogram, " {count}");
    }
    let faults: String = outcome.faults.iter().take(10).map(|fault| format!("- {fault}\n")).collect();
    let summary = format!("\n{figures}\n{histogram}\n{faults}");
    let page = format!("# A gateway that is stopped with {} sockets\n{summary}", thousands(outcome.sockets));
    Report { passes, summary, page }
}
