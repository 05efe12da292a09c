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

#[tokio::test]
async fn what_is_superseded_takes_no_room_and_what_is_held_does() {
    let plain = "Istio 1.30.5, sidecar mode auto";
    let node = |name: &str| {
        serde_json::json!([{ "Id": format!("{name}-node"), "Name": format!("/{name}-node"), "Mounts": [
            { "Source": format!("/{name}/marker"), "Destination": "/meshproof" },
        ] }])
    };
    for held in [false, true] {
        let (client, paths) = place();
        let client = client
            .answers_after("docker rm", "ps*", "")
            .answers("ps*label=*", "")
            .answers("ps*", "old-node old-node\n")
            .answers("inspect*", &node("old").to_string());
        let by = stands(&paths, "new", plain, false);
        let old = stands(&paths, "old", plain, true);
        let progress = Progress::silent();
        let lease = match held {
            true => Some(Lease::exclusive(old.folder(), "meshproof guide", &progress).await),
            false => None,
        };
        // It is as much as one lab takes.
        let removed = || client.calls().iter().any(|call| call.contains("docker rm"));
        let room = || Room {
            memory_mib: Some(if removed() { 5000 } else { 1000 }),
            watches: None,
        };
        let engine = client.engine().await;
        let way = make_way(&paths, &engine, &by, room, &progress).await;
        match held {
            true => assert!(matches!(way, Err(LabError::NoMemory { .. })), "{way:?}"),
            false => way.unwrap(),
        }
        drop(lease);
    }
}
