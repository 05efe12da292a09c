use super::*;

fn istio(text: &str) -> Result<IstioWish, WishError> {
    text.parse()
}

#[test]
fn an_istio_is_a_build_a_release_or_a_folder() {
    assert_eq!(
        istio(pins::DEFAULT_ISTIO),
        Ok(IstioWish::Build(pins::ISTIO_AUGUST_2026))
    );
    for release in ["1.30.5", "1.31.0-rc.1"] {
        assert_eq!(istio(release), Ok(IstioWish::Release(release.into())));
    }
    let pinned = istio(&pins::ISTIO_APRIL_2026.module_version);
    assert_eq!(pinned, Ok(IstioWish::Build(pins::ISTIO_APRIL_2026)));
    let published = istio("v0.0.0-20260826214018-9739e10eb9d7").unwrap();
    assert!(matches!(published, IstioWish::Published(_)));
    assert_eq!(istio("./mine"), Ok(IstioWish::Folder("./mine".into())));
    for wrong in ["", "latest", "1.30", "1.30.x", "1.30.5-", "v1.30.5"] {
        let told = istio(wrong).unwrap_err().to_string();
        assert!(told.contains("; name a release"), "{told}");
        assert!(told.contains(pins::DEFAULT_ISTIO), "{told}");
    }
}

#[test]
fn versions_and_images_are_read_or_told_of() {
    assert_eq!(kubernetes("1.34.11").unwrap(), "v1.34.11");
    assert_eq!(kubernetes("v1.34.11").unwrap(), "v1.34.11");
    assert!(
        kubernetes("1.34")
            .unwrap_err()
            .to_string()
            .contains("--k8s")
    );
    assert_eq!(ignite("2.16.0").unwrap(), "2.16.0");
    assert!(ignite("v2").is_err());
    assert_eq!(envoy("1.36.2.post1").unwrap(), "1.36.2.post1");
    assert!(envoy("newest").is_err());
    let given = image("pilot=h:5000/istio/pilot:1").unwrap();
    assert_eq!(given, (Part::Pilot, "h:5000/istio/pilot:1".into()));
    for wrong in ["pilot", "etcd=a/b:1", "pilot=", "pilot=A/b"] {
        assert!(image(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_asked_for_may_leave_one_source() {
    let of = |istio: &str| ImagesWish {
        istio: istio.parse().unwrap(),
        ..ImagesWish::default()
    };
    let source = |wish: &ImagesWish| wish.only_source().map(|(source, _)| source);
    assert_eq!(source(&ImagesWish::default()), None);
    assert_eq!(source(&of("1.30.5")), Some(Source::Pull));
    assert_eq!(source(&of(pins::DEFAULT_ISTIO)), Some(Source::Build));
    let other = ImagesWish {
        ignite: Some("2.17.0".into()),
        ..ImagesWish::default()
    };
    assert_eq!(source(&other), Some(Source::Pull));
    let same = ImagesWish {
        kubernetes: Some(pins::KUBERNETES.into()),
        ..ImagesWish::default()
    };
    assert_eq!(source(&same), None);
}

#[test]
fn another_envoy_is_put_beside_any_build() {
    let wish = ImagesWish {
        istio: IstioWish::Build(pins::ISTIO_APRIL_2026),
        envoy: Some("1.39.3".into()),
        ..ImagesWish::default()
    };
    let build = wish.build(Source::Build).unwrap();
    assert_eq!(
        (&*build.id, &*build.envoy.version),
        (&*pins::ISTIO_APRIL_2026.id, "1.39.3")
    );
}

#[test]
fn what_is_not_built_here_is_told_with_the_cure() {
    let wish = ImagesWish {
        istio: IstioWish::Release("1.30.5".into()),
        ..ImagesWish::default()
    };
    let told = wish.build(Source::Build).unwrap_err().to_string();
    assert!(
        told.starts_with("Istio 1.30.5 cannot come from the source build"),
        "{told}"
    );
    let wish = ImagesWish {
        kubernetes: Some("v1.30.0".into()),
        ..ImagesWish::default()
    };
    let told = wish.build(Source::Build).unwrap_err().to_string();
    assert!(told.ends_with("or use --source pull"), "{told}");
    let own = ImagesWish {
        images: [(Part::Node, "a/node:1".into())].into(),
        ..wish
    };
    assert!(own.build(Source::Build).is_ok(), "the node is brought");
}

#[test]
fn an_envoy_is_refused_where_no_proxy_is_built() {
    let pull = ImagesWish {
        source: Some(Source::Pull),
        ..ImagesWish::default()
    };
    let of = |istio: &str| ImagesWish {
        istio: istio.parse().unwrap(),
        ..ImagesWish::default()
    };
    let own = ImagesWish {
        images: [(Part::Proxyv2, "a/proxy:1".into())].into(),
        ..ImagesWish::default()
    };
    let with_envoy = |wish: &ImagesWish| ImagesWish {
        envoy: Some("1.39.0".into()),
        ..wish.clone()
    };
    for (wish, cure) in [
        (&pull, "or --source pull"),
        (&of("1.30.5"), "or --istio, or name a build"),
        (&of("./mine"), "or --istio, or name a build"),
        (&own, "or --image proxyv2="),
    ] {
        assert_eq!(wish.check(), Ok(()), "{wish:?}");
        let told = with_envoy(wish).check().unwrap_err().to_string();
        assert!(told.starts_with("Envoy 1.39.0 would be put into"), "{told}");
        assert!(told.contains(cure), "{told}");
    }
    for built in ["", pins::DEFAULT_ISTIO] {
        let wish = match built {
            "" => ImagesWish::default(),
            build => of(build),
        };
        assert_eq!(with_envoy(&wish).check(), Ok(()), "{built}");
    }
}

#[test]
fn an_own_istiod_tells_which_istio_it_is_only_where_nobody_named_one() {
    let of = |istio: IstioWish| ImagesWish {
        istio,
        images: [(Part::Pilot, "mine/pilot:1".into())].into(),
        ..ImagesWish::default()
    };
    for (istio, left) in [
        (IstioWish::Default, true),
        (IstioWish::Folder("./mine".into()), true),
        (IstioWish::Release("1.30.5".into()), false),
        (IstioWish::Build(pins::ISTIO_APRIL_2026), false),
    ] {
        assert_eq!(of(istio.clone()).leaves_istio_to_pilot(), left, "{istio:?}");
    }
    let proxy = ImagesWish {
        images: [(Part::Proxyv2, "mine/proxyv2:1".into())].into(),
        ..ImagesWish::default()
    };
    assert!(!proxy.leaves_istio_to_pilot());
}
