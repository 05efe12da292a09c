//! Progress as plain lines, for logs and pipes.
//!
//! A line when a stage begins, one when it ends, and between them at most one in ten seconds of
//! each stage: enough to see that it lives, too little to bury what else is printed.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Ending, Event, StageRef, Unit, Watcher};

/// The least time between two lines of one running stage.
const QUIET: Duration = Duration::from_secs(10);

/// What is known of a running stage.
struct Running {
    begun: Instant,
    spoke: Instant,
    done: u64,
    total: Option<(u64, Unit)>,
    message: String,
}

struct State<W> {
    out: W,
    running: HashMap<u64, Running>,
}

/// Shows progress as plain lines.
pub struct Lines<W = io::Stderr> {
    quiet: Duration,
    state: Mutex<State<W>>,
}

impl Lines {
    /// Lines on standard error.
    pub fn to_stderr() -> Self {
        Self::to(io::stderr(), QUIET)
    }
}

impl<W: Write + Send> Lines<W> {
    /// Lines to any writer, with at least `quiet` between two lines of one running stage.
    pub fn to(out: W, quiet: Duration) -> Self {
        Self {
            quiet,
            state: Mutex::new(State {
                out,
                running: HashMap::new(),
            }),
        }
    }

    fn with(&self, act: impl FnOnce(&mut State<W>) -> Option<String>) {
        // A panic elsewhere must not silence the lines that tell of it.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = act(&mut state) {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(state.out, "{line}");
        }
    }
}

impl<W: Write + Send> Watcher for Lines<W> {
    fn stage(&self, stage: StageRef<'_>, event: Event<'_>) {
        let name = stage.name;
        let now = Instant::now();
        self.with(|state| {
            if event == Event::Started {
                state.running.insert(stage.id, Running::new(now));
                return Some(format!("{name} …"));
            }
            if let Event::Ended(ending, took) = event {
                state.running.remove(&stage.id);
                let how = match ending {
                    Ending::Done => "done in",
                    Ending::Stopped => "stopped after",
                };
                return Some(format!("{name} … {how} {:.1} s", took.as_secs_f64()));
            }
            let running = state.running.get_mut(&stage.id)?;
            match event {
                Event::Message(message) => message.clone_into(&mut running.message),
                Event::Total(total, unit) => running.total = Some((total, unit)),
                Event::Advanced(by) => running.done += by,
                Event::Started | Event::Ended(..) => {}
            }
            if now.duration_since(running.spoke) < self.quiet {
                return None;
            }
            running.spoke = now;
            let elapsed = now.duration_since(running.begun).as_secs_f64();
            Some(format!("{name} … {} ({elapsed:.1} s)", running.summary()))
        });
    }

    fn line(&self, line: &str) {
        self.with(|_| Some(line.to_owned()));
    }
}

impl Running {
    fn new(now: Instant) -> Self {
        Self {
            begun: now,
            spoke: now,
            done: 0,
            total: None,
            message: String::new(),
        }
    }

    fn summary(&self) -> String {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let counted = match self.total {
            Some((total, Unit::Steps)) => format!("{}/{total}", self.done),
            Some((total, Unit::Bytes)) => {
                format!("{:.1}/{:.1} MiB", mib(self.done), mib(total))
            }
            None if self.done > 0 => self.done.to_string(),
            None => String::new(),
        };
        let parts = [counted.as_str(), self.message.as_str()];
        parts
            .into_iter()
            .filter(|p| !p.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::progress::Progress;

    /// A writer whose text can be read while it is written.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        /// The lines, with every time replaced by `N`.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).expect("plain text");
            let timeless = |word: &str| {
                let number = word.trim_start_matches('(');
                let is_time = number.contains('.') && number.parse::<f64>().is_ok();
                if is_time {
                    word.replace(number, "N")
                } else {
                    word.to_owned()
                }
            };
            text.lines()
                .map(|l| l.split(' ').map(timeless).collect::<Vec<_>>().join(" "))
                .collect()
        }
    }

    #[test]
    fn a_quiet_stage_is_two_lines() {
        let page = Page::default();
        let progress = Progress::shown_by(Lines::to(page.clone(), Duration::MAX));
        let stage = progress.stage("Building kubelet");
        stage.message("linking");
        stage.advance(1);
        stage.done();
        drop(progress.stage("Loading"));
        progress.line("all the same");
        assert_eq!(
            page.lines(),
            [
                "Building kubelet …",
                "Building kubelet … done in N s",
                "Loading …",
                "Loading … stopped after N s",
                "all the same",
            ]
        );
    }

    #[test]
    fn a_long_stage_says_how_far_it_is() {
        let page = Page::default();
        let progress = Progress::shown_by(Lines::to(page.clone(), Duration::ZERO));
        let stage = progress.stage("Images");
        stage.set_total(3);
        stage.message("proxyv2");
        stage.advance(2);
        let bytes = progress.stage("Envoy");
        bytes.set_total_bytes(3 << 20);
        bytes.advance(3 << 19);
        assert_eq!(
            page.lines(),
            [
                "Images …",
                "Images … 0/3 (N s)",
                "Images … 0/3 proxyv2 (N s)",
                "Images … 2/3 proxyv2 (N s)",
                "Envoy …",
                "Envoy … 0.0/3.0 MiB (N s)",
                "Envoy … 1.5/3.0 MiB (N s)",
            ]
        );
    }
}
