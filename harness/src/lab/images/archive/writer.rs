//! Writes the file of an archive part by part, with a manifest of them as its last.

use std::fs::File;
use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::blocking::Alive;
use super::container::MANIFEST;
use super::manifest::{ArchivedFile, Manifest};
use super::output::{Output, Packed};
use crate::lab::images::key::hex;

/// How hard to compress: beyond it, the size falls by a hundredth for each further second.
const LEVEL: i64 = 3;

/// An archive in the making.
pub struct Writer {
    zip: ZipWriter<Output>,
    packed: Packed,
    files: Vec<ArchivedFile>,
}

impl Writer {
    /// Begins an archive in an empty file.
    pub fn begin(file: File) -> Self {
        let packed = Packed::default();
        Self {
            zip: ZipWriter::new(Output::to(file, packed.clone())),
            packed,
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
        self.last_is_complete();
        self.packed.begin();
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
            packed_sha256: String::new(),
        });
        Ok(())
    }

    /// Notes how the last part lies in the file, which it does wholly once another begins.
    fn last_is_complete(&mut self) {
        if let (Some(last), Some(digest)) = (self.files.last_mut(), self.packed.take()) {
            last.packed_sha256 = digest;
        }
    }

    /// Adds the manifest and ends the archive; tells its size in bytes.
    ///
    /// # Errors
    /// A file error.
    pub fn finish(
        mut self,
        manifest: impl FnOnce(Vec<ArchivedFile>) -> Manifest,
    ) -> io::Result<u64> {
        self.zip
            .start_file(MANIFEST, SimpleFileOptions::default())?;
        self.last_is_complete();
        let manifest = manifest(std::mem::take(&mut self.files));
        let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
        self.zip.write_all(text.as_bytes())?;
        let file = self.zip.finish()?.into_file()?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}
