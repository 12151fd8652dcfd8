//! What `doctor` found, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Finding, Level};

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The program that was examined.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The worst of all.
    pub worst: Level,
    /// What was looked at, in order.
    pub findings: Vec<Finding>,
}

/// What stands before an advice, below what it belongs to.
const INDENT: &str = "           ";

impl Report {
    /// A report of these findings, those together that belong together.
    #[must_use]
    pub fn new(program: &'static str, version: &'static str, mut findings: Vec<Finding>) -> Self {
        let mut groups: Vec<&'static str> = Vec::new();
        for finding in &findings {
            if !groups.contains(&finding.about) {
                groups.push(finding.about);
            }
        }
        let place = |finding: &Finding| groups.iter().position(|about| *about == finding.about);
        findings.sort_by_key(place);
        let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
        Self { program, version, worst, findings }
    }

    /// As lines of text, with colours or without, in so many columns.
    #[must_use]
    pub fn to_text(&self, colour: bool, columns: usize) -> String {
        let paint = |code: &str, text: &str| {
            if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
        };
        let mut text = String::new();
        let mut about = "";
        for finding in &self.findings {
            if finding.about != about {
                about = finding.about;
                let gap = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}{}", paint("1", about));
            }
            let word = finding.level.word();
            let padding = " ".repeat(INDENT.len() - 2 - word.len());
            let word = match finding.level {
                Level::Ok => paint("32", word),
                Level::Warning => paint("33;1", word),
                Level::Error => paint("31;1", word),
            };
            let width = columns.saturating_sub(INDENT.len()).max(40);
            let _ = writeln!(text, "  {word}{padding}{}", wrapped(&finding.says, width, INDENT));
            if let Some(advice) = &finding.advice {
                let further = format!("{INDENT}  ");
                let advice = wrapped(advice, width.saturating_sub(2), &further);
                let _ = writeln!(text, "{INDENT}{} {advice}", paint("36", ">"));
            }
        }
        let count = |level: Level| self.findings.iter().filter(|finding| finding.level == level).count();
        let (errors, warnings) = (count(Level::Error), count(Level::Warning));
        let _ = match (errors, warnings) {
            (0, 0) => writeln!(text, "\n{}", paint("32", "All is well.")),
            _ => writeln!(text, "\n{}, {}.", plural(errors, "error"), plural(warnings, "warning")),
        };
        text
    }

    /// As one JSON object.
    ///
    /// # Errors
    /// Never, in practice: all that stands in it is text.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A text in lines of at most so many characters, each further line behind the indent. A word that is longer stays whole,
/// so that it can be copied.
fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            out.push('\n');
            out.push_str(indent);
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::new(
            "madang",
            "1.2.3",
            vec![
                Finding::ok("redis.version", "Redis", "version 7.2.4"),
                Finding::warning("redis.eviction", "Redis", "evicts keys", "set maxmemory-policy noeviction"),
                Finding::error("files.limit", "Process", "1024 open files", "raise it"),
            ],
        )
    }

    #[test]
    fn the_text_groups_what_belongs_together_and_counts() {
        assert_eq!(
            report().to_text(false, 100),
            "Redis\n  ok       version 7.2.4\n  warning  evicts keys\n           > set maxmemory-policy noeviction\n\n\
             Process\n  error    1024 open files\n           > raise it\n\n1 error, 1 warning.\n"
        );
        assert!(report().to_text(true, 100).contains("\u{1b}[31;1merror\u{1b}[0m"));
        assert!(Report::new("madang", "1", vec![]).to_text(false, 80).ends_with("All is well.\n"));
    }

    #[test]
    fn a_long_line_is_wrapped_and_a_long_word_stays_whole() {
        assert_eq!(wrapped("a bb ccc", 4, "  "), "a bb\n  ccc");
        assert_eq!(wrapped("a http://long.example/word b", 6, ""), "a\nhttp://long.example/word\nb");
    }

    #[test]
    fn the_worst_is_in_the_json() {
        let json: serde_json::Value = serde_json::from_str(&report().to_json().unwrap()).unwrap();
        assert_eq!(json["worst"], "error");
        assert_eq!(json["findings"][1]["advice"], "set maxmemory-policy noeviction");
    }
}
