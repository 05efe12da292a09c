//! C5: the client application is reached over HTTPS through the ingress gateway.
//!
//! It makes the guide's step and the exchanges; what they have to show is in [`questions`].

mod questions;

use jiff::Timestamp;
use meshproof_harness::evidence::access_log::{self, Entry};
use meshproof_harness::evidence::certificate::SelfSigned;
use meshproof_harness::evidence::gateway::{self, Wanted};
use meshproof_harness::evidence::https::{Answer, HOST, HttpsClient, HttpsError, Trust};
use meshproof_harness::evidence::log_gate;
use meshproof_harness::evidence::plain_http::{self, PlainAttempt};
use meshproof_harness::kube::{Forward, pods};
use meshproof_harness::mesh::ingress_gateway::INGRESS_GATEWAY;
use meshproof_harness::mesh::{ISTIO_NAMESPACE, Proxy, Stats};
use meshproof_harness::outcome::Check;
use meshproof_harness::product::guide;
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};

use super::client;
use crate::cleanup::GATEWAY_SECRET;

/// A certificate's names beside its subject: verifiers look at these alone.
const NAMES: [&str; 3] = [HOST, client::NAME, "127.0.0.1"];

/// The scenario.
pub fn scenario() -> Scenario {
    let about = About {
        id: "C5",
        title: "The client is exposed over HTTPS",
        section: "Expose the external client over HTTPS (optional)",
        claim: "An HTTPS request to the ingress gateway returns 200 with the header \
                `server: istio-envoy`: TLS ends at the gateway, and the hop from there to the \
                application is mutual TLS again, without any change to the application.",
        scope: Scope::Gateway,
        alone: None,
        remarks: &[
            "Deviation: the guide's openssl line makes a certificate for CN=ignite-client alone; \
             this one also carries the alternative names localhost, ignite-client and 127.0.0.1, \
             without which nobody could verify it by name.",
            "Deviation: its key is ECDSA P-256 where the guide's is RSA 2048, which ring cannot \
             make; and it is not marked as a certificate authority's, as openssl req -x509 marks \
             it, for rustls accepts no such certificate as a server's own. It is valid for 365 \
             days as the guide's is.",
            "The guide's application is a Spring Boot client in a repository of its own; here \
             Meshproof's probe stands in its place and answers /person/ through port 10800.",
            "Our client offers HTTP/1.1 only, the protocol that the guide's output shows. A curl \
             that offers HTTP/2 too is given HTTP/2 by this gateway.",
        ],
    };
    Scenario::checkpoint(about, Exposed)
}

/// Does the guide's step and asks all that C5 asks.
pub(super) async fn proven(stand: &Stand) -> Result<Vec<Check>, StepError> {
    let ready = Exposed.arrange(stand).await?;
    Exposed.check(stand, ready).await
}

struct Exposed;

/// The gateway as it stands ready, and what a client needs to ask it.
struct Ready {
    forward: Forward,
    certificate: SelfSigned,
    client_pod: String,
    /// When the step was begun.
    since: Timestamp,
}

/// The exchanges by which the guide's claim is proved.
struct Exchanges {
    /// The guide's own request, with verification off.
    unverified: Result<Answer, HttpsError>,
    /// The same, verified against the certificate in the Secret.
    verified: Result<Answer, HttpsError>,
    /// What could be asked only because the verified request was answered.
    further: Option<Further>,
}

struct Further {
    before: Answer,
    posted: Answer,
    after: Answer,
    /// Where `after` was asked.
    marked_path: String,
    /// What the proxy beside the application wrote of that request.
    entry: Entry,
}

/// The plaintext request, with the failed TLS handshakes that the gateway counted around it.
struct Plain {
    attempt: PlainAttempt,
    before: Stats,
    after: Stats,
    /// The counter's name, and the command that shows it.
    counter: String,
    command: String,
}

impl Checkpoint for Exposed {
    type Arranged = Ready;

    async fn arrange(&self, stand: &Stand) -> Result<Ready, StepError> {
        let kube = &stand.kube;
        let since = Timestamp::now();
        let certificate = made_certificate()?;
        kube.apply(&[certificate.secret(ISTIO_NAMESPACE, GATEWAY_SECRET)])
            .await?;
        let gateway = guide::client_gateway()?.in_namespace(&stand.namespace);
        kube.apply(&gateway.objects).await?;
        let pod = client::ready(stand).await?;
        let client_pod = pod.metadata.name.clone().unwrap_or_default();
        // The forward chooses the gateway's pod, and that pod's proxy is the one to wait for.
        let forward = kube
            .forward_service(ISTIO_NAMESPACE, INGRESS_GATEWAY, 443, stand.gateway_port)
            .await?;
        let host = format!("{}.{}.svc.cluster.local", client::NAME, stand.namespace);
        let wanted = Wanted {
            port: forward.port,
            cluster: format!("outbound|80||{host}"),
            endpoint: format!("{}:{}", pods::ip(&pod).unwrap_or_default(), client::PORT),
            serial: certificate.serial().to_owned(),
        };
        gateway::until_serving(kube, &forward.pod, &wanted, kube.limit(60)).await?;
        Ok(Ready {
            forward,
            certificate,
            client_pod,
            since,
        })
    }

    async fn check(&self, stand: &Stand, ready: Ready) -> Result<Vec<Check>, StepError> {
        // Both take a second of waiting for others: the one for the port-forward to notice that
        // the gateway hung up, the other for the proxy to write its log.
        let (exchanges, plain) =
            tokio::try_join!(exchanges(stand, &ready), plaintext(stand, &ready.forward))?;
        // Not at the same time: its refusal counts among the gateway's failed handshakes too.
        let other = made_certificate()?;
        let stranger = https(stand, &ready, Trust::Only(other.pem()))?
            .get(client::PATH)
            .await;

        let local = ready.forward.local;
        let mut checks = questions::as_the_guide_shows(local, &exchanges.unverified);
        checks.push(questions::verified_by_it(local, &exchanges.verified));
        checks.push(questions::refused_by_another(local, &stranger));
        checks.push(questions::refused_in_plaintext(local, &plain));
        if let Some(further) = exchanges.further {
            checks.push(questions::count_follows(local, &further));
            let (namespace, pod) = (&stand.namespace, &ready.client_pod);
            checks.push(questions::hop_is_mutual_tls(namespace, pod, &further.entry));
        }
        let logs =
            log_gate::Logs::of_nodes(&stand.product, &stand.namespace, ready.since).and_gateway();
        let quiet = logs.check(&stand.kube, &[]).await?;
        checks.insert(checks.len().saturating_sub(1), quiet);
        Ok(checks)
    }
}

async fn exchanges(stand: &Stand, ready: &Ready) -> Result<Exchanges, StepError> {
    let unverified = https(stand, ready, Trust::Any)?.get(client::PATH).await;
    let verifying = https(stand, ready, Trust::Only(ready.certificate.pem()))?;
    let verified = verifying.get(client::PATH).await;
    let Ok(before) = &verified else {
        return Ok(Exchanges {
            unverified,
            verified,
            further: None,
        });
    };
    let before = before.clone();
    let posted = verifying.post(client::PATH).await.map_err(asking())?;
    // The mark is no part of the guide's request: by it the proxy's log is searched.
    let marked_path = format!("{}?witness={}", client::PATH, ready.certificate.serial());
    let after = verifying.get(&marked_path).await.map_err(asking())?;
    let (kube, namespace, pod) = (&stand.kube, &stand.namespace, &ready.client_pod);
    let limit = kube.limit(20);
    let entry = access_log::inbound_entry(kube, namespace, pod, &marked_path, limit).await?;
    let further = Some(Further {
        before,
        posted,
        after,
        marked_path,
        entry,
    });
    Ok(Exchanges {
        unverified,
        verified,
        further,
    })
}

async fn plaintext(stand: &Stand, forward: &Forward) -> Result<Plain, StepError> {
    let counter = format!("listener.0.0.0.0_{}.ssl.connection_error", forward.port);
    let proxy = Proxy::of(&stand.kube, ISTIO_NAMESPACE, &forward.pod);
    let before = proxy.stats(&counter).await?;
    let limit = stand.kube.limit(10);
    let attempt = plain_http::get(forward.local, HOST, client::PATH, limit).await;
    let after = proxy.stats(&counter).await?;
    let command = proxy.command(&format!("/stats?filter={counter}"));
    Ok(Plain {
        attempt,
        before,
        after,
        counter,
        command,
    })
}

fn https(stand: &Stand, ready: &Ready, trust: Trust<'_>) -> Result<HttpsClient, StepError> {
    HttpsClient::new(ready.forward.local, trust, stand.kube.limit(20)).map_err(asking())
}

fn made_certificate() -> Result<SelfSigned, StepError> {
    let making = StepError::other("making a certificate for the gateway");
    SelfSigned::new(client::NAME, &NAMES).map_err(making)
}

fn asking() -> impl FnOnce(HttpsError) -> StepError {
    StepError::other("asking the gateway over HTTPS")
}
