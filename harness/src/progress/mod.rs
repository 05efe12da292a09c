//! What long work tells of itself while it runs, without knowing who watches.
//!
//! Library code opens a [`Stage`] for each long step and moves it along; a [`Watcher`] shows it:
//! [`Lines`] as plain text, the command line's bars on a terminal, nobody with
//! [`Progress::silent`]. Results never travel this way, only what a waiting person wants to see.

mod lines;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use lines::Lines;

/// What a stage counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Pieces of work.
    Steps,
    /// Bytes moved.
    Bytes,
}

/// What became of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It did its work.
    Done,
    /// It was dropped before its end: by an error, a signal or a panic.
    Stopped,
}

/// Something that happened to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// It began.
    Started,
    /// It says what it is at.
    Message(&'a str),
    /// It knows how much there is to do.
    Total(u64, Unit),
    /// It did this much more.
    Advanced(u64),
    /// It ended, after so long.
    Ended(Ending, Duration),
}

/// One stage, as a watcher knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageRef<'a> {
    /// Its number, never used twice under one [`Progress`].
    pub id: u64,
    /// Its name, as its opener gave it: `Building kubelet`.
    pub name: &'a str,
}

/// Shows stages to somebody. Called from any thread, so it has to be quick and must not panic.
pub trait Watcher: Send + Sync {
    /// Something happened to a stage.
    fn stage(&self, stage: StageRef<'_>, event: Event<'_>);

    /// Something to say that belongs to no stage.
    fn line(&self, line: &str);
}

struct Shared {
    watcher: Box<dyn Watcher>,
    next_id: AtomicU64,
}

/// The handle that work is given. Cloning it is one reference count.
#[derive(Clone)]
pub struct Progress(Option<Arc<Shared>>);

impl Progress {
    /// Progress that this watcher shows.
    pub fn shown_by(watcher: impl Watcher + 'static) -> Self {
        Self(Some(Arc::new(Shared {
            watcher: Box::new(watcher),
            next_id: AtomicU64::new(0),
        })))
    }

    /// Progress that nobody watches.
    pub fn silent() -> Self {
        Self(None)
    }

    /// Begins a stage. It ends with [`Stage::done`], or as stopped when it is dropped before.
    #[must_use = "a stage that is dropped at once is shown as stopped"]
    pub fn stage(&self, name: impl Into<String>) -> Stage {
        let id = self
            .0
            .as_ref()
            .map_or(0, |s| s.next_id.fetch_add(1, Ordering::Relaxed));
        let stage = Stage {
            progress: self.clone(),
            id,
            name: name.into(),
            begun: Instant::now(),
            ending: Ending::Stopped,
        };
        stage.tell(Event::Started);
        stage
    }

    /// Says one line without disturbing what is shown of running stages.
    pub fn line(&self, line: impl AsRef<str>) {
        if let Some(shared) = &self.0 {
            shared.watcher.line(line.as_ref());
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Progress(shown)"
        } else {
            "Progress(silent)"
        })
    }
}

/// One long step while it runs. May be moved to other threads and shared by reference.
#[derive(Debug)]
pub struct Stage {
    progress: Progress,
    id: u64,
    name: String,
    begun: Instant,
    ending: Ending,
}

impl Stage {
    /// Says what the stage is at.
    pub fn message(&self, message: impl AsRef<str>) {
        self.tell(Event::Message(message.as_ref()));
    }

    /// Says how many steps there are.
    pub fn set_total(&self, steps: u64) {
        self.tell(Event::Total(steps, Unit::Steps));
    }

    /// Says how many bytes there are; from now on [`advance`](Self::advance) counts bytes.
    pub fn set_total_bytes(&self, bytes: u64) {
        self.tell(Event::Total(bytes, Unit::Bytes));
    }

    /// Says that so many more steps or bytes are behind it.
    pub fn advance(&self, by: u64) {
        self.tell(Event::Advanced(by));
    }

    /// Ends the stage well and returns how long it took.
    pub fn done(mut self) -> Duration {
        self.ending = Ending::Done;
        self.begun.elapsed()
    }

    fn tell(&self, event: Event<'_>) {
        if let Some(shared) = &self.progress.0 {
            shared.watcher.stage(
                StageRef {
                    id: self.id,
                    name: &self.name,
                },
                event,
            );
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.tell(Event::Ended(self.ending, self.begun.elapsed()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Keeps what it is told, without durations.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<String>>>);

    impl Watcher for Memory {
        fn stage(&self, stage: StageRef<'_>, event: Event<'_>) {
            let event = match event {
                Event::Ended(ending, _) => format!("{ending:?}"),
                other => format!("{other:?}"),
            };
            self.0
                .lock()
                .unwrap()
                .push(format!("{} {}: {event}", stage.id, stage.name));
        }

        fn line(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }

    #[test]
    fn every_event_reaches_the_watcher_in_order() {
        let memory = Memory::default();
        let progress = Progress::shown_by(memory.clone());
        let stage = progress.stage("Loading");
        stage.set_total_bytes(10);
        stage.advance(4);
        stage.message("layer 2");
        progress.clone().line("by the way");
        stage.done();
        assert_eq!(
            *memory.0.lock().unwrap(),
            [
                "0 Loading: Started",
                "0 Loading: Total(10, Bytes)",
                "0 Loading: Advanced(4)",
                "0 Loading: Message(\"layer 2\")",
                "by the way",
                "0 Loading: Done",
            ]
        );
    }

    #[test]
    fn a_dropped_stage_is_stopped_and_ids_are_its_own() {
        let memory = Memory::default();
        let progress = Progress::shown_by(memory.clone());
        let first = progress.stage("First");
        drop(progress.stage("Second"));
        first.done();
        let seen = memory.0.lock().unwrap().join("; ");
        assert_eq!(
            seen,
            "0 First: Started; 1 Second: Started; 1 Second: Stopped; 0 First: Done"
        );
    }

    #[test]
    fn a_stage_moves_between_threads() {
        let memory = Memory::default();
        let progress = Progress::shown_by(memory.clone());
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let stage = progress.stage(format!("part {n}"));
                std::thread::spawn(move || stage.done())
            })
            .collect();
        for thread in threads {
            thread.join().expect("a thread without a panic");
        }
        let seen = memory.0.lock().unwrap();
        assert_eq!(seen.iter().filter(|s| s.ends_with("Done")).count(), 4);
    }

    #[test]
    fn silence_needs_no_watcher() {
        let progress = Progress::silent();
        let stage = progress.stage("Unseen");
        stage.advance(1);
        assert!(stage.done() < Duration::from_secs(60));
        assert_eq!(format!("{progress:?}"), "Progress(silent)");
    }
}
