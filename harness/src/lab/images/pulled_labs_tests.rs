use super::*;
use crate::lab::fake_client::FakeClient;

/// An engine that has these images, by their names.
fn client(names: &[&str]) -> FakeClient {
    let listed: String = names
        .iter()
        .map(|name| format!("{name} sha256:{name}\n"))
        .collect();
    FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("images*", &listed)
        .answers(
            "image inspect*--format {{.Id}}*mine/pilot:1",
            "sha256:mine\n",
        )
}

fn wish(istio: &str) -> ImagesWish {
    ImagesWish {
        istio: istio.parse().unwrap(),
        ..ImagesWish::default()
    }
}

const NAMES: [&str; 5] = [
    "kindest/node:v1.34.11",
    "istio/pilot:1.30.4",
    "istio/proxyv2:1.30.4",
    "istio/istioctl:1.30.4",
    "apacheignite/ignite:2.16.0",
];

#[test]
fn a_lab_is_on_record_once_and_read_back_as_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let default = PulledLab::of(&ImagesWish::default());
    assert_eq!(PulledLab::known(&cache), std::slice::from_ref(&default));
    let own = ImagesWish {
        images: [(Part::Pilot, "mine/pilot:1".into())].into(),
        mirror: Some("h:5000".parse().unwrap()),
        ..wish("1.30.4")
    };
    let lab = PulledLab::of(&own);
    for lab in [&lab, &lab, &default] {
        lab.write(&cache).unwrap();
    }
    assert_eq!(PulledLab::recorded(&cache).len(), 2);
    assert_eq!(PulledLab::known(&cache), [default, lab.clone()]);
    assert_eq!(
        lab.told(),
        "Istio 1.30.4, Kubernetes v1.34.11, Ignite 2.16.0, pilot mine/pilot:1"
    );
    let read = lab.wish();
    assert_eq!((read.source, &read.istio), (Some(Source::Pull), &own.istio));
    assert_eq!((read.images, read.mirror), (own.images, None));
    assert_eq!(read.kubernetes.as_deref(), Some(released::KUBERNETES));
    lab.forget(&cache).unwrap();
    assert_eq!(PulledLab::recorded(&cache).len(), 1);
}

#[test]
fn a_lab_is_given_up_by_removing_what_its_istio_is() {
    let of = |wish: &ImagesWish| PulledLab::of(wish).given_up_by();
    assert_eq!(of(&wish("1.30.4")), "docker rmi istio/pilot:1.30.4");
    let folder = wish("/srv/mine");
    assert_eq!(of(&folder), "moving /srv/mine away");
    let own = ImagesWish {
        images: [(Part::Pilot, "mine/pilot:1".into())].into(),
        ..folder
    };
    assert_eq!(of(&own), "docker rmi mine/pilot:1");
    let relative = PulledLab::of(&wish("./mine")).wish().istio;
    assert!(matches!(relative, IstioWish::Folder(folder) if folder.is_absolute()));
}

#[tokio::test]
async fn what_is_made_of_its_images_is_needed_while_they_are_all_here() {
    let client_of_all = client(&NAMES);
    let cache = Cache::at(client_of_all.folder().join("cache"));
    let engine = client_of_all.engine().await;
    let lab = PulledLab::of(&wish("1.30.4"));
    let probe = |version: &str| ProbeBinary {
        path: "/nowhere".into(),
        version: version.into(),
    };
    let needs = async |probe: Option<&ProbeBinary>| lab.needs(&engine, &cache, probe).await;
    let with_probe = needs(Some(&probe("1"))).await.unwrap();
    let names = with_probe.artifacts.iter().map(|(name, _)| *name);
    let expected = [
        "kind-release",
        "node-version",
        "proxy-filters",
        "istioctl",
        "istioctl-names",
        "istiod-version",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    let image = with_probe.images.join(" ");
    assert!(image.starts_with("meshproof.local/probe:"), "{image}");
    assert_ne!(needs(Some(&probe("2"))).await.unwrap(), with_probe);
    assert_eq!(needs(None).await.unwrap().images, [""; 0]);
    for gone in NAMES {
        let left: Vec<&str> = NAMES.into_iter().filter(|name| *name != gone).collect();
        let client_of_others = client(&left);
        let needs = lab
            .needs(&client_of_others.engine().await, &cache, None)
            .await;
        assert!(matches!(needs, Err(LabError::ImagesMissing(names)) if names == [gone]));
    }
}

#[tokio::test]
async fn an_image_of_somebodys_own_takes_the_place_of_a_released_one() {
    let own = ImagesWish {
        images: [(Part::Pilot, "mine/pilot:1".into())].into(),
        ..wish("1.30.4")
    };
    let others = NAMES.map(|name| name.replace("istio/pilot:1.30.4", "other:1"));
    let others = others.each_ref().map(String::as_str);
    let client = client(&others);
    let cache = Cache::at(client.folder().join("cache"));
    let lab = PulledLab::of(&own);
    let needs = lab.needs(&client.engine().await, &cache, None).await;
    let needs = needs.unwrap();
    assert!(needs.images[0].starts_with("meshproof.local/given/pilot:"));
    assert!(
        needs
            .artifacts
            .contains(&istio_version::artifact("sha256:mine"))
    );
}

#[tokio::test]
async fn a_folder_that_is_gone_needs_nothing() {
    let client = client(&NAMES);
    let cache = Cache::at(client.folder().join("cache"));
    let lab = PulledLab::of(&wish("/nowhere/mine"));
    let needs = lab.needs(&client.engine().await, &cache, None).await;
    assert!(
        matches!(needs, Err(LabError::ImagesMissing(_))),
        "{needs:?}"
    );
}
