//! Work that is cleaned up behind, however it ends: by an error, a signal or a panic.

use std::process::ExitCode;

use meshproof_harness::lab::Paths;
use meshproof_harness::progress::Progress;

use super::Outcome;
use crate::cleanup::Cleanup;
use crate::endings::{Ending, Endings};
use crate::told::tell;

/// Does some work so that a signal, a panic or an error cleans up behind it.
pub async fn guarded(
    paths: &Paths,
    cleanup: &Cleanup,
    progress: &Progress,
    work: impl Future<Output = Outcome> + Send + 'static,
) -> Outcome {
    let mut endings = Endings::listen()?;
    let mut work = tokio::spawn(work);
    let (ending, code) = tokio::select! {
        done = &mut work => match done {
            Ok(Ok(code)) => return Ok(code),
            Ok(Err(error)) => (error.to_string(), 2),
            Err(panic) => (format!("Meshproof itself failed, which is a bug: {panic}"), 2),
        },
        asked = endings.next() => (format!("asked to end ({})", asked.name), asked.exit_code()),
    };
    tell(format_args!("meshproof: {ending}"));
    if !work.is_finished() {
        work.abort();
        // The aborted work ends when it is dropped, and its children and leases with it.
        let _ = work.await;
    }
    tokio::select! {
        cleaned = cleanup.run(paths, progress) => {
            for left in cleaned.err().into_iter().flatten() {
                tell(format_args!("meshproof: left behind: {left}"));
            }
        }
        () = interrupted(&mut endings) => {
            tell("meshproof: interrupted; what is left is found by the next run");
        }
    }
    Ok(ExitCode::from(code))
}

/// Waits for a person who asks for the end of the cleaning up as well. What else asks to end may ask
/// more than once: a shell that loses its terminal hangs up its jobs, and so does the kernel.
async fn interrupted(endings: &mut Endings) {
    while endings.next().await != Ending::INTERRUPT {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_fails_or_panics_ends_with_code_2() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().to_owned();
        let paths = Paths {
            cache: folder.clone(),
            state: folder,
        };
        let (cleanup, progress) = (Cleanup::default(), Progress::silent());
        let failing = async { Err("no lab to be had".into()) };
        let ended = guarded(&paths, &cleanup, &progress, failing).await.unwrap();
        assert_eq!(ended, ExitCode::from(2));
        let panicking = async { panic!("a bug") };
        let ended = guarded(&paths, &cleanup, &progress, panicking)
            .await
            .unwrap();
        assert_eq!(ended, ExitCode::from(2));
    }
}
