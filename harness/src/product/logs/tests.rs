//! The reader on logs of real nodes.

use super::*;
use crate::product::recorded::file;

fn stall_signs(log: &NodeLog) -> Vec<StallSign> {
    log.all(|kind| match kind {
        EventKind::Stalled(sign) => Some(*sign),
        _ => None,
    })
}

#[test]
fn a_healthy_pair_sees_two_servers_after_a_completed_exchange() {
    let zero = NodeLog::read(file!("healthy/before-intruder.log"));
    let one = NodeLog::read(file!("healthy/node-1.log"));
    assert_eq!(zero.local_node().map(|(_, order)| order), Some(1));
    assert_eq!(one.local_node().map(|(_, order)| order), Some(2));
    for log in [&zero, &one] {
        let snapshot = log.snapshot().unwrap();
        assert_eq!(
            (snapshot.version, snapshot.servers, snapshot.clients),
            (2, 2, 0)
        );
        assert_eq!(snapshot.state, "ACTIVE");
        assert!(
            log.local_node()
                .unwrap()
                .0
                .starts_with(&snapshot.local_node)
        );
        assert_eq!(log.newest_version(), Some(2));
        assert!(log.exchange_completed(2));
        assert!(!log.exchange_completed(3));
        assert_eq!(log.stalled(), None);
    }
    assert!(
        zero.exchange_completed(1),
        "the first node has exchanged with itself"
    );
    assert!(!one.exchange_completed(1), "the second was not there");
    assert!(zero.failed_nodes().is_empty() && zero.left_nodes().is_empty());
}

#[test]
fn a_node_that_died_is_failed_and_one_that_stopped_has_left() {
    let log = NodeLog::read(file!("healthy/node-0.log"));
    let [failed] = log.failed_nodes()[..] else {
        panic!("{:?}", log.failed_nodes())
    };
    assert_eq!(failed.consistent_id, "10.244.0.16,127.0.0.1:47500");
    let [left] = log.left_nodes()[..] else {
        panic!("{:?}", log.left_nodes())
    };
    assert_eq!(left.consistent_id, failed.consistent_id);
    assert_ne!(left.id, failed.id);
    let newcomer = NodeLog::read(file!("healthy/node-1-rejoined.log"));
    assert_eq!(newcomer.local_node(), Some((left.id.as_str(), 4)));
}

#[test]
fn a_rejoined_pair_is_read_by_its_latest_topology() {
    let zero = NodeLog::read(file!("healthy/node-0-rejoined.log"));
    let one = NodeLog::read(file!("healthy/node-1-rejoined.log"));
    let versions = zero.all(|kind| match kind {
        EventKind::Snapshot(snapshot) => Some((snapshot.version, snapshot.servers)),
        _ => None,
    });
    assert_eq!(versions, [(1, 1), (2, 2), (3, 1), (4, 2)]);
    for log in [&zero, &one] {
        assert_eq!((log.newest_version(), log.servers()), (Some(4), Some(2)));
        assert!(log.exchange_completed(4));
    }
}

#[test]
fn a_split_node_is_content_with_itself() {
    for text in [file!("split/node-0.log"), file!("split/node-1.log")] {
        let log = NodeLog::read(text);
        assert_eq!((log.newest_version(), log.servers()), (Some(1), Some(1)));
        assert!(log.exchange_completed(1));
        assert_eq!(log.stalled(), None);
        assert!(log.connections().is_empty());
    }
}

#[test]
fn a_stalled_coordinator_shows_two_servers_and_no_completed_exchange() {
    let log = NodeLog::read(file!("stall/node-0.log"));
    assert_eq!((log.newest_version(), log.servers()), (Some(2), Some(2)));
    assert!(log.exchange_completed(1) && !log.exchange_completed(2));
    let sign = log.stalled().expect("it is stalled");
    assert_eq!(sign.kind, EventKind::Stalled(StallSign::ExchangeWait));
    assert!(
        log.kinds()
            .any(|k| *k == EventKind::ConnectFailed(ConnectFailure::Handshake))
    );
    assert!(log.kinds().any(|k| *k == EventKind::Severe));
}

#[test]
fn a_stalled_joiner_has_no_snapshot_and_shows_every_sign() {
    let log = NodeLog::read(file!("stall/node-1.log"));
    assert_eq!(
        (log.newest_version(), log.snapshot(), log.local_node()),
        (Some(2), None, None)
    );
    let signs = stall_signs(&log);
    for sign in [
        StallSign::ExchangeWait,
        StallSign::InitialExchangeWait,
        StallSign::PartitionsNotSent,
        StallSign::StillWaiting,
    ] {
        assert!(signs.contains(&sign), "{sign:?} is missing from {signs:?}");
    }
}

#[test]
fn a_stalled_joiner_connects_again_until_its_second_attempt_failed() {
    let text = file!("stall/node-1.log");
    let up_to = |failures: usize| {
        let mut left = failures;
        let lines = text.lines().take_while(|line| {
            let so_far = left > 0;
            left -= usize::from(so_far && line.contains("Handshake timed out"));
            so_far
        });
        NodeLog::read(&lines.collect::<Vec<_>>().join("\n"))
    };
    assert!(NodeLog::read(file!("stall/node-1-early.log")).will_connect_again());
    assert!(up_to(1).will_connect_again());
    assert!(!up_to(2).will_connect_again());
    assert!(!up_to(3).will_connect_again());
    assert!(NodeLog::read(file!("slow-exchange/node-1.log")).will_connect_again());
}

#[test]
fn in_its_first_seconds_a_stall_shows_no_sign() {
    for text in [
        file!("stall/node-0-early.log"),
        file!("stall/node-1-early.log"),
    ] {
        let log = NodeLog::read(text);
        assert_eq!(log.stalled(), None);
        assert!(!log.exchange_completed(2));
    }
}

#[test]
fn an_exchange_completed_later_ends_a_stall() {
    let healed = format!(
        "{}{}",
        file!("stall/node-0.log"),
        file!("healthy/node-0.log")
    );
    assert_eq!(NodeLog::read(&healed).stalled(), None);
}

#[test]
fn an_intruder_is_seen_on_47100_and_47500_and_not_before() {
    const INTRUDER: &str = "10.244.0.99";
    let before = NodeLog::read(file!("healthy/before-intruder.log"));
    assert!(before.connections_from(INTRUDER).is_empty());
    let log = NodeLog::read(file!("healthy/node-0-rejoined.log"));
    let count = |wanted: fn(&EventKind) -> bool| {
        log.connections_from(INTRUDER)
            .iter()
            .filter(|event| wanted(&event.kind))
            .count()
    };
    assert_eq!(
        count(|k| matches!(k, EventKind::CommunicationAccepted(_))),
        1
    );
    assert_eq!(count(|k| matches!(k, EventKind::DiscoveryAccepted(_))), 2);
    // Once for 47100; for 47500 the node says it once however often it happens.
    assert_eq!(count(|k| matches!(k, EventKind::UnknownConnection(_))), 2);
}

#[test]
fn the_ports_an_intruder_used_are_the_ones_the_node_names() {
    let log = NodeLog::read(file!("healthy/node-0-rejoined.log"));
    let used: Vec<u16> = file!("healthy/intruder.txt")
        .lines()
        .filter(|line| line.starts_with("sent to 47"))
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(used.len(), 3);
    for port in used {
        assert!(
            log.connections()
                .iter()
                .any(|(remote, _)| remote.port == Some(port)),
            "nothing of port {port}"
        );
    }
}

#[test]
fn the_two_line_records_of_the_jvms_own_format_are_read_too() {
    let log = NodeLog::read(file!("two-line/node-0.log"));
    assert_eq!((log.newest_version(), log.servers()), (Some(1), Some(1)));
    assert!(log.exchange_completed(1));
    assert_eq!(log.local_node().map(|(_, order)| order), Some(1));
    assert_eq!(log.connections_from("10.244.0.99").len(), 2);
}

#[test]
fn a_slow_exchange_is_a_stall_until_it_ends() {
    let text = file!("slow-exchange/node-0.log");
    let before: String = text
        .lines()
        .take_while(|line| {
            !line.contains("Completed partition exchange") || line.contains("topVer=1,")
        })
        .fold(String::new(), |kept, line| kept + line + "\n");
    assert!(NodeLog::read(&before).stalled().is_some());
    let whole = NodeLog::read(text);
    assert_eq!(whole.stalled(), None);
    assert_eq!(whole.servers(), Some(2));
}

#[test]
fn a_node_whose_port_was_taken_tells_the_next_before_it_joins() {
    let [own, next] = ["taken-port/node-0.log", "taken-port/node-1.log"].map(|name| {
        let path = format!("{}/fixtures/product/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let joining = text.split(">>> Local node").next().unwrap();
        NodeLog::read(joining)
    });
    assert_eq!(own.bound_for(47500), Some(47500));
    assert_eq!(own.bound_in_place_of(47500), None);
    assert_eq!(next.bound_for(47500), Some(47501));
    assert_eq!(next.bound_in_place_of(47500), Some(47501));
    assert_eq!(NodeLog::default().bound_for(47500), None);
}

#[test]
fn a_node_tells_all_the_ports_on_which_it_listens() {
    let log = NodeLog::read(include_str!(
        "../../../fixtures/product/taken-port/node-1.log"
    ));
    let listening = [8080, 10800, 11211, 47100, 47501].map(|port| log.listens_on(port));
    assert_eq!(listening, [true; 5]);
    assert!(![47500, 47101, 8081].into_iter().any(|p| log.listens_on(p)));
    let moved = NodeLog::read(">>> Local ports: TCP:8081 UDP:47400 TCP:47500");
    assert!(moved.listens_on(8081) && !moved.listens_on(47400));
}

/// Lines of a recorded node, but for the last port, which was its own.
const METRICS: &str = "
Metrics for local node (to disable set 'metricsLogFrequency' to 0)
    ^-- Node [id=3f1b3c6f, uptime=00:01:00.010]
    ^-- Cluster [hosts=2, CPUs=2, servers=2, clients=0, topVer=4, minorTopVer=1]
    ^-- Network [addrs=[10.244.1.22, 127.0.0.1], discoPort=47500, commPort=47101]
";

#[test]
fn metrics_tell_what_a_log_without_its_beginning_does_not() {
    let mut log = NodeLog::read(METRICS);
    assert_eq!(log.id(), Some("3f1b3c6f"));
    assert!(log.has_joined() && log.lacks_its_start() && !log.has_its_beginning());
    assert_eq!((log.newest_version(), log.servers()), (Some(4), Some(2)));
    assert!(log.lacks_exchange(4) && !log.exchange_completed(4));
    assert_eq!(log.bound_for(47500), Some(47500));
    assert_eq!(log.bound_in_place_of(47100), Some(47101));
    assert!(log.listens_on(47101) && !log.listens_on(47100));
    // What has begun since has to end.
    log.push(
        "Started exchange init [topVer=AffinityTopologyVersion [topVer=5, minorTopVer=0], x=y]",
    );
    assert_eq!((log.newest_version(), log.servers()), (Some(5), None));
    assert!(!log.lacks_exchange(5) && !log.exchange_completed(5));
}

#[test]
fn a_whole_log_lacks_nothing() {
    let text = format!(
        ">>> ver. 2.16.0#20231215-sha1:7bde6a42\n{}{METRICS}",
        file!("healthy/node-1.log")
    );
    let log = NodeLog::read(&text);
    assert!(log.has_its_beginning() && log.has_joined() && !log.lacks_its_start());
    assert!(!log.lacks_exchange(4), "its start would tell of it");
    assert!(log.id().is_some_and(|id| id.len() == 36));
    assert!(!log.is_client_node());
    let client = NodeLog::read(&text.replace("clientMode=false", "clientMode=true"));
    assert!(client.is_client_node());
}

#[test]
fn what_may_stand_in_lines_that_are_left_out_is_not_known() {
    let stalled = file!("stall/node-0.log");
    let mut log = NodeLog::read(stalled);
    assert!(log.stalled().is_some());
    log.push(LEFT_OUT);
    assert_eq!(log.stalled(), None);
    METRICS.lines().for_each(|line| {
        log.push(line);
    });
    assert!(log.has_joined() && log.lacks_exchange(4));
    log.push(
        "Started exchange init [topVer=AffinityTopologyVersion [topVer=4, minorTopVer=2], x=y]",
    );
    assert!(!log.lacks_exchange(4));
    let sign = stalled
        .lines()
        .find(|line| line.contains("Failed to wait for partition"));
    log.push(sign.expect("it stalls"));
    assert!(log.stalled().is_some());
}

/// Lines of a recorded quiet log.
const QUIET: &str = "
[22:08:22] ver. 2.16.0#20231215-sha1:7bde6a42
[22:08:22] Quiet mode.
[22:08:24] Ignite node started OK (id=74028226)
[22:08:24] Topology snapshot [ver=2, locNode=74028226, servers=2, clients=0, state=ACTIVE, CPUs=2]
";

#[test]
fn a_quiet_log_tells_that_its_node_has_joined_and_no_exchange() {
    let log = NodeLog::read(QUIET);
    assert!(log.is_quiet() && log.has_its_beginning() && log.has_joined());
    assert!(!log.lacks_its_start() && log.lacks_exchange(2));
    assert_eq!((log.id(), log.servers()), (Some("74028226"), Some(2)));
    let (before, _) = QUIET.split_once("[22:08:24] Ignite node").unwrap();
    let starting = NodeLog::read(before);
    assert!(!starting.has_joined() && !starting.is_quiet());
    assert!(!NodeLog::read(file!("healthy/node-1.log")).is_quiet());
}
