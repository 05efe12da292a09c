//! C6a: the guide's own proof of mutual TLS, Istio's TCP metrics in a node's proxy.

use jiff::Timestamp;
use meshproof_harness::evidence::log_gate;
use meshproof_harness::evidence::nodes;
use meshproof_harness::evidence::proxy_tls::default_identity;
use meshproof_harness::evidence::tcp_metrics::{self, FAMILIES, MUTUAL_TLS, OPENED, Sample};
use meshproof_harness::mesh::{PROXY_CONTAINER, Proxy};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};

/// What the guide runs in the proxy's container.
const COMMAND: [&str; 3] = ["curl", "-s", "localhost:15000/stats/prometheus"];
/// The one reason for which this scenario may be blocked, in the words that expectations list.
const LACKING: &str = "proxy lacks istio.stats";

/// The scenario.
pub fn scenario() -> Scenario {
    let about = About {
        id: "C6a",
        title: "The guide's metric shows mutual TLS",
        section: "Verify mutual TLS is enforced",
        claim: "A node's proxy counts TCP connections labelled connection_security_policy=\
                \"mutual_tls\", with the namespace's identity on both sides; the same label is on \
                the closed, received and sent metrics.",
        scope: Scope::Namespace,
        alone: None,
        remarks: &[
            "The metric has no label for a port. It cannot show, as the guide says it does, that \
             the discovery port and the communication port are encrypted; C6b asks per port.",
            "The metric comes from Istio's own filter istio.stats, which a proxy that is upstream \
             Envoy does not have.",
        ],
    };
    Scenario::checkpoint(about, Metric)
}

struct Metric;

impl Checkpoint for Metric {
    /// What the command printed, whether the proxy has the filter, and when the step began.
    type Arranged = (String, bool, Timestamp);

    async fn arrange(&self, stand: &Stand) -> Result<Self::Arranged, StepError> {
        let begun = Timestamp::now();
        let pod = nodes::PODS[0];
        let has_filter = match stand.mesh.istio_filters {
            Some(known) => known,
            None => {
                Proxy::of(&stand.kube, &stand.namespace, pod)
                    .has_istio_filters()
                    .await?
            }
        };
        let printed = stand
            .kube
            .exec(&stand.namespace, pod, PROXY_CONTAINER, &COMMAND)
            .await?;
        Ok((printed, has_filter, begun))
    }

    async fn check(
        &self,
        stand: &Stand,
        (printed, has_filter, begun): Self::Arranged,
    ) -> Result<Vec<Check>, StepError> {
        let mut checks = checks(&stand.namespace, &printed, has_filter);
        let logs = log_gate::Logs::of_nodes(&stand.product, &stand.namespace, begun);
        let quiet = logs.check(&stand.kube, &[]).await?;
        checks.insert(checks.len().saturating_sub(1), quiet);
        Ok(checks)
    }
}

fn checks(namespace: &str, printed: &str, has_filter: bool) -> Vec<Check> {
    let (lines, samples) = tcp_metrics::mutual_tls(printed);
    let evidence = |fact: String| {
        let command = format!(
            "kubectl exec {} -n {namespace} -c {PROXY_CONTAINER} -- {} | grep '{MUTUAL_TLS}'",
            nodes::PODS[0],
            COMMAND.join(" ")
        );
        vec![Evidence::now(command, lines.clone(), fact)]
    };
    let statement = format!("the grep returns {OPENED} with a count that is not zero");
    if samples.is_empty() && !has_filter {
        let fact = format!("no such line among the {} printed", printed.lines().count());
        return vec![Check::lacking(
            Standing::Guide,
            statement,
            LACKING,
            evidence(fact),
        )];
    }
    let opened: Vec<&Sample> = samples
        .iter()
        .filter(|s| s.metric == OPENED && s.value > 0.0)
        .collect();
    let total: f64 = opened.iter().map(|s| s.value).sum();
    let seen = format!("{} lines, {total} connections", opened.len());
    let mut checks = vec![Check::answered(
        Standing::Guide,
        statement,
        !opened.is_empty(),
        seen.clone(),
        evidence(seen),
    )];

    let there = |family: &&str| samples.iter().any(|s| s.metric == **family);
    let absent: Vec<&str> = FAMILIES
        .into_iter()
        .filter(|family| !there(family))
        .collect();
    let seen = match absent.as_slice() {
        [] => "closed, received and sent are there".to_owned(),
        absent => format!("absent: {}", absent.join(", ")),
    };
    checks.push(Check::answered(
        Standing::Guide,
        "the same label is on the closed, received and sent metrics",
        absent.is_empty(),
        seen.clone(),
        evidence(seen),
    ));

    let identity = default_identity(namespace);
    let ours = opened.iter().find(|s| {
        s.label("source_principal") == identity && s.label("destination_principal") == identity
    });
    let seen = match (ours, opened.first()) {
        (Some(ours), _) => {
            format!(
                "{} connections under mutual_tls between {identity} and itself",
                ours.value
            )
        }
        (None, Some(other)) => format!(
            "source {}, destination {}",
            other.label("source_principal"),
            other.label("destination_principal")
        ),
        (None, None) => "no connection".to_owned(),
    };
    checks.push(Check::answered(
        Standing::Guide,
        "both principals are the namespace's default service account",
        ours.is_some(),
        seen.clone(),
        evidence(seen),
    ));
    checks
}

#[cfg(test)]
mod tests;
