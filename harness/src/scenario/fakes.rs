//! For tests of this module: a stand on a cluster that answers nothing, or on which nothing lies.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

use super::{About, Case, Checkpoint, Fault, Phase, Remedied, RunLimit, Scope, Stand, StepError};
use crate::expectation::SidecarMode;
use crate::kube::Kube;
use crate::mesh::{Capabilities, Install};
use crate::outcome::{CaseClaim, Check, Observed, Standing};
use crate::product::Product;
use crate::product::gridgain::GridGain;
use crate::progress::Progress;

type Server = tower_test::mock::Handle<Request<Body>, Response<Body>>;

/// What a cluster was asked: method and path.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    pub(super) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A stand on a cluster that answers nothing, in a run of GridGain that was given nothing.
pub(super) fn stand() -> Stand {
    stand_on().0
}

/// A stand on a cluster on which nothing lies. It answers as long as the test's runtime lives.
pub(super) fn stand_on_an_empty_cluster() -> (Stand, Asked) {
    let (stand, mut server) = stand_on();
    let asked = Asked::default();
    let noting = asked.clone();
    tokio::spawn(async move {
        let mut watches = vec![];
        while let Some((request, send)) = server.next_request().await {
            let (method, path) = (request.method().as_str(), request.uri().path());
            let line = format!("{method} {path}");
            let asked = &noting.0;
            asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
            if request.uri().query().unwrap_or("").contains("watch=true") {
                // Open, with nothing to tell.
                watches.push(send);
                continue;
            }
            let (code, body) = match there(method, path) {
                Some(body) => (200, body),
                None => (
                    404,
                    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure",
                            "reason": "NotFound", "message": "it is not there", "code": 404 }),
                ),
            };
            let body = Body::from(body.to_string().into_bytes());
            let answer = Response::builder().status(code).body(body);
            send.send_response(answer.expect("a response"));
        }
    });
    (stand, asked)
}

/// What an empty cluster has at a path: lists without items, and any namespace that is looked at.
fn there(method: &str, path: &str) -> Option<Value> {
    let list = |kind: &str| {
        json!({ "kind": kind, "apiVersion": "v1", "metadata": { "resourceVersion": "1" },
                "items": [] })
    };
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["api", "v1", "namespaces"]) => Some(list("NamespaceList")),
        ("GET", ["api", "v1", "namespaces", name]) => {
            Some(json!({ "metadata": { "name": name, "labels": {} } }))
        }
        ("GET", ["api", "v1", "namespaces", _, "pods"]) => Some(list("PodList")),
        ("GET", ["api", "v1", "namespaces", _, "secrets"]) => {
            Some(json!({ "kind": "Table", "rows": [] }))
        }
        _ => None,
    }
}

fn stand_on() -> (Stand, Server) {
    let (service, server) = tower_test::mock::pair();
    let stand = Stand {
        kube: Kube::from_client(kube::Client::new(service, "default"), 1.0),
        product: Product::GridGain(GridGain::default()),
        namespace: "n".into(),
        istio_build: "1.29.1".parse().expect("a build's id"),
        sidecar_mode: SidecarMode::Native,
        images: vec![],
        mesh: Capabilities {
            build: "1.29.1".into(),
            envoy: None,
            istio_filters: None,
            ingress_gateway: true,
            api_versions: vec![],
        },
        install: Install {
            values: None,
            istioctl: "istioctl".into(),
            kubeconfig: "kubeconfig".into(),
            context: "kind-x".into(),
            build: "1.29.1".into(),
            sidecar_mode: crate::mesh::SidecarMode::Auto,
            istio_filters: false,
        },
        gateway_port: 0,
        keep: false,
        limit: RunLimit::none(),
        since: jiff::Timestamp::UNIX_EPOCH,
        progress: Progress::silent(),
    };
    (stand, server)
}

/// What a scenario that keeps to its namespace tells of itself.
pub(super) fn about(id: &'static str) -> About {
    About {
        id,
        title: "a scenario",
        section: "a section",
        claim: "a claim",
        scope: Scope::Namespace,
        alone: None,
        remarks: &[],
    }
}

/// A check with this answer.
pub(super) fn check(holds: bool) -> Vec<Check> {
    let check = Check::answered(Standing::Guide, "it is", holds, "seen", vec![]);
    vec![check]
}

/// A step, or a case, that needs the product and of which nothing may be begun.
pub(super) struct NotBegun;

impl Checkpoint for NotBegun {
    type Arranged = ();

    async fn start_early(&self, _: &Kube, _: &str, _: &Product) -> Result<(), StepError> {
        panic!("it was started early");
    }

    async fn arrange(&self, _: &Stand) -> Result<(), StepError> {
        panic!("it was begun");
    }

    async fn check(&self, _: &Stand, (): ()) -> Result<Vec<Check>, StepError> {
        panic!("it was begun");
    }
}

impl Case for NotBegun {
    fn claim(&self) -> CaseClaim {
        panic!("it was begun");
    }

    fn baseline<'a>(&'a self, _: &'a Stand) -> Phase<'a, Vec<Check>> {
        panic!("it was begun");
    }

    fn fault<'a>(&'a self, _: &'a Stand, _: bool) -> Phase<'a, Fault> {
        panic!("it was begun");
    }

    fn observe<'a>(&'a self, _: &'a Stand) -> Phase<'a, Observed> {
        panic!("it was begun");
    }

    fn remedy<'a>(&'a self, _: &'a Stand, _: bool) -> Phase<'a, Remedied> {
        panic!("it was begun");
    }
}
