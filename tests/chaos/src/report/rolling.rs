//! The report of the scenario of a rolling restart.

use std::time::Duration;

use super::{Report, seconds, table, thousands};
use crate::{
    listeners::Outcome,
    rolling::{ADMISSIONS_A_SECOND, Run},
};

/// The promise: no socket is away for longer.
const AWAY_MAX: Duration = Duration::from_secs(30);
/// How many of the sockets' faults are told one by one.
const EXAMPLES: usize = 10;

/// Tells of a run.
#[must_use]
pub fn rolling(run: &Run) -> Report {
    let outcome: &Outcome = &run.outcome;
    let longest = outcome.away.last().copied().unwrap_or_default();
    let median = outcome.away.get(outcome.away.len() / 2).copied().unwrap_or_default();
    let pace = ADMISSIONS_A_SECOND as usize;
    let passes = outcome.wrong == 0
        && outcome.failed == 0
        && outcome.faults.is_empty()
        // Each socket was on a gateway that stopped at least once.
        && outcome.away.len() >= outcome.sockets
        && longest < AWAY_MAX
        && run.peak <= pace;
    let figures = table(
        &["", "value", "bound"],
        &[
            ("sockets", thousands(outcome.sockets), String::new()),
            ("messages acknowledged", thousands(outcome.acknowledged), String::new()),
            ("messages not acknowledged", thousands(outcome.failed), "0".to_owned()),
            ("delivered", thousands(outcome.delivered), String::new()),
            ("missing, repeated or out of order", thousands(outcome.wrong), "0".to_owned()),
            ("sockets lost and back again", thousands(outcome.away.len()), String::new()),
            ("away, median", seconds(median), String::new()),
            ("away, longest", seconds(longest), seconds(AWAY_MAX)),
            ("most let in within a second", thousands(run.peak), thousands(pace)),
        ]
        .map(|(name, value, bound)| vec![name.to_owned(), value, bound]),
    );
    let faults: String = outcome.faults.iter().take(EXAMPLES).map(|fault| format!("- {fault}\n")).collect();
    let page = format!(
        "# A rolling restart of the gateways, seed {}\n\nEach gateway lets in {pace} sockets a second.\n\n{figures}\n{faults}",
        run.settings.seed,
    );
    Report { passes, summary: format!("\n{figures}{faults}"), page }
}
