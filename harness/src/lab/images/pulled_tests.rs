use super::*;
use crate::lab::fake_client::FakeClient;

fn client() -> FakeClient {
    FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n")
}

#[tokio::test]
async fn a_pinned_name_with_another_digest_is_missing() {
    let node = released::node();
    let digest = node.digest.unwrap();
    let other = format!("kindest/node@sha256:{}\n", "0".repeat(64));
    let mirrored = format!("{other}h:5000/kindest/node@{digest}\n");
    let wish = ImagesWish::default();
    for (served, lacks) in [(&*other, true), (&*mirrored, false), ("", false)] {
        let names = wanted(&wish).into_iter().map(|image| image.name);
        let names: String = names.map(|name| format!("{name} sha256:1\n")).collect();
        let client = client()
            .answers("images*", &names)
            .answers("image inspect*", served);
        let found = Found::look(&client.engine().await, &wish).await.unwrap();
        let expected: &[&Released] = if lacks { &[&node] } else { &[] };
        assert_eq!(found.missing(), expected, "{served}");
    }
}

#[test]
fn each_version_names_its_own_images_and_what_is_given_is_not_asked_for() {
    let wish = ImagesWish {
        istio: "1.30.5".parse().unwrap(),
        kubernetes: Some("v1.35.8".into()),
        ..ImagesWish::default()
    };
    let names = |wish: &ImagesWish| -> Vec<String> {
        let all = wanted(wish).into_iter();
        all.map(|image| image.name).collect()
    };
    let all = [
        "kindest/node:v1.35.8",
        "istio/pilot:1.30.5",
        "istio/proxyv2:1.30.5",
        "istio/istioctl:1.30.5",
        "apacheignite/ignite:2.16.0",
    ];
    assert_eq!(names(&wish), all);
    let given = ImagesWish {
        images: [(Part::Istioctl, "mine/istioctl:1".into())].into(),
        ..wish.clone()
    };
    assert_eq!(names(&given), [all[0], all[1], all[2], all[4]]);
    let folder = ImagesWish {
        istio: IstioWish::Folder("mine".into()),
        ..wish
    };
    assert_eq!(names(&folder), [all[0], all[4]]);
}
