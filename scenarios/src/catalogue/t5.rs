//! T5: the ingress gateway's port-forward fails.
//!
//! The guide knows one cause, a gateway that is not installed. There are three: no gateway at all,
//! a gateway without a pod, and a gateway that runs and does not listen, for want of a Gateway or of
//! its Secret. Only in the last does a port-forward begin, and then the guide's words are its own.

mod attempt;
mod in_force;

use jiff::Timestamp;
use meshproof_harness::mesh::DEFAULT_PROFILE;
use meshproof_harness::mesh::ingress_gateway;
use meshproof_harness::outcome::{CaseClaim, Check, Cure, Evidence, Observed, Standing, Symptom};
use meshproof_harness::product::guide;
use meshproof_harness::scenario::{
    About, Case, Fault, Phase, Remedied, Scenario, Scope, Stand, StepError,
};

use super::c5;
use super::client;
use super::guide_cluster::{self as cluster, Deployment, READY, Since};
use crate::cleanup;
use attempt::Attempt;

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacks {
    /// The gateway as a whole: Istio is installed with the minimal profile.
    Installation,
    /// Its pods: the Deployment is scaled to 0.
    Pods,
    /// The Gateway resource by which it listens.
    GatewayResource,
    /// The Secret with its certificate.
    Secret,
}

/// All variants.
pub fn scenarios() -> Vec<Scenario> {
    let of = |id, title, scope, lacks, remarks| {
        let about = About {
            id,
            title,
            section: "Troubleshooting: istio-ingressgateway port-forward returns connection refused",
            claim: "The ingress gateway is not running, because a profile without it was \
                    installed; installing the default profile cures it.",
            scope,
            alone: None,
            remarks,
        };
        Scenario::case(about, NotReached(lacks))
    };
    vec![
        of(
            "T5a",
            "The minimal profile has no ingress gateway",
            Scope::Mesh,
            Lacks::Installation,
            &[
                "A port-forward does not begin without the Service. What is refused then is a request \
                 sent all the same to the local port on which nobody listens.",
            ] as &[&str],
        ),
        of(
            "T5b",
            "The ingress gateway is scaled to 0",
            Scope::Mesh,
            Lacks::Pods,
            &[
                "The guide's cause with the Service in place: a port-forward finds it, finds no pod \
                 behind it, and does not begin.",
            ],
        ),
        of(
            "T5c",
            "The ingress gateway runs and no Gateway lets it listen",
            Scope::Gateway,
            Lacks::GatewayResource,
            &[
                "The guide does not name this cause, and here are its words: the port-forward begins, \
                 and `connection refused` is what it says of the first request.",
            ],
        ),
        of(
            "T5d",
            "The ingress gateway runs and its Secret is absent",
            Scope::Gateway,
            Lacks::Secret,
            &[
                "The guide does not name this cause. A Secret that is deleted while the gateway serves \
               changes nothing: the proxy keeps the certificate that it has, even for a Gateway that \
               is deleted and made again while the old listener drains (measured). So here the \
               gateway's pod is new and the Secret absent before the Gateway comes.",
            ],
        ),
    ]
}

struct NotReached(Lacks);

impl Case for NotReached {
    fn claim(&self) -> CaseClaim {
        let code = match self.0 {
            Lacks::Installation | Lacks::Pods => "MP050",
            Lacks::GatewayResource => "MP051",
            Lacks::Secret => "MP052",
        };
        CaseClaim {
            symptom: Symptom::Refused,
            remedy: "reinstall with istioctl install -y, whose default profile has the gateway"
                .into(),
            remedy_restarts: false,
            found_by: vec![code.into()],
        }
    }

    fn baseline<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Vec<Check>> {
        Box::pin(async move {
            let application = client::manifest(&stand.namespace)?;
            let guides = Deployment::of_the_guide(stand, true)?;
            guides.deploy(stand, READY).await?;
            stand.kube.apply(&application.objects).await?;
            let mut checks = cluster::healthy(stand, "baseline").await?;
            checks.extend(c5::proven(stand).await?);
            Ok(checks)
        })
    }

    fn fault<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Fault> {
        Box::pin(async move {
            let kube = &stand.kube;
            let shown = match self.0 {
                Lacks::Installation => {
                    if make {
                        stand.install.is_disturbed(kube).await?;
                        stand.install.install_profile("minimal", |_| {}).await?;
                        ingress_gateway::gone(kube).await?;
                    }
                    "istioctl install --set profile=minimal, in the place of the default profile"
                }
                Lacks::Pods => {
                    if make {
                        stand.install.is_disturbed(kube).await?;
                        ingress_gateway::scale(kube, 0).await?;
                    }
                    "kubectl scale deployment/istio-ingressgateway -n istio-system --replicas=0"
                }
                Lacks::GatewayResource => {
                    if make {
                        let mut resources = gateway_resources(stand)?;
                        resources.retain(|o| o["kind"] == "Gateway");
                        kube.delete(&resources).await?;
                    }
                    "the Gateway ignite-client-gateway is deleted; the VirtualService stays"
                }
                Lacks::Secret => {
                    if make {
                        kube.delete(&gateway_resources(stand)?).await?;
                        cleanup::gateway_secret(kube).await?;
                        restart_gateway(stand).await?;
                        kube.apply(&gateway_resources(stand)?).await?;
                    }
                    "Gateway and VirtualService are applied without the Secret ignite-client-tls, as \
                     if the guide's openssl and kubectl lines had been left out"
                }
            };
            Ok(Fault {
                shown: Deployment::of_the_guide(stand, true)?.shown_with(shown)?,
                in_force: in_force::checks(stand, self.0).await?,
            })
        })
    }

    fn observe<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Observed> {
        Box::pin(async move {
            let lasting = Attempt::lasting(stand).await?;
            let mut checks = vec![lasting.check()];
            if self.0 == Lacks::Installation {
                checks.push(demo_minimal_is_no_profile(stand).await);
            }
            Ok(Observed {
                symptom: lasting.attempt.symptom(),
                because: lasting.attempt.in_words(),
                checks,
            })
        })
    }

    fn remedy<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Remedied> {
        Box::pin(async move {
            let mut done = vec![];
            let since = Since {
                gateway: true,
                ..Timestamp::now().into()
            };
            if make {
                stand
                    .install
                    .install_profile(DEFAULT_PROFILE, |_| {})
                    .await?;
                done.push("istioctl install -y with the default profile");
            }
            let mut recovery = self.c5_holds(stand, false).await;
            let mut cure = if holds(&recovery) {
                Cure::ByTheRemedy
            } else {
                Cure::None
            };
            if make && cure == Cure::None {
                done.push(self.put_right(stand).await?);
                recovery = self.c5_holds(stand, true).await;
                if holds(&recovery) {
                    cure = Cure::BySomethingElse;
                }
            }
            let mut consequences = vec![];
            if cure == Cure::None {
                // They tell what lacks, and are no recovery's.
                consequences.append(&mut recovery);
            } else {
                let (stays_answered, one_cluster) = tokio::try_join!(
                    Attempt::stays_answered(stand),
                    cluster::recovered(stand, since)
                )?;
                recovery.push(stays_answered);
                recovery.extend(one_cluster);
                if !holds(&recovery) {
                    cure = Cure::None;
                }
            }
            Ok(Remedied {
                done: done.join("; "),
                cure,
                recovery,
                consequences,
            })
        })
    }

    fn put_back<'a>(&'a self, stand: &'a Stand) -> Phase<'a, ()> {
        Box::pin(async move {
            // What was not disturbed is found as it is, and nothing is done.
            stand.install.ensure(&stand.kube, &stand.progress).await?;
            stand.kube.delete(&gateway_resources(stand)?).await?;
            cleanup::gateway_secret(&stand.kube).await
        })
    }
}

impl NotReached {
    /// Whether C5 holds; where it cannot even be arranged, why, as a check that fails. Where the fault is
    /// that a part of the guide's own step is absent, that step is not done again without `arranging`.
    async fn c5_holds(&self, stand: &Stand, arranging: bool) -> Vec<Check> {
        let reapplies = matches!(self.0, Lacks::GatewayResource | Lacks::Secret);
        if reapplies && !arranging {
            // C5's own step would apply what was taken away: only the request itself is made here.
            return match Attempt::make(stand).await {
                Ok(attempt) => vec![attempt.answered()],
                Err(error) => vec![not_arranged(&error)],
            };
        }
        match c5::proven(stand).await {
            Ok(checks) => checks,
            Err(error) => vec![not_arranged(&error)],
        }
    }

    /// What cures it where the guide's remedy does not.
    async fn put_right(&self, stand: &Stand) -> Result<&'static str, StepError> {
        Ok(match self.0 {
            Lacks::Installation | Lacks::Pods => {
                ingress_gateway::scale(&stand.kube, 1).await?;
                "the gateway is scaled to 1"
            }
            Lacks::GatewayResource => "Gateway and VirtualService are applied",
            Lacks::Secret => "the Secret is created",
        })
    }
}

fn holds(checks: &[Check]) -> bool {
    !checks.is_empty() && checks.iter().all(Check::holds)
}

fn not_arranged(error: &StepError) -> Check {
    let statement = "the guide's HTTPS step can be done";
    Check::answered(Standing::Guide, statement, false, error.to_string(), vec![])
}

fn gateway_resources(stand: &Stand) -> Result<Vec<serde_json::Value>, StepError> {
    Ok(guide::client_gateway()?
        .in_namespace(&stand.namespace)
        .objects)
}

/// Replaces the gateway's pod, so that its proxy knows nothing from before.
async fn restart_gateway(stand: &Stand) -> Result<(), StepError> {
    stand.install.is_disturbed(&stand.kube).await?;
    ingress_gateway::scale(&stand.kube, 0).await?;
    Ok(ingress_gateway::scale(&stand.kube, 1).await?)
}

/// The guide names two profiles without a gateway; this Istio knows one of them.
async fn demo_minimal_is_no_profile(stand: &Stand) -> Check {
    let lacks = stand.install.lacks_profile("demo-minimal").await;
    let minimal = stand.install.lacks_profile("minimal").await;
    let seen = match (&lacks, &minimal) {
        (Some(_), None) => "istioctl knows minimal and does not know demo-minimal".to_owned(),
        (None, _) => "istioctl knows demo-minimal".to_owned(),
        (Some(_), Some(error)) => format!("istioctl does not know minimal either: {error}"),
    };
    let evidence = Evidence::now(
        "istioctl manifest generate --set profile=demo-minimal",
        lacks.clone().unwrap_or_default(),
        seen.clone(),
    );
    let statement =
        "demo-minimal, which the guide names beside minimal, is no profile of this Istio";
    let holds = lacks.is_some() && minimal.is_none();
    Check::answered(Standing::Truth, statement, holds, seen, vec![evidence])
}
