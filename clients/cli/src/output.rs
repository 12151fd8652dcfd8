//! What is printed: tables for people, JSON for programs. Where no terminal shows them, there are no colours, and columns
//! are parted by tabs, which `cut` and `awk` read.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    arguments::Form,
    error::{Error, Result},
};

/// How things are printed.
pub(crate) struct Output {
    form: Form,
    is_terminal: bool,
    colour: bool,
    error_colour: bool,
}

/// What a text is, which says how it looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Strong,
    Dim,
    Name,
}

impl Output {
    /// Colours where a terminal shows them, unless `colour` says otherwise.
    pub(crate) fn new(form: Form, colour: Option<bool>) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let allowed = !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let is_terminal = io::stdout().is_terminal();
        Self {
            form,
            is_terminal,
            colour: colour.unwrap_or(allowed && is_terminal),
            error_colour: colour.unwrap_or(allowed && io::stderr().is_terminal()),
        }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// A text in a style.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        let code = match style {
            _ if !self.colour => return text.to_owned(),
            Style::Strong => "1",
            Style::Dim => "2",
            Style::Name => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Prints a line.
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Error::io("write to the standard output"))
    }

    /// Prints a value as one line of JSON.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<()> {
        self.line(&serde_json::to_string(value).unwrap_or_default())
    }

    /// Prints a value as JSON for people who read it.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<()> {
        self.line(&serde_json::to_string_pretty(value).unwrap_or_default())
    }

    /// Prints something that is for people alone: whoever reads JSON does not get it.
    pub(crate) fn say(&self, text: &str) -> Result<()> {
        if self.is_json() { Ok(()) } else { self.line(text) }
    }

    /// Prints a table.
    pub(crate) fn table(&self, head: &[&str], rows: &[Vec<String>]) -> Result<()> {
        let plain = |cell: &str| visible(cell);
        if !self.is_terminal && !self.colour {
            for row in rows {
                self.line(&row.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join("\t"))?;
            }
            return Ok(());
        }
        for line in aligned(head, rows).iter().enumerate() {
            match line {
                (0, head) => self.line(&self.styled(Style::Strong, head))?,
                (_, row) => self.line(row)?,
            }
        }
        Ok(())
    }

    /// Prints names with values.
    pub(crate) fn pairs(&self, pairs: &[(&str, String)]) -> Result<()> {
        let width = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
        for (name, value) in pairs {
            let padding = " ".repeat(width - name.width());
            self.line(&format!("{}{padding}  {}", self.styled(Style::Dim, name), visible(value)))?;
        }
        Ok(())
    }

    /// Says what went wrong and what to do.
    pub(crate) fn complain(&self, error: &Error) -> ExitCode {
        if error.is_broken_pipe() {
            return ExitCode::SUCCESS;
        }
        let paint = |code: &str, text: &str| {
            if self.error_colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
        };
        let mut out = io::stderr().lock();
        // There is nobody else to tell.
        let _ = writeln!(out, "{} {}", paint("31;1", "error:"), visible(&with_causes(error)));
        if let Some(advice) = error.advice() {
            let _ = writeln!(out, "{} {advice}", paint("36", " help:"));
        }
        ExitCode::FAILURE
    }
}

/// An error with what caused it, each said once.
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// A text that cannot move the cursor or end the line, whoever wrote it.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

/// The lines of a table, its head first.
fn aligned(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| visible(cell).width());
        cells.chain([head.get(column).map_or(0, |cell| cell.width())]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width_of).collect();
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            let padding = " ".repeat(width.saturating_sub(cell.width()) + 2);
            text.push_str(&cell);
            text.push_str(&padding);
        }
        text.trim_end().to_owned()
    };
    let head = line(&mut head.iter().map(|cell| (*cell).to_uppercase()));
    let rows = rows.iter().map(|row| line(&mut row.iter().map(|cell| visible(cell))));
    std::iter::once(head).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let rows =
            vec![vec!["마당".to_owned(), "7".to_owned()], vec!["a\u{1b}[2J".to_owned(), "12".to_owned()]];
        assert_eq!(aligned(&["name", "id"], &rows), ["NAME   ID", "마당   7", "a\u{fffd}[2J  12"]);
    }

    #[test]
    fn a_message_cannot_move_the_cursor() {
        assert_eq!(visible("a\n\u{1b}[31mb"), "a\u{fffd}\u{fffd}[31mb");
    }
}
