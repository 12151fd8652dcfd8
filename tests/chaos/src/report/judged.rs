//! What came of a run with things done to the cluster, whatever they were: what was lost, doubled and out of order, the longest
//! times without service, and what else is wrong.

use std::fmt::Write as _;

use super::{EXAMPLES, EXAMPLES_IN_FILE, counts, defects, failed, millis, seconds, table, thousands};
use crate::{
    check::{Class, Verdict},
    drill::Judged,
    fault::End,
    settings::{FAST_WAY_MEDIAN_MAX, Settings},
};

/// A part of a report.
#[derive(Debug)]
pub struct Section {
    /// Whether every promise was kept.
    pub passes: bool,
    /// What to tell on a screen.
    pub summary: String,
    /// What to keep in a file, in Markdown.
    pub page: String,
}

/// Tells what came of a run. `steps` are the things that were done, each with its name.
#[must_use]
pub fn judged<'a>(
    settings: &Settings,
    steps: impl Iterator<Item = (&'a str, &'a End)>,
    judged: &Judged,
) -> Section {
    let verdict = &judged.verdict;
    let availability = &verdict.availability;
    let slow = judged.fast_way.median > FAST_WAY_MEDIAN_MAX;
    let mut wrong: Vec<String> =
        judged.troubles.iter().map(|trouble| format!("with nothing broken: {trouble}")).collect();
    let mut done = 0;
    for (name, end) in steps {
        match end {
            End::Impossible(reason) => wrong.push(format!("{name}: not possible: {reason}")),
            End::Over { complete, complaints, .. } => {
                done += 1;
                wrong.extend(complaints.iter().map(|complaint| format!("{name}: {complaint}")));
                match complete {
                    None => wrong.push(format!("{name}: somebody never had everything again")),
                    Some(took) if *took > settings.complete_within => {
                        wrong.push(format!("{name}: complete only after {}", seconds(*took)));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    if done == 0 {
        wrong.push("nothing was done".to_owned());
    }
    if slow {
        wrong.push("the last messages in quiet rooms arrived by the sweep, not by the bus".to_owned());
    }
    if !availability.is_kept() {
        wrong.push("more sends failed than may".to_owned());
    }
    let passes = verdict.found.is_empty() && wrong.is_empty();

    let gaps = &judged.gaps;
    let class = |class| thousands(of_class(verdict, class));
    let outcome = table(
        &["", "value"],
        &[
            ("messages acknowledged", thousands(verdict.counts.acknowledged)),
            ("lost", class(Class::Lost)),
            ("doubled", class(Class::Duplicated)),
            ("out of order", class(Class::OutOfOrder)),
            ("otherwise wrong", class(Class::Other)),
            ("longest time from a send to its acknowledgement", seconds(gaps.unacknowledged)),
            ("longest time in which nothing was acknowledged", seconds(gaps.silent)),
            ("longest time that a client was without a room", seconds(gaps.away)),
            ("sends that failed, in calm times", failed(availability.calm)),
            ("meanwhile, repeated until they are answered", failed(availability.repeated)),
            ("meanwhile, tried once", failed(availability.once)),
            ("from a send to an arrival in calm times, median", millis(judged.latencies.median)),
            ("the same, p99", millis(judged.latencies.p99)),
        ]
        .map(|(name, value)| vec![name.to_owned(), value]),
    );
    let mut troubles = String::new();
    for wrong in &wrong {
        // Writing to a string does not fail.
        let _ = writeln!(troubles, "- {wrong}");
    }
    let figures = table(&["", "count"], &counts(verdict, settings));
    let conclusion = if passes { "Every promise was kept." } else { "Promises were broken." };
    let found = if verdict.found.is_empty() { String::new() } else { defects(verdict, EXAMPLES) };
    let page = format!(
        "{conclusion} It took {}.\n\n{outcome}\n{troubles}\n## Figures\n\n{figures}\n## Defects\n{}",
        seconds(judged.took),
        defects(verdict, EXAMPLES_IN_FILE),
    );
    Section { passes, summary: format!("{figures}\n{outcome}\n{troubles}{found}{conclusion}\n"), page }
}

fn of_class(verdict: &Verdict, class: Class) -> usize {
    verdict.found.iter().filter(|found| found.defect.class() == class).count()
}
