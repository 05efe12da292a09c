//! Waiting for what tells no changes: it is asked again and again until it is as wanted.
//!
//! What Kubernetes stores is watched instead, in `wait`.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{KubeError, Seen};
use crate::waits::Wait;

/// The pause between two questions.
const INTERVAL: Duration = Duration::from_millis(200);

/// Asks until the answer is met.
///
/// # Errors
/// [`KubeError::TimedOut`] with the last state seen, also where one question takes too long, or what
/// asking failed with.
pub async fn asked_until<T, E: From<KubeError>, Asking>(
    name: impl Into<String>,
    limit: Duration,
    mut ask: impl FnMut() -> Asking,
) -> Result<T, E>
where
    Asking: Future<Output = Result<Seen<T>, E>>,
{
    let name = name.into();
    let wait = Wait::begin(name.as_str());
    let mut last_seen = "nothing yet".to_owned();
    let asking = async {
        let mut again = pauses();
        loop {
            again.tick().await;
            match ask().await? {
                Seen::Met(met) => return Ok(met),
                Seen::NotYet(seen) => last_seen = seen,
            }
            wait.seen(&last_seen);
        }
    };
    match tokio::time::timeout(limit, asking).await {
        Ok(asked) => asked,
        Err(_) => Err(KubeError::TimedOut {
            name,
            limit,
            last_seen,
        }
        .into()),
    }
}

/// Reads until what is read is as wanted; what was read last is returned once the limit is over,
/// for a check that tells it. A reading that fails is made again as well.
///
/// # Errors
/// What the last reading failed with.
pub async fn read_until<T, E, Reading>(
    limit: Duration,
    mut read: impl FnMut() -> Reading,
    as_wanted: impl Fn(&T) -> bool,
) -> Result<T, E>
where
    Reading: Future<Output = Result<T, E>>,
{
    let begun = Instant::now();
    let mut again = pauses();
    loop {
        again.tick().await;
        let found = read().await;
        if found.as_ref().is_ok_and(&as_wanted) || begun.elapsed() > limit {
            return found;
        }
    }
}

fn pauses() -> tokio::time::Interval {
    let mut again = interval(INTERVAL);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    again
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_asked_until_it_is_met() {
        let asked = Cell::new(0);
        let met = asked_until("three", Duration::from_secs(9), || async {
            asked.set(asked.get() + 1);
            Ok::<_, KubeError>(match asked.get() {
                3 => Seen::Met("three"),
                other => Seen::NotYet(other.to_string()),
            })
        });
        assert_eq!(met.await.unwrap(), "three");
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_is_over_tells_the_last_state_even_if_a_question_hangs() {
        let asked = Cell::new(0);
        let waited = asked_until("it", Duration::from_secs(1), || async {
            asked.set(asked.get() + 1);
            if asked.get() > 2 {
                std::future::pending::<()>().await;
            }
            Ok::<Seen<()>, KubeError>(Seen::NotYet(format!("state {}", asked.get())))
        });
        let told = waited.await.unwrap_err().to_string();
        assert_eq!(told, "waited 1s for it; last seen: state 2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_fails_is_made_again_until_the_limit() {
        let limit = Duration::from_secs(1);
        let read = Cell::new(0);
        let third = read_until(
            limit,
            || async {
                read.set(read.get() + 1);
                if read.get() < 3 {
                    Err("no answer")
                } else {
                    Ok(read.get())
                }
            },
            |_| true,
        );
        assert_eq!(third.await, Ok(3));
        let never = read_until(limit, || async { Err::<(), _>("no answer") }, |()| true);
        assert_eq!(never.await, Err("no answer"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_last_is_returned_after_the_limit() {
        let read = Cell::new(0);
        let count = || async {
            read.set(read.get() + 1);
            Ok::<_, KubeError>(read.get())
        };
        let limit = Duration::from_secs(1);
        let second = read_until(limit, count, |found| *found == 2);
        assert_eq!(second.await.unwrap(), 2);
        let last = read_until(limit, count, |_| false).await.unwrap();
        assert!(last > 5, "{last}");
    }
}
