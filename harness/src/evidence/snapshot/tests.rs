//! A snapshot of a mocked cluster in which secrets are planted, and the recorded snapshots, in which
//! there are none.

use std::path::Path;

use hyper::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;

use super::*;

/// None of these was ever a secret; each holds `planted`, or these digits.
const LICENSE: &str = "<gridgain-license-v2 version=\"2.1\">\n  <id>planted-1</id>\n  \
     <signature>302C02147planted</signature>\n</gridgain-license-v2>";
/// A license that is given to the run, of which a log tells the id.
const GIVEN: &str = "<l><id>given-0000-planted</id></l>";
const GIVEN_ID: &str = "given-0000-planted";
const DIGITS: &str = "12345678";

fn log() -> String {
    format!(
        "[10:00:00,100][INFO][main][IgniteKernal] VM arguments: [-Xms1g, \
         -Djavax.net.ssl.keyStorePassword=planted, -Ddb.password={DIGITS}, -Xmx1g]\n\
         License file:\n{LICENSE}\n\
         [10:00:01,000][INFO][main][X] --password planted, then Authorization: Basic planted\n\
         [10:00:02,000][SEVERE][main][X] the id {GIVEN_ID} is not known\n"
    )
}

fn containers() -> Value {
    json!([{
        "name": "node",
        "image": "apacheignite/ignite:2.16.0",
        "command": ["java", "-Djavax.net.ssl.trustStorePassword=planted", "-Xmx1g"],
        "args": ["--password", DIGITS, "--license", LICENSE, "--token-file", "/kept"],
        "env": [{ "name": "DB_PASSWORD", "value": DIGITS }],
        "lifecycle": { "postStart": { "exec": {
            "command": ["sh", "-c", "keytool -storepass planted -list"] } } }
    }])
}

fn answer(path: &str) -> (u16, String) {
    let list = |items: Value| (200, json!({ "kind": "List", "items": items }).to_string());
    let named = |name: &str| json!({ "name": name, "namespace": "n" });
    match path {
        "/api/v1/namespaces/n" => {
            let annotations = json!({ "note": "password=planted" });
            let metadata = json!({ "name": "n", "annotations": annotations });
            (200, json!({ "metadata": metadata }).to_string())
        }
        "/api/v1/namespaces/n/pods" => list(json!([{
            "metadata": named("ignite-0"),
            "spec": {
                "containers": containers(),
                "ephemeralContainers": [{ "name": "debugger",
                    "env": [{ "name": "ANY", "value": "planted" }] }],
                "volumes": [{ "name": "config", "configMap": { "name": "config" } }]
            },
            "status": { "containerStatuses": [{ "name": "node", "lastState": { "terminated": {
                "exitCode": 1, "message": format!("license {LICENSE}\npassword=planted") } } }] }
        }])),
        "/apis/apps/v1/namespaces/n/statefulsets" => list(json!([{
            "metadata": named("ignite"),
            "spec": { "template": { "spec": { "containers": containers() } } }
        }])),
        "/api/v1/namespaces/istio-system/pods" => list(json!([{
            "metadata": { "name": "istiod-1", "namespace": "istio-system" },
            "spec": { "containers": [{ "args": ["discovery", "--token=planted"] }] }
        }])),
        "/api/v1/namespaces/n/events" => list(json!([{
            "metadata": named("ignite-0.1"),
            "message": "exec [sh -c run --password planted] failed: password=planted; secret \
                        \"gridgain-license\" not found"
        }])),
        "/api/v1/namespaces/n/configmaps/config" => {
            let xml = "<property name=\"licenseUrl\" value=\"https://u:planted@host/l.xml\"/>";
            (200, json!({ "data": { "x.xml": xml } }).to_string())
        }
        "/api/v1/namespaces/n/pods/ignite-0/log" => (200, log()),
        "/api/v1/namespaces/n/secrets" | "/api/v1/namespaces/istio-system/secrets" => {
            let row = json!({ "object": { "metadata": { "name": "gridgain-license" } } });
            (200, json!({ "kind": "Table", "rows": [row] }).to_string())
        }
        _ if path.ends_with("/portforward") => (500, "{}".into()),
        _ => list(json!([])),
    }
}

async fn taken() -> Snapshot {
    taken_of(answer).await
}

async fn taken_of(answer: fn(&str) -> (u16, String)) -> Snapshot {
    let (service, mut server) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let serving = tokio::spawn(async move {
        while let Some((request, send)) = server.next_request().await {
            let (status, body) = answer(request.uri().path());
            let response = Response::builder()
                .status(status)
                .body(Body::from(body.into_bytes()));
            send.send_response(response.expect("a response"));
        }
    });
    let kube = Kube::from_client(Client::new(service, "default"), 1.0);
    let snapshot = take(&kube, "n", "as mocked", &[GIVEN.into()]).await;
    serving.abort();
    snapshot.expect("a snapshot")
}

#[tokio::test]
async fn nothing_that_is_planted_is_in_what_is_written() {
    let snapshot = taken().await;
    let places = [
        ("the namespace", json!(snapshot.namespace)),
        ("the objects", json!(snapshot.objects)),
        ("the mesh's objects", json!(snapshot.mesh_objects)),
        ("the nodes", json!(snapshot.nodes)),
        ("all of it", json!(snapshot)),
    ];
    let left: Vec<&str> = places
        .iter()
        .filter(|(_, value)| {
            let text = value.to_string();
            text.contains("planted") || text.contains(DIGITS)
        })
        .map(|(place, _)| *place)
        .collect();
    assert!(left.is_empty(), "{left:?}: {:#}", json!(snapshot));
}

#[tokio::test]
async fn what_a_diagnosis_needs_is_left() {
    let snapshot = taken().await;
    let text = json!(snapshot).to_string();
    for kept in [
        "-Xmx1g",
        "/kept",
        "apacheignite/ignite:2.16.0",
        "secret \\\"gridgain-license\\\" not found",
        "DB_PASSWORD",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let kept = snapshot.nodes[0].log.as_deref().unwrap_or_default();
    assert_eq!(kept.lines().count(), log().lines().count(), "{kept}");
    assert!(kept.lines().last().is_some_and(|l| l.contains("SEVERE")));
}

/// A cluster whose ConfigMaps are for others, and whose istiod is gone.
fn closed_and_without_istiod(path: &str) -> (u16, String) {
    let list = |items: Value| (200, json!({ "kind": "List", "items": items }).to_string());
    match path {
        "/api/v1/namespaces/n/pods" => list(json!([{
            "metadata": { "name": "ignite-0", "namespace": "n" },
            "spec": {
                "containers": containers(),
                "initContainers": [{ "name": "istio-proxy", "restartPolicy": "Always",
                    "image": "registry.example:5000/istio/proxyv2:1.29.1@sha256:0f" }],
                "volumes": [
                    { "name": "config", "configMap": { "name": "config" } },
                    { "name": "gone", "configMap": { "name": "gone" } }]
            }
        }])),
        "/api/v1/namespaces/n/configmaps/config" => {
            let forbidden = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure",
                "reason": "Forbidden", "message": "not for you", "code": 403 });
            (403, forbidden.to_string())
        }
        "/api/v1/namespaces/n/configmaps/gone" => {
            let absent = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure",
                "reason": "NotFound", "message": "no such", "code": 404 });
            (404, absent.to_string())
        }
        "/api/v1/namespaces/istio-system/pods" => list(json!([])),
        path => answer(path),
    }
}

#[tokio::test]
async fn a_config_map_that_may_not_be_read_is_named_and_one_that_is_absent_is_not() {
    let snapshot = taken_of(closed_and_without_istiod).await;
    let unread = snapshot.unread.iter();
    let unread: Vec<&str> = unread.map(|unread| unread.kind.as_str()).collect();
    assert_eq!(unread, ["ConfigMap"], "{:?}", snapshot.unread);
    assert!(snapshot.unread[0].because.contains("not for you"));
}

#[tokio::test]
async fn where_no_istiod_runs_a_proxys_image_names_the_istio() {
    let snapshot = taken_of(closed_and_without_istiod).await;
    assert_eq!(snapshot.recorded.istio.as_deref(), Some("1.29.1"));
}

/// No recording holds a secret, so none may lose anything: what is taken from one that a rule reads
/// would be taken from a customer's.
#[test]
fn recorded_snapshots_stay_as_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/snapshots");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let recorded: Snapshot = serde_json::from_str(&text).expect("a snapshot");
        let redactor = Redactor::default();
        let objects = Objects {
            namespace: recorded.namespace.clone(),
            of_namespace: recorded.objects.clone(),
            of_mesh: recorded.mesh_objects.clone(),
        };
        let cleaned = runtime.block_on(secrets::of_objects(&redactor, objects));
        let cleaned = cleaned.expect("clean objects");
        let nodes = recorded.nodes.iter().cloned();
        let nodes = nodes.map(|node| runtime.block_on(secrets::of_node(&redactor, node)));
        let after = Snapshot {
            namespace: cleaned.namespace,
            objects: cleaned.of_namespace,
            mesh_objects: cleaned.of_mesh,
            nodes: nodes.map(|node| node.expect("a clean node")).collect(),
            ..recorded.clone()
        };
        let (before, after) = (
            format!("{:#}", json!(recorded)),
            format!("{:#}", json!(after)),
        );
        for (line, left) in before.lines().zip(after.lines()) {
            assert_eq!(left, line, "{}", path.display());
        }
        seen += 1;
    }
    assert!(seen > 0, "no recording is there");
}

/// As Istio before 1.22 has it.
fn older_istio(path: &str) -> (u16, String) {
    let of_kind =
        |kind: &str| json!({ "kind": kind, "metadata": { "name": "older", "namespace": "n" } });
    let list = |kind: &str| json!({ "kind": "List", "items": [of_kind(kind)] }).to_string();
    match path {
        "/apis/security.istio.io/v1beta1/namespaces/n/peerauthentications" => {
            (200, list("PeerAuthentication"))
        }
        "/apis/networking.istio.io/v1beta1/namespaces/n/destinationrules" => {
            (200, list("DestinationRule"))
        }
        _ if path.contains(".istio.io/v1/") => {
            let status = json!({ "kind": "Status", "status": "Failure", "code": 404,
                "reason": "NotFound", "message": "the server could not find the requested resource" });
            (404, status.to_string())
        }
        _ => answer(path),
    }
}

#[tokio::test]
async fn an_istio_without_v1_is_asked_for_v1beta1() {
    let snapshot = taken_of(older_istio).await;
    let named = |object: &&Value| object["metadata"]["name"] == "older";
    let kinds: Vec<&Value> = snapshot
        .objects
        .iter()
        .filter(named)
        .map(|o| &o["kind"])
        .collect();
    assert_eq!(kinds, ["PeerAuthentication", "DestinationRule"]);
    assert_eq!(snapshot.unread, vec![]);
}
