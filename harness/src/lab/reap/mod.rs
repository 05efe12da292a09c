//! Removes all that is ours and that no live run holds: what is left when Meshproof, the engine or
//! the machine was killed, and the clusters that stand for a next run.
//!
//! What is ours is known by the mark that its maker left in it, never by a name: the record's folder
//! in every node, the maker on a helper container, the label on network and volumes, the starter in
//! a process's environment. Whether it is held, the kernel tells by its locks. Images and finished
//! artifacts are no leftovers, and what a run wrote down for a person stays.

mod cache;
mod engine;
mod report;
mod runs;

use super::lease::{self, Attempt, Lease};
use super::{Cluster, Engine, LabError, Paths, begun_clients, half_made};
use crate::process::lineage::{self, Started};

pub use report::{Kept, Kind, Reaped, Removed};

/// How to reap.
#[derive(Debug, Clone)]
pub struct Reaping {
    /// Only tell what would be removed.
    pub dry_run: bool,
    /// The command line, for whoever waits for a lease meanwhile.
    pub command: String,
}

/// Removes what is ours and dead.
///
/// Without an engine that answers, what needs none is removed; clusters and what belongs to them
/// stay, and [`Reaped::failed`] says so.
///
/// # Errors
/// When our own folders cannot be read. What cannot be removed is told in [`Reaped::failed`].
pub async fn reap(paths: &Paths, reaping: &Reaping) -> Result<Reaped, LabError> {
    // First, lest they go on making what is removed here.
    let mut orphans = lineage::orphans();
    let mut still_making = None;
    if !reaping.dry_run {
        orphans.extend(begun_clients::end_other_orphans());
        orphans.sort_by_key(|orphan| orphan.process.pid);
        orphans.dedup();
        still_making = begun_clients::of_the_dead_have_ended().await.err();
    }
    let mut reaped = reap_with(Engine::connect().await, orphans, paths, reaping).await?;
    reaped
        .failed
        .extend(still_making.map(|error| error.to_string()));
    Ok(reaped)
}

async fn reap_with(
    engine: Result<Engine, LabError>,
    orphans: Vec<Started>,
    paths: &Paths,
    reaping: &Reaping,
) -> Result<Reaped, LabError> {
    let mut reaper = Reaper {
        paths,
        reaping,
        leases: vec![],
        reaped: Reaped {
            dry_run: reaping.dry_run,
            ..Reaped::default()
        },
    };
    reaper.processes(orphans);
    match engine {
        Ok(engine) => reaper.engines(&engine).await?,
        Err(error) => reaper.reaped.failed.push(error.to_string()),
    }
    reaper.half_made().await?;
    reaper.runs()?;
    Ok(reaper.reaped)
}

/// One reaping on its way.
struct Reaper<'a> {
    paths: &'a Paths,
    reaping: &'a Reaping,
    /// Held to the end: a run that begins meanwhile waits.
    leases: Vec<Lease>,
    reaped: Reaped,
}

impl Reaper<'_> {
    fn processes(&mut self, orphans: Vec<Started>) {
        for orphan in orphans {
            self.reaped.removed.push(Removed {
                kind: Kind::Process,
                name: format!("{} {}", orphan.process.pid, orphan.command),
                why: "the Meshproof that started it is dead".into(),
                bytes: 0,
            });
        }
    }

    /// Takes the lease of a cluster; none, and a line about it, if somebody has it.
    fn may_take(&mut self, cluster: &Cluster) -> Result<bool, LabError> {
        let holder = if self.reaping.dry_run {
            Lease::holder(cluster.folder())?
        } else {
            match Lease::attempt(cluster.folder(), &self.reaping.command)? {
                Attempt::Taken(lease) => {
                    self.leases.push(lease);
                    None
                }
                Attempt::HeldBy(holder) => Some(holder),
            }
        };
        let free = holder.is_none();
        if let Some(holder) = holder {
            self.keep(Kind::Cluster, &cluster.record.name, held_by(&holder));
        }
        Ok(free)
    }

    /// Takes the lock under which artifacts are made.
    fn may_clear_the_cache(&mut self) -> Result<bool, LabError> {
        let lock = half_made::lock(&self.paths.cache);
        let holder = if self.reaping.dry_run {
            lease::holder_of(&lock)?
        } else {
            match lease::try_file(&lock, &self.reaping.command)? {
                Attempt::Taken(lease) => {
                    self.leases.push(lease);
                    None
                }
                Attempt::HeldBy(holder) => Some(holder),
            }
        };
        let free = holder.is_none();
        if let Some(holder) = holder {
            self.keep(Kind::HalfMade, "what is being made", held_by(&holder));
        }
        Ok(free)
    }

    fn keep(&mut self, kind: Kind, name: &str, because: impl Into<String>) {
        self.reaped.kept.push(Kept {
            kind,
            name: name.to_owned(),
            because: because.into(),
        });
    }

    /// Writes down what is removed, unless removing it failed.
    fn removed(&mut self, done: Result<(), LabError>, removed: Removed) -> bool {
        match done {
            Ok(()) => {
                self.reaped.removed.push(removed);
                true
            }
            Err(error) => {
                let Removed { kind, name, .. } = removed;
                self.reaped.failed.push(format!("{kind} {name}: {error}"));
                false
            }
        }
    }
}

fn held_by(holder: &str) -> String {
    format!("held by {holder}")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
