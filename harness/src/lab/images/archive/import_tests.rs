use super::*;
use crate::lab::fake_client::FakeClient;
use crate::lab::images::archive::fixture::{
    ISTIO, probe, references, written, written_lab, written_of,
};
use crate::lab::images::{Allowed, IstioWish, kind_program, published};

/// What an engine lists that has these images of a lab with the ids of the archive.
fn listed(wanted: &Wanted, but: &[usize]) -> String {
    let there = wanted.images.iter().enumerate();
    let there = there.filter(|(i, _)| !but.contains(i));
    let lines = there.map(|(_, image)| format!("{} sha256:{}\n", image.reference, image.name));
    lines.collect()
}

/// An engine that has the archive's images but these, and all of them once it was asked to load.
fn client_without(but: &[usize]) -> FakeClient {
    client_of(&Wanted::of(&ISTIO, &probe("1")), but)
}

fn client_of(wanted: &Wanted, but: &[usize]) -> FakeClient {
    FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("info*", "/\n")
        .answers_after("docker load", "images*", &listed(wanted, &[]))
        .answers("images*", &listed(wanted, but))
}

/// An engine that has every image of the archive once it was asked to load.
fn client() -> FakeClient {
    let all: Vec<usize> = (0..references().len()).collect();
    client_without(&all)
}

#[tokio::test]
async fn images_are_loaded_and_programs_placed_as_a_build_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    written(&path, |_| {});
    let cache = Cache::at(folder.path().join("cache"));
    let client = client();
    let engine = client.engine().await;
    let (probe, progress) = (probe("1"), Progress::silent());
    for _ in ["once", "and with all of it there"] {
        let istio = import(&engine, &cache, &path, Some(&probe), &progress).await;
        assert_eq!(istio.unwrap(), ImagesWish::of_build(&ISTIO));
    }
    let loads = client
        .calls()
        .iter()
        .filter(|call| call.contains("load"))
        .count();
    assert_eq!(loads, 1, "all of it was there the second time");
    for program in Wanted::of(&ISTIO, &probe).programs {
        let placed = cache
            .place(&program.artifact, &program.key)
            .join(program.program);
        let mode = placed.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{}", placed.display());
        assert_eq!(std::fs::read_to_string(placed).unwrap(), "#!/bin/sh\n");
    }
    let records = Imported::all(&cache);
    let [record] = records.as_slice() else {
        panic!("not one import is remembered: {records:?}");
    };
    let node = &references()[0];
    assert!(record.brought(node, "sha256:node"));
}

#[tokio::test]
async fn only_what_was_not_there_is_said_to_come_from_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    written(&path, |_| {});
    let cache = Cache::at(folder.path().join("cache"));
    let client = client_without(&[1]);
    let (engine, probe) = (client.engine().await, probe("1"));
    let imported = import(&engine, &cache, &path, Some(&probe), &Progress::silent()).await;
    imported.unwrap();
    let records = Imported::all(&cache);
    let brought: Vec<&String> = records.iter().flat_map(|r| r.images.keys()).collect();
    assert_eq!(brought, [&references()[1]], "the others were built here");
    assert_eq!(records[0].before.len(), references().len() - 1);
    let there = client_without(&[]);
    let cache = Cache::at(folder.path().join("other"));
    let engine = there.engine().await;
    let imported = import(&engine, &cache, &path, Some(&probe), &Progress::silent()).await;
    imported.unwrap();
    assert!(!there.calls().iter().any(|call| call.contains(" load")));
    let record = &Imported::all(&cache)[0];
    assert_eq!(record.images.len(), 0, "all of it was built here");
    let node = &references()[0];
    assert!(record.holds(node, "sha256:node") && !record.brought(node, "sha256:node"));
}

#[tokio::test]
async fn a_program_that_is_not_the_archives_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    written(&path, |_| {});
    let cache = Cache::at(folder.path().join("cache"));
    let (engine, probe) = (client(), probe("1"));
    let engine = engine.engine().await;
    let programs = Wanted::of(&ISTIO, &probe).programs;
    // One that a power cut emptied, and one whose file is not there at all.
    let places: Vec<PathBuf> = programs
        .iter()
        .map(|program| cache.place(&program.artifact, &program.key))
        .collect();
    places
        .iter()
        .for_each(|place| std::fs::create_dir_all(place).unwrap());
    std::fs::write(places[0].join(programs[0].program), "").unwrap();
    let imported = import(&engine, &cache, &path, Some(&probe), &Progress::silent()).await;
    imported.unwrap();
    for (place, program) in places.iter().zip(&programs) {
        let placed = std::fs::read_to_string(place.join(program.program));
        assert_eq!(placed.unwrap(), "#!/bin/sh\n", "{}", program.program);
    }
}

#[tokio::test]
async fn an_engine_that_fails_says_why_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    written(&path, |_| {});
    let cache = Cache::at(folder.path().join("cache"));
    let client = client().fails("load*", "no space left on device\n");
    let (engine, probe) = (client.engine().await, probe("1"));
    let imported = import(&engine, &cache, &path, Some(&probe), &Progress::silent()).await;
    let error = imported.unwrap_err().to_string();
    assert!(error.contains("no space left on device"), "{error}");
    assert_eq!(Imported::all(&cache), []);
}

#[tokio::test]
async fn what_cannot_be_taken_changes_nothing_and_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.zip");
    let cache = Cache::at(folder.path().join("cache"));
    let client = client();
    let engine = client.engine().await;
    let right = probe("1");
    let mut told = vec![];
    let mut refused = async |probe: Option<&ProbeBinary>| {
        let imported = import(&engine, &cache, &path, probe, &Progress::silent()).await;
        let error = imported.unwrap_err();
        assert!(matches!(error, LabError::Archive(_)), "{error}");
        told.push(
            error
                .to_string()
                .replace(&folder.path().display().to_string(), "/media"),
        );
    };
    refused(Some(&right)).await;
    std::fs::write(&path, "nothing of ours").unwrap();
    refused(Some(&right)).await;
    written(&path, |_| {});
    refused(None).await;
    refused(Some(&probe("2"))).await;
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(Some(&right)).await;
    written(&path, |manifest| {
        manifest.format = 9;
        manifest.meshproof = "9.0.0".into();
    });
    refused(Some(&right)).await;
    written(&path, |manifest| {
        manifest.architecture = "linux/arm64".into()
    });
    refused(Some(&right)).await;
    written(&path, |manifest| manifest.istio = "1.99.0".into());
    refused(Some(&right)).await;
    written(&path, |manifest| {
        manifest.images[0].reference = "meshproof.local/node:old".into()
    });
    refused(Some(&right)).await;
    written(&path, |manifest| manifest.files[0].sha256 = "f00".into());
    refused(Some(&right)).await;
    written(&path, |manifest| manifest.files[0].bytes = u64::MAX);
    refused(Some(&right)).await;
    // The user's own tag, which loading it would move.
    written_of(&path, &["debian:12"], |_| {});
    refused(Some(&right)).await;
    let digest = regex::Regex::new("[0-9a-f]{64}").unwrap();
    insta::assert_snapshot!(digest.replace_all(&told.join("\n"), "DIGEST"));
    let calls = client.calls();
    assert!(!calls.iter().any(|call| call.contains("load")), "{calls:?}");
    assert!(!cache.root().exists());
}

#[test]
fn a_name_with_a_folder_in_it_is_no_file_of_an_artifact() {
    assert_eq!(plain("kind"), Some("kind"));
    for path in ["../kind", "a/b", "..", "", "/kind"] {
        assert_eq!(plain(path), None, "{path}");
    }
}

#[tokio::test]
async fn a_published_build_is_known_by_its_id_and_version_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path().join("cache"));
    let (version, id) = ("v0.0.0-20260826214018-9739e10eb9d7", "1.31.0-dev.20260826");
    let text = format!(r#"{{"version":"{version}","base":"1.31","envoy":"1.40.0"}}"#);
    let published: Remembered = serde_json::from_str(&text).unwrap();
    let build = published.build().unwrap();
    assert_eq!(Remembered::of(&build).as_ref(), Some(&published));
    let probe = probe("1");
    let wanted = Wanted::of(&build, &probe);
    let engine = client_of(&wanted, &[]);
    let engine = engine.engine().await;
    let taken = async |istio: &str| {
        let path = folder.path().join(format!("{istio}.zip"));
        written_lab(&path, &wanted, &[], |manifest| {
            manifest.istio = istio.into();
            manifest.published = Some(published.clone());
        });
        import(&engine, &cache, &path, Some(&probe), &Progress::silent()).await
    };
    let error = taken("1.31.0-dev.20260825").await.unwrap_err();
    assert!(error.to_string().contains("does not know"), "{error}");
    let wish = taken(id).await.unwrap();
    assert_eq!(wish.options(), ["--istio", id]);
    for named in [id, version] {
        let wish = ImagesWish {
            istio: named.parse().unwrap(),
            ..ImagesWish::default()
        };
        let silent = Progress::silent();
        let found = published::resolved(&cache, &wish, Allowed::ToLook, &silent).await;
        assert_eq!(found.unwrap().istio, IstioWish::Build(build.clone()));
    }
}

#[tokio::test]
async fn a_pulled_lab_is_taken_with_kind_and_stays_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path().join("cache"));
    let asked = ImagesWish {
        istio: "1.30.4".parse().unwrap(),
        ..ImagesWish::default()
    };
    let (lab, probe) = (PulledLab::of(&asked), probe("1"));
    let wanted = lab.wanted(Some(&probe));
    let path = folder.path().join("lab.zip");
    written_lab(&path, &wanted, &[], |manifest| {
        manifest.istio = "1.30.4".into();
        manifest.pulled = Some(lab.clone());
    });
    let engine = client_of(&wanted, &[0]);
    let engine = engine.engine().await;
    let wish = import(&engine, &cache, &path, Some(&probe), &Progress::silent()).await;
    let wish = wish.unwrap();
    assert_eq!(wish, lab.wish());
    assert_eq!(wish.options(), ["--istio", "1.30.4"]);
    assert_eq!(PulledLab::recorded(&cache), [lab]);
    let kind = kind_program::find(&cache).await.unwrap();
    assert_eq!(kind.from, "downloaded");
    cache.compare(&kind.path).await.unwrap();
}
