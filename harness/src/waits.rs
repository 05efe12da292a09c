//! What is being waited for at this moment, for limits that lie around many waits.
//!
//! A wait with a limit of its own says in its error what it waited for. A limit around a whole phase
//! or run ends from outside, so whoever waits writes it down here while it does: [`Wait::begin`]. A
//! limit puts a [`Board`] around its work and reads it when the time is over. Where there is no
//! board nothing is written down.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

/// How many waits that go on at once are told.
const TOLD: usize = 3;

tokio::task_local! {
    static BOARD: Board;
}

/// The waits that go on within some work. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waits: Mutex<Vec<Weak<Entry>>>,
    around: Option<Board>,
}

#[derive(Debug)]
struct Entry {
    what: String,
    since: Instant,
    last_seen: Mutex<String>,
}

impl Board {
    /// A board within the one that this task has, which then knows the same waits.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            around: BOARD.try_with(Clone::clone).ok(),
            ..Inner::default()
        }))
    }

    /// Does some work whose waits are written down here.
    pub async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        BOARD.scope(self.clone(), work).await
    }

    /// The waits that go on, the longest first, as a part of a sentence; none if nothing is waited
    /// for.
    pub fn told(&self) -> Option<String> {
        let mut waits: Vec<Arc<Entry>> = self.waits().iter().filter_map(Weak::upgrade).collect();
        waits.sort_by_key(|wait| wait.since);
        let mut told = String::new();
        for wait in waits.iter().take(TOLD) {
            let and = if told.is_empty() { "" } else { "; and " };
            let last_seen = wait
                .last_seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let waited = rounded(wait.since.elapsed());
            let _ = write!(
                told,
                "{and}waited {waited:?} for {}; last seen: {last_seen}",
                wait.what
            );
        }
        (!told.is_empty()).then_some(told)
    }

    fn add(&self, wait: &Arc<Entry>) {
        {
            let mut waits = self.waits();
            waits.retain(|wait| wait.strong_count() > 0);
            waits.push(Arc::downgrade(wait));
        }
        if let Some(board) = &self.0.around {
            board.add(wait);
        }
    }

    fn waits(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Entry>>> {
        self.0.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// To the nearest tenth of a second: enough for a person.
fn rounded(time: Duration) -> Duration {
    let tenths = (time.as_millis() + 50) / 100;
    Duration::from_millis(u64::try_from(tenths * 100).unwrap_or(u64::MAX))
}

/// One wait, for as long as this lives.
#[derive(Debug)]
pub struct Wait(Option<Arc<Entry>>);

impl Wait {
    /// Begins to wait for something: `2 pods to be Ready`.
    pub fn begin(what: impl Into<String>) -> Self {
        Self(
            BOARD
                .try_with(|board| {
                    let entry = Arc::new(Entry {
                        what: what.into(),
                        since: Instant::now(),
                        last_seen: Mutex::new("nothing yet".into()),
                    });
                    board.add(&entry);
                    entry
                })
                .ok(),
        )
    }

    /// Says what is there in place of what is waited for.
    pub fn seen(&self, last_seen: &str) {
        if let Some(entry) = &self.0 {
            let mut seen = entry
                .last_seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            seen.clear();
            seen.push_str(last_seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_board_tells_the_waits_that_go_on_and_no_other() {
        let board = Board::new();
        let inner = board.around(async {
            let inner = Board::new();
            inner
                .around(async {
                    let pods = Wait::begin("2 pods to be Ready");
                    tokio::time::sleep(Duration::from_secs(90)).await;
                    pods.seen("1 of 2");
                    let _server = Wait::begin("an answer");
                    drop(Wait::begin("what came"));
                    tokio::time::sleep(Duration::from_millis(1_234)).await;
                    let both = "waited 91.2s for 2 pods to be Ready; last seen: 1 of 2; and waited \
                                1.2s for an answer; last seen: nothing yet";
                    assert_eq!(inner.told().as_deref(), Some(both));
                    assert_eq!(board.told().as_deref(), Some(both));
                })
                .await;
            inner
        });
        assert_eq!(inner.await.told(), None);
        assert_eq!(board.told(), None);
    }

    #[tokio::test]
    async fn without_a_board_a_wait_is_nobodys() {
        let wait = Wait::begin("anything");
        wait.seen("something");
        assert_eq!(Board::new().told(), None);
    }
}
