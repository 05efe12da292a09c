//! Whether nodes listen on their own ports, where the guide's manifests leave that to chance.
//!
//! The cases reserve the ports in their pods. The checkpoints deploy the guide's manifests as they are:
//! there a node that found a port taken shows what X1 is about, and not what the checkpoint asks.

use jiff::Timestamp;
use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::outcome::{Check, Standing, Symptom};
use meshproof_harness::product::logs::NodeLog;
use meshproof_harness::product::reserved_ports::IN_EPHEMERAL_RANGE;
use meshproof_harness::scenario::{Stand, StepError};

use super::SETTLE;

/// How often nodes are made anew for their ports. One start in 270 met a taken port with classic sidecars.
const MADE_ANEW: usize = 2;

/// Where the nodes listen.
pub struct OwnPorts {
    /// What tells of it; none where a log does not say on which port its node listens, as a quiet one
    /// does not.
    pub check: Option<Check>,
    /// When a node was last made anew for it, if one was: what the other's log says before is about that.
    pub made_anew: Option<Timestamp>,
}

/// Waits until the nodes show what they come to, and has them made anew where one listens on another
/// port than its own. Made anew is by the caller, who is told what they came to.
///
/// # Errors
/// When logs cannot be read, or what the caller failed with.
pub async fn on_own_ports<Anew>(
    stand: &Stand,
    make_anew: impl Fn(Symptom) -> Anew + Send,
) -> Result<OwnPorts, StepError>
where
    Anew: Future<Output = Result<(), StepError>> + Send,
{
    let mut before = vec![];
    let mut made_anew = None;
    loop {
        let (state, readings) = nodes::settled(&stand.kube, &stand.namespace, SETTLE).await?;
        let elsewhere = elsewhere(&readings);
        if elsewhere.is_empty() || before.len() == MADE_ANEW {
            let all_tell = readings.iter().all(|reading| tells_all(&reading.log));
            return Ok(OwnPorts {
                check: all_tell.then(|| told(&before, &elsewhere)),
                made_anew,
            });
        }
        let elsewhere = elsewhere.join(", ");
        stand.progress.line(format!(
            "{elsewhere}: its own port was taken, as in X1. Made anew."
        ));
        make_anew(state.symptom).await?;
        made_anew = Some(Timestamp::now());
        before.push(elsewhere);
    }
}

/// Each port that is not a node's own, in words.
fn elsewhere(readings: &[NodeReading]) -> Vec<String> {
    let of = |reading: &NodeReading| {
        let pod = reading.pod.clone();
        let found = IN_EPHEMERAL_RANGE.iter().filter_map(|port| {
            let own = port.number();
            let other = reading.log.bound_in_place_of(own)?;
            Some(format!("{pod} listens on {other} in place of {own}"))
        });
        found.collect::<Vec<_>>()
    };
    readings.iter().flat_map(of).collect()
}

fn tells_all(log: &NodeLog) -> bool {
    let mut ports = IN_EPHEMERAL_RANGE.iter();
    ports.all(|port| log.bound_for(port.number()).is_some())
}

fn told(before: &[String], now: &[String]) -> Check {
    let mut seen = match now {
        [] => "47500 and 47100 on both".to_owned(),
        _ => now.join(", "),
    };
    if !before.is_empty() {
        let before = before.join("; then ");
        seen += &format!(" (made anew: {before}, since a connection of its own pod had the port)");
    }
    let statement = "each node listens on its own ports for discovery and communication";
    Check::answered(Standing::Truth, statement, now.is_empty(), seen, vec![])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(pod: &str, text: &str) -> NodeReading {
        NodeReading {
            pod: pod.into(),
            log: NodeLog::read(text),
            text: text.into(),
            top: None,
            top_text: String::new(),
        }
    }

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../harness/fixtures/product/",
                $name
            ))
        };
    }

    #[test]
    fn a_port_that_is_not_a_nodes_own_is_named() {
        let healthy = [
            reading("ignite-0", recorded!("healthy/node-0.log")),
            reading("ignite-1", recorded!("healthy/node-1.log")),
        ];
        assert_eq!(elsewhere(&healthy), [""; 0]);
        let taken = [
            reading("ignite-0", recorded!("taken-port/node-0.log")),
            reading("ignite-1", recorded!("taken-port/node-1.log")),
        ];
        assert_eq!(
            elsewhere(&taken),
            ["ignite-1 listens on 47501 in place of 47500"]
        );
    }

    #[test]
    fn a_log_without_its_ports_tells_nothing() {
        let whole = recorded!("slow-exchange/node-0.log");
        assert!(tells_all(&NodeLog::read(whole)));
        let quiet = whole
            .lines()
            .filter(|line| !line.contains("ound to TCP port"));
        let quiet: String = quiet.map(|line| format!("{line}\n")).collect();
        assert!(!tells_all(&NodeLog::read(&quiet)));
    }

    #[test]
    fn what_was_made_anew_is_told_and_what_still_is_so_fails() {
        let elsewhere = || vec!["ignite-0 listens on 47501 in place of 47500".to_owned()];
        let cured = told(&elsewhere(), &[]);
        assert!(
            cured.holds() && cured.seen.contains("47501"),
            "{}",
            cured.seen
        );
        assert!(!told(&elsewhere(), &elsewhere()).holds());
        assert!(!told(&[], &[]).seen.contains("anew"));
    }
}
