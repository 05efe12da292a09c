//! The guide's two commands, port-forward and curl, and what each says when it fails.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use meshproof_harness::evidence::https::{HttpsClient, Trust};
use meshproof_harness::kube::KubeError;
use meshproof_harness::mesh::ISTIO_NAMESPACE;
use meshproof_harness::mesh::ingress_gateway::INGRESS_GATEWAY;
use meshproof_harness::outcome::{Check, Evidence, Standing, Symptom};
use meshproof_harness::scenario::{Stand, StepError};
use tokio::net::TcpListener;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::super::client;
use super::super::guide_cluster::HOLD;

/// How long the port-forward is given to say what went wrong with a request that failed, before scaling,
/// in seconds.
const COMPLAINT: u64 = 5;
/// How long the request may take, before scaling, in seconds: the application gives itself 7.5 s.
const ANSWER: u64 = 20;

/// The pause between two attempts.
const INTERVAL: Duration = Duration::from_millis(200);

/// What came of both commands.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    forward: Forwarded,
    /// The request's answer: its status, or why there was none.
    request: Result<String, String>,
}

/// What came of the port-forward.
#[derive(Debug, Clone)]
enum Forwarded {
    /// It did not begin, for want of a Service or of a pod behind it.
    NothingThere(String),
    /// It did not begin, for another reason.
    Failed(String),
    /// It listened, and said this of the request's connection; none if it said nothing.
    Began(Option<String>),
}

/// The last of several attempts, and whether all within the hold time came to the same.
pub(super) struct Lasting {
    pub(super) attempt: Attempt,
    held: bool,
}

impl Attempt {
    /// Makes it once.
    pub(super) async fn make(stand: &Stand) -> Result<Self, StepError> {
        let kube = &stand.kube;
        let mut forward = kube
            .forward_service(ISTIO_NAMESPACE, INGRESS_GATEWAY, 443, stand.gateway_port)
            .await;
        let local = match &forward {
            Ok(forward) => forward.local,
            // kubectl has ended by then, and curl is sent to the port all the same.
            Err(_) => free_port()
                .await
                .map_err(StepError::other("finding a free port"))?,
        };
        let asking = StepError::other("asking the gateway over HTTPS");
        let client = HttpsClient::new(local, Trust::Any, kube.limit(ANSWER)).map_err(asking)?;
        let request = match client.get(client::PATH).await {
            Ok(answer) => Ok(answer.status),
            Err(error) => Err(error.to_string()),
        };
        let forward = match &mut forward {
            Ok(forward) if request.is_err() => {
                Forwarded::Began(forward.complaint_within(kube.limit(COMPLAINT)).await)
            }
            Ok(_) => Forwarded::Began(None),
            Err(error) if error.is_not_found() => Forwarded::NothingThere(error.to_string()),
            Err(error @ KubeError::NoReadyPod { .. }) => Forwarded::NothingThere(error.to_string()),
            Err(error) => Forwarded::Failed(error.to_string()),
        };
        Ok(Self { forward, request })
    }

    /// Makes it until it has failed the same way for the hold time. A push that takes a listener
    /// away tells nobody that it came, so the first attempts may still be answered.
    pub(super) async fn lasting(stand: &Stand) -> Result<Lasting, StepError> {
        let (hold, limit) = (stand.kube.limit(HOLD), stand.kube.limit(90));
        let begun = Instant::now();
        let mut again = interval(INTERVAL);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        again.tick().await;
        let mut attempt = Self::make(stand).await?;
        let mut since = Instant::now();
        loop {
            let held = since.elapsed() >= hold;
            let fails = attempt.symptom() != Symptom::Healthy;
            if (held && fails) || begun.elapsed() >= limit {
                return Ok(Lasting { attempt, held });
            }
            again.tick().await;
            let next = Self::make(stand).await?;
            if next.symptom() != attempt.symptom() {
                since = Instant::now();
            }
            attempt = next;
        }
    }

    /// That it is answered each time for the hold time.
    pub(super) async fn stays_answered(stand: &Stand) -> Result<Check, StepError> {
        let hold = stand.kube.limit(HOLD);
        let begun = Instant::now();
        let mut again = interval(INTERVAL);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            again.tick().await;
            let attempt = Self::make(stand).await?;
            let answered = attempt.symptom() == Symptom::Healthy;
            if !answered || begun.elapsed() >= hold {
                let statement = format!("the HTTPS request goes on being answered for {HOLD} s");
                return Ok(attempt.told(Standing::Truth, statement, answered));
            }
        }
    }

    /// What a person at these two commands sees.
    pub(super) fn symptom(&self) -> Symptom {
        match (&self.forward, &self.request) {
            (Forwarded::Began(_), Ok(status)) if status.starts_with("200 ") => Symptom::Healthy,
            (Forwarded::NothingThere(_), Err(_)) => Symptom::NotForwarded,
            (Forwarded::Began(Some(said)), Err(_)) if said.contains("connection refused") => {
                Symptom::Refused
            }
            (Forwarded::Began(None), Err(_)) => Symptom::NotServed,
            _ => Symptom::Undecided,
        }
    }

    /// Both commands' words in one line.
    pub(super) fn in_words(&self) -> String {
        let forward = match &self.forward {
            Forwarded::NothingThere(error) | Forwarded::Failed(error) => {
                format!("port-forward: {error}")
            }
            Forwarded::Began(Some(said)) => {
                format!("port-forward listens, then: {}", last_words(said))
            }
            Forwarded::Began(None) => "port-forward listens".to_owned(),
        };
        let request = match &self.request {
            Ok(status) => status,
            Err(error) => error,
        };
        format!("{forward}; curl: {request}")
    }

    /// That the request is answered.
    pub(super) fn answered(&self) -> Check {
        let holds = self.symptom() == Symptom::Healthy;
        self.told(
            Standing::Guide,
            "the HTTPS request returns 200".into(),
            holds,
        )
    }

    fn told(&self, standing: Standing, statement: String, holds: bool) -> Check {
        let seen = self.in_words();
        Check::answered(standing, statement, holds, seen, vec![self.evidence()])
    }

    fn evidence(&self) -> Evidence {
        let forward = match &self.forward {
            Forwarded::NothingThere(error) | Forwarded::Failed(error) => {
                format!("port-forward failed with: {error}")
            }
            Forwarded::Began(Some(said)) => format!("port-forward said: {said}"),
            Forwarded::Began(None) => "port-forward said nothing".to_owned(),
        };
        let raw = format!("{forward}\nrequest: {:?}", self.request);
        Evidence::now(
            "kubectl -n istio-system port-forward svc/istio-ingressgateway 8443:443 & \
             curl -ki https://localhost:8443/person/",
            raw,
            self.in_words(),
        )
    }
}

impl Lasting {
    /// That it came to the same for the hold time.
    pub(super) fn check(&self) -> Check {
        let statement = format!("it stays so for {HOLD} s");
        self.attempt.told(Standing::Truth, statement, self.held)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kubelet said it in T5c, without its first identifiers.
    const REFUSED: &str = "failed to connect to localhost:8443 inside namespace \"73b8\", IPv4: dial \
                           tcp4 127.0.0.1:8443: connect: connection refused IPv6 dial tcp6 \
                           [::1]:8443: connect: connection refused ";

    fn attempt(forward: Forwarded, request: Result<&str, &str>) -> Attempt {
        Attempt {
            forward,
            request: request.map(str::to_owned).map_err(str::to_owned),
        }
    }

    #[test]
    fn what_the_port_forward_says_decides() {
        let nothing = || Forwarded::NothingThere("services \"g\" not found (404)".into());
        let cases = [
            (Forwarded::Began(None), Ok("200 OK"), Symptom::Healthy),
            (nothing(), Err("refused"), Symptom::NotForwarded),
            (
                Forwarded::Began(Some(REFUSED.into())),
                Err("tls handshake eof"),
                Symptom::Refused,
            ),
            (Forwarded::Began(None), Err("eof"), Symptom::NotServed),
            (
                Forwarded::Began(None),
                Ok("503 Service Unavailable"),
                Symptom::Undecided,
            ),
            (
                Forwarded::Began(Some("lost connection to pod".into())),
                Err("eof"),
                Symptom::Undecided,
            ),
            (
                Forwarded::Failed("the API server timed out".into()),
                Err("refused"),
                Symptom::Undecided,
            ),
            // Somebody else's answer on a port that is not forwarded shows nothing.
            (nothing(), Ok("200 OK"), Symptom::Undecided),
        ];
        for (forward, request, symptom) in cases {
            let attempt = attempt(forward, request);
            assert_eq!(attempt.symptom(), symptom, "{attempt:?}");
        }
    }

    #[test]
    fn the_kubelets_last_words_are_told() {
        let attempt = attempt(
            Forwarded::Began(Some(REFUSED.into())),
            Err("tls handshake eof"),
        );
        assert_eq!(
            attempt.in_words(),
            "port-forward listens, then: dial tcp4 127.0.0.1:8443: connect: connection refused; \
             curl: tls handshake eof"
        );
    }

    #[test]
    fn a_symptom_that_did_not_hold_does_not_stay() {
        for held in [true, false] {
            let attempt = attempt(Forwarded::Began(None), Err("eof"));
            assert_eq!(Lasting { attempt, held }.check().holds(), held);
        }
    }
}
