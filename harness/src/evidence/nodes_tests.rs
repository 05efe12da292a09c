//! How nodes are followed, against a mocked API server.

use std::convert::Infallible;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

/// The list in which ignite-1 has started once more after its end, or has not yet.
fn restarted(runs: bool) -> Value {
    let state = match runs {
        true => json!({ "running": { "startedAt": "2026-11-30T17:11:04Z" } }),
        false => json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
    };
    json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": [{
        "metadata": { "name": "ignite-1", "namespace": "n" },
        "status": { "containerStatuses": [{ "name": NODE_CONTAINER, "state": state }] },
    }] })
}

/// Follows two nodes of which the first writes nothing and goes on running, and the second has ended.
async fn followed(pods: Value) -> Result<Result<(), KubeError>, tokio::time::error::Elapsed> {
    type Answer = UnsyncBoxBody<Bytes, Infallible>;
    let (service, mut server) = tower_test::mock::pair::<Request<Body>, Response<Answer>>();
    let kube = Kube::from_client(Client::new(service, "default"), 1.0);
    let whole = |text: String| Full::new(Bytes::from(text)).boxed_unsync();
    let unending = || {
        let frames = futures::stream::pending::<Result<Frame<Bytes>, Infallible>>();
        StreamBody::new(frames).boxed_unsync()
    };
    let serving = async {
        while let Some((request, send)) = server.next_request().await {
            let watched = request
                .uri()
                .query()
                .is_some_and(|q| q.contains("watch=true"));
            let body = match request.uri().path() {
                "/api/v1/namespaces/n/pods/ignite-1/log" => whole("the end\n".into()),
                "/api/v1/namespaces/n/pods" if !watched => whole(pods.to_string()),
                _ => unending(),
            };
            send.send_response(Response::new(body));
        }
    };
    let following = logs_come_to(&kube, "n", LIMIT, |_| false);
    tokio::select! {
        came_to = tokio::time::timeout(LIMIT, following) => came_to,
        () = serving => unreachable!("the client is there"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_one_log_is_enough_to_read_anew_once_its_node_runs_again() {
    let came_to = followed(restarted(true)).await;
    came_to.expect("before the limit").expect("it runs");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_run_again_is_waited_for() {
    let came_to = followed(restarted(false)).await;
    assert!(!matches!(came_to, Ok(Ok(()))), "{came_to:?}");
}
