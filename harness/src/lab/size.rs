//! How much disk the removal of folders frees: hard links from elsewhere keep a file's blocks.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file's blocks are counted in this unit, in bytes, whatever the file system's own is.
const BLOCK: u64 = 512;

/// The bytes on disk that are free once these folders are gone, as far as they may be looked into.
pub(super) fn freed_by_removing<'a>(folders: impl IntoIterator<Item = &'a Path>) -> u64 {
    let mut files: HashMap<(u64, u64), (u64, u64, u64)> = HashMap::new();
    let mut left: Vec<PathBuf> = folders.into_iter().map(Path::to_owned).collect();
    while let Some(path) = left.pop() {
        let Ok(data) = path.symlink_metadata() else {
            continue;
        };
        let links = if data.is_dir() { 1 } else { data.nlink() };
        let seen = files.entry((data.dev(), data.ino())).or_default();
        *seen = (seen.0 + 1, links, data.blocks() * BLOCK);
        if data.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            left.extend(entries.map(|entry| entry.path()));
        }
    }
    let freed = files.values().filter(|(seen, links, _)| seen >= links);
    freed.map(|(_, _, bytes)| bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_from_elsewhere_is_not_freed() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("here"), folder.path().join("there"));
        for place in [&here, &there] {
            std::fs::create_dir(place).unwrap();
        }
        let nothing = freed_by_removing([here.as_path()]);
        std::fs::write(here.join("a"), vec![1; 100_000]).unwrap();
        let whole = freed_by_removing([here.as_path()]);
        assert!(whole >= nothing + 100_000, "{whole}");
        std::fs::hard_link(here.join("a"), there.join("a")).unwrap();
        assert_eq!(freed_by_removing([here.as_path()]), nothing);
        let both = freed_by_removing([here.as_path(), there.as_path()]);
        assert_eq!(both, whole + nothing);
    }
}
