use super::*;
use crate::lab::fake_client::FakeClient;
use crate::lab::images::archive::container::Archive;
use crate::lab::images::archive::tar::saved;
use crate::lab::images::{Chosen, ImagesWish, Istio, Part, Source, digests, kind_program, pins};

fn present(name: &str) -> Present {
    Present {
        reference: format!("meshproof.local/{name}:1"),
        id: format!("sha256:{name}"),
        lab_name: name.into(),
        origin: "a test".into(),
    }
}

/// A lab's images with programs in the cache.
fn images(cache: &Cache) -> Images {
    let place = |artifact: &str, files: &[&str]| {
        let folder = cache.root().join("artifacts").join(artifact);
        std::fs::create_dir_all(&folder).unwrap();
        for file in files {
            std::fs::write(folder.join(file), *file).unwrap();
        }
        std::fs::write(folder.join(digests::FILE), "of the other machine").unwrap();
        folder.join(files[0])
    };
    Images {
        node: present("node"),
        inside: vec![present("etcd")],
        kubernetes: pins::KUBERNETES.into(),
        istio: Istio {
            id: pins::DEFAULT_ISTIO.into(),
            filters: false,
        },
        kind: place("kind-1", &["kind"]),
        istioctl: place("istio-1", &["istioctl", "pilot-agent"]),
        source: Chosen {
            source: Source::Build,
            why: "a test".into(),
        },
    }
}

async fn exported(saving: &[u8], to: &Path, cache: &Cache) -> Result<Exported, LabError> {
    let client = FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("info*", "/\n")
        .answers("image inspect*", "1000\n2000\n")
        .answers("save*", std::str::from_utf8(saving).unwrap());
    let engine = client.engine().await;
    let build = Carried::Build(None);
    export(
        &engine,
        cache,
        &images(cache),
        build,
        to,
        &Progress::silent(),
    )
    .await
}

#[tokio::test]
async fn an_archive_holds_all_images_and_whole_artifacts() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, to) = (Cache::at(folder.path()), folder.path().join("lab.zip"));
    let tar = saved(&["meshproof.local/node:1", "meshproof.local/etcd:1"]);
    let done = exported(&tar, &to, &cache).await.unwrap();
    assert_eq!((done.images, done.bytes), (2, to.metadata().unwrap().len()));
    let mut archive = Archive::open(&to).unwrap();
    let stage = Progress::silent().stage("Checking");
    archive.verify(&Alive::default(), &stage).unwrap();
    let files: Vec<&str> = archive
        .manifest
        .files
        .iter()
        .map(|f| f.path.as_str())
        .collect();
    let expected = [
        "images.tar",
        "programs/kind-1/kind",
        "programs/istio-1/istioctl",
        "programs/istio-1/pilot-agent",
    ];
    assert_eq!(files, expected);
    assert_eq!(archive.manifest.images[0].lab_name, "node");
}

#[tokio::test]
async fn of_a_pulled_lab_it_holds_istioctl_as_an_image_and_kind_wherever_that_was() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, to) = (Cache::at(folder.path()), folder.path().join("lab.zip"));
    let mut images = images(&cache);
    images.kind = folder.path().join("kind");
    std::fs::write(&images.kind, "from PATH").unwrap();
    images.source.source = Source::Pull;
    let wish = ImagesWish {
        istio: "1.30.4".parse().unwrap(),
        ..ImagesWish::default()
    };
    let named = [
        "meshproof.local/node:1",
        "meshproof.local/etcd:1",
        "istio/istioctl:1.30.4",
    ];
    let client = FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("info*", "/\n")
        .answers("images*", "istio/istioctl:1.30.4 sha256:1\n")
        .answers("image inspect*", "1000\n2000\n3000\n")
        .answers("save*", std::str::from_utf8(&saved(&named)).unwrap());
    let engine = client.engine().await;
    let carried = Carried::of(&wish, &images).unwrap();
    let done = export(&engine, &cache, &images, carried, &to, &Progress::silent()).await;
    assert_eq!(done.unwrap().images, 3);
    let manifest = Archive::open(&to).unwrap().manifest;
    assert_eq!(manifest.pulled.unwrap().release(), Some("1.30.4"));
    let files: Vec<&str> = manifest.files.iter().map(|f| f.path.as_str()).collect();
    let (name, key) = kind_program::downloaded();
    let kind = format!("programs/{name}-{key}/kind");
    assert_eq!(files, ["images.tar", &kind]);
    images.source.source = Source::Build;
    let envoy = ImagesWish {
        envoy: Some("1.39.3".into()),
        ..ImagesWish::default()
    };
    let told = Carried::of(&envoy, &images).unwrap_err().to_string();
    assert!(told.contains("with the Envoy 1.39.3; leave"), "{told}");
    let mut own = wish.clone();
    own.images.insert(Part::Ignite, "mine/ignite:1".into());
    let told = Carried::of(&own, &images).unwrap_err().to_string();
    assert!(
        told.contains("mine/ignite:1 (--image ignite=); leave that out"),
        "{told}"
    );
}

#[tokio::test]
async fn what_breaks_off_leaves_no_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, to) = (Cache::at(folder.path()), folder.path().join("lab.zip"));
    let lacking = saved(&["meshproof.local/node:1"]);
    let error = exported(&lacking, &to, &cache)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("it holds the images meshproof.local/node:1;"),
        "{error}"
    );
    let whole = saved(&["meshproof.local/node:1", "meshproof.local/etcd:1"]);
    let half = &whole[..whole.len() / 2];
    assert!(exported(half, &to, &cache).await.is_err());
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    let left = names
        .iter()
        .map(|entry| entry.file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| name.starts_with("lab.zip")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn what_a_killed_export_left_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, to) = (Cache::at(folder.path()), folder.path().join("lab.zip"));
    let tar = saved(&["meshproof.local/node:1", "meshproof.local/etcd:1"]);
    exported(&tar, &to, &cache).await.unwrap();
    let whole = std::fs::read(&to).unwrap();
    let partial = folder.path().join("lab.zip.partial");
    std::fs::write(&partial, &whole[..whole.len() / 2]).unwrap();
    std::fs::remove_file(&to).unwrap();
    exported(&tar, &to, &cache).await.unwrap();
    assert!(to.exists() && !partial.exists());
}

#[tokio::test]
async fn a_file_that_is_there_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, to) = (Cache::at(folder.path()), folder.path().join("lab.zip"));
    std::fs::write(&to, "precious").unwrap();
    let tar = saved(&["meshproof.local/node:1", "meshproof.local/etcd:1"]);
    let error = exported(&tar, &to, &cache).await.unwrap_err();
    assert!(
        matches!(error, LabError::Archive(ArchiveError::Exists(_))),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "precious");
}

#[tokio::test]
async fn where_no_file_can_be_is_told_with_the_cure() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, to) = (Cache::at(folder.path()), folder.path().join("lab.zip"));
    let told = async |to: &Path| exported(b"", to, &cache).await.unwrap_err().to_string();
    let text = told(folder.path()).await;
    assert!(text.contains("is a folder"), "{text}");
    let text = told(&folder.path().join("none/lab.zip")).await;
    assert!(text.contains("there is no folder"), "{text}");
    // Somebody's own, whatever it is.
    let partial = folder.path().join("lab.zip.partial");
    std::fs::write(&partial, "precious").unwrap();
    let text = told(&to).await;
    assert!(text.contains("lab.zip.partial is there already"), "{text}");
    assert_eq!(std::fs::read_to_string(&partial).unwrap(), "precious");
}

#[test]
fn a_full_disk_is_not_the_caches() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let text = ArchiveError::file(WRITING, "/media/lab.zip")(full).to_string();
    assert!(text.ends_with("name a file on a larger one"), "{text}");
}
