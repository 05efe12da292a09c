//! A capture against a mocked API server: what is asked, what lies in the folder afterwards.

use hyper::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock::Handle;

use super::*;

type Server = Handle<Request<Body>, Response<Body>>;

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJwbGFudGVkIn0.c2lnbmF0dXJl-planted";

/// A cluster with one Ignite pod that was restarted, whose sidecar cannot be reached.
async fn serve(mut server: Server) {
    while let Some((request, send)) = server.next_request().await {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let (status, body) = answer(&path, &query);
        let response = Response::builder()
            .status(status)
            .body(Body::from(body.into_bytes()));
        send.send_response(response.expect("a response"));
    }
}

fn answer(path: &str, query: &str) -> (u16, String) {
    let list = |items: Value| (200, json!({ "kind": "List", "items": items }).to_string());
    let refused = |code: u16, reason: &str| {
        let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "reason": reason, "message": "as mocked", "code": code });
        (code, status.to_string())
    };
    match path {
        "/api/v1/namespaces/n/pods" => list(json!([pod()])),
        "/api/v1/namespaces/n/configmaps" => list(json!([{
            "metadata": { "name": "c", "managedFields": [{}] },
            "data": { "any": format!("token {TOKEN}") } }])),
        "/api/v1/namespaces/n/secrets" => {
            let row = json!({ "object": { "metadata": { "name": "gridgain-license" } } });
            (200, json!({ "kind": "Table", "rows": [row] }).to_string())
        }
        "/api/v1/namespaces/n/pods/ignite-0/log" if query.contains("container=istio-proxy") => {
            refused(500, "InternalError")
        }
        "/api/v1/namespaces/n/pods/ignite-0/log" => {
            let run = if query.contains("previous=true") {
                "first"
            } else {
                "second"
            };
            (
                200,
                format!("{run} run\nAuthorization: Bearer {TOKEN}\n").repeat(40),
            )
        }
        "/api/v1/namespaces/kube-system/pods" => list(json!([{
            "metadata": { "name": "coredns-0" }, "spec": { "containers": [{ "name": "coredns" }] } }])),
        "/api/v1/namespaces/kube-system/pods/coredns-0/log" => {
            (200, "plugin/kubernetes: waiting\n".into())
        }
        "/api/v1/namespaces/n/deployments" => refused(404, "NotFound"),
        _ if path.ends_with("/portforward") => refused(500, "InternalError"),
        "/api/v1/namespaces/istio-system/pods" => refused(403, "Forbidden"),
        _ => list(json!([])),
    }
}

fn pod() -> Value {
    json!({
        "metadata": { "name": "ignite-0" },
        "spec": { "containers": [
            { "name": "ignite", "env": [{ "name": "A_PASSWORD", "value": "planted" }] },
            { "name": "istio-proxy" } ] },
        "status": { "containerStatuses": [{ "name": "ignite",
            "lastState": { "terminated": { "exitCode": 1 } } }] }
    })
}

struct Run {
    captured: Captured,
    index: String,
    folder: tempfile::TempDir,
}

impl Run {
    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}\n{}", self.index))
    }

    /// Every file of the folder, with what it holds.
    fn all(&self) -> Vec<(PathBuf, String)> {
        let mut found = vec![];
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push((path.clone(), std::fs::read_to_string(path).unwrap())),
                }
            }
        }
        found
    }
}

async fn capture(others: Vec<Source<'static>>, bytes: usize, time: Duration) -> Run {
    let (service, server) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let serving = tokio::spawn(serve(server));
    let kube = Kube::from_client(Client::new(service, "default"), 1.0);
    let folder = tempfile::tempdir().unwrap();
    let wanted = Wanted {
        kube: &kube,
        install: None,
        namespaces: &["n".to_owned()],
        folder: folder.path(),
        known_secrets: &[],
        others,
    };
    let captured = take_within(wanted, bytes, time).await.unwrap();
    serving.abort();
    let index = std::fs::read_to_string(folder.path().join(INDEX)).unwrap();
    Run {
        captured,
        index,
        folder,
    }
}

const AMPLE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn logs_objects_and_names_are_written_and_no_secret() {
    let run = capture(vec![], ALL_BYTES, AMPLE).await;
    assert!(
        run.read("n/logs/ignite-0/ignite.log")
            .starts_with("second run\n")
    );
    assert!(
        run.read("n/logs/ignite-0/ignite.previous.log")
            .starts_with("first run\n")
    );
    assert_eq!(
        run.read("kube-system/logs/coredns-0/coredns.log"),
        "plugin/kubernetes: waiting\n"
    );
    assert_eq!(run.read("n/objects/secret-names.txt"), "gridgain-license\n");
    let pods: Value = serde_json::from_str(&run.read("n/objects/pods.json")).unwrap();
    assert_eq!(pods["items"][0]["kind"], "Pod");
    assert_eq!(
        pods["items"][0]["spec"]["containers"][0]["env"][0]["name"],
        "A_PASSWORD"
    );
    for (path, text) in run.all() {
        let planted = text.contains("planted") || text.contains("eyJ");
        assert!(!planted, "{}: {text}", path.display());
        assert!(!text.contains("managedFields"), "{}", path.display());
    }
    assert_eq!(run.captured.files + 1, run.all().len());
}

#[tokio::test]
async fn what_fails_is_told_and_stops_nothing() {
    let silent = Source::new(
        "nodes/silent.log",
        Rank::State,
        Duration::from_millis(20),
        async { futures::future::pending::<Result<Content, String>>().await },
    );
    let broken = Source::new("nodes/broken.log", Rank::State, AMPLE, async {
        Err(format!("the node is gone, token {TOKEN}"))
    });
    let lasts = Source::new("nodes/fine.log", Rank::Nodes, AMPLE, async {
        Ok::<_, String>(Content::Text("here\n".into()))
    });
    let run = capture(vec![silent, broken, lasts], ALL_BYTES, AMPLE).await;
    assert_eq!(run.read("nodes/fine.log"), "here\n");
    let failed = run.captured.failed.join("\n");
    for told in [
        "nodes/silent.log: it did not answer within 20.0ms",
        "nodes/broken.log: the node is gone, token [redacted",
        "n/logs/ignite-0/istio-proxy.log: reading the log: ",
        "n/proxies/ignite-0/config_dump.json: ",
        "istio-system/logs and istio-system/proxies: ",
    ] {
        assert!(failed.contains(told), "{told}\n{failed}");
        assert!(run.index.contains(told), "{told}\n{}", run.index);
    }
    assert!(!run.index.contains("eyJ"), "{}", run.index);
}

#[tokio::test]
async fn the_budget_is_kept_and_the_most_telling_have_it() {
    let long = |file: &str, rank| {
        let text = format!("{file}\n").repeat(40_000);
        Source::new(file, rank, AMPLE, async {
            Ok::<_, String>(Content::Text(text))
        })
    };
    let others = vec![
        long("last.log", Rank::Nodes),
        long("first.log", Rank::State),
    ];
    let run = capture(others, 256 * 1024 + 300_000, AMPLE).await;
    let total: usize = run.all().iter().map(|(_, text)| text.len()).sum();
    assert!(total <= 256 * 1024 + 300_000, "{total}");
    assert_eq!(run.read("first.log").matches("left out here").count(), 1);
    assert!(!run.folder.path().join("last.log").exists());
    let told = run.captured.cut.join("\n");
    assert!(told.contains("last.log: all of its 360000 bytes"), "{told}");
    assert!(run.index.contains("first.log: "), "{}", run.index);
}

#[tokio::test]
async fn what_has_not_begun_in_time_is_told() {
    let run = capture(vec![], ALL_BYTES, Duration::ZERO).await;
    assert_eq!(run.captured.files, 0);
    assert!(
        run.index.contains("n/events.txt: not begun: "),
        "{}",
        run.index
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
    let (service, _server) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let kube = Kube::from_client(Client::new(service, "default"), 1.0);
    let file = tempfile::NamedTempFile::new().unwrap();
    let wanted = Wanted {
        kube: &kube,
        install: None,
        namespaces: &[],
        folder: &file.path().join("below"),
        known_secrets: &[],
        others: vec![],
    };
    let error = take(wanted).await.unwrap_err().to_string();
    assert!(
        error.contains("below") && error.contains("check the disk"),
        "{error}"
    );
}

#[test]
fn a_capture_can_be_one_of_several_things_under_way() {
    fn sendable<T: Send>(_: impl FnOnce(Wanted<'static>, &'static Kube) -> T) {}
    sendable(|wanted, _| take(wanted));
    let logs = crate::evidence::log_gate::Logs::of_nodes(
        &crate::product::Product::Ignite,
        "n",
        Default::default(),
    );
    sendable(|_, kube| logs.check(kube, &[]));
}
