//! Tells a process apart from a later one of the same pid, and finds the children of Meshproofs.
//!
//! Every child carries in its environment who started it. A Meshproof that is killed cannot end its
//! children; they go on, and write where the next one writes. Whoever is about to write there ends
//! them first. Which of them are better left to end by themselves, the callers know.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// The variable that tells, in a child's environment, which process started it.
pub const STARTED_BY: &str = "MESHPROOF_STARTED_BY";

/// How often orphans are looked for: what is killed may have begun a child of its own meanwhile.
const ROUNDS: usize = 3;

/// One process of this machine, for good: a pid alone is given again, at the latest after a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    boot: String,
    /// Its pid.
    pub pid: u32,
    /// When it started, in the kernel's ticks since the boot.
    started: u64,
}

impl Identity {
    /// This process.
    pub fn own() -> &'static Self {
        static OWN: OnceLock<Identity> = OnceLock::new();
        OWN.get_or_init(|| {
            let pid = std::process::id();
            Self::of(pid).unwrap_or(Self {
                boot: String::new(),
                pid,
                started: 0,
            })
        })
    }

    /// The process that has this pid now, unless there is none or it has ended.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = Stat::of(pid)?;
        (!stat.ended).then(|| Self {
            boot: boot(),
            pid,
            started: stat.started,
        })
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let read = Self {
            boot: parts.next()?.to_owned(),
            pid: parts.next()?.parse().ok()?,
            started: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(read)
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Pid and command line, as a lease tells them.
    pub fn told(&self) -> String {
        format!("pid {}: {}", self.pid, command_line(self.pid))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.boot, self.pid, self.started)
    }
}

/// A child of a Meshproof, or a child of such a one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The child.
    pub process: Identity,
    /// Its command line.
    pub command: String,
    /// The Meshproof.
    pub by: Identity,
}

/// All children of Meshproofs, as far as this user may look into processes.
///
/// A Meshproof that another one started (as `bench` does) is a run of its own and none of them. Nor is
/// what runs in another process namespace, such as a container's: the pid of who started it is one of
/// that namespace, and whether it lives cannot be told from here.
pub fn started() -> Vec<Started> {
    let own = executable(std::process::id());
    let namespace = pid_namespace(std::process::id());
    pids()
        .filter_map(|pid| {
            if pid_namespace(pid) != namespace {
                return None;
            }
            let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
            let by = started_by(&environment)?;
            (executable(pid) != own).then_some(())?;
            Some(Started {
                process: Identity::of(pid)?,
                command: command_line(pid),
                by,
            })
        })
        .collect()
}

/// The children of dead Meshproofs.
pub fn orphans() -> Vec<Started> {
    let mut all = started();
    all.retain(|child| !child.by.is_alive());
    all
}

/// Ends the children of dead Meshproofs, and theirs, but for those with such a command line.
pub fn end_orphans(spared: fn(&str) -> bool) -> Vec<Started> {
    let mut ended = vec![];
    for _ in 0..ROUNDS {
        let mut found = orphans();
        found.retain(|orphan| !spared(&orphan.command));
        if found.is_empty() {
            break;
        }
        found.iter().for_each(|orphan| end(&orphan.process));
        ended.extend(found);
    }
    ended.sort_by_key(|orphan| orphan.process.pid);
    ended.dedup();
    ended
}

/// Ends a process at once.
pub fn end(process: &Identity) {
    if process.is_alive() {
        // What is gone by now needs no ending.
        let _ = kill(Pid::from_raw(process.pid.cast_signed()), Signal::SIGKILL);
    }
}

/// Ends a process group at once. Where some command lines of it are spared, its leader goes first, lest
/// it begin more.
pub fn end_group(leader: u32, spared: Option<fn(&str) -> bool>) {
    let group = Pid::from_raw(leader.cast_signed());
    // What is gone by now needs no ending.
    let Some(spared) = spared else {
        let _ = killpg(group, Signal::SIGKILL);
        return;
    };
    if !spared(&command_line(leader)) {
        let _ = kill(group, Signal::SIGKILL);
    }
    let of_it = |pid: &u32| Stat::of(*pid).is_some_and(|stat| stat.group == leader);
    for pid in pids().filter(of_it) {
        if !spared(&command_line(pid)) {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
    }
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a process is this one's parent, or a parent of that.
pub fn is_ancestor(pid: u32) -> bool {
    let mut of = std::process::id();
    while let Some(stat) = Stat::of(of) {
        if stat.parent == pid {
            return true;
        }
        of = stat.parent;
    }
    false
}

/// The namespace in which a process has its children's pids.
fn pid_namespace(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

fn started_by(environment: &[u8]) -> Option<Identity> {
    environment.split(|byte| *byte == 0).find_map(|variable| {
        let variable = std::str::from_utf8(variable).ok()?;
        Identity::parse(variable.strip_prefix(STARTED_BY)?.strip_prefix('=')?)
    })
}

/// A process's program; where it was replaced meanwhile, the file that it was.
fn executable(pid: u32) -> Option<PathBuf> {
    let link = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let text = link.to_string_lossy();
    Some(Path::new(text.trim_end_matches(" (deleted)")).to_owned())
}

/// A process's command line, words with spaces between; empty of one that is gone.
pub fn command_line(pid: u32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    text.trim_end().to_owned()
}

fn boot() -> String {
    static BOOT: OnceLock<String> = OnceLock::new();
    let read = || std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    BOOT.get_or_init(|| read().trim().to_owned()).clone()
}

/// What of `/proc/PID/stat` matters here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    ended: bool,
    parent: u32,
    group: u32,
    started: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::read(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn read(text: &str) -> Option<Self> {
        // The program's name stands in brackets and may hold anything, brackets too.
        let (_, fields) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        Some(Self {
            ended: matches!(*fields.first()?, "Z" | "X"),
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use super::*;

    /// A child that says it was started by somebody; it dies with this value.
    struct Sleeper(Child);

    impl Sleeper {
        fn of(starter: &str) -> Self {
            Self::under("sleep", starter)
        }

        fn under(name: &str, starter: &str) -> Self {
            let sleep = Command::new("sleep")
                .arg0(name)
                .arg("600")
                .env(STARTED_BY, starter)
                .spawn();
            Self(sleep.expect("sleep is there"))
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_process_is_known_again_and_not_another_of_its_pid() {
        let own = Identity::own();
        assert!(own.is_alive());
        assert_eq!(Identity::parse(&own.to_string()).as_ref(), Some(own));
        let earlier = Identity {
            started: own.started - 1,
            ..own.clone()
        };
        let before_the_boot = Identity {
            boot: "another".into(),
            ..own.clone()
        };
        assert!(!earlier.is_alive() && !before_the_boot.is_alive());
        for wrong in ["", "a/b/c", "boot/1", "boot/1/2/3"] {
            assert_eq!(Identity::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let rest: Vec<String> = (4..=22).map(|field: u32| field.to_string()).collect();
        let text = format!("7 (a) Z (b)) S {} 23", rest.join(" "));
        let expected = Stat {
            ended: false,
            parent: 4,
            group: 5,
            started: 22,
        };
        assert_eq!(Stat::read(&text), Some(expected));
    }

    #[test]
    fn children_of_the_dead_are_found_and_ended_and_no_others() {
        let ended = {
            let mut gone = Sleeper::of("");
            let identity = Identity::of(gone.0.id()).unwrap();
            gone.0.kill().unwrap();
            gone.0.wait().unwrap();
            identity
        };
        // One that other tests' ending of orphans spares.
        let mut orphan = Sleeper::under("docker run --detach", &ended.to_string());
        let child = Sleeper::of(&Identity::own().to_string());
        let found = orphans();
        let of = |child: &Sleeper| found.iter().find(|o| o.process.pid == child.0.id());
        let command = "docker run --detach 600";
        assert_eq!(of(&orphan).expect("an orphan").command, command);
        assert_eq!(of(&child), None);
        let named = |ended: &[Started]| ended.iter().any(|o| o.process.pid == orphan.0.id());
        assert!(!named(&end_orphans(
            |command| command.starts_with("docker run")
        )));
        assert!(Identity::of(orphan.0.id()).is_some());
        assert!(named(&end_orphans(|_| false)));
        assert!(!orphan.0.wait().unwrap().success());
        assert!(Identity::of(child.0.id()).is_some());
    }

    #[test]
    fn parents_are_ancestors_and_children_are_not() {
        assert!(is_ancestor(std::os::unix::process::parent_id()));
        let child = Sleeper::of("");
        assert!(!is_ancestor(child.0.id()));
        assert!(!is_ancestor(std::process::id()));
    }
}
