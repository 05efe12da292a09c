//! Progress while the session is opened, and silence from then on.
//!
//! Bringing a cluster up takes long enough that a person wants to see it move. Once trials run,
//! the test harness tells of each, and other lines would fall into the middle of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use meshproof_harness::progress::{Event, Lines, Progress, StageRef, Watcher};

/// The switch from plain lines to silence.
#[derive(Clone, Default)]
pub struct Opening(Arc<AtomicBool>);

impl Opening {
    /// Progress on standard error until [`Opening::is_over`] is called.
    pub fn progress(&self) -> Progress {
        Progress::shown_by(UntilOver {
            lines: Lines::to_stderr(),
            over: self.clone(),
        })
    }

    /// Silences the progress.
    pub fn is_over(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct UntilOver {
    lines: Lines,
    over: Opening,
}

impl Watcher for UntilOver {
    fn stage(&self, stage: StageRef<'_>, event: Event<'_>) {
        if !self.over.0.load(Ordering::Relaxed) {
            self.lines.stage(stage, event);
        }
    }

    fn line(&self, line: &str) {
        if !self.over.0.load(Ordering::Relaxed) {
            self.lines.line(line);
        }
    }
}
