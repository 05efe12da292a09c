//! Who is looking: a person at a terminal, or a file.

use std::io::IsTerminal;

use meshproof_harness::progress::Progress;
use meshproof_harness::report::table;

/// Whether standard output may carry colours.
pub fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// How wide lines may be.
pub fn width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let asked = || {
        console::Term::stdout()
            .size_checked()
            .map(|(_, columns)| usize::from(columns))
    };
    let known = columns.or_else(asked);
    known.unwrap_or(table::DEFAULT_WIDTH).max(60)
}

/// Progress on standard error: bars for a person, lines for a file.
pub fn progress() -> Progress {
    let watched = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
    crate::progress_bar::on_stderr(watched)
}
