//! Where the lab keeps its things on disk: a cache that can be rebuilt, and a state folder.

use std::path::{Path, PathBuf};

use super::LabError;

/// The two folders of one user's labs.
#[derive(Debug, Clone)]
pub struct Paths {
    /// What can be made again: downloads, artifacts, stores.
    /// `$MESHPROOF_CACHE_DIR`, else `$XDG_CACHE_HOME/meshproof`, else `~/.cache/meshproof`.
    pub cache: PathBuf,
    /// What tells what is ours: records of clusters, leases, kubeconfigs, run folders.
    /// `$MESHPROOF_STATE_DIR`, else `$XDG_STATE_HOME/meshproof`, else `~/.local/state/meshproof`.
    pub state: PathBuf,
}

impl Paths {
    /// Reads the folders from the environment; makes none.
    ///
    /// # Errors
    /// [`LabError::NoHome`] where neither the variables nor a home folder are set.
    pub fn from_environment() -> Result<Self, LabError> {
        Self::from_lookup(|name| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        })
    }

    fn from_lookup(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, LabError> {
        let folder = |own: &str, xdg: &str, below_home: &str| {
            variable(own)
                .or_else(|| variable(xdg).map(|base| base.join("meshproof")))
                .or_else(|| variable("HOME").map(|home| home.join(below_home).join("meshproof")))
                // The engine mounts from these folders, and it works in a folder of its own.
                .map(|folder| std::path::absolute(&folder).unwrap_or(folder))
                .ok_or(LabError::NoHome)
        };
        Ok(Self {
            cache: folder("MESHPROOF_CACHE_DIR", "XDG_CACHE_HOME", ".cache")?,
            state: folder("MESHPROOF_STATE_DIR", "XDG_STATE_HOME", ".local/state")?,
        })
    }

    /// Whether the state folder is the one that this user has when nothing else is asked for.
    pub fn is_users_own(&self) -> bool {
        std::env::var_os("HOME").is_some_and(|home| self.is_below(home.as_ref()))
    }

    fn is_below(&self, home: &Path) -> bool {
        self.state == home.join(".local/state").join("meshproof")
    }

    /// The folder of kubeconfigs that outlive their clusters, for the logins that somebody put there.
    pub fn kept_kubeconfigs(&self) -> PathBuf {
        self.state.join("kubeconfigs")
    }

    /// The record folder of one cluster.
    pub fn cluster(&self, name: &str) -> PathBuf {
        self.state.join("clusters").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(set: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<PathBuf> + 'a {
        move |name| {
            set.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| PathBuf::from(v))
        }
    }

    #[test]
    fn own_variable_beats_xdg_beats_home() {
        let all = [
            ("MESHPROOF_CACHE_DIR", "/a"),
            ("XDG_CACHE_HOME", "/b"),
            ("HOME", "/h"),
        ];
        let paths = Paths::from_lookup(lookup(&all)).unwrap();
        assert_eq!(paths.cache, PathBuf::from("/a"));
        assert_eq!(paths.state, PathBuf::from("/h/.local/state/meshproof"));
        let paths = Paths::from_lookup(lookup(&all[1..])).unwrap();
        assert_eq!(paths.cache, PathBuf::from("/b/meshproof"));
    }

    #[test]
    fn only_the_folder_below_home_is_the_users_own() {
        let home = [("HOME", "/h")];
        let plain = Paths::from_lookup(lookup(&home)).unwrap();
        assert!(plain.is_below(Path::new("/h")));
        for set in [("XDG_STATE_HOME", "/x"), ("MESHPROOF_STATE_DIR", "/m")] {
            let paths = Paths::from_lookup(lookup(&[home[0], set])).unwrap();
            assert!(!paths.is_below(Path::new("/h")), "{set:?}");
        }
    }

    #[test]
    fn a_relative_folder_is_meant_from_here() {
        let set = [("MESHPROOF_STATE_DIR", "state"), ("HOME", "/h")];
        let paths = Paths::from_lookup(lookup(&set)).unwrap();
        assert_eq!(paths.state, std::env::current_dir().unwrap().join("state"));
    }

    #[test]
    fn no_home_is_an_error() {
        assert!(matches!(
            Paths::from_lookup(lookup(&[])),
            Err(LabError::NoHome)
        ));
    }
}
