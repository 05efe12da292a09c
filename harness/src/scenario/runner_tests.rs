//! A run that lacks something: what is blocked, for which reason, and that nothing is done for it.

use super::*;
use crate::expectation::{ProxyKind, SidecarMode};
use crate::kube::Kube;
use crate::mesh::{Capabilities, Install};
use crate::outcome::{CaseClaim, Check, Observed, Standing};
use crate::product::Product;
use crate::product::gridgain::{GridGain, NO_IMAGE};
use crate::progress::Progress;
use crate::scenario::{About, Case, Checkpoint, Fault, Phase, Remedied, Scope};

/// A step that does nothing, and a case that must not be asked to.
struct NeedsNothing;
struct NeedsTheProduct;

impl Checkpoint for NeedsNothing {
    type Arranged = ();

    fn blocked(&self, _: &Product) -> Option<String> {
        None
    }

    async fn arrange(&self, _: &Stand) -> Result<(), StepError> {
        Ok(())
    }

    async fn check(&self, _: &Stand, (): ()) -> Result<Vec<Check>, StepError> {
        let check = Check::answered(Standing::Guide, "it is", true, "it is", vec![]);
        Ok(vec![check])
    }
}

impl Checkpoint for NeedsTheProduct {
    type Arranged = ();

    async fn start_early(&self, _: &Kube, _: &str, _: &Product) -> Result<(), StepError> {
        panic!("a step that is blocked was started early");
    }

    async fn arrange(&self, _: &Stand) -> Result<(), StepError> {
        panic!("a step that is blocked was arranged");
    }

    async fn check(&self, _: &Stand, (): ()) -> Result<Vec<Check>, StepError> {
        panic!("a step that is blocked was checked");
    }
}

impl Case for NeedsTheProduct {
    fn claim(&self) -> CaseClaim {
        panic!("a case that is blocked was begun");
    }

    fn baseline<'a>(&'a self, _: &'a Stand) -> Phase<'a, Vec<Check>> {
        panic!("a case that is blocked was begun");
    }

    fn fault<'a>(&'a self, _: &'a Stand, _: bool) -> Phase<'a, Fault> {
        panic!("a case that is blocked was begun");
    }

    fn observe<'a>(&'a self, _: &'a Stand) -> Phase<'a, Observed> {
        panic!("a case that is blocked was begun");
    }

    fn remedy<'a>(&'a self, _: &'a Stand, _: bool) -> Phase<'a, Remedied> {
        panic!("a case that is blocked was begun");
    }
}

fn about(id: &'static str) -> About {
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

fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::checkpoint(about("C1"), NeedsNothing),
        Scenario::checkpoint(about("C2"), NeedsTheProduct),
        Scenario::checkpoint(about("C3"), NeedsTheProduct),
        Scenario::case(about("T1"), NeedsTheProduct),
    ]
}

type Server = tower_test::mock::Handle<
    hyper::Request<kube::client::Body>,
    hyper::Response<kube::client::Body>,
>;

/// A stand on a cluster that answers nothing, in a run of GridGain that was given nothing.
fn stand() -> Stand {
    stand_on().0
}

/// The same, and what stands for its cluster.
fn stand_on() -> (Stand, Server) {
    let (service, server) = tower_test::mock::pair();
    let stand = Stand {
        kube: Kube::from_client(kube::Client::new(service, "default"), 1.0),
        product: Product::GridGain(GridGain::default()),
        namespace: "n".into(),
        istio_build: "1.29.1".parse().unwrap(),
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
            istioctl: "istioctl".into(),
            kubeconfig: "kubeconfig".into(),
            build: "1.29.1".into(),
            sidecar_mode: crate::mesh::SidecarMode::Auto,
            istio_filters: false,
        },
        gateway_port: 0,
        keep: false,
        progress: Progress::silent(),
    };
    (stand, server)
}

fn run_of(record: &str) -> Runner {
    let expectations = Expectations::parse(record).unwrap();
    Runner::new(Plan::new(scenarios(), vec![]), stand(), expectations, None)
}

#[tokio::test]
async fn what_needs_the_product_is_blocked_and_not_begun() {
    let runner = run_of("");
    runner.run().await;
    let came: Vec<_> = runner
        .outcomes()
        .into_iter()
        .map(|o| (o.id, o.verdict, o.on_cluster))
        .collect();
    let blocked = || Verdict::Blocked {
        reason: NO_IMAGE.into(),
    };
    assert_eq!(
        came,
        [
            ("C1".to_owned(), Verdict::Confirmed, true),
            ("C2".to_owned(), blocked(), false),
            ("C3".to_owned(), blocked(), false),
            ("T1".to_owned(), blocked(), false),
        ]
    );
}

#[tokio::test]
async fn nothing_of_a_blocked_step_is_started_early() {
    let stand = stand();
    for scenario in scenarios() {
        let early = scenario.start_early(&stand.kube, "n", &stand.product);
        early.await.unwrap();
    }
}

#[tokio::test]
async fn gridgain_is_judged_by_its_own_record() {
    let entry = |scenario: &str| {
        format!(
            "[[expectation]]\nscenario = {scenario:?}\nbuild = \"1.29.1\"\nsidecar = \"native\"\n\
             proxy = \"{}\"\n[[expectation.outcome]]\nverdict = \"Confirmed\"\ncount = 1\n\
             runs = [\"20261124T011238Z-guide-ef2a\"]\n",
            ProxyKind::CoreEnvoy
        )
    };
    for (record, green) in [(entry("C1"), false), (entry("gridgain/C1"), true)] {
        let runner = run_of(&record);
        runner.run().await;
        assert_eq!(runner.outcomes()[0].expectation.green, green, "{record}");
    }
}

/// Notes what a cluster on which nothing lies is asked: method and path.
async fn asked_of(mut server: Server, asked: std::sync::Arc<Mutex<Vec<String>>>) {
    let mut watches = vec![];
    while let Some((request, send)) = server.next_request().await {
        let path = request.uri().path().to_owned();
        let line = format!("{} {path}", request.method());
        asked.lock().unwrap().push(line);
        let watched = request
            .uri()
            .query()
            .is_some_and(|q| q.contains("watch=true"));
        if watched {
            watches.push(send);
            continue;
        }
        let (code, body) = match path.ends_with("/pods") {
            true => (
                200,
                r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}"#,
            ),
            false => (
                404,
                r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}"#,
            ),
        };
        let answer = hyper::Response::builder().status(code);
        let body = kube::client::Body::from(body.as_bytes().to_vec());
        send.send_response(answer.body(body).unwrap());
    }
}

#[tokio::test]
async fn the_version_is_asked_before_the_walk_is_cleared_away() {
    let (stand, server) = stand_on();
    let asked = std::sync::Arc::new(Mutex::new(vec![]));
    let serving = tokio::spawn(asked_of(server, asked.clone()));
    let plan = Plan::new(scenarios(), vec!["n".into()]);
    let runner = Runner::new(plan, stand, Expectations::parse("").unwrap(), None);
    runner.run().await;
    serving.abort();
    let asked = asked.lock().unwrap();
    let at = |wanted: &str| asked.iter().position(|line| line == wanted);
    let version = at("GET /api/v1/namespaces/n/pods/ignite-0/portforward");
    let cleared = at("DELETE /api/v1/namespaces/n");
    assert!(version.is_some() && version < cleared, "{asked:?}");
}
