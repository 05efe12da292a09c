//! What becomes of a cluster whose kubeconfig other programs wrote into.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::lab::cluster::Record;
use crate::lab::fake_client::FakeClient;
use crate::lab::{Lease, Paths};
use crate::progress::{Lines, Progress};

const NAME: &str = "kind-meshproof-x";
const SERVER: &str = "https://127.0.0.1:41233";

/// A kubeconfig as kind writes it, as far as it is read here.
fn by_kind() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": NAME,
        "clusters": [{ "name": NAME, "cluster": { "server": SERVER } }],
        "contexts": [{ "name": NAME, "context": { "cluster": NAME, "user": NAME } }],
        "users": [{ "name": NAME, "user": {} }],
    })
}

/// The same after a cloud's `get-credentials`.
fn with_a_login_elsewhere() -> Value {
    let mut kubeconfig = by_kind();
    for (list, entry) in [
        (
            "clusters",
            json!({ "name": "gke_prod", "cluster": { "server": "https://192.0.2.1" } }),
        ),
        (
            "contexts",
            json!({ "name": "gke_prod", "context": { "cluster": "gke_prod", "user": "gke_prod" } }),
        ),
        (
            "users",
            json!({ "name": "gke_prod", "user": { "token": "secret" } }),
        ),
    ] {
        kubeconfig[list].as_array_mut().unwrap().push(entry);
    }
    kubeconfig["current-context"] = "gke_prod".into();
    kubeconfig
}

/// A complete cluster with this kubeconfig, whose one node runs.
fn cluster(kubeconfig: &Value) -> (FakeClient, Cluster) {
    let client = FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("ps*", "a a\n")
        .answers("inspect*", "true then\n");
    let paths = Paths {
        cache: client.folder().join("cache"),
        state: client.folder().join("state"),
    };
    let record = Record {
        complete: true,
        containers: vec!["a".into()],
        running_since: vec!["then".into()],
        server: Some(SERVER.into()),
        ..Record::begun("meshproof-x".into(), "a test".into())
    };
    let cluster = Cluster::of(&paths, record);
    std::fs::create_dir_all(cluster.folder()).unwrap();
    std::fs::write(cluster.kubeconfig(), kubeconfig.to_string()).unwrap();
    (client, cluster)
}

#[tokio::test]
async fn a_kubeconfig_that_leads_elsewhere_is_not_connected_with() {
    let other = |pointer: &str, value: &str| {
        let mut kubeconfig = by_kind();
        *kubeconfig.pointer_mut(pointer).unwrap() = value.into();
        kubeconfig
    };
    let elsewhere = "https://127.0.0.1:6443";
    for (kubeconfig, told) in [
        (
            with_a_login_elsewhere(),
            "its current context is \"gke_prod\", not kind-meshproof-x",
        ),
        (
            other("/clusters/0/cluster/server", elsewhere),
            "its server is https://127.0.0.1:6443, not https://127.0.0.1:41233",
        ),
        (
            other("/contexts/0/context/cluster", "gke_prod"),
            "its context names the cluster \"gke_prod\"",
        ),
        (
            other("/contexts/0/context/user", "gke_prod"),
            "its context names the user \"gke_prod\"",
        ),
        (other("/contexts/0/name", "mine"), "it has no context"),
        (other("/clusters/0/name", "mine"), "it has no server for"),
        (Value::from("x"), "it cannot be read"),
    ] {
        let (client, cluster) = cluster(&kubeconfig);
        let unfit = cluster.connect(1.0).await.err().expect(told);
        assert!(unfit.to_string().contains(told), "{unfit}");
        let unhealthy = cluster.unhealthy(&client.engine().await, 1).await.unwrap();
        let begins = format!("its kubeconfig is not as kind made it: {told}");
        assert!(
            unhealthy
                .as_ref()
                .is_some_and(|why| why.starts_with(&begins)),
            "{unhealthy:?}"
        );
    }
}

#[tokio::test]
async fn what_kind_wrote_is_connected_with_whatever_stands_beside_it() {
    let mut beside = with_a_login_elsewhere();
    beside["current-context"] = NAME.into();
    for kubeconfig in [by_kind(), beside] {
        let (_client, mut cluster) = cluster(&kubeconfig);
        cluster.connect(1.0).await.unwrap();
        // A record of before the server was written down.
        cluster.record.server = None;
        assert!(cluster.connect(1.0).await.is_err());
        assert_eq!(cluster.server_in_kubeconfig().unwrap(), SERVER);
    }
}

#[tokio::test]
async fn logins_of_other_clusters_outlive_the_cluster_and_are_told_where() {
    let (client, cluster) = cluster(&with_a_login_elsewhere());
    let engine = client.engine().await;
    let kept = client.folder().join("state/kubeconfigs");
    let told = tempfile::NamedTempFile::new().unwrap();
    let lines = Lines::to(told.reopen().unwrap(), Duration::MAX);
    let progress = Progress::shown_by(lines);
    cluster.delete(&engine, &progress).await.unwrap();
    let (first, second) = (kept.join("meshproof-x"), kept.join("meshproof-x-2"));
    assert!(std::fs::read_to_string(&first).unwrap().contains("secret"));
    // What cannot be read may hold some.
    std::fs::write(cluster.kubeconfig(), "a: [").unwrap();
    let lease = Lease::exclusive(cluster.folder(), "a test", &progress);
    let lease = lease.await.unwrap();
    let deleted = cluster.delete_wholly(&engine, lease, &progress);
    deleted.await.unwrap();
    assert!(!cluster.folder().exists());
    assert_eq!(std::fs::read_to_string(&second).unwrap(), "a: [");
    assert_eq!(
        std::fs::read_to_string(told.path()).unwrap(),
        format!(
            "The kubeconfig of the cluster meshproof-x holds logins of other clusters (gke_prod) and is \
             kept: {}\nThe kubeconfig of the cluster meshproof-x holds what cannot be read and is \
             kept: {}\n",
            first.display(),
            second.display()
        )
    );
}

#[tokio::test]
async fn what_kind_wrote_goes_with_the_cluster() {
    let (client, cluster) = cluster(&by_kind());
    let (engine, progress) = (client.engine().await, Progress::silent());
    cluster.delete(&engine, &progress).await.unwrap();
    assert!(!cluster.kubeconfig().exists());
    assert!(!client.folder().join("state/kubeconfigs").exists());
}
