//! Filling a store, with an engine that only says that it does.

use super::*;
use crate::lab::fake_client::FakeClient;
use crate::lab::images::{Chosen, Istio, Present, Source};

/// A node image, and one that runs inside.
pub fn images() -> Images {
    let image = |name: &str| Present {
        reference: name.into(),
        id: format!("sha256:{name}"),
        lab_name: format!("released/{name}"),
        origin: "a test".into(),
    };
    Images {
        node: image("node"),
        inside: vec![image("etcd")],
        kubernetes: "v1.34.4".into(),
        istio: Istio {
            id: "1.30.5".into(),
            filters: true,
        },
        kind: "kind".into(),
        istioctl: "istioctl".into(),
        source: Chosen {
            source: Source::Pull,
            why: "a test".into(),
        },
    }
}

#[tokio::test]
async fn a_container_that_still_fills_the_store_is_ended_first() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("store-1");
    let client = FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers(
            &format!("ps*--filter volume={}", at.display()),
            "left some-name\n",
        )
        .answers("ps*", "left some-name\nours other-name\n")
        .answers("run*", "ours\n");
    let images = images();
    fill(&client.engine().await, &images, &at).await.unwrap();
    let calls = client.calls();
    let at = |what: &str| calls.iter().position(|call| call.contains(what));
    let (ended, started) = (at("rm --force --volumes left"), at(" run "));
    assert!(ended.is_some() && ended < started, "{calls:?}");
    assert!(at("rm --force --volumes ours") > started, "{calls:?}");
}

#[tokio::test]
async fn a_linked_store_is_taken_where_nothing_hinders_it() {
    let client = FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n");
    let engine = client.engine().await;
    let cache = Cache::at(client.folder().join("cache"));
    let store = cache.place(STORE, &Delivery::key(&images()));
    assert_eq!(
        Delivery::find(&engine, &cache, &images()).await.unwrap(),
        None
    );
    for database in DATABASES {
        let database = store.join(database);
        std::fs::create_dir_all(database.parent().unwrap()).unwrap();
        std::fs::write(database, "bolt").unwrap();
    }
    let blob = store.join("blob");
    std::fs::write(&blob, "content").unwrap();
    let found = Delivery::find(&engine, &cache, &images()).await.unwrap();
    let found = found.expect("the store");
    assert_eq!(found, Delivery::LinkedStore(store.clone()));
    assert_eq!(found.node_image(&images()), "node");
    let node = client.folder().join("node");
    let mounted = found.mounts_for_node(node.clone()).await.unwrap();
    assert_eq!(mounted, Some((node.clone(), "/var/lib/containerd")));
    let links = |path: PathBuf| std::os::unix::fs::MetadataExt::nlink(&path.metadata().unwrap());
    assert_eq!(links(node.join("blob")), 2);
    assert_eq!(links(node.join(DATABASES[0])), 1);
    found.compare().await.unwrap();
    std::fs::write(store.join("blob"), "no content").unwrap();
    let told = found.compare().await.unwrap_err().to_string();
    assert!(
        told.contains("blob is damaged: it is not as it was"),
        "{told}"
    );
    assert!(
        told.contains(&format!("; delete {} and run ci/setup", store.display())),
        "{told}"
    );
}

#[tokio::test]
async fn a_store_that_was_changed_is_made_anew_where_all_may_be_made() {
    // It mounts nothing, so that what comes in its place is an image.
    let client = FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("run*--rm*", "unseen\n")
        .answers("run*", "helper\n");
    let engine = client.engine().await;
    let cache = Cache::at(client.folder().join("cache"));
    let store = cache.place(STORE, &Delivery::key(&images()));
    std::fs::create_dir_all(&store).unwrap();
    std::fs::write(store.join("blob"), "content").unwrap();
    let silent = Progress::silent();
    let prepared = async || Delivery::prepare_whole(&engine, &cache, &images(), &silent).await;
    assert_eq!(
        prepared().await.unwrap(),
        Delivery::LinkedStore(store.clone())
    );
    std::fs::write(store.join("blob"), "no content").unwrap();
    let anew = prepared().await.unwrap();
    assert!(matches!(anew, Delivery::PreloadedNode { .. }), "{anew:?}");
    assert!(!store.exists());
}
