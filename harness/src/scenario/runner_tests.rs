//! What is blocked and not begun in a run that lacks something, and what is done in which order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Barrier;

use super::*;
use crate::expectation::ProxyKind;
use crate::outcome::{CaseClaim, Check, Observed, Symptom};
use crate::product::Product;
use crate::product::gridgain::NO_IMAGE;
use crate::scenario::fakes::{NotBegun, about, check, stand, stand_on_an_empty_cluster};
use crate::scenario::{About, Case, Checkpoint, Fault, Phase, Remedied, Scope};

/// A step that does nothing and needs nothing.
struct NeedsNothing;

impl Checkpoint for NeedsNothing {
    type Arranged = ();

    fn blocked(&self, _: &Product) -> Option<String> {
        None
    }

    async fn arrange(&self, _: &Stand) -> Result<(), StepError> {
        Ok(())
    }

    async fn check(&self, _: &Stand, (): ()) -> Result<Vec<Check>, StepError> {
        Ok(check(true))
    }
}

fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::checkpoint(about("C1"), NeedsNothing),
        Scenario::checkpoint(about("C2"), NotBegun),
        Scenario::checkpoint(about("C3"), NotBegun),
        Scenario::case(about("T1"), NotBegun),
    ]
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

#[tokio::test]
async fn the_version_is_asked_before_the_walk_is_cleared_away() {
    let (stand, asked) = stand_on_an_empty_cluster();
    let plan = Plan::new(scenarios(), vec!["n".into()]);
    let runner = Runner::new(plan, stand, Expectations::parse("").unwrap(), None);
    runner.run().await;
    let asked = asked.lines();
    let at = |wanted: &str| asked.iter().position(|line| line == wanted);
    let version = at("GET /api/v1/namespaces/n/pods/ignite-0/portforward");
    let cleared = at("DELETE /api/v1/namespaces/n");
    assert!(version.is_some() && version < cleared, "{asked:?}");
}

/// A case that ends with its baseline, in which it waits for another one beside it.
struct MeetsAnother {
    at: Arc<Barrier>,
    /// How many of its kind are in their baseline, and how many were at most.
    begun: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Case for MeetsAnother {
    fn claim(&self) -> CaseClaim {
        CaseClaim {
            symptom: Symptom::Split,
            remedy: "mend it".into(),
            remedy_restarts: false,
            found_by: vec![],
        }
    }

    fn blocked(&self, _: &Product) -> Option<String> {
        None
    }

    fn baseline<'a>(&'a self, _: &'a Stand) -> Phase<'a, Vec<Check>> {
        Box::pin(async {
            let (now, most) = &*self.begun;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            self.at.wait().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(check(false))
        })
    }

    fn fault<'a>(&'a self, _: &'a Stand, _: bool) -> Phase<'a, Fault> {
        panic!("a case without a baseline was carried on");
    }

    fn observe<'a>(&'a self, _: &'a Stand) -> Phase<'a, Observed> {
        panic!("a case without a baseline was carried on");
    }

    fn remedy<'a>(&'a self, _: &'a Stand, _: bool) -> Phase<'a, Remedied> {
        panic!("a case without a baseline was carried on");
    }
}

#[tokio::test]
async fn gateway_cases_run_one_by_one_beside_the_others_and_count_as_one_job() {
    let at = Arc::new(Barrier::new(2));
    let (gateway, any) = (Arc::default(), Arc::default());
    let case = |id, scope, begun: &Arc<_>| {
        let about = About { scope, ..about(id) };
        let (at, begun) = (at.clone(), Arc::clone(begun));
        Scenario::case(about, MeetsAnother { at, begun })
    };
    let scenarios = vec![
        case("T2a", Scope::Namespace, &any),
        case("T2b", Scope::Namespace, &any),
        case("T5c", Scope::Gateway, &gateway),
        case("T5d", Scope::Gateway, &gateway),
    ];
    let plan = Plan {
        jobs: 2,
        ..Plan::new(scenarios, vec![])
    };
    let (stand, asked) = stand_on_an_empty_cluster();
    let runner = Runner::new(plan, stand, Expectations::parse("").unwrap(), None);
    let ran = tokio::time::timeout(Duration::from_secs(20), runner.run()).await;
    ran.expect("each case meets one beside it");
    assert_eq!(runner.outcomes().len(), 4);
    assert_eq!(gateway.1.load(Ordering::SeqCst), 1);
    assert_eq!(any.1.load(Ordering::SeqCst), 1);
    assert_eq!(runner.left_behind(), [""; 0]);
    // What is left of a gateway case's objects would be served to the next one.
    let asked = asked.lines();
    let gone = asked
        .iter()
        .filter(|line| *line == "GET /api/v1/namespaces")
        .count();
    assert!(gone >= 6, "{asked:?}");
}
