//! The file itself, read: a ZIP archive whose first part is what `docker save` wrote, followed by the
//! programs, with the manifest as its last part.
//!
//! ZIP, because its table of contents lies at the end: an archive that is cut short lacks it, which
//! is known before any part is unpacked, though the file is searched for it backwards. The manifest
//! has the digest of each part as it lies in the file, so that a change is told by reading alone.
//! Parts are read piece by piece; `writer` writes them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::ArchiveError;
use super::blocking::Alive;
use super::manifest::Manifest;
use super::tar::TarWatch;
use crate::lab::LabError;
use crate::lab::images::key::hex;
use crate::progress::Stage;

/// The part that the engine wrote.
pub const IMAGES: &str = "images.tar";
/// The folder of the programs' artifacts.
pub const PROGRAMS: &str = "programs";
/// The part that tells of the others.
pub const MANIFEST: &str = "manifest.json";
/// No manifest is larger, in bytes.
const MANIFEST_LIMIT: u64 = 1 << 20;

/// An archive that can be read.
pub struct Archive {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Archive {
    /// Opens an archive: it has its end, a manifest for this program and machine, and just the parts
    /// that this names. Their content is for [`Archive::verify`].
    ///
    /// # Errors
    /// What it lacks of that.
    pub fn open(path: &Path) -> Result<Self, LabError> {
        let own = || path.to_owned();
        if path.is_dir() {
            return Err(ArchiveError::IsFolder(own()).into());
        }
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArchiveError::NotThere(own()).into());
            }
            other => other.map_err(ArchiveError::file("opening the archive", path))?,
        };
        let begins = begins_as_ours(&mut file);
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| match error {
            zip::result::ZipError::Io(error) if error.raw_os_error().is_some() => {
                ArchiveError::file("reading the archive", path)(error)
            }
            _ if begins => ArchiveError::CutShort(own()).into(),
            _ => ArchiveError::NotAnArchive(own()).into(),
        })?;
        let mut text = String::new();
        let manifest = zip.by_name(MANIFEST);
        let manifest = manifest.map_err(|_| ArchiveError::NotAnArchive(own()))?;
        let read = manifest.take(MANIFEST_LIMIT).read_to_string(&mut text);
        read.map_err(|error| broken(path, MANIFEST, error))?;
        let manifest = Manifest::read(path, &text)?;
        let mut archive = Self {
            path: own(),
            zip,
            manifest,
        };
        archive.has_its_parts()?;
        Ok(archive)
    }

    fn has_its_parts(&mut self) -> Result<(), ArchiveError> {
        let named = |path: &str| path == MANIFEST || self.manifest.file(path).is_some();
        if let Some(extra) = self.zip.file_names().find(|path| !named(path)) {
            return Err(self.changed(format!("its manifest does not name {extra}")));
        }
        for file in &self.manifest.files {
            let how = match self.zip.index_for_name(&file.path) {
                None => format!("{} is not in it", file.path),
                Some(index) => match self.zip.by_index_raw(index).map(|part| part.size()) {
                    Ok(bytes) if bytes == file.bytes => continue,
                    Ok(bytes) => format!(
                        "{} has {bytes} bytes where its manifest has {}",
                        file.path, file.bytes
                    ),
                    Err(error) => format!("{} cannot be read ({error})", file.path),
                },
            };
            return Err(self.changed(how));
        }
        Ok(())
    }

    /// Reads every part as it lies there, then unpacks each, and compares both with the manifest; and
    /// the images' names with those that the engine's own listing has.
    ///
    /// # Errors
    /// The first part that is not as the manifest has it.
    pub fn verify(&mut self, alive: &Alive, stage: &Stage) -> Result<(), LabError> {
        let packed: u64 = self.parts()?.iter().map(|(_, bytes)| bytes).sum();
        stage.set_total_bytes(self.manifest.bytes().saturating_add(packed));
        self.verify_packed(alive, stage)?;
        let mut images = TarWatch::default();
        for file in self.manifest.files.clone() {
            let (mut digest, mut bytes) = (Sha256::new(), 0);
            self.read(&file.path, alive, |piece| {
                bytes += piece.len() as u64;
                if bytes > file.bytes {
                    return Err(io::Error::other("it is longer than its manifest says"));
                }
                digest.update(piece);
                if file.path == IMAGES {
                    images.see(piece)?;
                }
                stage.advance(piece.len() as u64);
                Ok(())
            })?;
            self.same(&file.path, &hex(&digest.finalize()), &file.sha256)?;
        }
        let mut found = images.images().unwrap_or_default();
        let named = self.manifest.images.iter().map(|i| i.reference.clone());
        let mut named: Vec<_> = named.collect();
        found.sort();
        named.sort();
        if found != named {
            let how = format!("{IMAGES} does not hold just the images that its manifest names");
            return Err(self.changed(how).into());
        }
        Ok(())
    }

    /// The parts that the manifest names, in its order: each one's index and its size packed, in
    /// bytes.
    fn parts(&mut self) -> Result<Vec<(usize, u64)>, LabError> {
        let (path, zip) = (&self.path, &mut self.zip);
        let parts = self.manifest.files.iter().map(|file| {
            let index = zip.index_for_name(&file.path).unwrap_or(usize::MAX);
            let part = zip.by_index_raw(index);
            let part = part.map_err(|error| broken(path, &file.path, error.into()))?;
            Ok((index, part.compressed_size()))
        });
        parts.collect()
    }

    fn verify_packed(&mut self, alive: &Alive, stage: &Stage) -> Result<(), LabError> {
        let parts = self.parts()?;
        for (file, (index, _)) in self.manifest.files.clone().iter().zip(parts) {
            let from = self.zip.by_index_raw(index);
            let from = from.map_err(|error| broken(&self.path, &file.path, error.into()))?;
            let mut digest = Sha256::new();
            let read = alive.read_all(from, |piece| {
                digest.update(piece);
                stage.advance(piece.len() as u64);
                Ok(())
            });
            read.map_err(|error| broken(&self.path, &file.path, error))?;
            let packed = format!("{}, packed,", file.path);
            self.same(&packed, &hex(&digest.finalize()), &file.packed_sha256)?;
        }
        Ok(())
    }

    /// Checks that a digest is the one on record.
    fn same(&self, what: &str, found: &str, recorded: &str) -> Result<(), ArchiveError> {
        match found == recorded {
            true => Ok(()),
            false => Err(self.changed(format!(
                "{what} has the SHA-256 {found} where its manifest has {recorded}"
            ))),
        }
    }

    fn changed(&self, how: String) -> ArchiveError {
        ArchiveError::Changed {
            path: self.path.clone(),
            how,
        }
    }

    /// Reads one part, piece by piece.
    ///
    /// # Errors
    /// When it cannot be read, or what `each` gives.
    pub fn read(
        &mut self,
        part: &str,
        alive: &Alive,
        each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), LabError> {
        let path = self.path.clone();
        let from = self.zip.by_name(part);
        let from = from.map_err(|error| broken(&path, part, error.into()))?;
        alive
            .read_all(from, each)
            .map_err(|error| broken(&path, part, error))
    }
}

/// What an error of reading a part means: the system's own, or content that does not unpack.
fn broken(archive: &Path, part: &str, error: io::Error) -> LabError {
    match error.raw_os_error() {
        Some(_) => ArchiveError::file("reading the archive", archive)(error),
        None => ArchiveError::Changed {
            path: archive.to_owned(),
            how: format!("{part} cannot be unpacked ({error})"),
        }
        .into(),
    }
}

/// Whether a file begins with the first part of an archive of ours.
pub fn begins_as_ours(file: &mut File) -> bool {
    // The header of a ZIP part: its signature, 26 bytes of numbers, the part's name.
    let mut header = [0; 30 + IMAGES.len()];
    let read = file.read_exact(&mut header);
    read.is_ok() && header.starts_with(b"PK\x03\x04") && header.ends_with(IMAGES.as_bytes())
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
