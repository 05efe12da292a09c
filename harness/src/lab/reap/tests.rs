//! Reaping on an engine that only says what it would do, and on folders that are real.

use std::path::PathBuf;

use super::*;
use crate::lab::fake_client::FakeClient;
use crate::process::lineage::Identity;

/// Folders of a lab that are gone with this value.
struct Place(tempfile::TempDir, Paths);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            cache: folder.path().join("cache"),
            state: folder.path().join("state"),
        };
        Self(folder, paths)
    }

    fn file(&self, path: &str) -> PathBuf {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, vec![7; 20_000]).unwrap();
        path
    }

    /// What `docker inspect` says of a node of this cluster.
    fn node(&self, id: &str, state: &str, cluster: &str) -> serde_json::Value {
        let place = self.0.path();
        serde_json::json!({
            "Id": id, "Name": format!("/{cluster}-{id}"), "Config": { "Labels": {} },
            "Mounts": [
                { "Source": place.join(state).join("clusters").join(cluster).join("marker"),
                  "Destination": "/meshproof" },
                { "Source": place.join("cache/nodes").join(cluster).join(id),
                  "Destination": "/var/lib/containerd" },
            ],
        })
    }
}

fn engine_with(nodes: &[serde_json::Value], helpers: &[serde_json::Value]) -> FakeClient {
    let listed = |all: &[serde_json::Value]| {
        let line = |c: &serde_json::Value| format!("{} some-name\n", c["Id"].as_str().unwrap());
        all.iter().map(line).collect::<String>()
    };
    let text = |all: &[serde_json::Value]| serde_json::to_string(all).unwrap();
    let ids = |all: &[serde_json::Value]| {
        let ids: Vec<_> = all.iter().map(|c| c["Id"].as_str().unwrap()).collect();
        ids.join(" ")
    };
    let mut client = FakeClient::new("docker")
        .answers("version*", "20.10.24 linux/amd64\n")
        .answers("ps*volume=/meshproof", &listed(nodes))
        .answers("ps*label=io.meshproof.maker", &listed(helpers))
        .answers("ps*network=meshproof", "")
        .answers("ps*", &(listed(nodes) + &listed(helpers)))
        .answers("network ls*", "meshproof\n")
        .answers("volume ls*label=*", "labelled\n");
    for all in [nodes, helpers] {
        client = client.answers(&format!("inspect*{}", ids(all)), &text(all));
    }
    client
}

async fn reaped(client: &FakeClient, place: &Place, dry_run: bool) -> Reaped {
    let reaping = Reaping {
        dry_run,
        command: "meshproof reap".into(),
    };
    let engine = Ok(client.engine().await);
    reap_with(engine, vec![], &place.1, &reaping).await.unwrap()
}

/// Kind and last part of the name of each.
fn removed(reaped: &Reaped) -> Vec<String> {
    let line = |r: &Removed| format!("{} {}", r.kind, r.name.rsplit('/').next().unwrap());
    reaped.removed.iter().map(line).collect()
}

fn kept(reaped: &Reaped) -> Vec<String> {
    let line = |k: &Kept| {
        format!(
            "{} {}: {}",
            k.kind,
            k.name.rsplit('/').next().unwrap(),
            k.because
        )
    };
    reaped.kept.iter().map(line).collect()
}

fn asked_to_remove(client: &FakeClient) -> Vec<String> {
    let calls = client.calls().into_iter();
    calls.filter(|call| call.contains(" rm ")).collect()
}

#[tokio::test]
async fn all_that_a_killed_run_leaves_is_removed() {
    let place = Place::new();
    let record = place.file("state/clusters/dead/kubeconfig.lock");
    let store = place.file("cache/nodes/dead/a/blob");
    let artifact = place.file("cache/artifacts/kind-1/kind");
    let half = place.file("cache/partial/store-1/blob");
    let context = place.file("cache/context-x/Dockerfile");
    std::fs::create_dir_all(place.1.state.join("runs/killed/captures")).unwrap();
    let capture = place.file("state/runs/telling/captures/T1a/index.txt");
    let report = place.file("state/runs/ended/report.json");
    let client = engine_with(&[place.node("a", "state", "dead")], &[]);
    let reaped = reaped(&client, &place, false).await;
    assert_eq!(reaped.failed, [""; 0]);
    assert_eq!(
        removed(&reaped),
        [
            "container dead-a",
            "node stores dead",
            "cluster dead",
            "volume labelled",
            "network meshproof",
            "half-made context-x",
            "half-made store-1",
            "run killed",
        ]
    );
    assert_eq!(
        kept(&reaped),
        ["run telling: it did not end, but holds captures; delete it after a look"]
    );
    for gone in [record, store, half, context] {
        assert!(!gone.exists(), "{}", gone.display());
    }
    for there in [artifact, capture, report] {
        assert!(there.exists(), "{}", there.display());
    }
    assert_eq!(
        asked_to_remove(&client),
        [
            "docker rm --force --volumes a",
            "docker volume rm labelled",
            "docker network rm meshproof",
        ]
    );
    assert!(reaped.bytes_freed() >= 4 * 20_000, "{reaped:?}");
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_touches_nothing() {
    let place = Place::new();
    place.file("state/clusters/dead/kubeconfig");
    place.file("cache/nodes/dead/a/blob");
    place.file("cache/partial/store-1/blob");
    std::fs::create_dir_all(place.1.state.join("runs/killed")).unwrap();
    let client = engine_with(&[place.node("a", "state", "dead")], &[]);
    let tree = || {
        let mut left = vec![place.0.path().to_owned()];
        let mut seen = vec![];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            }
            seen.push(path);
        }
        seen.sort();
        seen
    };
    let before = tree();
    let dry = reaped(&client, &place, true).await;
    assert_eq!(tree(), before);
    assert_eq!(asked_to_remove(&client), [""; 0]);
    let real = reaped(&client, &place, false).await;
    assert_eq!(removed(&dry), removed(&real));
    assert!(dry.dry_run && !real.dry_run);
}

#[tokio::test]
async fn logins_in_a_dead_clusters_kubeconfig_are_kept_and_told_where() {
    let place = Place::new();
    let path = place.file("state/clusters/dead/kubeconfig");
    std::fs::write(&path, "users: [{ name: prod, user: { token: secret } }]").unwrap();
    let client = engine_with(&[], &[]);
    let because = "it holds logins of other clusters (prod)";
    let dry = reaped(&client, &place, true).await;
    assert_eq!(kept(&dry), [format!("kubeconfig kubeconfig: {because}")]);
    assert!(path.exists());
    let real = reaped(&client, &place, false).await;
    assert_eq!(kept(&real), [format!("kubeconfig dead: {because}")]);
    assert_eq!(removed(&real)[0], "cluster dead");
    assert!(!path.exists());
    let kept = std::fs::read_to_string(place.1.kept_kubeconfigs().join("dead"));
    assert!(kept.unwrap().contains("secret"));
}

#[tokio::test]
async fn what_a_live_run_holds_stays_and_its_holder_is_named() {
    let place = Place::new();
    let Attempt::Taken(_cluster) =
        Lease::attempt(&place.1.cluster("live"), "meshproof guide").unwrap()
    else {
        panic!("nobody else is here");
    };
    let store = place.file("cache/nodes/live/a/blob");
    let half = place.file("cache/partial/istio-1/blob");
    let lock = place.1.cache.join("build.lock");
    let Attempt::Taken(_cache) = lease::try_file(&lock, "meshproof images build").unwrap() else {
        panic!("nobody else is here");
    };
    let run = place.1.state.join("runs/live");
    std::fs::create_dir_all(&run).unwrap();
    let running = std::fs::File::open(&run).unwrap();
    running.lock().unwrap();
    let helper = |id: &str, maker: &str| {
        serde_json::json!({
            "Id": id, "Name": format!("/{id}"), "Mounts": [],
            "Config": { "Labels": { "io.meshproof.maker": maker } },
        })
    };
    let helpers = [
        helper("needed", &Identity::own().to_string()),
        helper("forgotten", "of-an-earlier-boot/1/2"),
    ];
    let client = engine_with(&[place.node("a", "state", "live")], &helpers);
    let reaped = reaped(&client, &place, false).await;
    let ours = |command: &str| format!("held by pid {}: {command}", std::process::id());
    let kept = kept(&reaped);
    assert_eq!(
        kept[0],
        format!("cluster live: {}", ours("meshproof guide"))
    );
    assert!(
        kept[1].starts_with("container needed: held by pid "),
        "{kept:?}"
    );
    assert_eq!(
        kept[2],
        format!(
            "half-made what is being made: {}",
            ours("meshproof images build")
        )
    );
    assert_eq!(kept[3], "run live: the run goes on");
    assert_eq!(
        removed(&reaped)[0],
        "container forgotten",
        "whose maker is dead"
    );
    assert_eq!(
        asked_to_remove(&client)[0],
        "docker rm --force --volumes forgotten"
    );
    assert!(store.exists() && half.exists() && run.exists());
}

#[tokio::test]
async fn another_labs_nodes_stay_unless_their_record_is_gone() {
    let place = Place::new();
    place.file("other/clusters/standing/record.json");
    let theirs = place.file("cache/nodes/standing/.cluster");
    let record = place.0.path().join("other/clusters/standing");
    std::fs::write(&theirs, record.to_str().unwrap()).unwrap();
    let gone = place.file("cache/nodes/gone/b/blob");
    let nodes = [
        place.node("a", "other", "standing"),
        place.node("b", "deleted", "gone"),
    ];
    let client = engine_with(&nodes, &[]);
    let reaped = reaped(&client, &place, false).await;
    assert_eq!(asked_to_remove(&client)[0], "docker rm --force --volumes b");
    let state = place.0.path().join("other");
    assert!(
        kept(&reaped)[0].ends_with(&format!(
            "MESHPROOF_STATE_DIR={} meshproof reap",
            state.display()
        )),
        "{:?}",
        kept(&reaped)
    );
    assert!(theirs.exists() && !gone.exists());
}

#[tokio::test]
async fn without_an_engine_clusters_stay_on_record() {
    let place = Place::new();
    let record = place.file("state/clusters/dead/record.json");
    let store = place.file("cache/nodes/dead/a/blob");
    let half = place.file("cache/partial/store-1/blob");
    let reaping = Reaping {
        dry_run: false,
        command: "meshproof reap".into(),
    };
    let engine = Err(LabError::NoEngine("it is down".into()));
    let orphan = Started {
        process: Identity::own().clone(),
        command: "kind create cluster".into(),
        by: Identity::own().clone(),
    };
    let reaped = reap_with(engine, vec![orphan], &place.1, &reaping);
    let reaped = reaped.await.unwrap();
    let process = &reaped.removed[0];
    assert_eq!(process.kind, Kind::Process);
    assert!(
        process.name.ends_with(" kind create cluster"),
        "{process:?}"
    );
    assert!(reaped.failed[0].contains("it is down"), "{reaped:?}");
    assert!(record.exists() && store.exists() && !half.exists());
}
