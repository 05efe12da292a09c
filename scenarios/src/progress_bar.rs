//! Progress as bars and spinners, for a terminal.
//!
//! One bar for each running stage; a stage that has ended becomes a plain line above the bars, so
//! that what scrolls by reads like the lines a log gets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use meshproof_harness::progress::{Ending, Event, Lines, Progress, StageRef, Unit, Watcher};

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(120);

// `wide_msg` takes what is left of the line, so that a long message never becomes a second line.
const SPINNER: &str = "{spinner} {prefix} ({elapsed}) {wide_msg}";
const STEPS: &str = "{spinner} {prefix} [{bar:24}] {pos}/{len} ({elapsed}) {wide_msg}";
const BYTES: &str = "{spinner} {prefix} [{bar:24}] {bytes}/{total_bytes} ({elapsed}) {wide_msg}";

/// Progress on standard error: bars when it is a terminal, plain lines when it is not.
pub fn on_stderr(is_terminal: bool) -> Progress {
    if is_terminal {
        Progress::shown_by(Bars::new(ProgressDrawTarget::stderr()))
    } else {
        Progress::shown_by(Lines::to_stderr())
    }
}

/// Shows each running stage as a bar or spinner.
struct Bars {
    all: MultiProgress,
    running: Mutex<HashMap<u64, ProgressBar>>,
}

impl Bars {
    fn new(target: ProgressDrawTarget) -> Self {
        Self {
            all: MultiProgress::with_draw_target(target),
            running: Mutex::default(),
        }
    }

    fn begin(&self, name: &str) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(style(SPINNER));
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(TICK);
        bar
    }
}

impl Watcher for Bars {
    fn stage(&self, stage: StageRef<'_>, event: Event<'_>) {
        // A panic elsewhere must not take the bars with it.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if event == Event::Started {
            running.insert(stage.id, self.begin(stage.name));
            return;
        }
        let Some(bar) = running.get(&stage.id) else {
            return;
        };
        match event {
            Event::Started => {}
            Event::Message(message) => bar.set_message(message.to_owned()),
            Event::Total(total, unit) => {
                bar.set_style(style(match unit {
                    Unit::Steps => STEPS,
                    Unit::Bytes => BYTES,
                }));
                bar.set_length(total);
            }
            Event::Advanced(by) => bar.inc(by),
            Event::Ended(ending, took) => {
                bar.finish_and_clear();
                running.remove(&stage.id);
                drop(running);
                let how = match ending {
                    Ending::Done => "done in",
                    Ending::Stopped => "stopped after",
                };
                self.line(&format!(
                    "{} … {how} {:.1} s",
                    stage.name,
                    took.as_secs_f64()
                ));
            }
        }
    }

    fn line(&self, line: &str) {
        // Nobody is left to tell when the terminal is gone.
        let _ = self.all.println(line);
    }
}

/// A style from one of the templates above.
fn style(template: &str) -> ProgressStyle {
    // The templates are constants, and a test reads them all.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden() -> Bars {
        Bars::new(ProgressDrawTarget::hidden())
    }

    fn tell(bars: &Bars, event: Event<'_>) {
        bars.stage(
            StageRef {
                id: 7,
                name: "Building kubelet",
            },
            event,
        );
    }

    #[test]
    fn every_template_can_be_read() {
        for template in [SPINNER, STEPS, BYTES] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_bar_follows_its_stage_and_goes_with_it() {
        let bars = hidden();
        tell(&bars, Event::Started);
        tell(&bars, Event::Total(9, Unit::Steps));
        tell(&bars, Event::Advanced(4));
        tell(&bars, Event::Message("linking"));
        let bar = bars
            .running
            .lock()
            .unwrap()
            .get(&7)
            .cloned()
            .expect("a bar");
        assert_eq!((bar.position(), bar.length()), (4, Some(9)));
        assert_eq!(
            (bar.prefix(), bar.message()),
            ("Building kubelet".into(), "linking".into())
        );
        tell(&bars, Event::Ended(Ending::Done, Duration::from_secs(1)));
        assert!(bar.is_finished() && bars.running.lock().unwrap().is_empty());
    }

    #[test]
    fn events_of_an_unknown_stage_are_ignored() {
        let bars = hidden();
        tell(&bars, Event::Advanced(1));
        assert!(bars.running.lock().unwrap().is_empty());
    }
}
