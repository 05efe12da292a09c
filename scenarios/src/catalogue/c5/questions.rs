//! What C5's exchanges have to show. Pure functions over what was exchanged.

use std::net::SocketAddr;

use meshproof_harness::evidence::access_log::Entry;
use meshproof_harness::evidence::https::{Answer, HOST, HttpsError};
use meshproof_harness::mesh::PROXY_CONTAINER;
use meshproof_harness::outcome::{Check, Evidence, Standing};

use super::{Further, Plain, client};

/// The identity under which the default profile's gateway runs.
const GATEWAY_IDENTITY: &str =
    "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account";

/// An exchange as evidence: what a person would type and what they would see.
fn exchange(options: &str, url: &str, answer: &Result<Answer, HttpsError>) -> Evidence {
    let command = format!("curl -i --http1.1 {options} '{url}'");
    match answer {
        Ok(answer) => {
            let fact = format!("{} {}", answer.protocol, answer.status);
            Evidence::now(command, answer.printed(), fact)
        }
        Err(error) => Evidence::now(command, error.to_string(), "no answer"),
    }
}

fn url(scheme: &str, local: SocketAddr, path: &str) -> String {
    format!("{scheme}://{HOST}:{}{path}", local.port())
}

fn https_url(local: SocketAddr) -> String {
    url("https", local, client::PATH)
}

/// The guide's own request, and its expected output header by header.
pub(super) fn as_the_guide_shows(
    local: SocketAddr,
    answer: &Result<Answer, HttpsError>,
) -> Vec<Check> {
    let evidence = || vec![exchange("-k", &https_url(local), answer)];
    let statement = "GET /person/ over HTTPS returns 200 with `server: istio-envoy`";
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let seen = error.to_string();
            return vec![Check::answered(
                Standing::Guide,
                statement,
                false,
                seen,
                evidence(),
            )];
        }
    };
    let shown = |name: &str| answer.header(name).unwrap_or("absent").to_owned();
    let server = shown("server");
    let (kind, time) = (
        shown("content-type"),
        shown("x-envoy-upstream-service-time"),
    );
    let took = time.parse::<u64>();
    vec![
        Check::answered(
            Standing::Guide,
            statement,
            answer.is_ok() && server == "istio-envoy",
            format!("{} {}, server: {server}", answer.protocol, answer.status),
            evidence(),
        ),
        Check::answered(
            Standing::Guide,
            "it is JSON, {\"count\":N}, and tells the upstream's time",
            kind == "application/json" && took.is_ok() && answer.count().is_some(),
            format!(
                "content-type: {kind}, x-envoy-upstream-service-time: {time}, {}",
                answer.body.trim()
            ),
            evidence(),
        ),
    ]
}

pub(super) fn verified_by_it(local: SocketAddr, answer: &Result<Answer, HttpsError>) -> Check {
    let (holds, seen) = match answer {
        Ok(answer) => (
            answer.is_ok(),
            format!("verified as {HOST}, {}", answer.status),
        ),
        Err(error) => (false, error.to_string()),
    };
    Check::answered(
        Standing::Truth,
        "the gateway presents the very certificate in the Secret, and it verifies by name",
        holds,
        seen,
        vec![exchange("--cacert cert.pem", &https_url(local), answer)],
    )
}

/// The negative control of [`verified_by_it`]: a verification that anything passes shows nothing.
pub(super) fn refused_by_another(local: SocketAddr, answer: &Result<Answer, HttpsError>) -> Check {
    let statement = "a client that trusts another certificate of the same name refuses it";
    let evidence = vec![exchange("--cacert another.pem", &https_url(local), answer)];
    match answer {
        Ok(answer) => {
            let seen = format!("accepted: {}", answer.status);
            Check::answered(Standing::Truth, statement, false, seen, evidence)
        }
        Err(HttpsError::Certificate { reason, .. }) => {
            Check::answered(Standing::Truth, statement, true, reason.clone(), evidence)
        }
        Err(other) => {
            let because = format!("it never came to judge the certificate: {other}");
            Check::unproven(Standing::Truth, statement, because, evidence)
        }
    }
}

/// The gateway's count of failed handshakes shows that it was the gateway which hung up.
pub(super) fn refused_in_plaintext(local: SocketAddr, plain: &Plain) -> Check {
    let statement = "plain HTTP on the same port is refused by the gateway";
    let Plain {
        attempt,
        before,
        after,
        counter,
        command,
    } = plain;
    let counts = after.get(counter).zip(before.get(counter));
    let rise = counts.map(|(after, before)| after.saturating_sub(before));
    let counted = match rise {
        Some(rise) => format!("the gateway's count of failed TLS handshakes rose by {rise}"),
        None => "the gateway does not count failed TLS handshakes".to_owned(),
    };
    let received = String::from_utf8_lossy(&attempt.received).into_owned();
    let evidence = vec![
        Evidence::now(
            format!("curl -i '{}'", url("http", local, client::PATH)),
            received,
            attempt.to_string(),
        ),
        Evidence::now(
            command.clone(),
            format!("before:\n{}after:\n{}", before.raw, after.raw),
            counted.clone(),
        ),
    ];
    let seen = format!("{attempt}; {counted}");
    if attempt.was_served() {
        return Check::answered(Standing::Truth, statement, false, seen, evidence);
    }
    if !attempt.was_made() || rise.is_none_or(|rise| rise == 0) {
        let because = format!("the plaintext request may never have reached the gateway: {seen}");
        return Check::unproven(Standing::Truth, statement, because, evidence);
    }
    Check::answered(Standing::Truth, statement, true, seen, evidence)
}

pub(super) fn count_follows(local: SocketAddr, further: &Further) -> Check {
    let Further {
        before,
        posted,
        after,
        marked_path,
        ..
    } = further;
    let said = |answer: &Answer| match answer.count() {
        Some(count) => count.to_string(),
        None => format!("{} without a count", answer.status),
    };
    let follows = before
        .count()
        .zip(after.count())
        .is_some_and(|(b, a)| a == b + 1);
    let shown = |options, url: &str, answer: &Answer| exchange(options, url, &Ok(answer.clone()));
    Check::answered(
        Standing::Truth,
        "a POST adds one, and the next GET counts it",
        follows && posted.is_ok(),
        format!(
            "count {}, POST {}, count {}",
            said(before),
            posted.status,
            said(after)
        ),
        vec![
            shown("--cacert cert.pem", &https_url(local), before),
            shown("--cacert cert.pem -X POST", &https_url(local), posted),
            shown(
                "--cacert cert.pem",
                &url("https", local, marked_path),
                after,
            ),
        ],
    )
}

/// What the proxy beside the application saw of the hop from the gateway.
pub(super) fn hop_is_mutual_tls(namespace: &str, pod: &str, entry: &Entry) -> Check {
    let peer = entry.text("downstream_peer").unwrap_or("nobody");
    let version = entry.text("downstream_tls").unwrap_or("no TLS");
    let seen = format!("{version} from {peer}");
    Check::answered(
        Standing::Truth,
        "the hop from the gateway to the application is mutual TLS, with the gateway's identity",
        peer == GATEWAY_IDENTITY && matches!(version, "TLSv1.3" | "TLSv1.2"),
        seen.clone(),
        vec![Evidence::now(
            format!("kubectl logs {pod} -n {namespace} -c {PROXY_CONTAINER}"),
            entry.line.clone(),
            seen,
        )],
    )
}

#[cfg(test)]
mod tests;
