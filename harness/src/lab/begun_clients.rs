//! Clients of the engine that make a container for somebody who no longer waits for it.
//!
//! The engine carries out what a client asked even when the client is killed, and lists a container
//! only once it is made: who looks then for what is left finds nothing. So a client that makes one is
//! let end by itself, which takes seconds, and whoever is about to remove containers waits for it.
//! Those that stay beside their container to its end are none of them: they are killed.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use super::LabError;
use crate::kube::read_until;
use crate::process::lineage::{Started, end_orphans, started};
use crate::waits::Wait;

/// How long an engine may take to make a container.
const MADE_WITHIN: Duration = Duration::from_secs(30);

/// Whether this is the command line of a client that ends once a container is made.
pub(super) fn makes_a_container(command: &str) -> bool {
    let mut words = command.split(' ');
    let program = words.next().map(Path::new).and_then(Path::file_name);
    if program.is_none_or(|name| name != "docker") {
        return false;
    }
    match words.next() {
        Some("create") => true,
        Some("run") => words.any(|word| word == "--detach"),
        _ => false,
    }
}

/// Ends what a dead Meshproof left, but for these clients; tells what it was.
pub(super) fn end_other_orphans() -> Vec<Started> {
    end_orphans(makes_a_container)
}

/// Ends what a dead Meshproof left, and waits for these clients of its.
///
/// # Errors
/// As [`have_ended`].
pub(super) async fn no_orphan_is_left() -> Result<(), LabError> {
    end_other_orphans();
    of_the_dead_have_ended().await
}

/// Waits until none of these clients is left.
///
/// # Errors
/// When one is left for longer than an engine should take.
pub(super) async fn have_ended(whose: impl Fn(&Started) -> bool) -> Result<(), LabError> {
    let wait = Wait::begin("the engine to have made what it was asked to make");
    let left = || {
        let mut left = started();
        left.retain(|child| makes_a_container(&child.command) && whose(child));
        if let Some(first) = left.first() {
            wait.seen(&first.command);
        }
        std::future::ready(Ok::<_, Infallible>(left))
    };
    let Ok(left) = read_until(MADE_WITHIN, left, Vec::is_empty).await;
    match left.into_iter().next() {
        None => Ok(()),
        Some(client) => Err(LabError::StillMaking {
            pid: client.process.pid,
            command: client.command,
            waited: MADE_WITHIN,
        }),
    }
}

/// Waits for those that a Meshproof began which is dead.
///
/// # Errors
/// As [`have_ended`].
pub(super) async fn of_the_dead_have_ended() -> Result<(), LabError> {
    have_ended(|child| !child.by.is_alive()).await
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;
    use crate::process::lineage::{self, Identity, STARTED_BY};

    #[test]
    fn only_clients_that_end_once_a_container_is_made_are_known() {
        for command in [
            "docker run --name x --detach --volume /a:/b image",
            "/usr/bin/docker run --detach image",
            "docker create --label x image none",
        ] {
            assert!(makes_a_container(command), "{command}");
        }
        for command in [
            "docker run --rm image sh -c [ -d /x ]",
            "docker exec --privileged x kubeadm init",
            "kind create cluster --name x",
            "/bin/sh docker run --detach image",
            "docker",
            "",
        ] {
            assert!(!makes_a_container(command), "{command}");
        }
    }

    #[tokio::test]
    async fn a_client_is_waited_for_until_it_ends() {
        let command = "docker run --detach --volume /of-this-test:/meshproof";
        let mut client = Command::new("sleep")
            .arg0(command)
            .arg("600")
            .env(STARTED_BY, Identity::own().to_string())
            .spawn()
            .expect("sleep is there");
        let its = |child: &Started| child.command.contains("/of-this-test:");
        let ours = |child: &Started| its(child) && child.by == *Identity::own();
        have_ended(|child| child.command.contains("/of-another-test:"))
            .await
            .expect("there is none");
        let waiting = have_ended(ours);
        tokio::pin!(waiting);
        let early = tokio::time::timeout(Duration::from_millis(500), &mut waiting).await;
        assert!(early.is_err(), "it was not waited for: {early:?}");
        lineage::end(&Identity::of(client.id()).expect("it runs"));
        client.wait().expect("a child of ours");
        waiting.await.expect("it has ended");
    }
}
