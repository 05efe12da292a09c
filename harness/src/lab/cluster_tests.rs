//! A cluster's name, and what is done about leftovers and other people's nodes before it is made.

use super::*;
use crate::lab::Lease;
use crate::lab::fake_client::FakeClient;
use crate::lab::images::{Chosen, Istio, Present, Source};
use crate::lab::kind::KindCluster;
use crate::lab::room::Room;
use crate::lab::watches::Watches;
use crate::progress::Progress;

/// Enough of everything.
const PLENTY: Room = Room {
    memory_mib: None,
    watches: None,
};

pub(super) fn images() -> Images {
    let image = |name: &str| Present {
        reference: name.into(),
        id: format!("sha256:{name}"),
        lab_name: name.into(),
        origin: "a test".into(),
    };
    Images {
        node: image("node"),
        inside: vec![image("ignite")],
        kubernetes: "v1.34.4".into(),
        istio: Istio {
            id: "1.30.5".into(),
            filters: true,
        },
        kind: "/nowhere/kind".into(),
        istioctl: "/nowhere/istioctl".into(),
        source: Chosen {
            source: Source::Build,
            why: "a test".into(),
        },
    }
}

pub(super) fn wanted<'a>(
    images: &'a Images,
    topology: &'a Topology,
    asked: &'a ImagesWish,
) -> Wanted<'a> {
    Wanted {
        images,
        asked,
        topology,
        sidecar_mode: "auto",
        mesh_values: None,
    }
}

fn name_in(state: &Path) -> String {
    name_with(state, None)
}

fn name_with(state: &Path, mesh_values: Option<&str>) -> String {
    let paths = Paths {
        cache: "/nowhere".into(),
        state: state.to_owned(),
    };
    let (images, topology) = (images(), Topology::for_cpus(2).unwrap());
    let asked = ImagesWish::default();
    let wanted = Wanted {
        mesh_values,
        ..wanted(&images, &topology, &asked)
    };
    Cluster::wanted(&paths, &wanted).record.name
}

#[test]
fn two_state_folders_never_want_the_same_name() {
    let home = std::env::var_os("HOME").expect("a home");
    let own = name_in(&Path::new(&home).join(".local/state/meshproof"));
    // The name of before there were others: clusters that stand are found again.
    let topology = Topology::for_cpus(2).unwrap();
    let key = Key::over("cluster")
        .add("sha256:node")
        .add(kind::configuration(&topology, "v1.34.4", &[]))
        .add("auto")
        .add("sha256:ignite")
        .add("ignite")
        .finish();
    assert_eq!(own, format!("meshproof-{key}"));
    let (one, other) = (name_in(Path::new("/one")), name_in(Path::new("/other")));
    assert!(own != one && one != other && other != own);
    assert_eq!(one, name_in(Path::new("/one")));
    let values = name_with(Path::new("/one"), Some("spec: {}"));
    assert_ne!(one, values, "other install values are another cluster");
}

fn cluster(client: &FakeClient) -> Cluster {
    let paths = Paths {
        cache: client.folder().join("cache"),
        state: client.folder().join("state"),
    };
    Cluster::of(&paths, Record::begun("meshproof-x".into(), "a test".into()))
}

/// An engine in which a node of that name stands, with this folder as its mark.
fn engine_with_node(marker: Option<&Path>) -> FakeClient {
    let mounts: Vec<_> = marker
        .iter()
        .map(|source| serde_json::json!({ "Source": source, "Destination": MARKER_MOUNT }))
        .collect();
    let node = serde_json::json!([{ "Id": "a", "Name": "/a", "Mounts": mounts }]);
    FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("ps*label=io.x-k8s.kind.cluster=meshproof-x", "a a\n")
        .answers("ps*volume=/meshproof", "a a\n")
        .answers("inspect*", &node.to_string())
}

#[tokio::test]
async fn somebody_elses_cluster_of_our_name_is_told_and_left_alone() {
    for (marker, told) in [
        (None, "kind delete cluster --name meshproof-x"),
        (
            Some(Path::new("/their/clusters/meshproof-x/marker")),
            "/their/clusters/meshproof-x",
        ),
    ] {
        let client = engine_with_node(marker);
        let cluster = cluster(&client);
        let engine = client.engine().await;
        let error = cluster.can_be_made(&engine, PLENTY).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        let changing = |call: &String| call.contains(" rm ") || call.contains(" run ");
        assert!(!client.calls().iter().any(changing), "{:?}", client.calls());
        assert!(!cluster.folder().exists());
    }
}

#[tokio::test]
async fn our_own_left_nodes_are_no_obstacle() {
    let place = tempfile::tempdir().unwrap();
    let client = engine_with_node(Some(&place.path().join("marker")));
    let mut cluster = cluster(&client);
    cluster.folder = place.path().to_owned();
    let engine = client.engine().await;
    cluster.can_be_made(&engine, PLENTY).await.unwrap();
}

#[tokio::test]
async fn kinds_lock_of_the_kubeconfig_goes_with_the_cluster() {
    let client = FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n");
    let cluster = cluster(&client);
    std::fs::create_dir_all(cluster.folder()).unwrap();
    for file in ["kubeconfig", "kubeconfig.lock", "record.json"] {
        std::fs::write(cluster.folder().join(file), "{}").unwrap();
    }
    let engine = client.engine().await;
    cluster.delete(&engine, &Progress::silent()).await.unwrap();
    assert_eq!(std::fs::read_dir(cluster.folder()).unwrap().count(), 0);
}

#[tokio::test]
async fn kind_writes_our_kubeconfig_and_no_other() {
    let kind = FakeClient::new("kind");
    let ours = kind.folder().join("kubeconfig");
    let made = KindCluster {
        kubernetes: "v1.34.4".into(),
        program: kind.program().into(),
        name: "meshproof-x".into(),
        node_image: "node".into(),
        topology: Topology::for_cpus(2).unwrap(),
        mounts: vec![],
        kubeconfig: ours.clone(),
    };
    made.create().await.unwrap();
    let named = format!("--kubeconfig {}", ours.display());
    assert!(kind.calls()[0].ends_with(&named), "{:?}", kind.calls());
}

#[tokio::test]
async fn a_second_lab_that_finds_no_memory_is_told_of_the_first_and_its_holder() {
    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("clusters/meshproof-y");
    let mounts = serde_json::json!([{
        "Source": other.join("marker"), "Destination": MARKER_MOUNT
    }]);
    let node = serde_json::json!([{ "Id": "a", "Name": "/a", "Mounts": mounts }]);
    let client = FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("ps*volume=/meshproof", "a a\n")
        .answers("inspect*", &node.to_string());
    let progress = Progress::silent();
    let lease = Lease::exclusive(&other, "meshproof guide", &progress);
    let _held = lease.await.unwrap();
    let engine = client.engine().await;
    let mut ours = cluster(&client);
    let little = Room {
        memory_mib: Some(1),
        ..PLENTY
    };
    let error = ours.can_be_made(&engine, little).await.unwrap_err();
    let told = format!(
        "meshproof-y (held by pid {}: meshproof guide)",
        std::process::id()
    );
    assert!(error.to_string().contains(&told), "{error}");
    ours.can_be_made(&engine, PLENTY).await.unwrap();
    let few = Room {
        watches: Some(Watches {
            limit: 128,
            used: 127,
        }),
        ..PLENTY
    };
    let error = ours.can_be_made(&engine, few).await.unwrap_err();
    assert!(error.to_string().contains(&told), "{error}");
    // Its own nodes are replaced.
    ours.folder = other;
    ours.can_be_made(&engine, little).await.unwrap();
}
