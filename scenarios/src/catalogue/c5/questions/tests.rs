//! The questions of C5, asked of answers as they could come.

use meshproof_harness::evidence::plain_http::PlainAttempt;
use meshproof_harness::mesh::Stats;
use meshproof_harness::outcome::CheckResult;
use meshproof_protocol::intrusion::Ended;

use super::*;

const LOCAL: ([u8; 4], u16) = ([127, 0, 0, 1], 8443);

fn local() -> SocketAddr {
    LOCAL.into()
}

/// The answer that the guide shows.
fn answer(body: &str) -> Answer {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Answer {
        protocol: "HTTP/1.1".into(),
        status: "200 OK".into(),
        headers: vec![
            header("content-type", "application/json"),
            header("server", "istio-envoy"),
            header("x-envoy-upstream-service-time", "124"),
        ],
        body: body.into(),
    }
}

fn holds(answer: Answer) -> Vec<bool> {
    as_the_guide_shows(local(), &Ok(answer))
        .iter()
        .map(Check::holds)
        .collect()
}

#[test]
fn the_guides_answer_is_what_the_guide_shows() {
    assert_eq!(holds(answer(r#"{"count":1}"#)), [true, true]);
    let checks = as_the_guide_shows(local(), &Ok(answer(r#"{"count":1}"#)));
    assert_eq!(checks[0].seen, "HTTP/1.1 200 OK, server: istio-envoy");
    let evidence = &checks[0].evidence[0];
    assert_eq!(
        evidence.source,
        "curl -i --http1.1 -k 'https://localhost:8443/person/'"
    );
    assert!(
        evidence.raw.ends_with("\n\n{\"count\":1}"),
        "{}",
        evidence.raw
    );
}

#[test]
fn each_header_the_status_and_the_body_count() {
    assert_eq!(
        holds(Answer {
            status: "503 Service Unavailable".into(),
            ..answer("{}")
        }),
        [false; 2]
    );
    for (gone, left) in [(0, [true, false]), (1, [false, true]), (2, [true, false])] {
        let mut answer = answer(r#"{"count":1}"#);
        answer.headers.remove(gone);
        assert_eq!(holds(answer), left);
    }
    assert_eq!(holds(answer("[]")), [true, false]);
}

#[test]
fn no_answer_is_a_finding() {
    let error = HttpsError::Exchange {
        url: "https://localhost:8443/".into(),
        reason: "reset".into(),
    };
    let checks = as_the_guide_shows(local(), &Err(error));
    assert_eq!(checks.len(), 1);
    assert!(!checks[0].holds() && checks[0].seen.contains("reset"));
}

#[test]
fn a_stranger_must_be_refused_for_the_certificates_sake() {
    let url = "https://localhost:8443/".to_owned();
    let refused = HttpsError::Certificate {
        url: url.clone(),
        reason: "unknown issuer".into(),
    };
    assert!(refused_by_another(local(), &Err(refused)).holds());
    assert_eq!(
        refused_by_another(local(), &Ok(answer("{}"))).result,
        CheckResult::Fails
    );
    let broken = HttpsError::Exchange {
        url,
        reason: "reset".into(),
    };
    let result = refused_by_another(local(), &Err(broken)).result;
    assert!(matches!(result, CheckResult::Unproven { .. }), "{result:?}");
}

/// A plaintext attempt around which the gateway's counter rose from 1 to `counted`.
fn plain(received: &[u8], ended: Ended, counted: u64) -> Check {
    let line = |count: u64| format!("{COUNTER}: {count}\n");
    plain_between(received, ended, [&line(1), &line(counted)])
}

const COUNTER: &str = "listener.0.0.0.0_8443.ssl.connection_error";

/// A plaintext attempt between two pages of the gateway's statistics.
fn plain_between(received: &[u8], ended: Ended, [before, after]: [&str; 2]) -> Check {
    let plain = Plain {
        attempt: PlainAttempt {
            received: received.to_vec(),
            ended,
        },
        before: Stats::parse(before),
        after: Stats::parse(after),
        counter: COUNTER.into(),
        command: "curl".into(),
    };
    refused_in_plaintext(local(), &plain)
}

#[test]
fn plaintext_must_be_ended_by_the_gateway_itself() {
    let closed = plain(b"", Ended::ClosedByPeer, 2);
    assert!(closed.holds());
    assert_eq!(
        closed.seen,
        "no byte came back, the connection was closed; \
         the gateway's count of failed TLS handshakes rose by 1"
    );
    let served = plain(b"HTTP/1.1 204 No Content\r\n", Ended::ClosedByPeer, 1);
    assert_eq!(served.result, CheckResult::Fails);
    let never = plain(
        b"",
        Ended::ConnectFailed {
            error: "refused".into(),
        },
        1,
    );
    let after = format!("{COUNTER}: 1\n");
    let uncounted = plain_between(b"", Ended::ClosedByPeer, ["", &after]);
    assert!(
        uncounted.seen.contains("does not count"),
        "{}",
        uncounted.seen
    );
    for check in [never, uncounted, plain(b"", Ended::ClosedByPeer, 1)] {
        assert!(
            matches!(check.result, CheckResult::Unproven { .. }),
            "{:?}",
            check.result
        );
    }
}

#[test]
fn the_count_must_rise_by_exactly_one() {
    let of = |n: u64| answer(&format!(r#"{{"count":{n}}}"#));
    let line = r#"{"upstream_cluster":"inbound|8080||"}"#;
    let follows = |before, posted, after| {
        let entry = Entry::read(line).unwrap();
        let marked_path = "/person/?witness=1".to_owned();
        count_follows(
            local(),
            &Further {
                before,
                posted,
                after,
                marked_path,
                entry,
            },
        )
    };
    assert!(follows(of(1), of(2), of(2)).holds());
    assert!(!follows(of(1), of(2), of(1)).holds());
    assert!(!follows(of(1), of(2), of(3)).holds());
    let refused = Answer {
        status: "405 Method Not Allowed".into(),
        ..of(0)
    };
    let check = follows(of(1), refused, of(2));
    assert!(!check.holds());
    assert_eq!(check.seen, "count 1, POST 405 Method Not Allowed, count 2");
    assert!(
        check.evidence[2].source.ends_with("/person/?witness=1'"),
        "{:?}",
        check.evidence
    );
}

#[test]
fn the_hop_must_be_tls_with_the_gateways_identity() {
    let hop = |peer: &str, version: &str| {
        let line = format!(
            r#"{{"upstream_cluster":"inbound|8080||","downstream_peer":{peer},"downstream_tls":{version}}}"#
        );
        hop_is_mutual_tls("ignite", "ignite-client-1", &Entry::read(&line).unwrap())
    };
    let gateway = format!("\"{GATEWAY_IDENTITY}\"");
    let check = hop(&gateway, r#""TLSv1.3""#);
    assert!(check.holds());
    assert_eq!(check.seen, format!("TLSv1.3 from {GATEWAY_IDENTITY}"));
    assert!(
        !hop(
            r#""spiffe://cluster.local/ns/ignite/sa/default""#,
            r#""TLSv1.3""#
        )
        .holds()
    );
    assert!(!hop(&gateway, "null").holds());
    assert_eq!(hop("null", r#""-""#).seen, "no TLS from nobody");
}
