//! What is told of clusters as customers have them: nodes that ran so long that Kubernetes no longer
//! has their logs' beginning, REST interfaces that nobody turned on, clients beside the servers.

use super::fixtures_tests::recording;
use super::view::View;
use super::{Snapshot, TopRecord, diagnose};
use crate::outcome::{Conclusion, Remedy};

/// Recordings of one cluster, each of whose nodes has printed its metrics, with their faults' codes.
const WITH_METRICS: [(&str, &str); 3] =
    [("mp035", "MP035"), ("mp036", "MP036"), ("mp041", "MP041")];

fn conclusion(snapshot: &Snapshot) -> Conclusion {
    let view = View::of(snapshot);
    diagnose(snapshot).conclusion(view.product.len(), view.mute_proxies())
}

fn codes(snapshot: &Snapshot) -> Vec<String> {
    let said = diagnose(snapshot);
    said.findings.into_iter().map(|found| found.code).collect()
}

/// Takes away what each log has before its node's metrics.
fn without_beginning(snapshot: &mut Snapshot) {
    for node in &mut snapshot.nodes {
        let log = node.log.as_mut().expect("a log");
        let at = log.find("Metrics for local node").expect("metrics");
        log.drain(..at);
    }
}

fn without_rest(snapshot: &mut Snapshot) {
    for node in &mut snapshot.nodes {
        node.top = TopRecord::NoAnswer("connection refused".into());
    }
}

fn in_logs(snapshot: &mut Snapshot, from: &str, to: &str) {
    for node in &mut snapshot.nodes {
        let log = node.log.as_mut().expect("a log");
        assert!(log.contains(from), "{from}");
        *log = log.replace(from, to);
    }
}

#[test]
fn metrics_tell_the_state_where_a_logs_beginning_is_gone() {
    for (stem, code) in WITH_METRICS {
        let mut snapshot = recording(stem);
        let before = (conclusion(&snapshot), codes(&snapshot));
        assert!(before.1.iter().any(|found| found == code), "{before:?}");
        without_beginning(&mut snapshot);
        assert_eq!((conclusion(&snapshot), codes(&snapshot)), before, "{stem}");
        without_rest(&mut snapshot);
        assert_eq!((conclusion(&snapshot), codes(&snapshot)), before, "{stem}");
    }
}

#[test]
fn the_logs_alone_tell_a_split_and_a_stall() {
    let all = [
        ("healthy", Conclusion::Healthy),
        ("t2a", Conclusion::Split),
        ("t2b", Conclusion::Stall),
    ];
    for (stem, expected) in all {
        let mut snapshot = recording(stem);
        without_rest(&mut snapshot);
        assert_eq!(conclusion(&snapshot), expected, "{stem}");
    }
    let mut old = recording("mp041");
    without_beginning(&mut old);
    without_rest(&mut old);
    in_logs(&mut old, "servers=2", "servers=1");
    assert_eq!(conclusion(&old), Conclusion::Split);
}

#[test]
fn a_log_that_tells_nothing_is_neither_a_node_that_does_not_join_nor_a_healthy_one() {
    let mut snapshot = recording("mp041");
    without_rest(&mut snapshot);
    for node in &mut snapshot.nodes {
        node.log = Some("[10:00:00,000][INFO][main][Application] at work\n".into());
    }
    assert_eq!(conclusion(&snapshot), Conclusion::NotKnown);
    let said = diagnose(&snapshot);
    assert_eq!(said.codes(), ["MP041"]);
    let of_join = said.unknown.iter().find(|u| u.code == "MP022");
    let because = &of_join.expect("it is not known").because;
    assert!(
        because.contains("no longer has the node's start"),
        "{because}"
    );
}

#[test]
fn an_old_log_does_not_make_a_node_one_that_joins() {
    let mut snapshot = recording("mp041");
    without_beginning(&mut snapshot);
    without_rest(&mut snapshot);
    let sign =
        "[10:00:00,000][WARNING][main][diagnostic] Failed to wait for partition map exchange [";
    let log = snapshot.nodes[0].log.as_mut().expect("a log");
    log.push_str(sign);
    assert_eq!(conclusion(&snapshot), Conclusion::Stall);
    let remedies = diagnose(&snapshot)
        .findings
        .into_iter()
        .flat_map(|f| f.remedies);
    let deletes: Vec<String> = remedies
        .filter_map(|remedy| match remedy {
            Remedy::Command { command } if command.contains("delete pod") => Some(command),
            _ => None,
        })
        .collect();
    assert_eq!(deletes, ["kubectl delete pod ignite-0 ignite-1 -n ignite"]);
}

#[test]
fn what_a_node_said_before_it_ended_counts_no_more() {
    let mut snapshot = recording("t2a");
    without_rest(&mut snapshot);
    assert_eq!(conclusion(&snapshot), Conclusion::Split);
    let mut pods = snapshot.objects.iter_mut().filter(|o| o["kind"] == "Pod");
    let status = &mut pods.next().expect("a pod")["status"]["containerStatuses"];
    let mut statuses = status.as_array_mut().expect("statuses").iter_mut();
    let node = statuses
        .find(|s| s["name"] == "ignite-node")
        .expect("the node's");
    node["state"] = serde_json::json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    node["lastState"] =
        serde_json::json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } });
    assert_eq!(conclusion(&snapshot), Conclusion::NotJoined);
}

/// Recorded with a client node in a pod of its own.
#[test]
fn clients_in_the_topology_do_not_part_the_servers() {
    let mut snapshot = recording("healthy-clients");
    assert_eq!(conclusion(&snapshot), Conclusion::Healthy);
    // A third server that no pod here holds is another matter.
    for node in &mut snapshot.nodes {
        let log = node.log.as_mut().expect("a log");
        *log = log.replace("servers=2, clients=1", "servers=3, clients=0");
    }
    assert_eq!(conclusion(&snapshot), Conclusion::NotKnown);
}

/// Recorded with `IGNITE_QUIET` on and REST off.
#[test]
fn quiet_logs_tell_a_stall_only_when_its_joiner_gives_up() {
    let mut snapshot = recording("t2b-quiet");
    assert_eq!(conclusion(&snapshot), Conclusion::Stall);
    let log = snapshot.nodes[1].log.as_mut().expect("a log");
    let at = log
        .find("Failed to send local partitions")
        .expect("it gives up");
    log.truncate(at);
    assert_eq!(conclusion(&snapshot), Conclusion::NotKnown);
}

#[test]
fn a_pod_that_holds_a_client_counts_for_no_server() {
    let mut snapshot = recording("healthy");
    let mut pod = snapshot
        .objects
        .iter()
        .find(|o| o["kind"] == "Pod")
        .expect("a pod")
        .clone();
    let mut node = snapshot.nodes[0].clone();
    pod["metadata"]["name"] = "ignite-7".into();
    node.pod = "ignite-7".into();
    let log = node.log.as_mut().expect("a log");
    *log = log.replace("clientMode=false", "clientMode=true");
    let mut proxy = snapshot.proxies[0].clone();
    proxy.pod = "ignite-7".into();
    snapshot.objects.push(pod);
    snapshot.nodes.push(node);
    snapshot.proxies.push(proxy);
    assert_eq!(conclusion(&snapshot), Conclusion::Healthy);
    let log = snapshot.nodes[2].log.as_mut().expect("a log");
    *log = log.replace("clientMode=true", "clientMode=false");
    assert_eq!(conclusion(&snapshot), Conclusion::NotKnown);
}
