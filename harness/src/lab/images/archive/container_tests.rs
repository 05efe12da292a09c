use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::lab::images::archive::fixture::{references, written, written_with};
use crate::progress::Progress;

fn verified(path: &Path) -> Result<(), LabError> {
    let mut archive = Archive::open(path)?;
    archive.verify(&Alive::default(), &Progress::silent().stage("Checking"))
}

fn told(path: &Path) -> String {
    verified(path).unwrap_err().to_string()
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    written(&path, |_| {});
    verified(&path).unwrap();
    let mut archive = Archive::open(&path).unwrap();
    assert_eq!(archive.manifest.images.len(), references().len());
    let mut tar = vec![];
    let read = archive.read(IMAGES, &Alive::default(), |piece| {
        tar.extend_from_slice(piece);
        Ok(())
    });
    read.unwrap();
    assert_eq!(
        tar.len() as u64,
        archive.manifest.file(IMAGES).unwrap().bytes
    );
}

#[test]
fn an_archive_that_is_cut_short_anywhere_is_never_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    written(&path, |_| {});
    let whole = std::fs::read(&path).unwrap();
    for length in [100, whole.len() / 2, whole.len() - 60, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let text = told(&path);
        assert!(text.contains("is cut short"), "{length}: {text}");
    }
}

#[test]
fn a_byte_that_changed_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    written(&path, |_| {});
    let whole = std::fs::read(&path).unwrap();
    let first = 30 + IMAGES.len() + 20 + 10;
    for at in [first, first + 100, whole.len() / 2] {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        std::fs::write(&path, changed).unwrap();
        let text = told(&path);
        // A part's change is told by reading alone, without unpacking it.
        let manifests = text.contains("manifest.json cannot be unpacked");
        assert!(
            text.contains(", packed, has the SHA-256") || manifests,
            "byte {at} of {}: {text}",
            whole.len()
        );
        assert!(!manifests || at > first + 100, "byte {at}");
    }
}

#[test]
fn parts_and_manifest_must_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    written(&path, |manifest| manifest.files[0].sha256 = "00".into());
    assert!(told(&path).contains("images.tar has the SHA-256"));
    for bytes in [1, u64::MAX] {
        written(&path, |manifest| manifest.files[0].bytes = bytes);
        let text = told(&path);
        assert!(
            text.contains(&format!("where its manifest has {bytes}")),
            "{text}"
        );
    }
    written(&path, |manifest| {
        manifest.files[1].path = "programs/other".into()
    });
    assert!(told(&path).contains("does not name programs/kind-"));
    written_with(&path, &["extra"], |manifest| {
        manifest.files.last_mut().unwrap().path = "extra2".into();
    });
    assert!(told(&path).contains("does not name extra"));
    written(&path, |manifest| drop(manifest.images.pop()));
    assert!(told(&path).contains("does not hold just the images"));
    written(&path, |manifest| {
        let twice = manifest.files[0].clone();
        manifest
            .files
            .push(crate::lab::images::archive::manifest::ArchivedFile {
                path: "programs/missing".into(),
                ..twice
            });
    });
    assert!(told(&path).contains("programs/missing is not in it"));
}

#[test]
fn something_else_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    assert!(told(&path).contains("there is no archive"));
    assert!(told(folder.path()).contains("is a folder"));
    std::fs::write(
        &path,
        "a letter to grandmother, which is longer than a header",
    )
    .unwrap();
    assert!(told(&path).contains("is no archive of images"));
    let mut other = ZipWriter::new(File::create(&path).unwrap());
    other.start_file("a", SimpleFileOptions::default()).unwrap();
    other.finish().unwrap();
    assert!(told(&path).contains("is no archive of images"));
}
