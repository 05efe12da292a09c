//! The intruder: a plaintext client outside the mesh, and what became of its attempts.
//!
//! Before the policy each attempt must have been answered, or its later refusal proves nothing.

use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::Api;
use meshproof_protocol::intrusion::{Attempt, Ended};
use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use crate::kube::{Kube, KubeError, Seen, Watch, pods, until};
use crate::outcome::Evidence;
use crate::product::manifest::{Manifest, ManifestError};

/// The intruder's namespace, which carries no injection label.
pub const NAMESPACE: &str = "ignite-intruder";
const POD: &str = "intruder";
/// How long an attempt may take, before scaling, in seconds: an answer or a reset ends it. The slowest of
/// some hundred took 1.4 s, beside other cases.
const ANSWER_SECONDS: u64 = 10;

/// The intruder's namespace and pod.
fn manifest() -> Result<Manifest, ManifestError> {
    Manifest::parse(include_str!("../../../fixtures/client/intruder.yaml"))
}

/// Applies them. A pod is refused until its namespace has a service account, for which the API server
/// itself waits a second or two only.
///
/// # Errors
/// When they are refused, or no service account comes in time.
pub async fn apply(kube: &Kube) -> Result<(), KubeError> {
    let objects = manifest().map_err(|error| KubeError::Object {
        what: "the intruder's manifest".into(),
        reason: error.to_string(),
    })?;
    let (namespace, others): (Vec<Value>, Vec<Value>) = objects
        .objects
        .into_iter()
        .partition(|object| object["kind"] == "Namespace");
    kube.apply(&namespace).await?;
    until(
        &Api::<ServiceAccount>::namespaced(kube.client(), NAMESPACE),
        Watch::default(),
        "the intruder's namespace to have a service account",
        kube.limit(60),
        |seen| match seen.contains_key("default") {
            true => Seen::Met(()),
            false => Seen::NotYet("it has none".into()),
        },
    )
    .await?;
    kube.apply(&others).await
}

/// Waits until the intruder runs.
///
/// # Errors
/// When it does not run in time.
pub async fn ready(kube: &Kube) -> Result<(), KubeError> {
    let api: Api<Pod> = Api::namespaced(kube.client(), NAMESPACE);
    until(
        &api,
        Watch::default(),
        "the intruder to run",
        kube.limit(60),
        |seen| match seen.get(POD) {
            Some(pod) if pods::is_ready(pod) => Seen::Met(()),
            Some(pod) => Seen::NotYet(pods::line(pod)),
            None => Seen::NotYet("no such pod".into()),
        },
    )
    .await
}

/// What the intruder tried and what came of it.
#[derive(Debug, Clone)]
pub struct Intrusion {
    /// Every attempt.
    pub attempts: Vec<Attempt>,
    /// The command and what it printed.
    pub evidence: Evidence,
}

impl Intrusion {
    /// The attempts on one port, over all addresses.
    pub fn on(&self, port: ProductPort) -> impl Iterator<Item = &Attempt> {
        self.attempts
            .iter()
            .filter(move |attempt| attempt.port == port.number())
    }
}

/// Tries these ports of these addresses at once, in plaintext.
///
/// # Errors
/// When the intruder cannot be run or prints what cannot be read.
pub async fn intrude(
    kube: &Kube,
    addresses: &[String],
    ports: &[ProductPort],
) -> Result<Intrusion, KubeError> {
    let targets: Vec<String> = addresses
        .iter()
        .flat_map(|address| {
            ports
                .iter()
                .map(move |port| format!("{address}:{}", port.number()))
        })
        .collect();
    let patience = kube.limit(ANSWER_SECONDS).as_millis().to_string();
    let mut command = vec!["meshproof-probe", "intrude", "--timeout-ms", &patience];
    for target in &targets {
        command.extend(["--target", target]);
    }
    let printed = kube.exec(NAMESPACE, POD, "intruder", &command).await?;
    let attempts: Vec<Attempt> =
        serde_json::from_str(&printed).map_err(|error| KubeError::Object {
            what: "what the intruder printed".into(),
            reason: error.to_string(),
        })?;
    let answered = attempts.iter().filter(|a| a.was_answered()).count();
    let reset = attempts
        .iter()
        .filter(|a| a.was_reset_without_a_byte())
        .count();
    let fact = format!(
        "{} attempts: {answered} answered, {reset} reset without a byte",
        attempts.len()
    );
    let source = format!("kubectl exec {POD} -n {NAMESPACE} -- {}", command.join(" "));
    Ok(Intrusion {
        evidence: Evidence::now(source, printed, fact),
        attempts,
    })
}

/// One attempt in a few words: `10800 answered (thin client answer)`.
pub fn in_words(attempt: &Attempt) -> String {
    let ended = match &attempt.ended {
        Ended::Reset => "reset".to_owned(),
        Ended::ClosedByPeer => "closed".to_owned(),
        Ended::StillOpen => "still open".to_owned(),
        Ended::ConnectFailed { error } => format!("not connected: {error}"),
        Ended::Failed { error } => format!("failed: {error}"),
    };
    match attempt.received_bytes {
        0 => format!("{} {ended} without a byte", attempt.port),
        n => format!(
            "{} answered {n} bytes ({}), {ended}",
            attempt.port, attempt.spoken
        ),
    }
}
