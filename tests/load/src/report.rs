//! The table at the end, and the same as JSON.

use std::fmt;

use serde::Serialize;

use crate::workers::Workers;

/// What a figure must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Budget {
    /// Whether a value is within.
    #[must_use]
    pub fn allows(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "<= {}", Number(*most)),
            Self::AtLeast(least) => write!(f, ">= {}", Number(*least)),
        }
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What was done.
    pub work: &'static str,
    /// The worker threads of each service's process, where they were set for the measurement.
    pub workers: Option<Workers>,
    /// What was measured.
    pub figure: &'static str,
    /// How much it was.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// What it must keep to, if anything.
    pub budget: Option<Budget>,
    /// The same of the limit or peer that was measured in the same run.
    pub compared: Option<f64>,
}

impl Row {
    /// A figure on its own.
    #[must_use]
    pub const fn new(work: &'static str, figure: &'static str, value: f64, unit: &'static str) -> Self {
        Self { work, workers: None, figure, value, unit, budget: None, compared: None }
    }

    /// With a budget.
    #[must_use]
    pub const fn within(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Beside the same of the limit or peer.
    #[must_use]
    pub const fn beside(mut self, compared: Option<f64>) -> Self {
        self.compared = compared;
        self
    }

    /// Whether it keeps to its budget; none without one. What could not be computed has missed it.
    #[must_use]
    pub fn passes(&self) -> Option<bool> {
        self.budget.map(|budget| budget.allows(self.value))
    }

    /// The value as a multiple of what it is compared with.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.compared.filter(|compared| *compared > 0.0).map(|compared| self.value / compared)
    }
}

/// What a run found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The machine and the parameters, for whoever compares two runs.
    pub conditions: Vec<(String, String)>,
    /// The figures.
    pub rows: Vec<Row>,
    /// Works that could not be done, and why. They miss their budgets.
    pub failures: Vec<(String, String)>,
}

impl Report {
    /// Says of each row with how many worker threads it was measured.
    #[must_use]
    pub fn with_workers(mut self, workers: Workers) -> Self {
        self.rows.iter_mut().for_each(|row| row.workers = Some(workers));
        self
    }

    /// This report and the rows of another one, of the same machine with other worker threads.
    #[must_use]
    pub fn followed_by(mut self, other: Self) -> Self {
        for (name, value) in &mut self.conditions {
            let theirs = other.conditions.iter().find(|(theirs, _)| theirs == name);
            if let Some((_, theirs)) = theirs.filter(|(_, theirs)| theirs != value) {
                value.push_str("; then ");
                value.push_str(theirs);
            }
        }
        self.rows.extend(other.rows);
        self.failures.extend(other.failures);
        self
    }

    /// All budgets are kept and all works were done.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.failures.is_empty() && self.rows.iter().all(|row| row.passes() != Some(false))
    }
}

const HEADINGS: [&str; 8] = ["work", "workers", "figure", "value", "budget", "", "limit or peer", "ratio"];
/// The columns of words; numbers are aligned to the right.
const WORDS: [bool; 8] = [true, true, true, false, false, true, false, false];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.conditions {
            writeln!(f, "{name}: {value}")?;
        }
        writeln!(f)?;
        let mut lines = vec![HEADINGS.map(str::to_owned)];
        let mut before = None;
        for row in &self.rows {
            let group = Some((row.work, row.workers));
            lines.push(cells(row, group != before));
            before = group;
        }
        let widths: [usize; 8] = std::array::from_fn(|column| {
            lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
        });
        for line in &lines {
            let mut text = String::new();
            for (column, cell) in line.iter().enumerate() {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                let (before, after) = if WORDS[column] { ("", &*pad) } else { (&*pad, "") };
                text.push_str(&format!("{before}{cell}{after}  "));
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        for (work, why) in &self.failures {
            writeln!(f, "\n{work} FAILED: {why}")?;
        }
        Ok(())
    }
}

fn cells(row: &Row, name_work: bool) -> [String; 8] {
    let with_unit = |value| format!("{} {}", Number(value), row.unit).trim_end().to_owned();
    [
        if name_work { row.work.to_owned() } else { String::new() },
        row.workers.filter(|_| name_work).map(|workers| workers.to_string()).unwrap_or_default(),
        row.figure.to_owned(),
        with_unit(row.value),
        row.budget.map(|budget| budget.to_string()).unwrap_or_default(),
        row.passes().map_or("", |passes| if passes { "pass" } else { "MISS" }).to_owned(),
        row.compared.map(with_unit).unwrap_or_default(),
        row.ratio().map(|ratio| format!("{}x", Number(ratio))).unwrap_or_default(),
    ]
}

/// A number with as many digits as it deserves.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if !value.is_finite() {
            return f.write_str("none");
        }
        match value.abs() {
            0.0 => f.write_str("0"),
            below_one if below_one < 1.0 => write!(f, "{value:.3}"),
            below_hundred if below_hundred < 100.0 => write!(f, "{value:.1}"),
            _ => f.write_str(&grouped(value)),
        }
    }
}

/// Thousands apart: `12,345`.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row::new("fan-out", "p99", 12.0, "ms").within(Budget::AtMost(50.0)).beside(Some(4.0))
    }

    #[test]
    fn two_measurements_are_told_apart_in_one_report() {
        let measured = |workers: &str| {
            let conditions =
                vec![("cores".to_owned(), "2".to_owned()), ("workers".to_owned(), workers.to_owned())];
            let report = Report { conditions, rows: vec![row()], ..Report::default() };
            report.with_workers(workers.parse().unwrap())
        };
        let report = measured("default").followed_by(measured("1"));
        let text = report.to_string();
        assert!(text.starts_with("cores: 2\nworkers: default; then 1\n"), "{text}");
        let works: Vec<_> = text.lines().filter(|line| line.starts_with("fan-out")).collect();
        assert!(matches!(works[..], [a, b] if a.contains("default") && !b.contains("default")), "{text}");
    }

    #[test]
    fn a_report_passes_when_all_budgets_are_kept_and_all_work_is_done() {
        let mut report = Report { rows: vec![row()], ..Report::default() };
        assert!(report.passes());
        report.rows.push(Row::new("fan-out", "per second", 10.0, "").within(Budget::AtLeast(11.0)));
        assert!(!report.passes());
        report.rows.pop();
        report.failures.push(("pairs".to_owned(), "no gateway".to_owned()));
        assert!(!report.passes());
    }

    #[test]
    fn what_could_not_be_computed_misses_its_budget() {
        for budget in [Budget::AtMost(1.0), Budget::AtLeast(1.0)] {
            assert_eq!(Row::new("w", "f", f64::NAN, "").within(budget).passes(), Some(false));
        }
    }

    #[test]
    fn the_table_shows_value_budget_verdict_limit_and_ratio() {
        let report =
            Report { rows: vec![row(), Row::new("fan-out", "rate", 100_000.0, "/s")], ..Report::default() };
        let table = report.to_string();
        let lines: Vec<_> = table.lines().skip(1).collect();
        assert_eq!(lines[0], "work     workers  figure       value   budget        limit or peer  ratio");
        assert_eq!(lines[1], "fan-out           p99        12.0 ms  <= 50.0  pass         4.0 ms   3.0x");
        assert_eq!(lines[2], "                  rate    100,000 /s");
    }

    #[test]
    fn numbers_have_the_digits_that_they_deserve() {
        let shown = [0.0, 0.0421, 3.456, 99.0, 100.4, 1_234_567.0].map(|value| Number(value).to_string());
        assert_eq!(shown, ["0", "0.042", "3.5", "99.0", "100", "1,234,567"]);
    }
}
