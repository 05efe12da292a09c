//! What a phase, and a run, is told to have been waiting for when its limit is over, and what is
//! still done then. The clock is tokio's paused one: it moves when all wait.

use std::sync::Mutex;

use super::*;
use crate::expectation::Expectations;
use crate::outcome::{CaseClaim, Check, Cure, Observed, Symptom, Verdict};
use crate::product::Product;
use crate::scenario::case::{Carried, carry, put_back};
use crate::scenario::fakes::{NotBegun, about, check, stand_on_an_empty_cluster};
use crate::scenario::{Case, Checkpoint, Fault, Phase, Plan, Remedied, Runner, Scenario};
use crate::waits::Wait;

/// Waits for what never comes.
async fn forever<T>() -> T {
    let wait = Wait::begin("ignite-1 to join");
    wait.seen("servers=1");
    std::future::pending().await
}

/// A case whose phase of this name never ends; it notes which were begun.
struct Hangs {
    phase: &'static str,
    begun: Mutex<Vec<&'static str>>,
}

impl Hangs {
    fn in_phase(phase: &'static str) -> Self {
        Self {
            phase,
            begun: Mutex::default(),
        }
    }

    fn come_to<T: Send + 'static>(&self, phase: &'static str, to: T) -> Phase<'_, T> {
        self.begun.lock().unwrap().push(phase);
        if phase == self.phase {
            return Box::pin(forever());
        }
        Box::pin(std::future::ready(Ok(to)))
    }

    async fn carried(&self, stand: &Stand) -> Carried {
        let stage = stand.progress.stage("a case");
        let mut carried = carry(self, None, stand, None, &stage).await;
        carried.error = carried.error.or(put_back(self, stand).await.1.err());
        carried
    }
}

impl Case for Hangs {
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
        self.come_to("baseline", check(true))
    }

    fn fault<'a>(&'a self, _: &'a Stand, _: bool) -> Phase<'a, Fault> {
        let fault = Fault {
            shown: "- a port".into(),
            in_force: check(true),
        };
        self.come_to("fault", fault)
    }

    fn observe<'a>(&'a self, _: &'a Stand) -> Phase<'a, Observed> {
        let observed = Observed {
            symptom: Symptom::Split,
            because: "so".into(),
            checks: check(true),
        };
        self.come_to("symptom", observed)
    }

    fn remedy<'a>(&'a self, _: &'a Stand, _: bool) -> Phase<'a, Remedied> {
        let remedied = Remedied {
            done: "mended".into(),
            cure: Cure::None,
            recovery: vec![],
            consequences: vec![],
        };
        self.come_to("remedy and recovery", remedied)
    }

    fn put_back<'a>(&'a self, _: &'a Stand) -> Phase<'a, ()> {
        self.come_to("put back", ())
    }
}

#[tokio::test(start_paused = true)]
async fn a_phase_over_its_limit_tells_what_it_waited_for_and_is_put_back() {
    let all = ["baseline", "fault", "symptom", "remedy and recovery"];
    for (at, phase) in all.into_iter().enumerate() {
        let case = Hangs::in_phase(phase);
        let (stand, _) = stand_on_an_empty_cluster();
        let limit = PHASES.iter().find(|(name, _)| *name == phase).unwrap().1;
        let begun = Instant::now();
        let carried = case.carried(&stand).await;
        assert_eq!(begun.elapsed().as_secs(), limit, "{phase}");
        assert_eq!(
            carried.error.map(|error| error.to_string()),
            Some(format!(
                "the phase {phase} was not done within its limit of {limit}s; waited {limit}s for \
                 ignite-1 to join; last seen: servers=1; if this machine is only slow, \
                 --timeout-scale 2 doubles every limit"
            ))
        );
        let begun: Vec<&str> = all[..=at].iter().copied().chain(["put back"]).collect();
        assert_eq!(*case.begun.lock().unwrap(), begun);
    }
}

#[tokio::test(start_paused = true)]
async fn the_scale_is_on_a_phases_limit_and_not_on_the_runs() {
    let (mut stand, _) = stand_on_an_empty_cluster();
    stand.kube = crate::kube::Kube::from_client(stand.kube.client(), 2.0);
    let begun = Instant::now();
    let ended = in_time::<()>(&stand, "diagnosis", Box::pin(forever())).await;
    assert!(matches!(ended, Err(StepError::PhaseOverLimit { .. })));
    assert_eq!(begun.elapsed().as_secs(), 180);
    stand.limit = RunLimit::from_now(Some(Duration::from_secs(60)));
    let begun = Instant::now();
    let ended = in_time::<()>(&stand, "diagnosis", Box::pin(forever())).await;
    assert!(matches!(ended, Err(StepError::RunOverLimit { .. })));
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_back_in_time_is_told() {
    let (stand, _) = stand_on_an_empty_cluster();
    let carried = Hangs::in_phase("put back").carried(&stand).await;
    let told = carried.error.map(|error| error.to_string()).unwrap();
    assert!(told.contains("the phase put back was not done"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn when_the_runs_limit_is_over_what_was_changed_is_still_put_back() {
    let (mut stand, _) = stand_on_an_empty_cluster();
    stand.limit = RunLimit::from_now(Some(Duration::from_secs(20)));
    let case = Hangs::in_phase("symptom");
    let carried = case.carried(&stand).await;
    let told = carried.error.map(|error| error.to_string()).unwrap();
    assert!(
        told.contains("the whole run, 20s, was over during symptom"),
        "{told}"
    );
    let begun = ["baseline", "fault", "symptom", "put back"];
    assert_eq!(*case.begun.lock().unwrap(), begun);
}

/// A step that takes so long.
struct Takes(u64);

impl Checkpoint for Takes {
    type Arranged = ();

    fn blocked(&self, _: &Product) -> Option<String> {
        None
    }

    async fn arrange(&self, _: &Stand) -> Result<(), StepError> {
        let _wait = Wait::begin("the time to pass");
        tokio::time::sleep(Duration::from_secs(self.0)).await;
        Ok(())
    }

    async fn check(&self, _: &Stand, (): ()) -> Result<Vec<Check>, StepError> {
        Ok(check(true))
    }
}

/// A step, or a case, that needs nothing and may not be begun.
struct TooLate;

impl Checkpoint for TooLate {
    type Arranged = ();

    fn blocked(&self, _: &Product) -> Option<String> {
        None
    }

    async fn arrange(&self, stand: &Stand) -> Result<(), StepError> {
        NotBegun.arrange(stand).await
    }

    async fn check(&self, _: &Stand, (): ()) -> Result<Vec<Check>, StepError> {
        Ok(check(true))
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_runs_limit_the_rest_is_told_as_not_run() {
    let limit = Duration::from_secs(100);
    let (mut stand, asked) = stand_on_an_empty_cluster();
    stand.limit = RunLimit::from_now(Some(limit));
    let case = Hangs::in_phase("baseline");
    let scenarios = vec![
        Scenario::checkpoint(about("C1"), Takes(60)),
        Scenario::checkpoint(about("C2"), Takes(60)),
        Scenario::checkpoint(about("C3"), TooLate),
        Scenario::case(about("T1"), case),
    ];
    let plan = Plan::new(scenarios, vec!["n".into()]);
    let runner = Runner::new(plan, stand, Expectations::parse("").unwrap(), None);
    let begun = Instant::now();
    runner.run().await;
    assert_eq!(begun.elapsed(), limit);
    let came: Vec<_> = runner.outcomes().into_iter().map(|o| o.verdict).collect();
    let not_run = || Verdict::Blocked {
        reason: "not run: the limit of the whole run, 100s, was over".into(),
    };
    let error = "the limit of the whole run, 100s, was over during arrange; waited 40s for the \
                 time to pass; last seen: nothing yet; --limit gives it more time";
    let failed = Verdict::Failed {
        error: error.into(),
    };
    assert_eq!(came, [Verdict::Confirmed, failed, not_run(), not_run()]);
    assert!(runner.outcomes().iter().all(|o| !o.expectation.green));
    // What was begun is cleared away all the same.
    let cleared = asked
        .lines()
        .contains(&"DELETE /api/v1/namespaces/n".to_owned());
    assert!(cleared, "{:?}", asked.lines());
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_limit_is_never_over() {
    let limit = RunLimit::none();
    let day = async {
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        Ok::<_, StepError>(())
    };
    limit.within("a day", day).await.unwrap();
    assert_eq!(limit.is_over(), None);
}
