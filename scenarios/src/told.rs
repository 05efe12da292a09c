//! What a person is told on standard error, by a process that goes on where nobody reads it any more.

use std::fmt::Display;
use std::io::Write;

/// Writes a line to standard error. A closed terminal or pipe is no reason to leave work undone.
pub fn tell(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
