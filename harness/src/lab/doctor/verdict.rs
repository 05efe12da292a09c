//! What the facts mean for each source of images: what is lacking, with its cure. Pure.

use serde::Serialize;

use super::facts::Inotify;
use super::{Facts, Folder};
use crate::lab::Topology;
use crate::lab::images::preflight;
use crate::lab::memory::NEEDED_MIB;
use crate::lab::room::Room;
use crate::lab::watches::{NEEDED, PROPOSED, Watches};

/// What images that come finished take, in GiB: in the engine, in the nodes' store and unpacked.
const FINISHED_GIB: u64 = 8;
/// Below this, in GiB, no cluster can be made even where all images are there.
const CLUSTER_GIB: u64 = 2;

/// What an examination came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// What is lacking for any lab, wherever its images come from.
    pub lab: Vec<Lack>,
    /// Whether every image of a lab is there, built or pulled, so that nothing has to be made or
    /// fetched.
    pub images_there: bool,
    /// Each source of images.
    pub sources: Vec<SourceVerdict>,
    /// What is no hindrance yet.
    pub notes: Vec<Lack>,
}

/// One source of images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceVerdict {
    /// Its name.
    pub source: &'static str,
    /// What is lacking for taking images from it.
    pub lacks: Vec<Lack>,
}

/// Something that is lacking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lack {
    /// What.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

impl Examination {
    /// Says what the facts mean.
    pub fn of(facts: &Facts) -> Self {
        let source = |source, lacks| SourceVerdict { source, lacks };
        Self {
            lab: common(facts),
            images_there: images_there(facts),
            sources: vec![
                source("build", for_building(facts)),
                source("pull", for_pulling(facts)),
                source("archive", room(facts, FINISHED_GIB)),
            ],
            notes: notes(facts),
        }
    }

    /// Whether a lab can be had: from images that are there, or from at least one source.
    pub fn can_run(&self) -> bool {
        let images = || self.sources.iter().any(|source| source.lacks.is_empty());
        self.lab.is_empty() && (self.images_there || images())
    }
}

fn images_there(facts: &Facts) -> bool {
    let labs = facts.pulled.iter().map(|lab| &lab.missing);
    let mut labs = labs.chain([&facts.images.missing]);
    labs.any(|missing| missing.as_ref().is_some_and(Vec::is_empty))
}

/// What every lab needs, wherever its images come from.
fn common(facts: &Facts) -> Vec<Lack> {
    let mut lacks = vec![];
    if let Err(said) = &facts.engine {
        lacks.push(with_cure(said, "start Docker, or run ci/setup"));
    }
    let memory_mib = memory_mib(facts);
    if memory_mib < NEEDED_MIB {
        lacks.push(lack(
            format!(
                "there are {:.1} GiB of memory, and a lab needs about {}",
                memory_mib as f64 / 1024.0,
                NEEDED_MIB / 1024
            ),
            "use a machine, or give the engine's own, with more",
        ));
    }
    if facts.architecture != "x86_64" {
        lacks.push(lack(
            format!(
                "this is a machine of the architecture {}",
                facts.architecture
            ),
            "use one of x86_64, for which the lab's images are made",
        ));
    }
    let cpus = facts.engine.as_ref().map_or(facts.cpus, |e| e.cpus);
    if Topology::for_cpus(cpus).is_none() {
        lacks.push(lack(
            format!("there is {cpus} CPU, and the guide's pods ask for one whole CPU each"),
            "use a machine with two or more",
        ));
    }
    for (folder, variable) in [
        (&facts.cache, "MESHPROOF_CACHE_DIR"),
        (&facts.state, "MESHPROOF_STATE_DIR"),
    ] {
        lacks.extend(unwritable(folder, variable));
    }
    if facts.cache.free_gib < CLUSTER_GIB {
        lacks.extend(room(facts, CLUSTER_GIB));
    }
    if let Some(inotify) = facts.inotify.filter(|i| labs(*i) == 0) {
        lacks.push(lack(
            format!(
                "inotify gives each user {} instances, too few for a lab's nodes",
                inotify.instances
            ),
            format!("sysctl fs.inotify.max_user_instances={PROPOSED}"),
        ));
    }
    if !a_lab_can_be_found(facts) {
        lacks.extend(for_one_more(facts));
    }
    lacks
}

fn for_building(facts: &Facts) -> Vec<Lack> {
    let missing = facts.tools.iter().filter(|tool| !tool.found);
    let mut lacks: Vec<_> = missing
        .map(|tool| lack(format!("{} is not there", tool.name), &tool.cure))
        .collect();
    if !facts.root {
        lacks.push(lack(
            "making images needs root's rights (for debootstrap)",
            "run as root, or take images from another source",
        ));
    }
    lacks.extend(room(facts, preflight::NEEDED_GIB));
    lacks
}

fn for_pulling(facts: &Facts) -> Vec<Lack> {
    let mut lacks = vec![];
    if let Some(Err(why)) = &facts.registry {
        lacks.push(match facts.mirror {
            Some(_) => with_cure(why, "name another mirror, or take another source"),
            None => lack(
                format!("no image registry answers: {why}"),
                "open a way to it, name a mirror that can be reached, or take another source",
            ),
        });
    }
    lacks.extend(room(facts, FINISHED_GIB));
    lacks
}

/// What lacks of the disk, below the cache and below the engine's folder.
fn room(facts: &Facts, needed_gib: u64) -> Vec<Lack> {
    let mut lacks = vec![];
    if facts.cache.free_gib < needed_gib {
        lacks.push(lack(
            format!(
                "{} GiB are free below {}, and about {needed_gib} are needed",
                facts.cache.free_gib,
                facts.cache.path.display()
            ),
            "free some (meshproof reap), or name a larger disk in MESHPROOF_CACHE_DIR",
        ));
    }
    if let Ok(engine) = &facts.engine
        && let Some(free_gib) = engine.free_gib.filter(|free| *free < needed_gib)
    {
        lacks.push(lack(
            format!(
                "{free_gib} GiB are free below {}, the engine's folder, and about {needed_gib} are \
                 needed",
                engine.root.display()
            ),
            "free some (docker system prune), or move the engine's data-root",
        ));
    }
    lacks
}

fn unwritable(folder: &Folder, variable: &str) -> Option<Lack> {
    let why = folder.unwritable.as_ref()?;
    Some(lack(
        format!("{} cannot be written ({why})", folder.path.display()),
        format!("name a folder that you may write to in {variable}"),
    ))
}

/// All the memory that a lab could have, in MiB.
fn memory_mib(facts: &Facts) -> u64 {
    let engine = facts.engine.as_ref();
    engine.map_or(facts.memory_mib, |engine| engine.memory_mib)
}

/// Whether a lab stands that the next run may find, for which it needs no room then.
fn a_lab_can_be_found(facts: &Facts) -> bool {
    facts.standing.iter().any(|lab| lab.own)
}

/// What is too little now for one more lab: what making its cluster is refused for, in the same words.
/// Where all of it would not be enough, that is told instead.
fn for_one_more(facts: &Facts) -> Vec<Lack> {
    let told = Some(facts.memory_available_mib).filter(|mib| *mib > 0);
    let inotify = facts.inotify.filter(|inotify| labs(*inotify) > 0);
    let room = Room {
        memory_mib: told.filter(|_| memory_mib(facts) >= NEEDED_MIB),
        watches: inotify.map(|inotify| Watches {
            limit: inotify.instances,
            used: inotify.used,
        }),
    };
    let standing = facts.standing.iter().map(|lab| lab.cluster.clone());
    let refused = room.lacks(&standing.collect::<Vec<_>>()).into_iter();
    let lacks = refused.map(|error| {
        let said = error.to_string();
        let (what, cure) = said.split_once("; ").expect("it tells its cure");
        lack(what, cure)
    });
    lacks.collect()
}

/// How many labs inotify's instances are enough for.
fn labs(inotify: Inotify) -> u32 {
    labs_of(inotify.instances)
}

fn labs_of(instances: u32) -> u32 {
    instances / NEEDED
}

fn notes(facts: &Facts) -> Vec<Lack> {
    let mut notes = vec![];
    if let Some(inotify) = facts.inotify
        && (1..labs_of(PROPOSED)).contains(&labs(inotify))
    {
        notes.push(lack(
            format!(
                "inotify gives each user {} instances: enough for {} side by side",
                inotify.instances,
                match labs(inotify) {
                    1 => "one lab, not for two".to_owned(),
                    labs => format!("{labs} labs"),
                }
            ),
            format!("sysctl fs.inotify.max_user_instances={PROPOSED}"),
        ));
    }
    if a_lab_can_be_found(facts) {
        notes.extend(for_one_more(facts));
    }
    notes
}

/// What an error says, which tells its cure after a semicolon.
fn with_cure(said: &str, otherwise: &str) -> Lack {
    let (what, cure) = said.rsplit_once("; ").unwrap_or((said, otherwise));
    lack(what, cure)
}

fn lack(what: impl Into<String>, cure: impl Into<String>) -> Lack {
    Lack {
        what: what.into(),
        cure: cure.into(),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
