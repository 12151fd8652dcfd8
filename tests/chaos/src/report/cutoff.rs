//! The report of the scenario of cutting off.

use std::time::Duration;

use super::{Report, table::table, thousands};
use crate::cutoff::{Cut, Run};

/// The promise: who is cut off hears nothing after so long, at any gateway.
const LAST_FRAME_MAX: Duration = Duration::from_secs(1);
/// The close code of a revoked session.
const REVOKED: u16 = 4401;

/// Tells of a run.
#[must_use]
pub fn cutoff(run: &Run) -> Report {
    // Who heard nothing before was not there to be cut off.
    let kept = |cuts: &[Cut]| {
        !cuts.is_empty() && cuts.iter().all(|cut| cut.before > 0 && cut.last_frame < LAST_FRAME_MAX)
    };
    let closed = run.revoked.iter().all(|cut| cut.close == Some(REVOKED));
    let open = run.removed.iter().all(|cut| cut.close.is_none());
    let passes = kept(&run.removed) && kept(&run.revoked) && closed && open;
    let rows = [("member removed", &run.removed), ("session revoked", &run.revoked)];
    let figures = table(
        &["", "tries", "answer, max", "last frame, median", "last frame, max", "bound"],
        &rows.map(|(name, cuts)| {
            let answered = sorted(cuts, |cut| cut.answered);
            let last = sorted(cuts, |cut| cut.last_frame);
            vec![
                name.to_owned(),
                thousands(cuts.len()),
                millis(answered.last().copied()),
                millis(last.get(last.len() / 2).copied()),
                millis(last.last().copied()),
                millis(Some(LAST_FRAME_MAX)),
            ]
        }),
    );
    let page = format!(
        "# Cutting off, seed {}\n\nAsked for at one gateway, heard at the other, in a room with a message every 10 ms.\n\n{figures}",
        run.settings.seed,
    );
    Report { passes, summary: format!("\n{figures}"), page }
}

fn sorted(cuts: &[Cut], of: impl Fn(&Cut) -> Duration) -> Vec<Duration> {
    let mut durations: Vec<_> = cuts.iter().map(of).collect();
    durations.sort_unstable();
    durations
}

fn millis(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "none".to_owned(), |duration| format!("{:.0} ms", duration.as_secs_f64() * 1e3))
}
