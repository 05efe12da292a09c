//! The file itself: a ZIP archive whose first part is what `docker save` wrote, followed by the
//! programs, with the manifest as its last part.
//!
//! ZIP, because its table of contents lies at the end: an archive that is cut short is known by its
//! absence, without reading the rest. Parts are read and written piece by piece.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::ArchiveError;
use super::blocking::Alive;
use super::manifest::{ArchivedFile, Manifest};
use super::tar::TarWatch;
use crate::lab::LabError;
use crate::lab::images::key::hex;
use crate::progress::Stage;

/// The part that the engine wrote.
pub const IMAGES: &str = "images.tar";
/// The folder of the programs' artifacts.
pub const PROGRAMS: &str = "programs";
/// The part that tells of the others.
const MANIFEST: &str = "manifest.json";
/// No manifest is larger, in bytes.
const MANIFEST_LIMIT: u64 = 1 << 20;
/// How hard to compress: beyond it, the size falls by a hundredth for each further second.
const LEVEL: i64 = 3;

/// An archive in the making.
pub struct Writer {
    zip: ZipWriter<BufWriter<File>>,
    files: Vec<ArchivedFile>,
}

impl Writer {
    /// Begins an archive in an empty file.
    pub fn begin(file: File) -> Self {
        Self {
            zip: ZipWriter::new(BufWriter::new(file)),
            files: vec![],
        }
    }

    /// Adds a part, showing each piece of it to `seen`.
    ///
    /// # Errors
    /// What reading, writing or `seen` gives.
    pub fn add(
        &mut self,
        path: &str,
        from: impl Read,
        alive: &Alive,
        mut seen: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .unix_permissions(0o755)
            .large_file(true);
        self.zip.start_file(path, options)?;
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        alive.read_all(from, |piece| {
            seen(piece)?;
            digest.update(piece);
            bytes += piece.len() as u64;
            self.zip.write_all(piece)
        })?;
        self.files.push(ArchivedFile {
            path: path.to_owned(),
            sha256: hex(&digest.finalize()),
            bytes,
        });
        Ok(())
    }

    /// Adds the manifest and ends the archive; tells its size in bytes.
    ///
    /// # Errors
    /// A file error.
    pub fn finish(
        mut self,
        manifest: impl FnOnce(Vec<ArchivedFile>) -> Manifest,
    ) -> io::Result<u64> {
        let manifest = manifest(std::mem::take(&mut self.files));
        let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
        self.zip
            .start_file(MANIFEST, SimpleFileOptions::default())?;
        self.zip.write_all(text.as_bytes())?;
        let file = self
            .zip
            .finish()?
            .into_inner()
            .map_err(|e| e.into_error())?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

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
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArchiveError::NotThere(own()).into());
            }
            other => other.map_err(LabError::file("opening the archive", path))?,
        };
        let begins = begins_as_ours(&mut file);
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| match error {
            zip::result::ZipError::Io(error) if error.raw_os_error().is_some() => {
                LabError::file("reading the archive", path)(error)
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
        let archive = Self {
            path: own(),
            zip,
            manifest,
        };
        archive.has_its_parts()?;
        Ok(archive)
    }

    fn has_its_parts(&self) -> Result<(), ArchiveError> {
        let changed = |how| ArchiveError::Changed {
            path: self.path.clone(),
            how,
        };
        let named = |path: &str| path == MANIFEST || self.manifest.file(path).is_some();
        if let Some(extra) = self.zip.file_names().find(|path| !named(path)) {
            return Err(changed(format!("its manifest does not name {extra}")));
        }
        let mut files = self.manifest.files.iter();
        let missing = files.find(|file| self.zip.index_for_name(&file.path).is_none());
        match missing {
            Some(file) => Err(changed(format!("{} is not in it", file.path))),
            None => Ok(()),
        }
    }

    /// Reads every part and compares it with the manifest, and the images' names with those that
    /// the engine's own listing has.
    ///
    /// # Errors
    /// The first part that is not as the manifest has it.
    pub fn verify(&mut self, alive: &Alive, stage: &Stage) -> Result<(), LabError> {
        stage.set_total_bytes(self.manifest.bytes());
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
            let found = hex(&digest.finalize());
            if found != file.sha256 {
                let how = format!(
                    "{} has the SHA-256 {found} where its manifest has {}",
                    file.path, file.sha256
                );
                return Err(self.changed(how).into());
            }
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
        Some(_) => LabError::file("reading the archive", archive)(error),
        None => ArchiveError::Changed {
            path: archive.to_owned(),
            how: format!("{part} cannot be unpacked ({error})"),
        }
        .into(),
    }
}

/// Whether a file begins with the first part of an archive of ours.
fn begins_as_ours(file: &mut File) -> bool {
    // The header of a ZIP part: its signature, 26 bytes of numbers, the part's name.
    let mut header = [0; 30 + IMAGES.len()];
    let read = file.read_exact(&mut header);
    read.is_ok() && header.starts_with(b"PK\x03\x04") && header.ends_with(IMAGES.as_bytes())
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
