//! How many of the kernel's watches on files this machine has left for a lab.
//!
//! A node's systemd, containerd and kubelet take inotify instances of the one user that they all run
//! as. Where none is left the kubelet does not start ("inotify_init: too many open files"), and a
//! cluster fails after minutes with nothing that says so.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::LabError;

/// What a lab takes: a control plane 27 to 29, a worker 14 to 16 (measured on four that stood).
pub(super) const NEEDED: u32 = 45;
/// What is proposed in place of too low a limit: enough for ten and more.
pub(super) const PROPOSED: u32 = 512;
/// Where the kernel tells its limit for each user.
const LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";

/// The inotify instances of the user that nodes run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watches {
    /// How many there may be.
    pub(super) limit: u32,
    /// How many there are, as far as this user may look.
    pub(super) used: u32,
}

impl Watches {
    /// Those of this machine; none where it does not tell.
    pub(super) fn here() -> Option<Self> {
        let limit = std::fs::read_to_string(LIMIT).ok()?;
        Some(Self {
            limit: limit.trim().parse().ok()?,
            used: used_by_root(Path::new("/proc")),
        })
    }

    /// Whether they are enough for one more lab beside those that stand.
    ///
    /// # Errors
    /// [`LabError::NoWatches`], naming them.
    pub(super) fn check(self, standing: &[String]) -> Result<(), LabError> {
        let free = self.limit.saturating_sub(self.used);
        if free >= NEEDED {
            return Ok(());
        }
        Err(LabError::NoWatches {
            needed: NEEDED,
            free,
            limit: self.limit,
            standing: standing.to_vec(),
        })
    }
}

/// The instances of root's processes, containers' among them.
fn used_by_root(proc: &Path) -> u32 {
    let processes = std::fs::read_dir(proc).into_iter().flatten().flatten();
    let roots = processes.filter(|entry| entry.metadata().is_ok_and(|data| data.uid() == 0));
    let files = roots.flat_map(|entry| std::fs::read_dir(entry.path().join("fd")).into_iter());
    let links = files
        .flatten()
        .flatten()
        .filter_map(|file| std::fs::read_link(file.path()).ok());
    let instances = links.filter(|link| link.as_os_str() == "anon_inode:inotify");
    u32::try_from(instances.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_are_told_with_what_stands_and_how_to_have_more() {
        let of = |used| Watches { limit: 128, used };
        assert!(of(83).check(&[]).is_ok());
        let standing = ["meshproof-a".to_owned(), "meshproof-b".to_owned()];
        assert_eq!(
            of(90).check(&standing).unwrap_err().to_string(),
            "a lab needs about 45 inotify instances, and 38 of the 128 that this machine gives a user \
             are free beside what stands: meshproof-a, meshproof-b; take that down first (meshproof \
             down), or wait for its run to end; or raise it: sysctl fs.inotify.max_user_instances=512"
        );
    }

    #[test]
    fn an_instance_more_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let fd = folder.path().join("7/fd");
        std::fs::create_dir_all(&fd).unwrap();
        let before = used_by_root(folder.path());
        for (name, target) in [
            ("1", "anon_inode:inotify"),
            ("2", "socket:[1]"),
            ("3", "anon_inode:inotify"),
        ] {
            std::os::unix::fs::symlink(target, fd.join(name)).unwrap();
        }
        let root = folder.path().metadata().unwrap().uid() == 0;
        assert_eq!(before, 0);
        assert_eq!(used_by_root(folder.path()), if root { 2 } else { 0 });
    }
}
