//! The end of a log file, for messages.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Enough to show a cause, few enough to read.
const MAX_LINES: usize = 40;

/// Read from the file's end; longer lines than fit are cut.
const MAX_BYTES: u64 = 16 * 1024;

/// The last lines of a log, or a sentence that says why there are none.
pub(crate) fn log_tail(path: &Path) -> String {
    match read_end(path) {
        Ok(end) if end.is_empty() => format!("(nothing in {})", path.display()),
        Ok(end) => last_lines(&end),
        Err(error) => format!("(cannot read {}: {error})", path.display()),
    }
}

fn read_end(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_BYTES)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(MAX_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let text: Vec<String> = (1..=MAX_LINES + 2).map(|line| line.to_string()).collect();
        let tail = last_lines(&text.join("\n"));
        assert!(tail.starts_with("3\n4\n"));
        assert!(tail.ends_with(&format!("\n{}", MAX_LINES + 2)));
    }
}
