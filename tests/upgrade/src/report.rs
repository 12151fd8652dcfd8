//! What is told of a run when it is over.

use std::{fmt::Write as _, time::Duration};

use madang_chaos::{
    check::Share,
    fault::End,
    report::{Report, judged, seconds, table},
};

use crate::roll::{Releases, Run};

/// With nothing broken, nine of ten arrivals are faster than this in every mixture of releases. Where gateways do not
/// understand each other, half of all arrivals come by the comparison of heads, after a second and more.
const ARRIVED_P90_MAX: Duration = Duration::from_secs(1);

/// Tells of a run.
#[must_use]
pub fn report(run: &Run, releases: &Releases) -> Report {
    let rows: Vec<Vec<String>> = run
        .steps
        .iter()
        .map(|step| {
            let complete = match &step.end {
                End::Over { complete: Some(took), .. } => seconds(*took),
                End::Over { complete: None, .. } => "never".to_owned(),
                End::Impossible(_) => "-".to_owned(),
            };
            vec![step.name.clone(), complete]
        })
        .collect();
    let steps = table(&["step", "complete after"], &rows);
    let outcomes = run.steps.iter().map(|step| (step.name.as_str(), &step.end));
    let section = judged(&run.settings, outcomes, &run.judged);
    // An upgrade is planned: what is repeated until it is answered may not fail at all.
    let Share { failed, .. } = run.judged.verdict.availability.repeated;
    let mut slow = String::new();
    // The first calm is before the first step, and that of a step follows it.
    for (calm, step) in run.judged.each_calm.iter().skip(1).zip(&run.steps) {
        if calm.p90 > ARRIVED_P90_MAX {
            // Writing to a string does not fail.
            let _ = writeln!(slow, "- after {}: of ten arrivals one took {}", step.name, seconds(calm.p90));
        }
    }
    let passes = section.passes && failed == 0 && slow.is_empty();
    let page = format!(
        "# An upgrade and the way back, seed {}\n\nFrom `{}` to `{}`.\n\n{steps}\n{slow}\n{}",
        run.settings.seed,
        releases.previous.display(),
        releases.next.display(),
        section.page
    );
    Report { passes, summary: format!("\n{steps}\n{slow}{}", section.summary), page }
}
