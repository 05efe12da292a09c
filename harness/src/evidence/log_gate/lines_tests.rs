use super::*;

fn unexpected(program: Program, log: &str) -> Vec<String> {
    let lines = errors(program, log.lines(), &[]).errors.into_iter();
    lines
        .filter(|line| line.known.is_none())
        .map(|line| line.text)
        .collect()
}

macro_rules! recorded {
    ($file:literal) => {
        include_str!(concat!("../../../fixtures/", $file))
    };
}

#[test]
fn healthy_nodes_pass_with_their_known_lines() {
    for (log, known) in [
        (recorded!("product/healthy/node-0.log"), 2),
        (recorded!("product/healthy/node-1.log"), 0),
        (recorded!("product/healthy/node-0-rejoined.log"), 2),
        (recorded!("product/healthy/node-1-rejoined.log"), 0),
        (recorded!("product/split/node-0.log"), 0),
        (recorded!("product/two-line/node-0.log"), 0),
    ] {
        let reading = errors(Program::Ignite, log.lines(), &[]);
        assert!(reading.records > 10, "{}", reading.records);
        assert_eq!(unexpected(Program::Ignite, log), Vec::<String>::new());
        assert_eq!(reading.errors.len(), known);
    }
}

#[test]
fn a_stalled_node_does_not_pass() {
    let found = unexpected(Program::Ignite, recorded!("product/stall/node-1.log"));
    let first = "Failed to send message to remote node";
    assert!(found[0].contains(first), "{}", found[0]);
    let told = "Failed to send local partitions to coordinator";
    assert!(found.iter().any(|line| line.contains(told)));
    // The exception and its cause stand below that record and are not told again.
    assert!(
        !found.iter().any(|line| line.starts_with("class ")),
        "{found:#?}"
    );
}

#[test]
fn the_jvms_two_line_form_is_read() {
    let log = "Nov 23, 2026 10:59:21 PM org.apache.ignite.logger.java.JavaLogger error\n\
               SEVERE: Failed to start\n\
               class org.apache.ignite.IgniteException: x\n\
               \tat org.apache.ignite.Ignition.start(Ignition.java:1)\n\
               Nov 23, 2026 10:59:22 PM org.apache.ignite.logger.java.JavaLogger info\n\
               INFO: SEVERE: not a record\n";
    assert_eq!(
        unexpected(Program::Ignite, log),
        ["SEVERE: Failed to start"]
    );
    assert_eq!(errors(Program::Ignite, log.lines(), &[]).records, 4);
}

#[test]
fn an_exception_below_a_warning_or_below_nothing_counts_once() {
    let log = "[22:59:28,421][WARNING][main][X] Something\n\
               class org.apache.ignite.IgniteCheckedException: planted\n\
               \tat a.B.c(D.java:1)\n\
               Caused by: java.io.IOException: deeper\n\
               [22:59:29,000][INFO][main][X] goes on\n\
               Exception in thread \"main\" java.lang.NoClassDefFoundError: a/B\n";
    assert_eq!(
        unexpected(Program::Ignite, log),
        [
            "class org.apache.ignite.IgniteCheckedException: planted",
            "Exception in thread \"main\" java.lang.NoClassDefFoundError: a/B"
        ]
    );
}

#[test]
fn a_jvm_that_ends_for_want_of_memory_counts() {
    let log = "Terminating due to java.lang.OutOfMemoryError: Java heap space\n";
    assert_eq!(unexpected(Program::Ignite, log).len(), 1);
}

#[test]
fn a_recorded_proxy_passes_and_its_access_log_is_no_record() {
    let log = recorded!("proxies/client.log");
    let reading = errors(Program::Proxy, log.lines(), &[]);
    assert_eq!((reading.records, reading.errors), (2, vec![]));
}

#[test]
fn errors_of_envoy_and_of_the_agent_are_found_by_their_level() {
    let log = "[2026-11-24 10:00:00.000][12][warning][config] [source/a.cc:1] an error, they say\n\
               [2026-11-24 10:00:00.000][12][error][config] [source/a.cc:1] one\n\
               [2026-11-24 10:00:00.000][12][critical][main] [source/a.cc:1] two\n\
               2026-11-24T10:00:00.000000Z\tinfo\tno error\n\
               2026-11-24T10:00:00.000000Z\terror\tthree\n\
               2026-11-24T10:00:00.000000Z\tcritical\tenvoy main external/a.cc:1\tfour\n\
               {\"level\":\"error\",\"time\":\"2026-11-24T10:00:00.000000Z\",\"msg\":\"five\"}\n\
               {\"code\":503,\"flags\":\"UF\",\"upstream_failure\":\"error\"}\n";
    let found = unexpected(Program::Proxy, log);
    let ends: Vec<_> = ["one", "two", "three", "four", "five\"}"].into();
    assert_eq!(found.len(), ends.len(), "{found:#?}");
    for (line, end) in found.iter().zip(ends) {
        assert!(line.ends_with(end), "{line}");
    }
}

#[test]
fn a_refused_configuration_is_an_error_though_only_warned_of() {
    let istiod = "2026-11-24T10:00:00.000000Z\twarn\tdelta\tADS:LDS: ACK ERROR ignite-0.n-3 Internal:x\n\
                  2026-11-24T10:00:00.000000Z\twarn\tdelta\tADS: another thing\n";
    assert_eq!(unexpected(Program::Istiod, istiod).len(), 1);
    let envoy = "[2026-11-24 10:00:00.000][12][warning][config] [source/a.cc:1] gRPC config for \
                 type.googleapis.com/envoy.config.listener.v3.Listener rejected: x\n";
    assert_eq!(unexpected(Program::Proxy, envoy).len(), 1);
}

#[test]
fn what_the_caller_knows_is_known() {
    let also = Known {
        program: Program::Istiod,
        parts: &["as planted"],
        why: "the test wrote it",
    };
    let log = "2026-11-24T10:00:00Z\terror\tas planted";
    let reading = errors(Program::Istiod, log.lines(), &[also]);
    assert_eq!(reading.errors[0].known, Some(also));
}

#[test]
fn lines_in_no_known_form_are_no_records() {
    for program in [Program::Ignite, Program::Proxy, Program::Istiod] {
        let reading = errors(program, ["error: something", "ERROR something"], &[]);
        assert_eq!(reading, Reading::default());
    }
}
