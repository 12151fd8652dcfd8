//! `config print`: the settings as they are, with where each came from.

use std::fmt::Write as _;

use super::explain::{Explained, Origin};

/// The settings as text, with colours or without.
#[must_use]
pub(crate) fn to_text(settings: &[Explained], colour: bool) -> String {
    let paint = |code: &str, text: &str| {
        if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let widest = |of: fn(&Explained) -> usize, most: usize| {
        settings.iter().map(of).filter(|width| *width <= most).max().unwrap_or(0)
    };
    let variables = widest(|setting| setting.variable.chars().count(), 60);
    let values = widest(|setting| shown(setting).chars().count(), 44);
    let mut headings: Vec<&str> = Vec::new();
    for setting in settings {
        if !headings.contains(&setting.heading.as_str()) {
            headings.push(&setting.heading);
        }
    }
    let mut text = String::new();
    for heading in headings {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{}", paint("1", heading));
        for setting in settings.iter().filter(|setting| setting.heading == heading) {
            let (variable, value) = (&setting.variable, shown(setting));
            let line = format!("  {variable:variables$}  {value:values$}  {}", from(&setting.origin));
            let code = if setting.origin == Origin::Default { "2" } else { "" };
            let line = line.trim_end();
            let _ = writeln!(text, "{}", if code.is_empty() { line.to_owned() } else { paint(code, line) });
        }
    }
    text
}

/// The settings as JSON.
///
/// # Errors
/// Never, in practice: all that stands in it is text.
pub(crate) fn to_json(settings: &[Explained]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(settings).map(|text| text + "\n")
}

fn shown(setting: &Explained) -> &str {
    match setting.value.as_deref() {
        Some("") => "\"\"",
        Some(value) => value,
        None => "-",
    }
}

fn from(origin: &Origin) -> String {
    match origin {
        Origin::Flag => "flag".to_owned(),
        Origin::Variable(name) => format!("variable {name}"),
        Origin::File(key) => format!("file: {key}"),
        Origin::Default => "default".to_owned(),
    }
}
