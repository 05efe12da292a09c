//! The limits of a scenario's phases and of a whole run, and what is told when one is over.
//!
//! Each wait within a phase has a limit of its own that says more; these are there so that nothing
//! that was forgotten, or that only together takes long, ever makes a run endless.

use std::time::Duration;

use tokio::time::Instant;

use super::{Phase, Stand, StepError};
use crate::waits::Board;

/// The limit of each phase in seconds, before scaling: about three times the longest that was seen
/// on two cores with four cases side by side. Its longest waits in a row may be more: they never were.
const PHASES: &[(&str, u64)] = &[
    ("arrange", 300),
    ("check", 420),
    ("baseline", 300),
    ("fault", 360),
    ("symptom", 420),
    ("diagnosis", 90),
    ("remedy and recovery", 600),
    ("diagnosis again", 90),
    ("put back", 300),
];

/// When a whole run has to be over.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunLimit(Option<Ends>);

#[derive(Debug, Clone, Copy)]
struct Ends {
    limit: Duration,
    at: Instant,
}

impl RunLimit {
    /// A run without a limit.
    pub fn none() -> Self {
        Self(None)
    }

    /// A run that begins now and may last so long.
    pub fn from_now(limit: Option<Duration>) -> Self {
        Self(limit.map(|limit| Ends {
            limit,
            at: Instant::now() + limit,
        }))
    }

    /// How the reason begins for which nothing more is begun; none while there is time.
    pub fn is_over(&self) -> Option<String> {
        let ends = self.0.filter(|ends| Instant::now() >= ends.at)?;
        Some(format!("{NOT_RUN}, {:?}, was over", ends.limit))
    }

    /// Does a part of the run, as long as there is time.
    ///
    /// # Errors
    /// What the work fails with, or [`StepError::RunOverLimit`].
    pub async fn within<T, E>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StepError>
    where
        StepError: From<E>,
    {
        let Some(ends) = self.0 else {
            return Ok(work.await?);
        };
        match until(ends.at, work).await {
            Ok(done) => Ok(done?),
            Err(waits) => Err(StepError::RunOverLimit {
                what: what.to_owned(),
                limit: ends.limit,
                waits,
            }),
        }
    }
}

/// How the reason begins for which a scenario is not run once the run's limit is over.
pub const NOT_RUN: &str = "not run: the limit of the whole run";

/// Carries a phase through within its own limit and the run's. Boxed, since phases are large and
/// would lie on the stack once for each layer here.
///
/// # Errors
/// What the phase fails with, or whose limit is over.
pub(super) async fn in_time<T>(
    stand: &Stand,
    phase: &'static str,
    work: Phase<'_, T>,
) -> Result<T, StepError> {
    stand
        .limit
        .within(phase, alone_in_time(stand, phase, work))
        .await
}

/// As [`in_time`], also when the run's own limit is over: for what has to be done in any case.
///
/// # Errors
/// What the phase fails with, or that its limit is over.
pub(super) async fn alone_in_time<T>(
    stand: &Stand,
    phase: &'static str,
    work: Phase<'_, T>,
) -> Result<T, StepError> {
    let found = PHASES.iter().find(|(name, _)| *name == phase);
    let (_, seconds) = found.expect("every phase has a limit");
    let limit = stand.kube.limit(*seconds);
    match until(Instant::now() + limit, work).await {
        Ok(done) => done,
        Err(waits) => Err(StepError::PhaseOverLimit {
            phase,
            limit,
            waits,
        }),
    }
}

/// Does some work until its time is over; then tells what it was waiting for.
async fn until<T>(at: Instant, work: impl Future<Output = T>) -> Result<T, String> {
    let board = Board::new();
    let mut work = std::pin::pin!(board.around(work));
    match tokio::time::timeout_at(at, work.as_mut()).await {
        Ok(done) => Ok(done),
        // Read before the work is dropped, and its waits with it.
        Err(_) => Err(board
            .told()
            .unwrap_or_else(|| "it waited for nothing that is known".into())),
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
