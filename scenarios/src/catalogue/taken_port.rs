//! What shows that a port of a node's is taken in its pod, or that nobody could take it.

use meshproof_harness::evidence::nodes;
use meshproof_harness::kube::Seen;
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::product::logs::NodeLog;
use meshproof_harness::scenario::edit::port_taker::PORT_TAKER;
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

/// That in each pod a connection has the port, and the node therefore listens elsewhere.
pub(super) async fn in_force(stand: &Stand, port: ProductPort) -> Result<Vec<Check>, StepError> {
    let mut checks = vec![];
    for pod in nodes::PODS {
        checks.push(connection(stand, pod, port, true).await?);
        let log = stand
            .kube
            .follow_log(
                &stand.namespace,
                pod,
                nodes::NODE_CONTAINER,
                "the node to tell its port",
                stand.kube.limit(90),
                |log| bound(log, port),
            )
            .await;
        // A node that never tells its port is one that this fault does not explain.
        let (holds, seen) = match log {
            Ok(bound) => (
                bound == port.number() + 1,
                format!("{pod} listens on {bound} for {}", port.number()),
            ),
            Err(error) => (false, error.to_string()),
        };
        let statement = format!("the node of {pod} listens on the next port");
        checks.push(Check::answered(
            Standing::Truth,
            statement,
            holds,
            seen,
            vec![],
        ));
    }
    Ok(checks)
}

/// That in no pod a connection got the port, as often as it was tried.
pub(super) async fn prevented(stand: &Stand, port: ProductPort) -> Result<Vec<Check>, StepError> {
    let mut checks = vec![];
    for pod in nodes::PODS {
        checks.push(connection(stand, pod, port, false).await?);
    }
    Ok(checks)
}

async fn connection(
    stand: &Stand,
    pod: &str,
    port: ProductPort,
    taken: bool,
) -> Result<Check, StepError> {
    let namespace = &stand.namespace;
    let log = stand.kube.log(namespace, pod, PORT_TAKER).await?;
    let (holds, seen) = told(&log, port, taken);
    let number = port.number();
    let statement = if taken {
        format!("an outgoing connection in {pod} has the port {number}")
    } else {
        format!("no outgoing connection in {pod} gets the port {number}")
    };
    let command = format!("kubectl logs {pod} -n {namespace} -c {PORT_TAKER}");
    let evidence = Evidence::now(command, log, seen.clone());
    Ok(Check::answered(
        Standing::Truth,
        statement,
        holds,
        seen,
        vec![evidence],
    ))
}

/// What the container's log says of the port.
fn told(log: &str, port: ProductPort, taken: bool) -> (bool, String) {
    let said: Option<Value> = log
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str(line).ok());
    let Some(said) = said else {
        return (false, format!("{PORT_TAKER} has not said what came of it"));
    };
    let seen = format!(
        "{} connections, {} of them from {}",
        said["connections"],
        if said["taken"] == true { "one" } else { "none" },
        said["port"]
    );
    (
        said["port"] == port.number() && said["taken"] == taken,
        seen,
    )
}

fn bound(log: &str, port: ProductPort) -> Seen<u16> {
    match NodeLog::read(log).bound_for(port.number()) {
        None => Seen::NotYet("no line of it".into()),
        Some(bound) => Seen::Met(bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: ProductPort = ProductPort::Discovery;

    #[test]
    fn the_last_word_counts_and_must_be_of_this_port() {
        let said = |port: u16, taken: bool| {
            format!("{{\"port\":{port},\"taken\":{taken},\"connections\":9}}\n")
        };
        assert_eq!(
            told(&said(47500, true), PORT, true),
            (true, "9 connections, one of them from 47500".to_owned())
        );
        assert!(!told(&said(47500, false), PORT, true).0);
        assert!(told(&said(47500, false), PORT, false).0);
        assert!(!told(&said(40000, true), PORT, true).0);
        assert!(!told(&said(40000, false), PORT, false).0);
        assert!(!told("", PORT, false).0);
    }
}
