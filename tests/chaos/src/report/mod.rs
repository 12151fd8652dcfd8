//! What is told of a run when it is over: on the screen and in a file.

mod cutoff;
mod drops;
mod faults;
mod judged;
mod rolling;
mod table;

use std::{fmt::Write as _, path::Path, time::Duration};

pub use self::{
    cutoff::cutoff,
    drops::drops,
    faults::faults,
    judged::{Section, judged},
    rolling::rolling,
    table::table,
};
use crate::{
    check::{DefectKind, Share, Verdict},
    error::{Error, Result},
    settings::Settings,
};

/// How many defects of each kind are told one by one on a screen.
const EXAMPLES: usize = 10;

/// How many are in a file.
const EXAMPLES_IN_FILE: usize = 500;

/// A finished report.
#[derive(Debug)]
pub struct Report {
    /// Whether every promise was kept.
    pub passes: bool,
    /// What to tell on a screen.
    pub summary: String,
    /// What to keep in a file, in Markdown.
    pub page: String,
}

impl Report {
    /// Writes the page.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .map_err(Error::file(format!("create {}", directory.display())))?;
        }
        std::fs::write(path, &self.page).map_err(Error::file(format!("write {}", path.display())))
    }
}

/// What the judge counted, as rows of a table.
fn counts(verdict: &Verdict, settings: &Settings) -> Vec<Vec<String>> {
    let counts = &verdict.counts;
    [
        ("clients", settings.clients),
        ("rooms", settings.rooms),
        ("quiet rooms", settings.quiet_rooms),
        ("messages sent", counts.sent),
        ("acknowledged", counts.acknowledged),
        ("outcome unknown", counts.unknown),
        ("refused", counts.refused),
        ("events in the log", counts.logged),
        ("deliveries due", counts.due),
        ("delivered", counts.delivered),
        ("reconnects", counts.reconnects),
        ("notices received", counts.notices),
        ("mentions due", counts.mentions),
        ("changes of presence told", counts.presence),
        ("departures and returns that were counted", counts.walks),
        ("members removed and added again", counts.removals),
        ("sessions revoked", counts.revoked),
        ("clients that outlived their first token", counts.outlived),
    ]
    .map(|(name, count)| vec![name.to_owned(), thousands(count)])
    .into()
}

/// The defects, at most so many of each kind, as Markdown.
fn defects(verdict: &Verdict, examples: usize) -> String {
    let mut text = String::new();
    for kind in DefectKind::ALL {
        let count = verdict.count(kind);
        if count == 0 {
            continue;
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{} {}:\n", thousands(count), kind.describe());
        let found = verdict.found.iter().filter(|found| found.defect.kind() == kind);
        for found in found.take(examples) {
            let when = found.at.map_or_else(
                || "at the end".to_owned(),
                |at| format!("at {:.2} s", at.since_start().as_secs_f64()),
            );
            let _ = writeln!(text, "- {when}: {}", found.defect);
        }
    }
    if text.is_empty() { "\nNone.\n".to_owned() } else { text }
}

/// A number with commas.
#[must_use]
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in seconds.
#[must_use]
pub fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// So many of so many.
fn failed(share: Share) -> String {
    format!("{} of {}", thousands(share.failed), thousands(share.sends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
