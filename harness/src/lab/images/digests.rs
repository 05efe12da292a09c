//! The SHA-256 digests of an artifact's programs, beside them as `sha256sum --check` reads them: taken
//! down when the artifact is complete, and compared before one of its programs is run.
//!
//! They tell damage, not malice: whoever can change a program can change its digest too. An artifact of
//! before there were any has its digests taken down when it is first looked at.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use super::archive::blocking::{Alive, blocking};
use super::key::hex;
use super::whole::is_program;
use crate::lab::LabError;

/// The file that holds them.
pub const FILE: &str = "SHA256SUMS";
/// The programs that this process has compared already, and found as they were made.
static COMPARED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Takes down the digests of all programs of an artifact; nothing where it has none.
///
/// # Errors
/// A file error.
pub async fn take_down(folder: &Path) -> Result<(), LabError> {
    let folder = folder.to_owned();
    blocking(move |alive| written(&folder, alive)).await
}

/// Compares a program with the digest that was taken down of it, once in the life of this process.
///
/// # Errors
/// [`LabError::ProgramChanged`], or a file error.
pub async fn compare(artifact: &Path, program: &Path) -> Result<(), LabError> {
    let compared = || COMPARED.lock().unwrap_or_else(|broken| broken.into_inner());
    if compared().contains(program) {
        return Ok(());
    }
    let (folder, path) = (artifact.to_owned(), program.to_owned());
    blocking(move |alive| is_as_made(&folder, &path, alive)).await?;
    compared().insert(program.to_owned());
    Ok(())
}

fn written(folder: &Path, alive: &Alive) -> Result<(), LabError> {
    let programs = programs(folder)?;
    if programs.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for program in &programs {
        text.push_str(&format!(
            "{}  {}\n",
            digest(program, alive)?,
            name(folder, program)
        ));
    }
    // A reader beside this one finds all of it or nothing.
    let writing = |error| LabError::file("writing the digests in", folder)(error);
    let for_everyone = std::fs::Permissions::from_mode(0o644);
    let mut file = tempfile::Builder::new()
        .permissions(for_everyone)
        .tempfile_in(folder)
        .map_err(writing)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(writing)?;
    file.persist(folder.join(FILE))
        .map_err(|error| writing(error.error))?;
    Ok(())
}

/// The programs of an artifact, at any depth, in order.
fn programs(artifact: &Path) -> Result<Vec<PathBuf>, LabError> {
    let (mut programs, mut left) = (vec![], vec![artifact.to_owned()]);
    while let Some(folder) = left.pop() {
        let entries = std::fs::read_dir(&folder).map_err(LabError::file("reading", &folder))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                left.push(path);
            } else if is_program(&path) && path.file_name() != Some(FILE.as_ref()) {
                programs.push(path);
            }
        }
    }
    programs.sort();
    Ok(programs)
}

fn is_as_made(folder: &Path, program: &Path, alive: &Alive) -> Result<(), LabError> {
    let Some(expected) = expected(folder, program) else {
        return written(folder, alive);
    };
    let found = digest(program, alive)?;
    match found == expected {
        true => Ok(()),
        false => Err(LabError::ProgramChanged {
            path: program.to_owned(),
            expected,
            found,
            folder: folder.to_owned(),
        }),
    }
}

/// The digest on record.
fn expected(folder: &Path, program: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(FILE)).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once("  "));
    let found = lines.find(|(_, of)| *of == name(folder, program));
    found.map(|(digest, _)| digest.to_owned())
}

fn name(folder: &Path, program: &Path) -> String {
    let name = program.strip_prefix(folder).unwrap_or(program);
    name.to_string_lossy().into_owned()
}

fn digest(program: &Path, alive: &Alive) -> Result<String, LabError> {
    let reading = |error| LabError::file("reading", program)(error);
    let mut digest = Sha256::new();
    let read = alive.read_all(File::open(program).map_err(reading)?, |piece| {
        digest.update(piece);
        Ok(())
    });
    read.map_err(reading)?;
    Ok(hex(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, name: &str, content: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn one_changed_byte_is_told_with_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let kind = program(folder.path(), "kind", "kind");
        take_down(folder.path()).await.unwrap();
        program(folder.path(), "kind", "kinb");
        let told = compare(folder.path(), &kind).await.unwrap_err().to_string();
        assert!(told.starts_with(&kind.display().to_string()), "{told}");
        assert!(
            told.contains("; run ci/setup, or meshproof images get"),
            "{told}"
        );
        program(folder.path(), "kind", "kind");
        compare(folder.path(), &kind).await.unwrap();
        program(folder.path(), "kind", "kinb");
        compare(folder.path(), &kind)
            .await
            .expect("it is compared once");
    }

    #[tokio::test]
    async fn a_program_below_is_compared_with_what_it_was_when_the_artifact_was_complete() {
        let artifact = tempfile::tempdir().unwrap();
        let below = artifact.path().join("envoy/_bin");
        std::fs::create_dir_all(&below).unwrap();
        let envoy = program(&below, "envoy", "envoy");
        take_down(artifact.path()).await.unwrap();
        program(&below, "envoy", "enboy");
        match compare(artifact.path(), &envoy).await {
            Err(LabError::ProgramChanged { folder, .. }) => assert_eq!(folder, artifact.path()),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn digests_are_as_sha256sum_reads_them_and_of_programs_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("readme"), "no program").unwrap();
        take_down(folder.path()).await.unwrap();
        assert!(
            !folder.path().join(FILE).exists(),
            "there is nothing to run"
        );
        let kind = program(folder.path(), "kind", "");
        assert!(compare(folder.path(), &kind).await.is_ok());
        program(folder.path(), "istioctl", "abc");
        take_down(folder.path()).await.unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        // The digest of these three letters is the standard's own example.
        let expected =
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  istioctl\n";
        assert_eq!(text, expected, "an empty file is no program");
    }

    #[tokio::test]
    async fn what_was_made_before_there_were_digests_has_them_from_now_on() {
        let folder = tempfile::tempdir().unwrap();
        let istioctl = program(folder.path(), "istioctl", "old");
        is_as_made(folder.path(), &istioctl, &Alive::default()).unwrap();
        assert!(is_as_made(folder.path(), &istioctl, &Alive::default()).is_ok());
        program(folder.path(), "istioctl", "new");
        let changed = is_as_made(folder.path(), &istioctl, &Alive::default());
        assert!(matches!(changed, Err(LabError::ProgramChanged { .. })));
    }
}
