//! Whether there is disk enough, asked before anything is written.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::part::Part;
use super::released;
use crate::lab::{Engine, LabError, disk};

/// An engine that loads or saves images unpacks them beside its own copies, in hundredths of them.
const LOADING: u64 = 200;
/// An engine that pulls images keeps what it downloads, packed, until it is unpacked; in hundredths of
/// the unpacked images.
const PULLING: u64 = 150;
/// The nodes' store, in hundredths of the images that go into it; measured.
const STORE: u64 = 150;

/// What an engine does that loads or saves images.
const MOVING: &str = "moving images in and out of the engine";

/// One place and what goes there, in bytes.
struct Need {
    what: &'static str,
    path: PathBuf,
    bytes: u64,
    cure: &'static str,
}

/// Checks that so many bytes of images can be loaded, and that the nodes' store can be made of them
/// in the cache.
///
/// # Errors
/// [`LabError::NoRoomFor`], or a file system that does not tell.
pub async fn for_import(engine: &Engine, cache: &Path, images: u64) -> Result<(), LabError> {
    check([
        in_engine(engine, MOVING, hundredths(images, LOADING)).await?,
        store(cache, images),
    ])
}

/// Checks that released images of these parts, or somebody's own in their place, can be pulled, and that
/// the nodes' store can be made of all parts in the cache: it is made anew whenever one of them changes.
///
/// # Errors
/// As [`for_import`].
pub async fn for_pull(engine: &Engine, cache: &Path, parts: &[Part]) -> Result<(), LabError> {
    let sum = |parts: &[Part]| parts.iter().map(|part| released::bytes(*part)).sum();
    let pulled = hundredths(sum(parts), PULLING);
    check([
        in_engine(engine, "pulling images", pulled).await?,
        store(cache, sum(&Part::ALL)),
    ])
}

/// Checks that an archive of so many bytes can be written, and that the engine can save its images.
///
/// # Errors
/// As [`for_import`].
pub async fn for_export(engine: &Engine, to: &Path, bytes: u64) -> Result<(), LabError> {
    let needs = [
        // It gathers what it saves in a folder of its own first.
        in_engine(engine, MOVING, bytes).await?,
        Need {
            what: "writing the archive",
            path: to.to_owned(),
            bytes: bytes / 2,
            cure: "free some, or name a file on a larger disk",
        },
    ];
    check(needs)
}

/// So many hundredths of a size, which an archive may claim as it likes.
fn hundredths(bytes: u64, hundredths: u64) -> u64 {
    bytes.saturating_mul(hundredths) / 100
}

/// The nodes' store of so many bytes of images.
fn store(cache: &Path, images: u64) -> Need {
    Need {
        what: "preparing the nodes' image store",
        path: cache.to_owned(),
        bytes: hundredths(images, STORE),
        cure: "free some (meshproof images prune, meshproof reap), or name a larger disk in \
               MESHPROOF_CACHE_DIR",
    }
}

async fn in_engine(engine: &Engine, what: &'static str, bytes: u64) -> Result<Need, LabError> {
    Ok(Need {
        what,
        path: engine.root_folder().await?,
        bytes,
        cure: "free some (meshproof images prune, docker system prune), or move the engine's \
               data-root",
    })
}

/// Checks needs together where they are on one file system.
fn check<const N: usize>(needs: [Need; N]) -> Result<(), LabError> {
    for need in &needs {
        let here = device(&need.path);
        let shared = needs.iter().filter(|other| device(&other.path) == here);
        let needed = shared.fold(0u64, |sum, other| sum.saturating_add(other.bytes));
        let free = disk::free_bytes(&need.path)?;
        if free < needed {
            return Err(LabError::NoRoomFor {
                what: need.what,
                path: need.path.clone(),
                needed_mib: needed >> 20,
                free_mib: free >> 20,
                cure: need.cure,
            });
        }
    }
    Ok(())
}

/// The file system of a folder that need not be there yet.
fn device(path: &Path) -> Option<u64> {
    let data = path.ancestors().find_map(|path| path.metadata().ok());
    data.map(|data| data.dev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_needs_on_one_disk_are_added() {
        let folder = tempfile::tempdir().unwrap();
        let free = disk::free_bytes(folder.path()).unwrap();
        let need = |below: &str| Need {
            what: "a test",
            path: folder.path().join(below),
            bytes: free / 10 * 7,
            cure: "free some",
        };
        assert!(check([need("a")]).is_ok());
        let error = check([need("a"), need("b/c")]).unwrap_err().to_string();
        assert!(error.starts_with("a test needs about"), "{error}");
        assert!(error.ends_with("free some"), "{error}");
    }
}
