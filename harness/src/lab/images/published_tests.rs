use super::*;

const SECOND: &str = "v0.0.0-20260826214018-9739e10eb9d7";

#[test]
fn a_pseudo_version_is_told_from_anything_else() {
    let read = PseudoVersion::parse(SECOND).unwrap();
    assert_eq!((&*read.day, &*read.revision), ("20260826", "9739e10eb9d7"));
    for wrong in [
        "1.30.5",
        "v0.0.0-20260826-9739e10eb9d7",
        "v0.0.0-20260826214018-9739e10eb9d",
        "v0.0.0-20260826214018-9739E10eb9d7",
        "v1.0.0-20260826214018-9739e10eb9d7",
    ] {
        assert_eq!(PseudoVersion::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn the_envoy_is_the_oldest_pinned_one_that_is_not_older() {
    let of = |day: &str| {
        let text = format!("v0.0.0-{day}000000-000000000000");
        PseudoVersion::parse(&text).unwrap().envoy().version
    };
    assert_eq!(of("20260101"), pins::ISTIO_APRIL_2026.envoy.version);
    assert_eq!(of("20260423"), pins::ISTIO_APRIL_2026.envoy.version);
    assert_eq!(of("20260424"), pins::ISTIO_AUGUST_2026.envoy.version);
    assert_eq!(of("20270101"), pins::ISTIO_AUGUST_2026.envoy.version);
    assert!(envoy("1.40.0").sha256.is_some());
    assert_eq!(envoy("1.39.3").sha256, None);
}

#[tokio::test]
async fn what_was_learnt_once_needs_no_go_and_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let wish = ImagesWish {
        istio: SECOND.parse().unwrap(),
        envoy: Some("1.39.3".into()),
        ..ImagesWish::default()
    };
    let look = async || resolved(&cache, &wish, Allowed::ToLook, &Progress::silent()).await;
    assert!(matches!(look().await, Err(LabError::ImagesMissing(_))));
    let known_one = Remembered {
        version: SECOND.into(),
        base: "1.31".into(),
        envoy: "1.39.3".into(),
    };
    known_one.write(&cache).unwrap();
    let build = known(&cache).remove(0);
    assert_eq!(look().await.unwrap().istio, IstioWish::Build(build.clone()));
    assert_eq!(build.id, "1.31.0-dev.20260826");
    assert_eq!(
        (&*build.envoy.version, build.envoy.sha256),
        ("1.39.3", None)
    );
}

#[tokio::test]
async fn a_pinned_builds_id_is_not_given_to_another_revision_of_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let pinned = &pins::ISTIO_AUGUST_2026;
    let look = async |version: &str, base: &str| {
        let known = Remembered {
            version: version.into(),
            base: base.into(),
            envoy: "1.40.0".into(),
        };
        known.write(&cache).unwrap();
        let wish = ImagesWish {
            istio: IstioWish::Published(PseudoVersion::parse(version).unwrap()),
            ..ImagesWish::default()
        };
        resolved(&cache, &wish, Allowed::ToLook, &Progress::silent()).await
    };
    let other = "v0.0.0-20260827010203-0123456789ab";
    let told = look(other, "1.31").await.unwrap_err().to_string();
    assert!(
        told.contains(other) && told.contains(&*pinned.revision),
        "{told}"
    );
    let cure = format!("; use --istio {}, or a version of another day", pinned.id);
    assert!(told.ends_with(&cure), "{told}");
    assert!(look(other, "1.30").await.is_ok(), "another version");
    assert!(look(&pinned.module_version, "1.31").await.is_ok(), "itself");
}

#[test]
fn a_source_that_calls_itself_otherwise_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("VERSION"), "1.31\n").unwrap();
    assert_eq!(base_of(folder.path()).unwrap(), "1.31");
    std::fs::write(folder.path().join("VERSION"), "main\n").unwrap();
    assert!(base_of(folder.path()).is_err());
}

#[tokio::test]
async fn a_build_on_record_is_found_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let wish = |source| ImagesWish {
        source,
        istio: "1.31.0-dev.20260826".parse().unwrap(),
        ..ImagesWish::default()
    };
    let look = async |source| {
        let wish = wish(source);
        wish.check().unwrap();
        let found = resolved(&cache, &wish, Allowed::ToPull, &Progress::silent()).await;
        found.map(|wish| wish.istio)
    };
    let told = look(Some(Source::Build)).await.unwrap_err().to_string();
    assert!(
        told.contains("is called 1.31.0-dev.20260826 (there are "),
        "{told}"
    );
    assert!(
        told.contains("; build it by its version with meshproof"),
        "{told}"
    );
    let served = look(Some(Source::Pull)).await.unwrap();
    assert_eq!(served, IstioWish::Release("1.31.0-dev.20260826".into()));
    let remember = |version: &str, base: &str| {
        let known = Remembered {
            version: version.into(),
            base: base.into(),
            envoy: "1.39.3".into(),
        };
        known.write(&cache).unwrap();
    };
    remember("v0.0.0-20260826010203-0123456789ab", "1.30");
    let told = look(None).await.unwrap_err().to_string();
    assert!(told.contains(", 1.30.0-dev.20260826); "), "{told}");
    remember(SECOND, "1.31");
    for source in [None, Some(Source::Build), Some(Source::Archive)] {
        let IstioWish::Build(build) = look(source).await.unwrap() else {
            panic!("it is on record");
        };
        assert_eq!(build.module_version, SECOND);
        assert_eq!(build.envoy.version, "1.39.3", "it is the one on record");
    }
    remember("v0.0.0-20260826040506-ba9876543210", "1.31");
    let told = look(None).await.unwrap_err().to_string();
    assert!(
        told.contains(SECOND) && told.ends_with("with --istio"),
        "{told}"
    );
}
