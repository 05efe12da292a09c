//! The guide's two commands, port-forward and curl, and what each says when it fails.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use meshproof_harness::evidence::https::{HttpsClient, Trust};
use meshproof_harness::mesh::ISTIO_NAMESPACE;
use meshproof_harness::mesh::ingress_gateway::INGRESS_GATEWAY;
use meshproof_harness::outcome::{Check, Evidence, Standing, Symptom};
use meshproof_harness::scenario::{Stand, StepError};
use tokio::net::TcpListener;

use super::super::client;
use super::super::guide_cluster::HOLD;

/// How long the port-forward is given to say what went wrong with a request that failed.
const COMPLAINT: Duration = Duration::from_secs(2);

/// What came of both commands.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// Why the port-forward did not begin to listen; none if it did.
    forward: Option<String>,
    /// What the port-forward said of the request's connection.
    complaint: Option<String>,
    /// The request's answer: its status, or why there was none.
    request: Result<String, String>,
    /// Whether nobody listened where the request was sent.
    refused: bool,
}

impl Attempt {
    /// Makes it once.
    pub(super) async fn make(stand: &Stand) -> Result<Self, StepError> {
        let kube = &stand.kube;
        let mut forwarded = kube
            .forward_service(ISTIO_NAMESPACE, INGRESS_GATEWAY, 443, stand.gateway_port)
            .await;
        let local = match &forwarded {
            Ok(forward) => forward.local,
            // kubectl has ended by then, and curl is sent to the port all the same.
            Err(_) => free_port()
                .await
                .map_err(StepError::other("finding a free port"))?,
        };
        let asking = StepError::other("asking the gateway over HTTPS");
        let client = HttpsClient::new(local, Trust::Any, kube.limit(5)).map_err(asking)?;
        let request = match client.get(client::PATH).await {
            Ok(answer) => Ok(answer.status),
            Err(error) => Err(error.to_string()),
        };
        let refused = tokio::net::TcpStream::connect(local)
            .await
            .is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused);
        let complaint = match &mut forwarded {
            Ok(forward) if request.is_err() => forward.complaint_within(COMPLAINT).await,
            _ => None,
        };
        Ok(Self {
            complaint,
            forward: forwarded.err().map(|error| error.to_string()),
            request,
            refused,
        })
    }

    /// Makes it until it has failed the same way for the hold time. A push that takes a listener
    /// away tells nobody that it came, so the first attempts may still be answered.
    pub(super) async fn lasting(stand: &Stand) -> Result<Self, StepError> {
        let (hold, limit) = (stand.kube.limit(HOLD), stand.kube.limit(30));
        let begun = tokio::time::Instant::now();
        let mut last = Self::make(stand).await?;
        let mut since = begun;
        while since.elapsed() < hold && begun.elapsed() < limit {
            let next = Self::make(stand).await?;
            if next.symptom() != last.symptom() || next.symptom() == Symptom::Healthy {
                since = tokio::time::Instant::now();
            }
            last = next;
        }
        Ok(last)
    }

    /// What a person at these two commands sees.
    pub(super) fn symptom(&self) -> Symptom {
        match (&self.forward, &self.request) {
            (None, Ok(status)) if status.starts_with("200 ") => Symptom::Healthy,
            (Some(_), Err(_)) if self.refused => Symptom::Refused,
            (None, _) => Symptom::NotServed,
            _ => Symptom::Undecided,
        }
    }

    /// Both commands' words in one line.
    pub(super) fn in_words(&self) -> String {
        let forward = match (&self.forward, &self.complaint) {
            (Some(error), _) => format!("port-forward: {error}"),
            (None, Some(complaint)) => {
                format!("port-forward listens, then: {}", last_words(complaint))
            }
            (None, None) => "port-forward listens".to_owned(),
        };
        let request = match &self.request {
            Ok(status) => format!("curl: {status}"),
            Err(_) if self.refused => "curl: connection refused".to_owned(),
            Err(error) => format!("curl: {error}"),
        };
        format!("{forward}; {request}")
    }

    /// That the request fails, with what both commands said.
    pub(super) fn check(&self) -> Check {
        let statement = format!("it stays so for {HOLD} s");
        let holds = self.symptom() != Symptom::Healthy;
        Check::answered(
            Standing::Truth,
            statement,
            holds,
            self.in_words(),
            vec![self.evidence()],
        )
    }

    /// That the request is answered.
    pub(super) fn answered(&self) -> Check {
        let holds = self.symptom() == Symptom::Healthy;
        let statement = "the HTTPS request returns 200";
        Check::answered(
            Standing::Guide,
            statement,
            holds,
            self.in_words(),
            vec![self.evidence()],
        )
    }

    fn evidence(&self) -> Evidence {
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".into());
        let raw = format!(
            "port-forward failed with: {}\nport-forward said: {}\nrequest: {:?}",
            said(&self.forward),
            said(&self.complaint),
            self.request
        );
        Evidence::now(
            "kubectl -n istio-system port-forward svc/istio-ingressgateway 8443:443 & \
             curl -ki https://localhost:8443/person/",
            raw,
            self.in_words(),
        )
    }
}

/// What the kubelet says at the end of a long line of identifiers: `dial tcp4 ...: connection refused`.
fn last_words(complaint: &str) -> &str {
    let words = complaint
        .find("dial tcp4")
        .map_or(complaint, |at| &complaint[at..]);
    words.split(" IPv6").next().unwrap_or(words)
}

async fn free_port() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    listener.local_addr()
}
