//! Where an archive is written to: a file that digests each part as it lies there, and that fails
//! once.
//!
//! A ZIP writer that is dropped completes what it can, and prints a line of its own where that
//! fails. So after the first error, which its caller was given, all goes nowhere and well.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::lab::images::key::hex;

/// The digest of the part that is being written, as it lies in the file. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Packed(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Between,
    Writing(Sha256),
    Done(String),
}

impl Packed {
    /// From here on it is the part's content that is written, up to the next move in the file.
    pub fn begin(&self) {
        self.set(State::Writing(Sha256::new()));
    }

    /// The SHA-256 of the last part in hexadecimal digits, once it is complete.
    pub fn take(&self) -> Option<String> {
        match std::mem::take(&mut *self.lock()) {
            State::Done(digest) => Some(digest),
            _ => None,
        }
    }

    fn wrote(&self, bytes: &[u8]) {
        if let State::Writing(digest) = &mut *self.lock() {
            digest.update(bytes);
        }
    }

    fn moved(&self) {
        let mut state = self.lock();
        if let State::Writing(digest) = &*state {
            *state = State::Done(hex(&digest.clone().finalize()));
        }
    }

    fn set(&self, state: State) {
        *self.lock() = state;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file.
#[derive(Debug)]
pub struct Output {
    file: BufWriter<File>,
    packed: Packed,
    failed: bool,
    position: u64,
}

impl Output {
    /// Writes to an empty file.
    pub fn to(file: File, packed: Packed) -> Self {
        Self {
            file: BufWriter::new(file),
            packed,
            failed: false,
            position: 0,
        }
    }

    /// The file, with all in it that was written.
    ///
    /// # Errors
    /// A file error.
    pub fn into_file(self) -> io::Result<File> {
        self.file.into_inner().map_err(|error| error.into_error())
    }

    /// Does something with the file, unless that failed once.
    fn unless_failed<T>(
        &mut self,
        otherwise: T,
        work: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.failed {
            return Ok(otherwise);
        }
        let done = work(&mut self.file);
        self.failed = done
            .as_ref()
            .is_err_and(|error| error.kind() != ErrorKind::Interrupted);
        done
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.unless_failed(bytes.len(), |file| file.write(bytes))?;
        self.packed.wrote(&bytes[..written]);
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_failed((), BufWriter::flush)
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.packed.moved();
        let nowhere = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) | SeekFrom::End(by) => self.position.saturating_add_signed(by),
        };
        self.position = self.unless_failed(nowhere, |file| file.seek(to))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn a_full_disk_is_told_once() {
        // Whatever is written there, the system says that the disk is full.
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut zip = ZipWriter::new(Output::to(full, Packed::default()));
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(true);
        let told = zip.start_file("a", options).unwrap_err();
        assert_eq!(io::Error::from(told).kind(), ErrorKind::StorageFull);
        // What a drop does, and would print a line about.
        assert!(zip.finish().is_ok());
    }

    #[test]
    fn a_part_is_digested_as_it_lies_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let packed = Packed::default();
        let file = File::create(&path).unwrap();
        let mut zip = ZipWriter::new(Output::to(file, packed.clone()));
        let mut told = vec![];
        for name in ["a", "b"] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            told.extend(packed.take());
            packed.begin();
            zip.write_all(name.repeat(5000).as_bytes()).unwrap();
        }
        let _file = zip.finish().unwrap().into_file().unwrap();
        told.extend(packed.take());
        let mut read = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
        for (index, told) in told.iter().enumerate() {
            let mut bytes = vec![];
            io::Read::read_to_end(&mut read.by_index_raw(index).unwrap(), &mut bytes).unwrap();
            assert_eq!(*told, hex(&Sha256::digest(&bytes)), "part {index}");
        }
        assert_eq!(told.len(), 2);
    }
}
