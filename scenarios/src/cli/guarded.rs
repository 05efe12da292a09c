//! Work that is cleaned up behind, however it ends: by an error, a signal or a panic.

use std::process::ExitCode;

use meshproof_harness::lab::Paths;
use meshproof_harness::progress::Progress;
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::cleanup::Cleanup;

/// Does some work so that a signal, a panic or an error cleans up behind it.
pub async fn guarded(
    paths: &Paths,
    cleanup: &Cleanup,
    progress: &Progress,
    work: impl Future<Output = Outcome> + Send + 'static,
) -> Outcome {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut work = tokio::spawn(work);
    let (ending, code) = tokio::select! {
        done = &mut work => match done {
            Ok(Ok(code)) => return Ok(code),
            Ok(Err(error)) => (error.to_string(), 2),
            Err(panic) => (format!("Meshproof itself failed, which is a bug: {panic}"), 2),
        },
        _ = interrupt.recv() => ("interrupted (SIGINT)".to_owned(), 130),
        _ = terminate.recv() => ("asked to end (SIGTERM)".to_owned(), 143),
    };
    eprintln!("meshproof: {ending}");
    if !work.is_finished() {
        work.abort();
        // The aborted work ends when it is dropped, and its children and leases with it.
        let _ = work.await;
    }
    tokio::select! {
        cleaned = cleanup.run(paths, progress) => {
            for left in cleaned.err().into_iter().flatten() {
                eprintln!("meshproof: left behind: {left}");
            }
        }
        _ = interrupt.recv() => {
            eprintln!("meshproof: interrupted again; what is left is found by the next run");
        }
    }
    Ok(ExitCode::from(code))
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
