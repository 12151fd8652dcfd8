//! The report of the scenario of faults.

use std::{fmt::Write as _, time::Duration};

use super::{EXAMPLES, EXAMPLES_IN_FILE, Report, counts, defects, failed, millis, seconds, table, thousands};
use crate::{
    check::{Class, FAILED_MAX, FAILED_ONCE_MAX, Found},
    fault::{End, Injection, Kind},
    faults::Run,
    settings::{FAST_WAY_MEDIAN_MAX, Length},
    watch::Moment,
};

/// Tells of a run.
#[must_use]
pub fn faults(run: &Run) -> Report {
    let within = run.settings.complete_within;
    let late: Vec<_> =
        run.injections.iter().filter(|injection| injection.in_time(within) == Some(false)).collect();
    let complaints: Vec<_> = run.injections.iter().flat_map(complaints).collect();
    let impossible = impossible(&run.injections);
    // A run that injected nothing shows nothing.
    let injected = run.injections.iter().any(|injection| matches!(injection.end, End::Over { .. }));
    let slow = run.judged.fast_way.median > FAST_WAY_MEDIAN_MAX;
    let availability = &run.judged.verdict.availability;
    let passes = run.judged.verdict.found.is_empty()
        && late.is_empty()
        && complaints.is_empty()
        && run.judged.troubles.is_empty()
        && availability.is_kept()
        && injected
        && !slow;

    let kinds = table(
        &["fault", "times", "complete, median", "max", "lost", "twice", "out of order", "other"],
        &rows(run),
    );
    let figures = table(&["", "count"], &counts(&run.judged.verdict, &run.settings));
    let latencies = &run.judged.latencies;
    let fast_way = &run.judged.fast_way;
    let latency = format!(
        "Calm times, {:.0} s: from a send to its arrival at each member median {}, p99 {}, max {} ({} arrivals).\n\
         Quiet rooms at the end: median {}, max {}.\n\
         Sends that failed: in calm times {}; around faults, repeated until they are answered, {} (at most {} % may), tried \
         once {} (at most {} %).\n",
        run.judged.calm.as_secs_f64(),
        millis(latencies.median),
        millis(latencies.p99),
        millis(latencies.max),
        thousands(latencies.count),
        millis(fast_way.median),
        millis(fast_way.max),
        failed(availability.calm),
        failed(availability.repeated),
        FAILED_MAX * 100.0,
        failed(availability.once),
        FAILED_ONCE_MAX * 100.0,
    );
    let mut troubles = String::new();
    // Writing to a string does not fail.
    if slow {
        let max = millis(FAST_WAY_MEDIAN_MAX);
        let _ = writeln!(
            troubles,
            "- slow: the last messages in quiet rooms arrived by the sweep; the median must be at most {max}"
        );
    }
    for injection in &late {
        let _ = writeln!(troubles, "- late: {}", lateness(injection));
    }
    for complaint in &complaints {
        let _ = writeln!(troubles, "- {complaint}");
    }
    for trouble in &run.judged.troubles {
        let _ = writeln!(troubles, "- with nothing broken: {trouble}");
    }
    if !availability.is_kept() {
        let _ = writeln!(troubles, "- more sends failed than may");
    }
    for (kind, reason) in &impossible {
        let _ = writeln!(troubles, "- {kind} cannot be injected on this machine: {reason}");
    }
    let verdict = if passes { "Every promise was kept." } else { "Promises were broken." };
    let overall = overall(&run.injections);
    let seed = run.settings.seed;
    let again = match run.settings.length {
        Length::For(time) => format!("make chaos SECONDS={} SEED={seed}", time.as_secs()),
        Length::Rounds(rounds) => format!("madang-chaos --rounds {rounds} --seed {seed}"),
    };
    let page = format!(
        "# Chaos, seed {}\n\n{verdict} {overall}\n\n\
         `{again}` runs it again.\n\n\
         ## Faults\n\n{kinds}\n\
         Completeness counts from the end of a fault until every client has received everything that was committed\n\
         before, and a marker sent at that end into each of its busy rooms. Nothing follows the last message of a quiet one; at most {} s are promised.\n\n\
         {troubles}\n## Figures\n\n{figures}\n{latency}\n## Defects\n{}\n## Every fault\n\n{}",
        run.settings.seed,
        within.as_secs_f64(),
        defects(&run.judged.verdict, EXAMPLES_IN_FILE),
        every(&run.injections),
    );
    let summary = format!(
        "\n{kinds}\n{figures}\n{latency}{troubles}{}{verdict} {overall}\n",
        if run.judged.verdict.found.is_empty() {
            String::new()
        } else {
            format!("{}\n", defects(&run.judged.verdict, EXAMPLES))
        }
    );
    Report { passes, summary, page }
}

fn rows(run: &Run) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for kind in &run.settings.kinds {
        let of_kind = run.injections.iter().filter(|injection| injection.fault.kind == *kind);
        let (mut times, mut took) = (0, Vec::new());
        for injection in of_kind {
            if let End::Over { complete, .. } = &injection.end {
                times += 1;
                took.extend(*complete);
            }
        }
        took.sort_unstable();
        let during = |class: Class| {
            let found = run.judged.verdict.found.iter();
            let during =
                found.filter(|found| found.defect.class() == class && blamed(run, found) == Some(*kind));
            thousands(during.count())
        };
        let shown = |took: Option<&Duration>| took.map_or_else(|| "-".to_owned(), |took| seconds(*took));
        rows.push(vec![
            kind.to_string(),
            times.to_string(),
            shown(took.get(took.len() / 2)),
            shown(took.last()),
            during(Class::Lost),
            during(Class::Duplicated),
            during(Class::OutOfOrder),
            during(Class::Other),
        ]);
    }
    rows
}

/// The kind of the last fault that began before a defect showed.
fn blamed(run: &Run, found: &Found) -> Option<Kind> {
    let at: Moment = found.at?;
    let before = run.injections.iter().take_while(|injection| injection.began <= at);
    before.last().map(|injection| injection.fault.kind)
}

fn complaints(injection: &Injection) -> Vec<String> {
    match &injection.end {
        End::Impossible(_) => Vec::new(),
        End::Over { complaints, .. } => {
            complaints.iter().map(|complaint| format!("{}: {complaint}", injection.fault)).collect()
        }
    }
}

fn impossible(injections: &[Injection]) -> Vec<(Kind, String)> {
    let mut impossible = Vec::new();
    for injection in injections {
        if let End::Impossible(reason) = &injection.end
            && !impossible.iter().any(|(kind, _)| *kind == injection.fault.kind)
        {
            impossible.push((injection.fault.kind, reason.clone()));
        }
    }
    impossible
}

fn overall(injections: &[Injection]) -> String {
    let mut took: Vec<Duration> = injections
        .iter()
        .filter_map(|injection| match &injection.end {
            End::Over { complete, .. } => *complete,
            End::Impossible(_) => None,
        })
        .collect();
    took.sort_unstable();
    match (took.get(took.len() / 2), took.last()) {
        (Some(median), Some(max)) => format!(
            "{} faults; complete again after {} (median), {} (max).",
            took.len(),
            seconds(*median),
            seconds(*max)
        ),
        _ => "No fault was injected.".to_owned(),
    }
}

fn lateness(injection: &Injection) -> String {
    let fault = &injection.fault;
    match &injection.end {
        End::Over { ended, complete, marked, .. } => format!(
            "{fault}, which ended at {}: complete after {}, markers acknowledged after {}",
            seconds(ended.since_start()),
            complete.map_or_else(|| "never".to_owned(), seconds),
            seconds(*marked)
        ),
        End::Impossible(reason) => format!("{fault}: {reason}"),
    }
}

fn every(injections: &[Injection]) -> String {
    let rows: Vec<_> = injections
        .iter()
        .map(|injection| {
            let began = seconds(injection.began.since_start());
            let none = || "-".to_owned();
            let (ended, marked, complete, present) = match &injection.end {
                End::Impossible(_) => (none(), none(), "impossible".to_owned(), none()),
                End::Over { ended, complete, marked, present, .. } => (
                    seconds(ended.since_start()),
                    seconds(*marked),
                    complete.map_or_else(|| "never".to_owned(), seconds),
                    seconds(*present),
                ),
            };
            vec![injection.fault.to_string(), began, ended, marked, complete, present]
        })
        .collect();
    table(
        &["fault", "began", "ended", "markers in the log after", "complete after", "presence right after"],
        &rows,
    )
}
