//! The report of the scenario of drops.

use super::{EXAMPLES, EXAMPLES_IN_FILE, Report, counts, defects, table::table, thousands};
use crate::drops::Run;

/// Tells of a run.
#[must_use]
pub fn drops(run: &Run) -> Report {
    let in_time = run.complete.is_some_and(|took| took <= run.settings.complete_within);
    let passes = run.verdict.found.is_empty() && in_time && run.drops > 0;
    let mut rows = counts(&run.verdict, &run.settings);
    rows.push(vec!["drops of 2 s".to_owned(), thousands(run.drops)]);
    let figures = table(&["", "count"], &rows);
    let complete = run.complete.map_or_else(
        || "never".to_owned(),
        |took| format!("{:.2} s after the last drop", took.as_secs_f64()),
    );
    let line = format!("{:.4} % delivered; complete {complete}.", run.per_cent());
    let page = format!(
        "# Drops, seed {}\n\n{line}\n\nThe network of every client was cut for 2 s, again and again, for {} s.\n\n\
         {figures}\n## Defects\n{}",
        run.settings.seed,
        run.duration.as_secs(),
        defects(&run.verdict, EXAMPLES_IN_FILE),
    );
    let found = if run.verdict.found.is_empty() { String::new() } else { defects(&run.verdict, EXAMPLES) };
    Report { passes, summary: format!("\n{figures}{found}\n{line}\n"), page }
}
