//! What a store was when it was complete: each file with its size and its time of change, taken down in a
//! file beside them and compared before nodes are made on it.
//!
//! To read two gigabytes would take longer than a person waits, so their content is not compared. That
//! nodes link these files changes neither: containerd writes none of them in place. A store of before
//! there were listings has its own taken down when it is first looked at.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::lab::LabError;
use crate::lab::images::archive::blocking::blocking;

/// The file that holds it.
pub const FILE: &str = "meshproof-files";

/// Takes it down.
///
/// # Errors
/// A file error.
pub async fn take_down(store: &Path) -> Result<(), LabError> {
    let store = store.to_owned();
    blocking(move |_| written(&store)).await
}

/// Compares a store with what it was.
///
/// # Errors
/// [`LabError::Damaged`] with the first file that is different, or a file error.
pub async fn compare(store: &Path) -> Result<(), LabError> {
    let store = store.to_owned();
    blocking(move |_| is_as_made(&store)).await
}

fn written(store: &Path) -> Result<(), LabError> {
    let (to, new) = (store.join(FILE), store.join(FILE).with_extension("new"));
    std::fs::write(&new, listed(store)?).map_err(LabError::file("writing", &new))?;
    std::fs::rename(&new, &to).map_err(LabError::file("completing", &to))
}

fn is_as_made(store: &Path) -> Result<(), LabError> {
    let Ok(known) = std::fs::read_to_string(store.join(FILE)) else {
        return written(store);
    };
    let found = listed(store)?;
    let differs = |one: &str, other: &str| {
        let others: BTreeSet<&str> = other.lines().collect();
        let line = one.lines().find(|line| !others.contains(line))?;
        let path = line.splitn(3, ' ').nth(2)?;
        Some(store.join(path))
    };
    match differs(&known, &found).or_else(|| differs(&found, &known)) {
        None => Ok(()),
        Some(path) => Err(LabError::Damaged {
            what: "it is not as it was when the nodes' image store was made".into(),
            path,
            folder: store.to_owned(),
        }),
    }
}

/// One line for each file: size, time of change, and path, whose odd characters are escaped.
fn listed(store: &Path) -> Result<String, LabError> {
    let mut text = String::new();
    let mut left: Vec<PathBuf> = vec![store.to_owned()];
    while let Some(folder) = left.pop() {
        let entries = std::fs::read_dir(&folder).map_err(LabError::file("reading", &folder))?;
        for entry in entries {
            let entry = entry.map_err(LabError::file("reading", &folder))?;
            let path = entry.path();
            let data = entry.metadata().map_err(LabError::file("reading", &path))?;
            let below = path.strip_prefix(store).unwrap_or(&path);
            if data.is_dir() {
                left.push(path);
            } else if data.is_file() && !below.as_os_str().as_bytes().starts_with(FILE.as_bytes()) {
                let (size, time) = (data.size(), (data.mtime(), data.mtime_nsec()));
                let path = below.as_os_str().as_bytes().escape_ascii();
                writeln!(text, "{size} {}.{:09} {path}", time.0, time.1).expect("it is a String");
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn told(store: &Path) -> Option<PathBuf> {
        match compare(store).await {
            Ok(()) => None,
            Err(LabError::Damaged { path, folder, .. }) => {
                assert_eq!(folder, store);
                Some(path)
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn what_was_changed_lost_or_added_is_named_and_links_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        fs::create_dir_all(store.join("blobs")).unwrap();
        let (one, two) = (store.join("blobs/one"), store.join("blobs/two words"));
        for path in [&one, &two] {
            fs::write(path, "1").unwrap();
        }
        assert_eq!(told(&store).await, None, "it had no listing");
        fs::hard_link(&one, folder.path().join("a node's")).unwrap();
        assert_eq!(told(&store).await, None);
        let before = two.metadata().unwrap().modified().unwrap();
        fs::write(&two, "2").unwrap();
        let later = before + std::time::Duration::from_secs(1);
        let set = |time| fs::File::open(&two).unwrap().set_modified(time).unwrap();
        set(later);
        assert_eq!(told(&store).await.as_ref(), Some(&two));
        set(before);
        fs::remove_file(&one).unwrap();
        assert_eq!(told(&store).await.as_ref(), Some(&one));
        take_down(&store).await.unwrap();
        assert_eq!(told(&store).await, None);
        fs::write(&one, "1").unwrap();
        assert_eq!(told(&store).await.as_ref(), Some(&one));
    }
}
