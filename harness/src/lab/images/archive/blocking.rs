//! Work on large files, on a thread where it may block: it ends early when nobody waits for it.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::lab::LabError;

/// How much is moved at once, in bytes.
const PIECE: usize = 1 << 20;

/// Whether somebody still waits for the work.
#[derive(Debug, Clone, Default)]
pub struct Alive(Arc<AtomicBool>);

impl Alive {
    /// Reads to the end, handing on each piece, for as long as somebody waits.
    ///
    /// # Errors
    /// What reading or `each` gives, or that nobody waits any more.
    pub fn read_all(
        &self,
        mut from: impl Read,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            if self.0.load(Ordering::Relaxed) {
                return Err(io::Error::other("nobody waits for it any more"));
            }
            match from.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(read) => each(&piece[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Tells the work that nobody waits for it, once dropped.
struct Waiting(Alive);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Does some work on a thread where it may block.
///
/// # Errors
/// What the work gives.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce(&Alive) -> Result<T, LabError> + Send + 'static,
) -> Result<T, LabError> {
    let waiting = Waiting(Alive::default());
    let alive = waiting.0.clone();
    let done = tokio::task::spawn_blocking(move || work(&alive)).await;
    match done {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_ends() {
        let (tell, told) = std::sync::mpsc::channel();
        let endless = blocking(move |alive| {
            // Long enough to be let go of on its way, and no longer.
            let read = alive.read_all(io::repeat(0).take(4 << 30), |_| Ok(()));
            tell.send(read.is_err()).unwrap();
            Ok(())
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(20), endless)
                .await
                .is_err()
        );
        assert_eq!(told.recv_timeout(Duration::from_secs(5)), Ok(true));
    }
}
