//! C4's plaintext client: refused on every port, counted by the proxies, and never seen by the nodes.
//!
//! Each absence has its control: what the same client could do before the policy.

use meshproof_harness::evidence::intruder::{self, Intrusion};
use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::evidence::proxy_tls::Reading;
use meshproof_harness::mesh::Proxy;
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;

use super::Enforced;

/// The intruder is refused on every port; what proves nothing says so.
pub(super) async fn refused(stand: &Stand, enforced: &Enforced) -> Result<Vec<Check>, StepError> {
    let before = nodes::read(&stand.kube, &stand.namespace).await?;
    let counted_before = counted(stand).await?;
    let strict = intruder::intrude(&stand.kube, &enforced.addresses, &ProductPort::ALL).await?;
    let counted_after = counted(stand).await?;
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

    checks.push(each_is_counted(&counted_before, &counted_after));
    Ok(checks)
}

/// That each proxy counted as many refusals as attempts were made, one for each port. A count that is
/// not kept tells nothing.
fn each_is_counted(before: &[Reading], after: &[Reading]) -> Check {
    let statement = "each proxy's count of refused connections rises by exactly the attempts made";
    let made = ProductPort::ALL.len() as u64;
    let rises: Vec<Option<u64>> = before
        .iter()
        .zip(after)
        .map(|(before, after)| Some(after.refused()?.saturating_sub(before.refused()?)))
        .collect();
    let told = |(reading, rise): (&Reading, &Option<u64>)| {
        let rise = rise.map_or("an unknown number".to_owned(), |rise| rise.to_string());
        format!("{}: {rise} of {made}", reading.pod)
    };
    let seen: Vec<String> = after.iter().zip(&rises).map(told).collect();
    let seen = seen.join(", ");
    let shown = |readings: &[Reading], when: &str| -> Vec<Evidence> {
        let all = readings.iter();
        all.map(|r| r.refused_evidence(format!("{}: refused {when} the attempts", r.pod)))
            .collect()
    };
    let evidence = [shown(before, "before"), shown(after, "after")].concat();
    if rises.iter().all(Option::is_some) {
        let exact = rises.iter().all(|rise| *rise == Some(made));
        Check::answered(Standing::Truth, statement, exact, seen, evidence)
    } else {
        let because = format!("a proxy does not count refused connections: {seen}");
        Check::unproven(Standing::Truth, statement, because, evidence)
    }
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

async fn counted(stand: &Stand) -> Result<Vec<Reading>, StepError> {
    let read = nodes::PODS.map(|pod| async move {
        let proxy = Proxy::of(&stand.kube, &stand.namespace, pod);
        Ok::<_, StepError>(Reading::of(&proxy).await?)
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

#[cfg(test)]
mod tests {
    use meshproof_harness::mesh::Stats;
    use meshproof_harness::outcome::CheckResult;

    use super::*;

    const LINE: &str = "listener.0.0.0.0_15006.no_filter_chain_match: ";

    fn asked(before: [&str; 2], after: [&str; 2]) -> Check {
        let readings = |pages: [&str; 2]| {
            let read = |(pod, page): (&str, &str)| Reading {
                pod: pod.into(),
                command: "curl".into(),
                stats: Stats::parse(page),
            };
            nodes::PODS.into_iter().zip(pages).map(read).collect()
        };
        let (before, after): (Vec<Reading>, Vec<Reading>) = (readings(before), readings(after));
        each_is_counted(&before, &after)
    }

    #[test]
    fn each_attempt_must_be_counted_once_by_each_proxy() {
        let [two, seven, eight] = [2, 7, 8].map(|n| format!("{LINE}{n}\n"));
        let exact = asked([&two, &two], [&seven, &seven]);
        assert!(exact.holds());
        assert_eq!(exact.seen, "ignite-0: 5 of 5, ignite-1: 5 of 5");
        let more = asked([&two, &two], [&seven, &eight]);
        assert_eq!(more.result, CheckResult::Fails);
    }

    #[test]
    fn a_count_that_is_not_kept_is_no_count_of_nothing() {
        let [two, seven, five] = [2, 7, 5].map(|n| format!("{LINE}{n}\n"));
        for (before, after) in [(["", ""], [&*five, &five]), ([&two, &two], [&seven, ""])] {
            let check = asked(before, after);
            let unproven = matches!(check.result, CheckResult::Unproven { .. });
            assert!(unproven, "{}", check.seen);
        }
    }
}
