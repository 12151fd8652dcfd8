//! Progress bars, where a terminal shows them.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of so many steps on the standard error; nothing where that is no terminal.
pub(super) fn bar(steps: u64, what: &str) -> ProgressBar {
    let target =
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(steps), target);
    let template = format!("{{msg:24!}} [{{bar:30}}] {{pos}}/{{len}} {what}  {{per_sec}}  {{eta}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
