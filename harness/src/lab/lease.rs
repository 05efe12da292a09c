//! The lease on a cluster, or on the cache: a kernel file lock, with its holder written in the file.
//!
//! The kernel lets go of it when the holder ends, however it ends. The file may be deleted together
//! with what it stands for, by a holder only; whoever waited for it then takes its successor.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::LabError;
use crate::process::lineage::is_ancestor;
use crate::progress::{Progress, Stage};
use crate::waits::Wait;

/// The file of the lease in the folder of what is leased.
const FILE: &str = "lease";

/// A held lease; it ends with this value.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

/// What came of asking for a lease without waiting.
#[derive(Debug)]
pub enum Attempt {
    /// It is ours.
    Taken(Lease),
    /// Somebody has it: pid and command.
    HeldBy(String),
}

impl Lease {
    /// Takes the cluster for this process alone, waiting for whoever has it and saying who that is.
    ///
    /// # Errors
    /// A file error, or [`LabError::HeldByParent`] where waiting would never end.
    pub async fn exclusive(
        folder: &Path,
        command: &str,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let path = folder.join(FILE);
        wait(&path, "the cluster", command, progress).await
    }

    /// Takes the cluster for this process alone if nobody has it.
    ///
    /// # Errors
    /// A file error.
    pub fn attempt(folder: &Path, command: &str) -> Result<Attempt, LabError> {
        try_file(&folder.join(FILE), command)
    }

    /// Who holds the lease of a cluster, if anybody does. Makes nothing that is not there.
    ///
    /// # Errors
    /// A file error.
    pub fn holder(folder: &Path) -> Result<Option<String>, LabError> {
        holder_of(&folder.join(FILE))
    }
}

/// Takes the lock of a file, waiting for whoever has it and saying who that is; `what` is what it
/// stands for.
///
/// # Errors
/// As [`Lease::exclusive`].
pub async fn wait(
    path: &Path,
    what: &str,
    command: &str,
    progress: &Progress,
) -> Result<Lease, LabError> {
    let mut stage: Option<Stage> = None;
    let mut told = String::new();
    let noted = Wait::begin(what);
    loop {
        let mut file = match attempt(path)? {
            Asked::Free(file) => {
                if let Some(stage) = stage {
                    stage.done();
                }
                return sign(file, path, command);
            }
            Asked::Taken(file) => file,
        };
        let holder = signature(&mut file);
        if pid_of(&holder).is_some_and(is_ancestor) {
            return Err(LabError::HeldByParent {
                what: what.to_owned(),
                holder,
            });
        }
        // Told in the stage's name and not as its message: plain lines leave most of those out.
        if stage.is_none() {
            stage = Some(progress.stage(format!("Waiting for {what}, held by {holder}")));
        } else if told != holder {
            progress.line(format!("Still waiting for {what}, now held by {holder}"));
        }
        noted.seen(&format!("held by {holder}"));
        told = holder;
        // Only to wait: it is then asked for anew, since the file may be another by then. On a
        // thread of its own, because a runtime waits at its end for its blocking ones.
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || tell.send(file.lock()));
        let waited = told.await.expect("taking a lock does not panic");
        waited.map_err(LabError::file("locking", path))?;
    }
}

/// Takes the lock of a file if nobody has it.
///
/// # Errors
/// A file error.
pub fn try_file(path: &Path, command: &str) -> Result<Attempt, LabError> {
    Ok(match attempt(path)? {
        Asked::Free(file) => Attempt::Taken(sign(file, path, command)?),
        Asked::Taken(mut file) => Attempt::HeldBy(signature(&mut file)),
    })
}

/// Who holds the lock of a file, if anybody does. Makes nothing that is not there.
///
/// # Errors
/// A file error.
pub fn holder_of(path: &Path) -> Result<Option<String>, LabError> {
    let mut file = match OpenOptions::new().read(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(LabError::file("opening the lease", path))?,
    };
    // Shared: two that only ask must not take each other for holders.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(signature(&mut file))),
        Err(TryLockError::Error(error)) => Err(LabError::file("locking", path)(error)),
    }
}

/// A lease's file after its lock was asked for.
enum Asked {
    /// Locked by us, and the one that lies at its path.
    Free(File),
    /// Locked by somebody else.
    Taken(File),
}

fn attempt(path: &Path) -> Result<Asked, LabError> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(Asked::Taken(file)),
            Err(TryLockError::Error(error)) => return Err(LabError::file("locking", path)(error)),
            // Whoever held it may have deleted it between our opening and our locking.
            Ok(()) if is_at(&file, path) => return Ok(Asked::Free(file)),
            Ok(()) => {}
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn sign(mut file: File, path: &Path, command: &str) -> Result<Lease, LabError> {
    let holder = format!("pid {}: {command}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(holder.as_bytes()))
        .map_err(LabError::file("writing", path))?;
    Ok(Lease { _file: file })
}

/// Who wrote itself into the file. Between taking it and writing there is a moment with nobody.
fn signature(file: &mut File) -> String {
    let mut holder = String::new();
    let read = file
        .rewind()
        .and_then(|()| file.read_to_string(&mut holder));
    match (read, holder.trim()) {
        (Ok(_), holder) if !holder.is_empty() => holder.to_owned(),
        _ => "a process that has not said yet who it is".into(),
    }
}

fn pid_of(holder: &str) -> Option<u32> {
    let (pid, _) = holder.strip_prefix("pid ")?.split_once(':')?;
    pid.parse().ok()
}

fn open(path: &Path) -> Result<File, LabError> {
    let folder: PathBuf = path.parent().unwrap_or(path).to_owned();
    std::fs::create_dir_all(&folder).map_err(LabError::file("making the folder", &folder))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(LabError::file("opening the lease", path))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Longer than anything here takes.
    const LIMIT: Duration = Duration::from_secs(5);

    fn taken(folder: &Path) -> Lease {
        match Lease::attempt(folder, "meshproof guide").unwrap() {
            Attempt::Taken(lease) => lease,
            Attempt::HeldBy(holder) => panic!("held by {holder}"),
        }
    }

    #[tokio::test]
    async fn the_holder_is_named_and_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let lease = Lease::exclusive(folder.path(), "meshproof guide", &Progress::silent())
            .await
            .unwrap();
        let ours = format!("pid {}: meshproof guide", std::process::id());
        let holder = Lease::holder(folder.path()).unwrap();
        assert_eq!(holder.expect("somebody holds it"), ours);
        match Lease::attempt(folder.path(), "meshproof reap").unwrap() {
            Attempt::HeldBy(holder) => assert_eq!(holder, ours),
            Attempt::Taken(_) => panic!("taken twice"),
        }
        drop(lease);
        assert_eq!(Lease::holder(folder.path()).unwrap(), None);
    }

    #[test]
    fn who_only_asks_makes_nothing_and_is_nobodys_holder() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        assert_eq!(Lease::holder(&gone).unwrap(), None);
        assert!(!gone.exists());
        drop(taken(folder.path()));
        let asking = File::open(folder.path().join(FILE)).unwrap();
        asking.lock_shared().unwrap();
        assert_eq!(Lease::holder(folder.path()).unwrap(), None);
    }

    #[tokio::test]
    async fn who_waited_for_a_deleted_lease_takes_its_successor() {
        let folder = tempfile::tempdir().unwrap();
        let leased = folder.path().join("cluster");
        let holder = taken(&leased);
        let waiting = {
            let leased = leased.clone();
            tokio::spawn(async move {
                Lease::exclusive(&leased, "meshproof up", &Progress::silent()).await
            })
        };
        // The waiting one has the file open once the kernel lists a lock that waits for ours.
        let file = std::fs::metadata(leased.join(FILE)).unwrap().ino();
        while !waits(file) {
            tokio::task::yield_now().await;
        }
        std::fs::remove_dir_all(&leased).unwrap();
        drop(holder);
        let _ours = waiting.await.unwrap().unwrap();
        let told = Lease::holder(&leased).unwrap().expect("it is held");
        assert!(told.ends_with("meshproof up"), "{told}");
    }

    #[test]
    fn a_file_that_was_replaced_is_not_the_one_at_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let first = File::create(&path).unwrap();
        assert!(is_at(&first, &path));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&first, &path));
        let _second = File::create(&path).unwrap();
        assert!(!is_at(&first, &path));
    }

    #[test]
    fn who_waits_does_not_keep_the_program_from_ending() {
        let folder = tempfile::tempdir().unwrap();
        let _lease = taken(folder.path());
        let (tell, told) = std::sync::mpsc::channel();
        let leased = folder.path().to_owned();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let waited = runtime.block_on(async {
                let progress = Progress::silent();
                let waiting = Lease::exclusive(&leased, "meshproof up", &progress);
                tokio::time::timeout(Duration::from_millis(50), waiting).await
            });
            drop(runtime);
            tell.send(waited.is_err()).unwrap();
        });
        assert_eq!(told.recv_timeout(LIMIT), Ok(true));
    }

    /// Whether the kernel lists somebody who waits for the lock of this file.
    fn waits(inode: u64) -> bool {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let ours = format!(":{inode} ");
        locks
            .lines()
            .any(|line| line.contains("->") && line.contains(&ours))
    }

    #[tokio::test]
    async fn a_parents_lease_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let lease = taken(folder.path());
        let parent = std::os::unix::process::parent_id();
        let told = format!("pid {parent}: meshproof shell\n");
        std::fs::write(folder.path().join(FILE), told).unwrap();
        let progress = Progress::silent();
        let asked = Lease::exclusive(folder.path(), "meshproof run", &progress);
        let asked = tokio::time::timeout(LIMIT, asked).await;
        let error = asked.expect("it does not wait").unwrap_err().to_string();
        assert!(error.contains("meshproof shell"), "{error}");
        drop(lease);
    }
}
