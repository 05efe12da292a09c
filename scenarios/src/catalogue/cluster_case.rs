//! A case whose fault is an edit of the guide's cluster manifests: T1, T2 and X1 are made of it.
//!
//! Baseline: the guide's cluster, healthy, in a namespace of its own. Fault: the same deployed with
//! the edit. Symptom: what the nodes become, and stay. Remedy: the guide's manifests again, or an edit
//! of the faulty ones, and a restart where the guide has one, or where nothing else helps. What is
//! particular to a case is data.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::kube::{Seen, pods};
use meshproof_harness::mesh::{Demand, Way};
use meshproof_harness::outcome::{CaseClaim, Check, Cure, Observed, Standing, Symptom};
use meshproof_harness::product::logs::{EventKind, StallSign};
use meshproof_harness::product::manifest::Manifest;
use meshproof_harness::scenario::edit::{self, EditError};
use meshproof_harness::scenario::{Case, Fault, Phase, Remedied, Stand, StepError};
use meshproof_protocol::ports::ProductPort;

use super::guide_cluster::{self as cluster, Deployment, HOLD, SETTLE, Since};
use super::in_force::{self, Sidecar};
use super::{joiner, shown, taken_port};

/// An edit of the guide's cluster manifests.
pub(super) type Edit = fn(&mut Manifest) -> Result<(), EditError>;

/// The data of a case.
pub(super) struct ClusterCase {
    /// What the guide tells its reader to see.
    pub(super) claimed: Symptom,
    /// What the guide tells its reader to do, in our words.
    pub(super) remedy: &'static str,
    /// Whether a restart of the pods is part of that.
    pub(super) remedy_restarts: bool,
    /// What the remedy changes in the manifests with the fault; none where it takes the fault back.
    pub(super) remedy_edit: Option<Edit>,
    /// The rules that have to find the cause.
    pub(super) found_by: &'static [&'static str],
    /// Whether the guide's STRICT policy is in force.
    pub(super) strict: bool,
    /// The pods' ready containers and all of them, when all is well.
    pub(super) ready: (usize, usize),
    /// What the case needs beside the guide's manifests, also while it is healthy.
    pub(super) arrangement: Edit,
    /// The fault.
    pub(super) fault: Edit,
    /// What shows that it is in force.
    pub(super) in_force: InForce,
    /// What the proxies have to show beside the symptom, by what the symptom is.
    pub(super) shown: &'static [(Symptom, shown::Shown)],
    /// Whether to wait for the guide's own sentence where the nodes stall: 40 s in place of 10.
    pub(super) until_guides_sentence: bool,
    /// Whether the remedy has to come while a stalled joiner still tries to connect.
    pub(super) while_joiner_tries: bool,
}

/// What shows that a fault is in force.
pub(super) enum InForce {
    /// How proxies carry connections to these ports of the other node.
    Ways(&'static [(ProductPort, Way)]),
    /// That pods run without the hold, with a sidecar of this kind.
    NoHold(Sidecar),
    /// That a connection has this port in each pod, and the node therefore another.
    PortTaken(ProductPort),
}

/// Nothing beside the guide's manifests.
pub(super) fn as_in_the_guide(_: &mut Manifest) -> Result<(), EditError> {
    Ok(())
}

/// Seconds that nodes are given to find together once the cause is removed, before they are
/// restarted. A stall that could heal would within its next exchange, 10 s.
const BY_ITSELF: u64 = 12;
/// The same of a joiner that was caught trying: its next try can come 7 s later, and istiod's push before
/// that. In 28 rounds it took 9 s at most.
const BY_NEXT_TRY: u64 = 30;

impl ClusterCase {
    fn healthy_one(&self, stand: &Stand) -> Result<Deployment, StepError> {
        Deployment::of_the_guide(stand, self.strict)?.edited(self.arrangement)
    }

    /// Whether the proxies are asked what they demand of each other. One that was made slow, whose race
    /// with its node does not depend on it, is left alone.
    fn asks_for_the_policy(&self) -> bool {
        !matches!(self.in_force, InForce::NoHold(Sidecar { cpu: Some(_), .. }))
    }
}

impl Case for ClusterCase {
    fn claim(&self) -> CaseClaim {
        CaseClaim {
            symptom: self.claimed,
            remedy: self.remedy.into(),
            remedy_restarts: self.remedy_restarts,
            found_by: self.found_by.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    fn baseline<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Vec<Check>> {
        Box::pin(async move {
            self.healthy_one(stand)?.deploy(stand, self.ready).await?;
            cluster::healthy(stand, "baseline").await
        })
    }

    fn fault<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Fault> {
        Box::pin(async move {
            let healthy = self.healthy_one(stand)?;
            let faulty = healthy.edited(self.fault)?;
            let fault = edit::diff(
                &healthy.cluster,
                &faulty.cluster,
                [cluster::THROUGHOUT, cluster::FAULTY],
            )?;
            let shown = healthy.shown_with(&fault)?;
            if make {
                faulty.redeploy(stand, self.ready).await?;
            }
            let mut in_force = match self.in_force {
                InForce::Ways(ways) => in_force::ways(stand, ways).await?,
                InForce::NoHold(sidecar) => in_force::no_hold(stand, sidecar).await?,
                InForce::PortTaken(port) => taken_port::in_force(stand, port).await?,
            };
            if self.asks_for_the_policy() {
                let demand = match self.strict {
                    true => Demand::Certificate,
                    false => Demand::Either,
                };
                in_force.extend(in_force::demands(stand, demand).await?);
            }
            Ok(Fault { shown, in_force })
        })
    }

    fn observe<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Observed> {
        Box::pin(async move {
            let (state, readings) = nodes::settled(&stand.kube, &stand.namespace, SETTLE).await?;
            let symptom = state.symptom;
            let mut because = state.reason.clone();
            let mut checks = vec![];
            if symptom != Symptom::Undecided {
                checks.push(cluster::stays(stand, &readings, symptom, HOLD).await?);
                for (of, shown) in self.shown {
                    if *of == symptom {
                        checks.push(shown.check(stand).await?);
                    }
                }
            }
            if symptom == Symptom::Stall && self.until_guides_sentence {
                let (check, line) = guides_sentence(stand, &readings).await?;
                checks.push(check);
                because = line.unwrap_or(because);
            }
            checks.push(all_ready(&cluster::listed(stand).await?, self.ready));
            Ok(Observed {
                symptom,
                because,
                checks,
            })
        })
    }

    fn remedy<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Remedied> {
        Box::pin(async move {
            let mut done = vec![];
            let mut begun = Timestamp::now();
            if make {
                let healthy = self.healthy_one(stand)?;
                let (cured, which) = match self.remedy_edit {
                    None => (healthy, "the guide's manifests are"),
                    Some(edit) => (
                        healthy.edited(self.fault)?.edited(edit)?,
                        "the fault's manifests are, with the remedy in them,",
                    ),
                };
                if self.while_joiner_tries {
                    done.extend(joiner::made_to_try(stand, self.ready).await?);
                }
                begun = Timestamp::now();
                let ran = cluster::seconds_run(&cluster::listed(stand).await?);
                stand.kube.apply(&cured.cluster.objects).await?;
                done.push(format!("{which} applied ({ran})"));
            }
            let mut since = None;
            if make && self.remedy_restarts {
                let restarted = cluster::restart(stand, self.ready).await?;
                since = Some(restarted.gone);
                done.push(restarted.told());
            }
            let limit = match (self.remedy_restarts, self.while_joiner_tries) {
                (true, _) => SETTLE,
                (false, true) => BY_NEXT_TRY,
                (false, false) => BY_ITSELF,
            };
            let healed = healed_within(stand, limit).await?;
            let mut cure = if healed {
                Cure::ByTheRemedy
            } else {
                Cure::None
            };
            if make && !healed && !self.remedy_restarts {
                let restarted = cluster::restart(stand, self.ready).await?;
                since = Some(restarted.gone);
                done.push(format!(
                    "{}, of which the guide does not speak here",
                    restarted.told()
                ));
                if healed_within(stand, SETTLE).await? {
                    cure = Cure::WithARestart;
                }
            }
            let since = Since {
                remedy: begun,
                healed: since.unwrap_or_else(Timestamp::now),
                gateway: false,
            };
            let mut remedied = cluster::remedied(stand, &done, cure, since).await?;
            if let (InForce::PortTaken(port), true) = (&self.in_force, remedied.cure != Cure::None)
            {
                let prevented = taken_port::prevented(stand, *port).await?;
                if !prevented.iter().all(Check::holds) {
                    remedied.cure = Cure::None;
                }
                remedied.recovery.extend(prevented);
            }
            Ok(remedied)
        })
    }
}

/// Whether the nodes become one cluster within so many seconds.
async fn healed_within(stand: &Stand, seconds: u64) -> Result<bool, StepError> {
    let (state, _) =
        nodes::becomes(&stand.kube, &stand.namespace, Symptom::Healthy, seconds).await?;
    Ok(state.symptom == Symptom::Healthy)
}

/// Waits for the sentence that the guide names as the sign of a stall.
async fn guides_sentence(
    stand: &Stand,
    readings: &[NodeReading],
) -> Result<(Check, Option<String>), StepError> {
    let joiner = joiner::of(readings);
    let sentence = |text: &str| {
        let log = meshproof_harness::product::logs::NodeLog::read(text);
        let found = log
            .events
            .iter()
            .find(|e| e.kind == EventKind::Stalled(StallSign::StillWaiting));
        match found {
            Some(event) => Seen::Met(event.text.clone()),
            None => Seen::NotYet("other lines".into()),
        }
    };
    let name = "the guide's sentence in the joiner's log";
    let limit = stand.kube.limit(60);
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let followed = kube
        .follow_log(
            namespace,
            joiner,
            nodes::NODE_CONTAINER,
            name,
            limit,
            sentence,
        )
        .await;
    let (holds, seen, line) = match followed {
        Ok(line) => {
            let start: String = line.chars().take(90).collect();
            (
                true,
                format!("{joiner}: {start}"),
                Some(format!("{joiner}: {start}")),
            )
        }
        Err(error) => (false, error.to_string(), None),
    };
    let statement = "the joiner's log says `Still waiting for initial partition map exchange`";
    Ok((
        Check::answered(Standing::Guide, statement, holds, seen, vec![]),
        line,
    ))
}

/// That `kubectl get pods` shows 2/2 all the same, or as many as the case has.
fn all_ready(listed: &[Pod], ready: (usize, usize)) -> Check {
    let lines = listed.iter().map(pods::line).collect::<Vec<_>>().join(", ");
    let holds = listed.iter().all(|pod| pods::readiness(pod) == ready);
    let statement = format!(
        "kubectl get pods shows {}/{} and Running all the same",
        ready.0, ready.1
    );
    Check::answered(Standing::Guide, statement, holds, lines, vec![])
}
