//! C4's plaintext client: refused on every port, counted by the proxies, and never seen by the nodes.
//!
//! Each absence has its control: what the same client could do before the policy.

use meshproof_harness::evidence::intruder::{self, Intrusion};
use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::mesh::{Proxy, Stats};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;

use super::Enforced;

/// What a proxy under STRICT counts for each plaintext connection that it refuses.
const REFUSALS: &str = "listener.0.0.0.0_15006.no_filter_chain_match";

/// The intruder is refused on every port; what proves nothing says so.
pub(super) async fn refused(stand: &Stand, enforced: &Enforced) -> Result<Vec<Check>, StepError> {
    let before = nodes::read(&stand.kube, &stand.namespace).await?;
    let counted_before = refusals(stand).await?;
    let strict = intruder::intrude(&stand.kube, &enforced.addresses, &ProductPort::ALL).await?;
    let counted_after = refusals(stand).await?;
    let after = nodes::read(&stand.kube, &stand.namespace).await?;
    let mut checks: Vec<Check> = ProductPort::ALL
        .into_iter()
        .map(|port| port_refused(port, &enforced.permissive, &strict))
        .collect();

    let gained = connections_gained(&before, &after);
    let statement = "the refused attempts leave nothing in the nodes' logs";
    let evidence = vec![
        Evidence::now(
            "log lines that tell of a connection, during the permissive attempts",
            enforced.permissive_log.join("\n"),
            format!("{} lines before STRICT", enforced.permissive_log.len()),
        ),
        Evidence::now(
            "log lines that tell of a connection, during the attempts under STRICT",
            gained.join("\n"),
            format!("{} lines under STRICT", gained.len()),
        ),
    ];
    checks.push(if enforced.permissive_log.is_empty() {
        let because = "the permissive attempts left nothing in the logs either";
        Check::unproven(Standing::Truth, statement, because, evidence)
    } else {
        let seen = format!(
            "{} lines before STRICT, {} under it",
            enforced.permissive_log.len(),
            gained.len()
        );
        Check::answered(
            Standing::Truth,
            statement,
            gained.is_empty(),
            seen,
            evidence,
        )
    });

    let made = ProductPort::ALL.len() as u64;
    let mut lines = vec![];
    let mut exact = true;
    let mut evidence = vec![];
    for ((pod, before), (_, after)) in counted_before.iter().zip(&counted_after) {
        let rise = after.get(REFUSALS).saturating_sub(before.get(REFUSALS));
        exact &= rise == made;
        lines.push(format!("{pod}: {rise} of {made}"));
        let proxy = Proxy::of(&stand.kube, &stand.namespace, *pod);
        evidence.push(Evidence::now(
            proxy.command(&format!("/stats?filter={REFUSALS}")),
            format!("before:\n{}after:\n{}", before.raw, after.raw),
            format!("{pod} refused {rise} connections"),
        ));
    }
    checks.push(Check::answered(
        Standing::Truth,
        "each proxy's count of refused connections rises by exactly the attempts made",
        exact,
        lines.join(", "),
        evidence,
    ));
    Ok(checks)
}

fn port_refused(port: ProductPort, permissive: &Intrusion, strict: &Intrusion) -> Check {
    let number = port.number();
    let statement = format!("a plaintext client outside the mesh is refused on {port}");
    let words = |intrusion: &Intrusion| {
        intrusion
            .on(port)
            .map(intruder::in_words)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let evidence = vec![permissive.evidence.clone(), strict.evidence.clone()];
    if !permissive.on(port).all(|attempt| attempt.was_answered()) {
        let because = format!(
            "no positive control on {number}: before STRICT it was not answered either ({})",
            words(permissive)
        );
        return Check::unproven(Standing::Truth, statement, because, evidence);
    }
    let holds = strict.on(port).count() > 0
        && strict
            .on(port)
            .all(|attempt| attempt.was_reset_without_a_byte());
    let seen = format!(
        "before STRICT: {}; under it: {}",
        words(permissive),
        words(strict)
    );
    Check::answered(Standing::Truth, statement, holds, seen, evidence)
}

async fn refusals(stand: &Stand) -> Result<Vec<(&'static str, Stats)>, StepError> {
    let read = nodes::PODS.map(|pod| async move {
        let proxy = Proxy::of(&stand.kube, &stand.namespace, pod);
        Ok::<_, StepError>((pod, proxy.stats("no_filter_chain_match").await?))
    });
    futures::future::try_join_all(read).await
}

/// The log lines that tell of a connection and came between two readings.
pub(super) fn connections_gained(before: &[NodeReading], after: &[NodeReading]) -> Vec<String> {
    before
        .iter()
        .zip(after)
        .flat_map(|(before, after)| {
            let known = before.log.connections().len();
            let pod = &after.pod;
            let gained = after.log.connections().into_iter().skip(known);
            gained
                .map(|(_, event)| format!("{pod}: {}", event.text))
                .collect::<Vec<_>>()
        })
        .collect()
}
