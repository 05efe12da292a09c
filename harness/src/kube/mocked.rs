//! The Kubernetes layer against a mocked API server: what is asked, and what is made of the answer.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode};
use k8s_openapi::api::core::v1::Namespace;
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};
use tower_test::mock::Handle;

use super::{Kube, KubeError, Seen, Watch, until};

type Server = Handle<Request<Body>, Response<Body>>;

fn mocked() -> (Kube, Server) {
    let (service, server) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    (
        Kube::from_client(Client::new(service, "default"), 1.0),
        server,
    )
}

/// Answers the next request and returns what was asked: method, path with query, headers, body.
async fn answer(
    server: &mut Server,
    status: StatusCode,
    body: impl std::borrow::Borrow<Value>,
) -> (String, String, String, Value) {
    let (request, send) = server.next_request().await.expect("a request");
    let accept = request
        .headers()
        .get("accept")
        .map_or("", |v| v.to_str().unwrap_or(""))
        .to_owned();
    let (method, uri) = (request.method().to_string(), request.uri().to_string());
    let bytes = request
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let sent = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let answer = Response::builder()
        .status(status)
        .body(Body::from(body.borrow().to_string().into_bytes()));
    send.send_response(answer.expect("a response"));
    (method, uri, accept, sent)
}

fn config_map() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "c", "namespace": "n" }, "data": { "k": "v" }
    })
}

fn not_found() -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
            "message": "it is not there", "code": 404 })
}

#[tokio::test]
async fn applying_is_a_strict_server_side_apply_of_our_own_manager() {
    let (kube, mut server) = mocked();
    let objects = [config_map()];
    let (applied, (method, uri, _, sent)) = tokio::join!(
        kube.apply(&objects),
        answer(&mut server, StatusCode::OK, &objects[0])
    );
    applied.unwrap();
    assert_eq!(method, "PATCH");
    assert!(
        uri.starts_with("/api/v1/namespaces/n/configmaps/c?"),
        "{uri}"
    );
    for wanted in [
        "fieldManager=meshproof",
        "force=true",
        "fieldValidation=Strict",
    ] {
        assert!(uri.contains(wanted), "{uri} lacks {wanted}");
    }
    assert!(!uri.contains("dryRun"), "{uri}");
    assert_eq!(sent["data"]["k"], "v");
}

#[tokio::test]
async fn a_dry_run_says_so() {
    let (kube, mut server) = mocked();
    let object = config_map();
    let (stored, (_, uri, ..)) = tokio::join!(
        kube.dry_run(&object),
        answer(&mut server, StatusCode::OK, &object)
    );
    assert_eq!(stored.unwrap()["data"]["k"], "v");
    assert!(uri.contains("dryRun=All"), "{uri}");
}

#[tokio::test]
async fn a_refusal_names_the_object() {
    let (kube, mut server) = mocked();
    let objects = [config_map()];
    let refusal = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "reason": "Forbidden", "message": "no", "code": 403 });
    let (applied, _) = tokio::join!(
        kube.apply(&objects),
        answer(&mut server, StatusCode::FORBIDDEN, &refusal)
    );
    let error = applied.unwrap_err();
    assert!(
        error.to_string().starts_with("applying ConfigMap n/c: "),
        "{error}"
    );
    assert!(!error.is_not_found());
}

#[tokio::test]
async fn deleting_what_is_gone_is_no_error() {
    let (kube, mut server) = mocked();
    let objects = [config_map()];
    let (deleted, (method, ..)) = tokio::join!(
        kube.delete(&objects),
        answer(&mut server, StatusCode::NOT_FOUND, not_found())
    );
    deleted.unwrap();
    assert_eq!(method, "DELETE");
}

#[tokio::test]
async fn a_table_is_asked_for_as_kubectl_asks() {
    let (kube, mut server) = mocked();
    let table = json!({ "kind": "Table", "rows": [] });
    let (got, (_, uri, accept, _)) = tokio::join!(
        kube.table("/api/v1/namespaces/n/pods"),
        answer(&mut server, StatusCode::OK, &table)
    );
    assert_eq!(got.unwrap(), table);
    assert_eq!(uri, "/api/v1/namespaces/n/pods");
    assert_eq!(accept, "application/json;as=Table;v=v1;g=meta.k8s.io");
}

#[tokio::test]
async fn a_missing_path_is_known_as_not_found() {
    let (kube, mut server) = mocked();
    let (got, _) = tokio::join!(
        kube.raw("/api/v1/namespaces/n"),
        answer(&mut server, StatusCode::NOT_FOUND, not_found())
    );
    assert!(got.unwrap_err().is_not_found());
}

/// A server that takes every request and answers none.
#[tokio::test(start_paused = true)]
async fn what_is_never_answered_ends_with_what_was_waited_for_and_how_long() {
    let (kube, mut server) = mocked();
    let silent = tokio::spawn(async move {
        let mut asked = vec![];
        while let Some(request) = server.next_request().await {
            asked.push(request);
        }
    });
    let hour = Duration::from_secs(3600);
    let read = tokio::time::timeout(hour, kube.raw("/version")).await;
    assert_eq!(
        read.expect("a limit").unwrap_err().to_string(),
        "waited 30s for the API server's answer to GET /version; last seen: no whole answer"
    );
    let got = tokio::time::timeout(hour, kube.get("n", "ignite-0", 8080, "/ignite")).await;
    assert_eq!(
        got.expect("a limit").unwrap_err().to_string(),
        "waited 10s for an answer of n/ignite-0:8080 to GET /ignite; last seen: no connection"
    );
    silent.abort();
}

#[tokio::test]
async fn a_service_is_resolved_to_a_ready_pod_and_its_target_port() {
    let (kube, mut server) = mocked();
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "gw" },
        "spec": { "selector": { "istio": "gw" }, "ports": [{ "port": 443, "targetPort": 8443 }] }
    });
    let pod = |name: &str, ready: &str| {
        json!({ "metadata": { "name": name }, "spec": { "containers": [] },
                "status": { "conditions": [{ "type": "Ready", "status": ready }] } })
    };
    let pods = json!({ "apiVersion": "v1", "kind": "PodList", "metadata": {},
                       "items": [pod("starting", "False"), pod("serving", "True")] });
    let (forward, uri) = tokio::join!(kube.forward_service("n", "gw", 443, 0), async {
        answer(&mut server, StatusCode::OK, &service).await;
        answer(&mut server, StatusCode::OK, &pods).await.1
    });
    let forward = forward.unwrap();
    assert_eq!((forward.pod.as_str(), forward.port), ("serving", 8443));
    assert!(uri.contains("labelSelector=istio%3Dgw"), "{uri}");
    assert_ne!(forward.local.port(), 0);
}

#[tokio::test]
async fn a_port_that_the_service_does_not_declare_is_named() {
    let (kube, mut server) = mocked();
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "gw" },
                          "spec": { "ports": [{ "port": 80 }] } });
    let (forward, _) = tokio::join!(
        kube.forward_service("n", "gw", 443, 0),
        answer(&mut server, StatusCode::OK, &service)
    );
    let error = forward.err().expect("no such port").to_string();
    assert_eq!(error, "Service n/gw is not usable: it declares no port 443");
}

#[tokio::test]
async fn a_wait_lists_first_and_ends_with_its_name_and_the_last_state() {
    let (kube, mut server) = mocked();
    let api: Api<Namespace> = Api::all(kube.client());
    let list = json!({ "apiVersion": "v1", "kind": "NamespaceList",
        "metadata": { "resourceVersion": "1" }, "items": [{ "metadata": { "name": "old" } }] });
    let waiting = until(
        &api,
        Watch::default(),
        "it to go",
        Duration::from_millis(300),
        |seen| {
            if seen.is_empty() {
                Seen::Met(())
            } else {
                Seen::NotYet("old is there".into())
            }
        },
    );
    let serving = async {
        let (_, uri, ..) = answer(&mut server, StatusCode::OK, &list).await;
        // The watch that follows is left open: nothing changes.
        let open = server.next_request().await;
        (uri, open)
    };
    let (waited, (uri, _open)) = tokio::join!(waiting, serving);
    assert!(uri.starts_with("/api/v1/namespaces"), "{uri}");
    match waited.unwrap_err() {
        KubeError::TimedOut {
            name, last_seen, ..
        } => {
            assert_eq!(
                (name.as_str(), last_seen.as_str()),
                ("it to go", "old is there")
            );
        }
        other => panic!("{other}"),
    }
}
