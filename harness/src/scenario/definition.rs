//! What a scenario is: data that listing, filters, docs and reports are made from, and its phases.

use std::time::Instant;

use futures::future::BoxFuture;

use super::case::Case;
use super::limits::in_time;
use super::{Stand, StepError};
use crate::kube::Kube;
use crate::outcome::{Check, PhaseTime};
use crate::product::Product;

/// How far a scenario reaches, and so what may run beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Its own namespace.
    Namespace,
    /// The shared ingress gateway.
    Gateway,
    /// Istio's own namespace.
    Mesh,
}

impl Scope {
    /// The name in lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Gateway => "gateway",
            Self::Mesh => "mesh",
        }
    }
}

/// A checkpoint's two phases.
///
/// *Arrange* does what the guide tells its reader to do; *check* asks whether the claim holds, and
/// returns one [`Check`] for each question, from the surface inwards. Neither writes a verdict.
pub trait Checkpoint: Send + Sync + 'static {
    /// What *arrange* hands to *check*.
    type Arranged: Send;

    /// What the step needs and lacks here, in words that an expectation can list; none if it can be
    /// done. A step needs the run's product, unless it says otherwise.
    fn blocked(&self, product: &Product) -> Option<String> {
        product.lacks().map(str::to_owned)
    }

    /// Starts early what takes time and rests on nothing that an earlier step shows: called while
    /// the mesh still comes up, in the order of the steps. *Arrange* does the same again, which
    /// must do no harm, and waits for what comes of it.
    ///
    /// # Errors
    /// When it cannot be started; *arrange* will meet the same and tell.
    fn start_early(
        &self,
        kube: &Kube,
        namespace: &str,
        product: &Product,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        let _ = (kube, namespace, product);
        std::future::ready(Ok(()))
    }

    /// Does the guide's step.
    ///
    /// # Errors
    /// When the step cannot be carried through.
    fn arrange(
        &self,
        stand: &Stand,
    ) -> impl Future<Output = Result<Self::Arranged, StepError>> + Send;

    /// Asks whether the claim holds.
    ///
    /// # Errors
    /// When a question cannot be asked at all.
    fn check(
        &self,
        stand: &Stand,
        arranged: Self::Arranged,
    ) -> impl Future<Output = Result<Vec<Check>, StepError>> + Send;
}

/// What came of a checkpoint's phases.
pub(super) struct Carried {
    pub(super) checks: Result<Vec<Check>, StepError>,
    pub(super) phases: Vec<PhaseTime>,
}

pub(super) trait Erased: Send + Sync {
    fn lacking(&self, product: &Product) -> Option<String>;
    fn carry<'a>(&'a self, stand: &'a Stand) -> BoxFuture<'a, Carried>;
    fn early<'a>(
        &'a self,
        kube: &'a Kube,
        namespace: &'a str,
        product: &'a Product,
    ) -> BoxFuture<'a, Result<(), StepError>>;
}

impl<C: Checkpoint> Erased for C {
    fn lacking(&self, product: &Product) -> Option<String> {
        self.blocked(product)
    }

    fn early<'a>(
        &'a self,
        kube: &'a Kube,
        namespace: &'a str,
        product: &'a Product,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(self.start_early(kube, namespace, product))
    }

    fn carry<'a>(&'a self, stand: &'a Stand) -> BoxFuture<'a, Carried> {
        Box::pin(async move {
            let mut phases = vec![];
            let begun = Instant::now();
            let arranged = in_time(stand, "arrange", Box::pin(self.arrange(stand))).await;
            phases.push(time("arrange", begun));
            let checks = match arranged {
                Err(error) => Err(error),
                Ok(arranged) => {
                    let begun = Instant::now();
                    let checks =
                        in_time(stand, "check", Box::pin(self.check(stand, arranged))).await;
                    phases.push(time("check", begun));
                    checks
                }
            };
            Carried { checks, phases }
        })
    }
}

pub(super) fn time(phase: &str, begun: Instant) -> PhaseTime {
    PhaseTime {
        phase: phase.to_owned(),
        seconds: begun.elapsed().as_secs_f64(),
    }
}

/// What a scenario tells of itself before it runs.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its id: `C1`, `C6a`.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The guide's section that it comes from.
    pub section: &'static str,
    /// What the guide claims there, in our words.
    pub claim: &'static str,
    /// How far it reaches.
    pub scope: Scope,
    /// Why nothing may run beside it although its scope would allow that: `timing` marks a race that
    /// neighbours would disturb.
    pub alone: Option<&'static str>,
    /// What a reader should know beside the verdict.
    pub remarks: &'static [&'static str],
}

/// One scenario of a catalogue.
pub struct Scenario {
    /// What it tells of itself.
    pub about: About,
    pub(super) phases: Phases,
}

/// What a scenario does.
pub(super) enum Phases {
    /// A step of the walk.
    Step(Box<dyn Erased>),
    /// A case of its own.
    Case(Box<dyn Case>),
}

impl Scenario {
    /// A checkpoint of the guide.
    pub fn checkpoint(about: About, phases: impl Checkpoint) -> Self {
        Self {
            about,
            phases: Phases::Step(Box::new(phases)),
        }
    }

    /// A troubleshooting case of the guide, or a variant of one.
    pub fn case(about: About, case: impl Case) -> Self {
        Self {
            about,
            phases: Phases::Case(Box::new(case)),
        }
    }

    /// Whether it is a step of the walk, which builds on the earlier steps.
    pub fn is_step(&self) -> bool {
        matches!(self.phases, Phases::Step(_))
    }

    /// What it needs and lacks, in words that an expectation can list; none if it can be run.
    pub fn blocked(&self, product: &Product) -> Option<String> {
        match &self.phases {
            Phases::Step(step) => step.lacking(product),
            Phases::Case(case) => case.blocked(product),
        }
    }

    /// Starts early what the scenario says can be; nothing of one that is blocked.
    ///
    /// # Errors
    /// As [`Checkpoint::start_early`].
    pub async fn start_early(
        &self,
        kube: &Kube,
        namespace: &str,
        product: &Product,
    ) -> Result<(), StepError> {
        match &self.phases {
            Phases::Step(step) if step.lacking(product).is_none() => {
                step.early(kube, namespace, product).await
            }
            Phases::Step(_) | Phases::Case(_) => Ok(()),
        }
    }

    pub(super) async fn carry_step(&self, stand: &Stand) -> Carried {
        match &self.phases {
            Phases::Step(step) => step.carry(stand).await,
            Phases::Case(_) => unreachable!("a case is not carried as a step"),
        }
    }
}
