use hyper::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;

use super::*;
use crate::outcome::CheckResult;
use crate::product::gridgain::GridGain;
use crate::product::license_file::License;

const SINCE: &str = "2026-11-24T10:00:10Z";
const IGNITE: &str = "\
2026-11-24T10:00:00.100000000Z [10:00:00,100][INFO][main][X] starts
2026-11-24T10:00:05.000000000Z [10:00:05,000][SEVERE][main][X] during the fault
2026-11-24T10:00:09.900000000Z [10:00:09,900][INFO][main][X] cured
";
const QUIET: &str = "2026-11-24T09:00:00.000000000Z 2026-11-24T09:00:00.000000Z\tinfo\tready\n";

fn since() -> Timestamp {
    SINCE.parse().unwrap()
}

fn pods(restarts: u32) -> Value {
    let status = |name: &str, restarts: u32| {
        let last = (restarts > 0).then(|| json!({ "terminated": {} }));
        json!({ "name": name, "lastState": last.unwrap_or_default(), "state": { "running": {} } })
    };
    json!({ "items": [
        { "metadata": { "name": "ignite-0" },
          "spec": {
              "initContainers": [{ "name": "istio-init" }, { "name": "istio-proxy" }],
              "containers": [{ "name": "node", "image": "apacheignite/ignite:2.16.0" }] },
          "status": {
              "initContainerStatuses": [status("istio-proxy", 0)],
              "containerStatuses": [status("node", restarts)] } },
        { "metadata": { "name": "client" },
          "spec": { "containers": [{ "name": "app", "image": "client" }] },
          "status": { "containerStatuses": [status("app", 0)] } },
        { "metadata": { "name": "ignite-1" },
          "spec": { "containers": [{ "name": "node", "image": "apacheignite/ignite:2.16.0" }] },
          "status": { "containerStatuses": [
              { "name": "node", "restartCount": 0, "state": { "waiting": {} } }] } }
    ] })
}

/// Answers a check's questions; `log` says what a log holds, by path and query.
async fn asked(restarts: u32, log: impl Fn(&str) -> (u16, String) + Send + 'static) -> Check {
    let kube = answering(restarts, json!([]), log);
    Logs::of_nodes(&Product::Ignite, "n", since())
        .check(&kube, &[])
        .await
        .unwrap()
}

/// The same where the gateway has a pod, or has none, and its log is read as well.
async fn asked_with_gateway(
    pods: bool,
    log: impl Fn(&str) -> (u16, String) + Send + 'static,
) -> Check {
    let gateway = json!({
        "metadata": { "name": "gateway-1" },
        "spec": { "containers": [{ "name": "istio-proxy" }] },
        "status": { "containerStatuses": [{ "name": "istio-proxy", "state": { "running": {} } }] } });
    let pods = if pods { json!([gateway]) } else { json!([]) };
    let kube = answering(0, pods, log);
    let logs = Logs::of_nodes(&Product::Ignite, "n", since()).and_gateway();
    let asked = logs.check(&kube, &[]).await;
    asked.unwrap()
}

/// A cluster that answers so as long as the test's runtime lives.
fn answering(
    restarts: u32,
    gateway: Value,
    log: impl Fn(&str) -> (u16, String) + Send + 'static,
) -> Kube {
    let (service, mut server) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    tokio::spawn(async move {
        while let Some((request, send)) = server.next_request().await {
            let uri = request.uri().to_string();
            let (status, body) = match request.uri().path() {
                "/api/v1/namespaces/n/pods" => (200, pods(restarts).to_string()),
                "/api/v1/namespaces/istio-system/pods" if uri.contains("ingressgateway") => {
                    assert!(
                        uri.contains("labelSelector=istio%3Dingressgateway"),
                        "{uri}"
                    );
                    (200, json!({ "items": gateway }).to_string())
                }
                "/api/v1/namespaces/istio-system/pods" => {
                    assert!(uri.contains("labelSelector=app%3Distiod"), "{uri}");
                    let istiod = json!({ "items": [{
                        "metadata": { "name": "istiod-1" },
                        "spec": { "containers": [{ "name": "discovery" }] },
                        "status": { "containerStatuses": [{ "name": "discovery",
                            "restartCount": 0, "state": { "running": {} } }] } }] });
                    (200, istiod.to_string())
                }
                _ => log(&uri),
            };
            let response = Response::builder()
                .status(status)
                .body(Body::from(body.into_bytes()));
            send.send_response(response.expect("a response"));
        }
    });
    Kube::from_client(Client::new(service, "default"), 1.0)
}

fn healthy(uri: &str) -> (u16, String) {
    assert!(uri.contains("timestamps=true"), "{uri}");
    match uri.contains("container=node") {
        true => (200, IGNITE.into()),
        false => (200, QUIET.into()),
    }
}

#[tokio::test]
async fn errors_before_the_moment_do_not_count() {
    let check = asked(0, healthy).await;
    assert!(check.holds(), "{check:#?}");
    let read: Vec<_> = check.evidence.iter().map(|e| e.source.as_str()).collect();
    assert_eq!(
        read,
        [
            "kubectl logs ignite-0 -n n -c istio-proxy --timestamps",
            "kubectl logs ignite-0 -n n -c node --timestamps",
            "kubectl logs istiod-1 -n istio-system -c discovery --timestamps"
        ]
    );
}

#[tokio::test]
async fn an_error_after_the_moment_fails_and_is_shown_without_its_secrets() {
    let check = asked(0, |uri| match uri.contains("container=discovery") {
        true => {
            let error = "2026-11-24T10:00:10.5Z 2026-11-24T10:00:10.500000Z\terror\tca\tbad, \
                         password=planted\n";
            (200, format!("{QUIET}{error}"))
        }
        false => healthy(uri),
    })
    .await;
    assert_eq!(check.result, CheckResult::Fails, "{check:#?}");
    assert!(
        check.seen.starts_with("1 unexpected since ")
            && check.seen.contains("istio-system/istiod-1/discovery: ")
            && check.seen.ends_with("password=[redacted]"),
        "{}",
        check.seen
    );
    assert!(
        check.evidence[2].raw.contains("bad, "),
        "{:#?}",
        check.evidence[2]
    );
}

#[tokio::test]
async fn a_license_that_was_given_is_in_no_line_that_is_shown() {
    let license = License::of("<l><id>planted-0000-1111</id></l>").unwrap();
    let product = Product::GridGain(GridGain {
        image: None,
        license: Some(license),
        expired_license: None,
    });
    let kube = answering(0, json!([]), |uri| match uri.contains("container=node") {
        true => {
            let error =
                "2026-11-24T10:00:11Z [10:00:11,000][SEVERE][main][X] id planted-0000-1111\n";
            (200, format!("{IGNITE}{error}"))
        }
        false => healthy(uri),
    });
    let check = Logs::of_nodes(&product, "n", since())
        .check(&kube, &[])
        .await
        .unwrap();
    assert_eq!(check.result, CheckResult::Fails, "{check:#?}");
    assert!(
        check.seen.ends_with("id [redacted: known secret]"),
        "{}",
        check.seen
    );
    assert!(!format!("{check:?}").contains("planted"), "{check:#?}");
}

#[tokio::test]
async fn the_gateways_log_is_read_where_it_is_used_and_there_alone() {
    let log = |uri: &str| match uri.contains("/pods/gateway-1/") {
        true => {
            let error =
                "2026-11-24T10:00:11Z [2026-11-24 10:00:11.000][12][error][config] [a.cc:1] x\n";
            (200, format!("{QUIET}{error}"))
        }
        false => healthy(uri),
    };
    let check = asked_with_gateway(true, log).await;
    assert_eq!(check.result, CheckResult::Fails, "{check:#?}");
    let place = "istio-system/gateway-1/istio-proxy: ";
    assert!(check.seen.contains(place), "{}", check.seen);
    assert!(check.statement.contains("the ingress gateway"));
    assert!(asked(0, log).await.holds());
    assert!(asked_with_gateway(true, healthy).await.holds());
}

#[tokio::test]
async fn no_gateway_where_one_is_used_proves_nothing() {
    let check = asked_with_gateway(false, healthy).await;
    assert!(matches!(check.result, CheckResult::Unproven { .. }));
    let because = "there is no log of the ingress gateway to be read";
    assert_eq!(check.seen, because);
}

#[tokio::test]
async fn the_control_plane_is_asked_without_any_node() {
    let gateway = json!([{
        "metadata": { "name": "gateway-1" },
        "spec": { "containers": [{ "name": "istio-proxy" }] },
        "status": { "containerStatuses": [{ "name": "istio-proxy", "state": { "running": {} } }] } }]);
    let failing = |place: &'static str| {
        move |uri: &str| match uri.contains(place) {
            true => {
                let error = "2026-11-24T10:00:11Z 2026-11-24T10:00:11.5Z\terror\tx\tplanted\n";
                (200, format!("{QUIET}{error}"))
            }
            false => healthy(uri),
        }
    };
    let mesh = Logs::of_istiod(&Product::Ignite, since()).and_gateway();
    let quiet = answering(0, gateway.clone(), healthy);
    let check = mesh.check(&quiet, &[]).await.unwrap();
    assert!(check.holds(), "{check:#?}");
    assert_eq!(
        check.statement,
        "no unexpected error line in the logs of the ingress gateway and istiod"
    );
    assert_eq!(check.evidence.len(), 2);
    for place in ["/pods/gateway-1/", "/pods/istiod-1/"] {
        let kube = answering(0, gateway.clone(), failing(place));
        let check = mesh.check(&kube, &[]).await.unwrap();
        assert_eq!(check.result, CheckResult::Fails, "{place}");
    }
    let kube = answering(0, json!([]), failing("/pods/ignite-0/"));
    let check = Logs::of_istiod(&Product::Ignite, since())
        .check(&kube, &[])
        .await
        .unwrap();
    assert!(check.holds() && check.statement.ends_with("logs of istiod"));
}

#[tokio::test]
async fn the_nodes_may_count_from_a_later_moment_than_the_mesh() {
    let at = |log: &'static str, text: &'static str| {
        move |uri: &str| match uri.contains(log) {
            true => (200, format!("{QUIET}{text}")),
            false => healthy(uri),
        }
    };
    let healed: Timestamp = "2026-11-24T10:00:20Z".parse().unwrap();
    let logs = Logs::of_nodes(&Product::Ignite, "n", since()).nodes_since(healed);
    let of_node = at(
        "container=node",
        "2026-11-24T10:00:15Z [10:00:15,000][SEVERE][main][X] still of the fault\n",
    );
    let check = logs.check(&answering(0, json!([]), of_node), &[]).await;
    let check = check.unwrap();
    assert!(check.holds(), "{check:#?}");
    assert!(
        check.seen.contains("of Ignite since 2026-11-24T10:00:20Z"),
        "{}",
        check.seen
    );
    let of_proxy = at(
        "container=istio-proxy",
        "2026-11-24T10:00:15Z [2026-11-24 10:00:15.000][12][error][config] [a.cc:1] x\n",
    );
    let check = logs.check(&answering(0, json!([]), of_proxy), &[]).await;
    assert_eq!(check.unwrap().result, CheckResult::Fails);
}

#[tokio::test]
async fn the_run_that_a_restart_ended_counts() {
    let check = asked(1, |uri| match uri.contains("previous=true") {
        true => (
            200,
            "2026-11-24T10:00:11Z [10:00:11,000][SEVERE][main][X] ends\n".into(),
        ),
        false => healthy(uri),
    })
    .await;
    assert_eq!(check.result, CheckResult::Fails, "{check:#?}");
    assert!(
        check.seen.contains("n/ignite-0/node (earlier run)"),
        "{}",
        check.seen
    );
}

#[tokio::test]
async fn a_log_that_cannot_be_read_or_understood_proves_nothing() {
    let unread = asked(0, |uri| match uri.contains("container=istio-proxy") {
        true => (500, "{}".into()),
        false => healthy(uri),
    })
    .await;
    assert!(matches!(unread.result, CheckResult::Unproven { .. }));
    assert!(
        unread
            .seen
            .contains("the log of n/ignite-0/istio-proxy cannot be read")
    );
    let strange = asked(0, |uri| match uri.contains("container=node") {
        true => (200, "2026-11-24T10:00:11Z in another form\n".into()),
        false => healthy(uri),
    })
    .await;
    assert!(matches!(strange.result, CheckResult::Unproven { .. }));
    assert!(
        strange.seen.contains("n/ignite-0/node holds no line"),
        "{}",
        strange.seen
    );
}

#[test]
fn nothing_to_read_proves_nothing() {
    let check = Logs::of_nodes(&Product::Ignite, "n", since()).answer(&[]);
    assert!(
        matches!(check.result, CheckResult::Unproven { .. }),
        "{check:#?}"
    );
}

#[test]
fn a_line_counts_from_the_very_moment_on() {
    let log = |at: &str| format!("{at} [x][SEVERE][main][X] planted\n");
    let errors = |text: &str| count(Program::Ignite, text, since(), &[]).errors.len();
    assert_eq!(errors(&log("2026-11-24T10:00:09.999999999Z")), 0);
    assert_eq!(errors(&log("2026-11-24T10:00:10.000000000Z")), 1);
    assert_eq!(errors("[x][SEVERE][main][X] without a stamp\n"), 1);
}
