use super::*;
use crate::lab::fake_client::FakeClient;
use crate::lab::images::wanted::Wanted;
use crate::lab::images::{ImagesWish, IstioWish, pins};

/// An engine with an image that is asked for, two old ones of which one is in use, and others'.
fn client() -> FakeClient {
    client_before(|client| client)
}

/// As [`client`], with something that is answered otherwise.
fn client_before(otherwise: impl FnOnce(FakeClient) -> FakeClient) -> FakeClient {
    let container =
        r#"[{"Id":"c","Name":"/a-node","Image":"sha256:used","Config":{},"Mounts":[]}]"#;
    otherwise(FakeClient::new("docker"))
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers(
            "images*dangling=true*label=io.meshproof.lab*",
            "sha256:replaced\nsha256:used\n",
        )
        .answers(
            "images*",
            "meshproof.local/node:new sha256:new\nmeshproof.local/node:old sha256:old\n\
             meshproof.local/istio/pilot:old sha256:used\nalpine:3 sha256:alpine\n\
             meshproof.local/probe:0 sha256:probe\n",
        )
        .answers("image inspect*", "511000000\n")
        .answers("ps*label=io.meshproof.lab*", "c a-node\n")
        .answers("inspect*", container)
}

/// A cache with an artifact that is asked for, an old one, and one that a cluster runs.
fn paths(client: &FakeClient) -> Paths {
    let paths = Paths {
        cache: client.folder().join("cache"),
        state: client.folder().join("state"),
    };
    let made = |artifact: &str| {
        let folder = paths.cache.join("artifacts").join(artifact);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("kind"), vec![7; 50_000]).unwrap();
        folder.join("kind")
    };
    made("kind-new");
    made("kubernetes-old");
    made("store-0");
    // The first is a cluster of this lab, the second of another one over the same cache.
    let other = client.folder().join("elsewhere/clusters/b");
    for (record, name, program) in [
        (paths.cluster("a"), "a", made("kind-old")),
        (other.clone(), "b", made("kind-older")),
    ] {
        std::fs::create_dir_all(&record).unwrap();
        let text = serde_json::json!({
            "name": name, "purpose": "a test", "complete": true, "containers": [],
            "running_since": [], "programs": [program],
        });
        std::fs::write(record.join("record.json"), text.to_string()).unwrap();
    }
    let stores = paths.cache.join("nodes/b");
    std::fs::create_dir_all(&stores).unwrap();
    node_stores::sign(&stores, &other).unwrap();
    paths
}

fn asked(whole_names: &[(&'static str, &str)]) -> Asked {
    Asked {
        images: ["meshproof.local/node:new".into()].into(),
        artifacts: ["kind-new".into()].into(),
        whole_names: whole_names
            .iter()
            .map(|(name, why)| (*name, (*why).to_owned()))
            .collect(),
        ..Asked::default()
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn what_nobody_asks_for_goes_and_what_is_in_use_stays() {
    let client = client();
    let paths = paths(&client);
    let engine = client.engine().await;
    let pruned = prune_but(&engine, &paths, &asked(&[]), false)
        .await
        .unwrap();
    let removed: Vec<_> = pruned
        .removed
        .iter()
        .map(|r| (r.kind, last(&r.name)))
        .collect();
    let expected = [
        ("image", "node:old"),
        ("image", "probe:0"),
        ("image", "sha256:replaced"),
        ("artifact", "kubernetes-old"),
        ("artifact", "store-0"),
    ];
    assert_eq!(removed, expected);
    assert_eq!(pruned.removed[0].bytes, 511_000_000);
    let kept: Vec<_> = pruned
        .kept
        .iter()
        .map(|(n, why)| (last(n), why.as_str()))
        .collect();
    let expected = [
        ("pilot:old", "the container a-node is made of it"),
        ("sha256:used", "the container a-node is made of it"),
        ("kind-old", "the cluster a was made with it"),
        ("kind-older", "the cluster b was made with it"),
    ];
    assert_eq!(kept, expected);
    let removals = client
        .calls()
        .into_iter()
        .filter(|call| call.contains("rmi"));
    let expected = [
        "docker rmi meshproof.local/node:old",
        "docker rmi meshproof.local/probe:0",
        "docker rmi sha256:replaced",
    ];
    assert_eq!(removals.collect::<Vec<_>>(), expected);
    let there = |artifact: &str| paths.cache.join("artifacts").join(artifact).exists();
    assert!(there("kind-new") && there("kind-old") && !there("kubernetes-old"));
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_removes_nothing() {
    let client = client();
    let paths = paths(&client);
    let engine = client.engine().await;
    let dry = prune_but(&engine, &paths, &asked(&[]), true).await.unwrap();
    assert!(!client.calls().iter().any(|call| call.contains("rmi")));
    assert!(paths.cache.join("artifacts/kubernetes-old").exists());
    let done = prune_but(&engine, &paths, &asked(&[]), false)
        .await
        .unwrap();
    assert_eq!(dry.removed, done.removed);
}

#[tokio::test]
async fn what_cannot_be_told_apart_stays() {
    let client = client().fails("rmi*", "conflict: unable to remove (must force)\n");
    let paths = paths(&client);
    let engine = client.engine().await;
    let asked = asked(&[("probe", "no probe"), ("store", "no probe")]);
    let pruned = prune_but(&engine, &paths, &asked, false).await.unwrap();
    let kept: Vec<_> = pruned.kept.iter().map(|(name, _)| last(name)).collect();
    assert!(
        kept.contains(&"probe:0") && kept.contains(&"store-0"),
        "{kept:?}"
    );
    assert!(
        pruned.failed[0].contains("must force"),
        "{:?}",
        pruned.failed
    );
}

#[tokio::test]
async fn an_artifact_that_cannot_be_moved_away_whole_stays_whole() {
    let client = client();
    let paths = paths(&client);
    std::fs::write(paths.cache.join("partial"), "in the way").unwrap();
    let engine = client.engine().await;
    let pruned = prune_but(&engine, &paths, &asked(&[]), false)
        .await
        .unwrap();
    assert_eq!(pruned.failed.len(), 2, "{:?}", pruned.failed);
    assert!(paths.cache.join("artifacts/kubernetes-old/kind").exists());
}

#[tokio::test]
async fn what_was_removed_is_told_whatever_fails_after_it() {
    let sizes = "image inspect*";
    let client =
        client_before(|client| client.fails(&format!("{sizes}node:old"), "Error: No such image\n"));
    let paths = paths(&client);
    let engine = client.engine().await;
    let pruned = prune_but(&engine, &paths, &asked(&[]), false).await;
    let pruned = pruned.expect("a report");
    assert!(pruned.failed[0].contains("No such image"), "{pruned:?}");
    assert_eq!(pruned.removed.len(), 4, "{pruned:?}");
}

#[tokio::test]
async fn labs_ask_for_every_artifact_of_their_builds() {
    let client = FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n");
    let cache = Cache::at(client.folder().join("cache"));
    let asked = Asked::by_labs(&client.engine().await, &cache, None)
        .await
        .unwrap();
    for istio in pins::ISTIO_BUILDS {
        for program in Wanted::of_any(istio, None).programs {
            assert!(
                asked.artifacts.contains(&program.folder()),
                "{}",
                program.folder()
            );
        }
    }
    let named = |name: &str| {
        asked
            .artifacts
            .iter()
            .any(|folder| folder.starts_with(name))
    };
    for name in [
        "envoy-",
        "etcd-",
        "coredns-",
        "ignite-jars-",
        "kind-files-",
        "kubernetes-",
        "go-",
    ] {
        assert!(named(name), "{name}");
    }
    assert!(
        asked
            .images
            .iter()
            .any(|image| image.starts_with("meshproof.local/debian:"))
    );
    assert!(asked.kept_by_name("store").is_some());
}

/// An engine with a lab that was pulled, and the record of it.
async fn pulled(names: &[&str]) -> (FakeClient, Cache, Asked) {
    let listed = names.iter().map(|name| format!("{name} sha256:1\n"));
    let client = FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("images*dangling=true*", "")
        .answers("images*", &listed.collect::<String>());
    let cache = Cache::at(client.folder().join("cache"));
    let wish = ImagesWish {
        istio: IstioWish::Release("1.30.4".into()),
        ..ImagesWish::default()
    };
    PulledLab::of(&wish).write(&cache).unwrap();
    let probe = ProbeBinary {
        path: "/nowhere".into(),
        version: "0".into(),
    };
    let engine = client.engine().await;
    let asked = Asked::by_labs(&engine, &cache, Some(&probe)).await;
    let asked = asked.unwrap();
    (client, cache, asked)
}

#[tokio::test]
async fn a_pulled_lab_asks_for_what_it_needs_until_its_images_are_gone() {
    let names = [
        "kindest/node:v1.34.11",
        "istio/pilot:1.30.4",
        "istio/proxyv2:1.30.4",
        "istio/istioctl:1.30.4",
        "apacheignite/ignite:2.16.0",
    ];
    let needed = [
        "kind-release-",
        "istioctl-names-",
        "node-version-",
        "proxy-filters-",
    ];
    let asks = |asked: &Asked, name: &str| {
        let mut folders = asked.artifacts.iter();
        folders.any(|folder| folder.starts_with(name))
    };
    let (_client, _, asked) = pulled(&names).await;
    assert_eq!(asked.pulled.len(), 1, "{asked:?}");
    assert_eq!(asked.given_up, []);
    for name in needed {
        assert!(asks(&asked, name), "{name}");
    }
    // What is prepared for it is told by a probe and a kind that need not be here.
    let probes = asked.images.iter().filter(|name| name.contains("/probe:"));
    assert!(probes.count() > 1, "{asked:?}");

    let (client, cache, asked) = pulled(&names[1..]).await;
    assert_eq!(asked.given_up.len(), 1, "{asked:?}");
    assert_eq!(asked.pulled, []);
    assert!(!asks(&asked, needed[0]));
    let paths = Paths {
        cache: cache.root().to_owned(),
        state: client.folder().join("state"),
    };
    let engine = client.engine().await;
    for (dry_run, left) in [(true, 1), (false, 0)] {
        let pruned = prune_but(&engine, &paths, &asked, dry_run).await.unwrap();
        let told: Vec<&str> = pruned.removed.iter().map(|r| r.name.as_str()).collect();
        let expected = "the pulled lab of Istio 1.30.4, Kubernetes v1.34.11, Ignite 2.16.0, whose \
                        images are gone";
        assert_eq!(told, [expected]);
        assert_eq!(PulledLab::recorded(&cache).len(), left);
    }
}
