//! Which clusters go when another is made.

use super::*;
use crate::lab::fake_client::FakeClient;

/// Folders of a lab, and an engine without containers.
fn place() -> (FakeClient, Paths) {
    let client = FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n");
    let paths = Paths {
        cache: client.folder().join("cache"),
        state: client.folder().join("state"),
    };
    (client, paths)
}

/// Puts a cluster on record.
fn stands(paths: &Paths, name: &str, purpose: &str, complete: bool) -> Cluster {
    let record = serde_json::json!({
        "name": name, "purpose": purpose, "complete": complete,
        "containers": [format!("{name}-node")], "running_since": ["then"],
    });
    let folder = paths.cluster(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("record.json"), record.to_string()).unwrap();
    let mut all = Cluster::all(paths).unwrap().into_iter();
    let found = all.find(|cluster| cluster.record.name == name);
    found.expect("it is on record")
}

fn names(paths: &Paths) -> Vec<String> {
    let all = Cluster::all(paths).unwrap().into_iter();
    let mut names: Vec<_> = all.map(|cluster| cluster.record.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_newer_lab_for_the_same_wish_replaces_the_older_and_no_other() {
    let (client, paths) = place();
    let plain = "Istio 1.30.5, sidecar mode auto";
    let by = stands(&paths, "new", plain, false);
    stands(&paths, "old", plain, true);
    stands(
        &paths,
        "other-k8s",
        &format!("{plain}, Kubernetes v1.33.1"),
        true,
    );
    stands(&paths, "never-completed", "another", false);
    let held = stands(&paths, "held", plain, true);
    let progress = Progress::silent();
    let lease = Lease::exclusive(held.folder(), "meshproof guide", &progress);
    let _lease = lease.await.unwrap();
    let engine = client.engine().await;
    remove_superseded(&paths, &engine, &by, &progress)
        .await
        .unwrap();
    assert_eq!(names(&paths), ["held", "new", "other-k8s"]);
}
