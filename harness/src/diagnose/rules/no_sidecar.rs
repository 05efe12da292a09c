//! MP010: a pod of the product has no sidecar.

use serde_json::Value;

use super::{Answer, Rule, Said, advice, command, listed, roll_out, rolled_out_by};
use crate::diagnose::view::{ProductPod, View, name};
use crate::mesh::Injection;
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP010",
    title: "a node's pod has no sidecar",
    apply,
};

const SWITCH: &str = "sidecar.istio.io/inject";
const REVISION: &str = "istio.io/rev";

/// Why a pod has none, as far as objects tell (Istio's `injectRequired`, and the selectors of its
/// webhook).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    HostNetwork,
    PodSaysNo {
        label: bool,
    },
    NamespaceSaysNo,
    NotLabelled,
    NoSuchRevision(String),
    /// The namespace injects: the pod is older than its label, or the webhook did not answer.
    Older,
}

fn apply(view: &View<'_>) -> Answer {
    let without: Vec<&ProductPod<'_>> = view
        .product
        .iter()
        .filter(|pod| pod.injection == Injection::Absent)
        .collect();
    let ambient = |pod: &&ProductPod<'_>| {
        pod.pod["metadata"]["annotations"]["ambient.istio.io/redirection"] == "enabled"
    };
    if !without.is_empty() && without.iter().all(ambient) {
        return Answer::unknown(
            "the pods are in an ambient mesh, which has no sidecars and which no rule here knows",
        );
    }
    let mut by_reason: Vec<(Reason, Vec<&ProductPod<'_>>)> = vec![];
    for pod in without {
        let reason = reason(view, pod.pod);
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, pods)) => pods.push(pod),
            None => by_reason.push((reason, vec![pod])),
        }
    }
    Answer::found(
        by_reason
            .iter()
            .map(|(reason, pods)| finding(view, reason, pods)),
    )
}

fn reason(view: &View<'_>, pod: &Value) -> Reason {
    let (labels, annotations) = (&pod["metadata"]["labels"], &pod["metadata"]["annotations"]);
    let namespace = &view.snapshot.namespace["metadata"]["labels"];
    if pod["spec"]["hostNetwork"] == true {
        return Reason::HostNetwork;
    }
    if labels[SWITCH] == "false" {
        return Reason::PodSaysNo { label: true };
    }
    if annotations[SWITCH] == "false" && !labels[SWITCH].is_string() {
        return Reason::PodSaysNo { label: false };
    }
    let asked = labels[SWITCH] == "true";
    match namespace["istio-injection"].as_str() {
        Some("enabled") => return Reason::Older,
        Some("disabled") => return Reason::NamespaceSaysNo,
        _ => {}
    }
    let revision = namespace[REVISION].as_str().or(labels[REVISION].as_str());
    match revision {
        Some(revision) if !has_revision(view, revision) => Reason::NoSuchRevision(revision.into()),
        Some(_) => Reason::Older,
        None if asked => Reason::Older,
        None => Reason::NotLabelled,
    }
}

/// Whether a control plane of that revision runs. A tag has no pods of its own, so a name that is
/// none of a revision's is believed where istiod's pods tell no revision.
fn has_revision(view: &View<'_>, revision: &str) -> bool {
    let mut known = view
        .mesh_objects("Pod")
        .filter(|pod| pod["metadata"]["labels"]["app"] == "istiod")
        .filter_map(|pod| pod["metadata"]["labels"][REVISION].as_str())
        .peekable();
    known.peek().is_none() || known.any(|known| known == revision)
}

/// The cure of what keeps sidecars from new pods, and then new pods.
fn rolled_out<const N: usize>(view: &View<'_>, cure: [Remedy; N]) -> Vec<Remedy> {
    cure.into_iter().chain(roll_out(view)).collect()
}

fn finding(view: &View<'_>, reason: &Reason, pods: &[&ProductPod<'_>]) -> Finding {
    let namespace = view.namespace();
    let of_namespace = format!("Namespace {namespace}");
    let maker = view.maker_of(pods[0].pod);
    let owner = maker.clone().unwrap_or_else(|| pods[0].object());
    let label = command(format!(
        "kubectl label namespace {namespace} istio-injection=enabled --overwrite"
    ));
    let (object, because, remedies): (String, String, Vec<Remedy>) = match reason {
        Reason::NotLabelled => (
            of_namespace,
            "the namespace is not labelled for injection".into(),
            rolled_out(view, [label]),
        ),
        Reason::NamespaceSaysNo => (
            of_namespace,
            "the namespace's label istio-injection=disabled turns injection off".into(),
            rolled_out(view, [label]),
        ),
        Reason::NoSuchRevision(revision) => (
            of_namespace,
            format!("istio.io/rev={revision} names no control plane that runs here"),
            rolled_out(
                view,
                [
                    command(format!("kubectl label namespace {namespace} {REVISION}-")),
                    label,
                ],
            ),
        ),
        Reason::HostNetwork => (
            owner,
            "pods with hostNetwork are never injected".into(),
            rolled_out(view, [advice("take hostNetwork out of the pod template")]),
        ),
        Reason::PodSaysNo { label } => {
            let what = if *label { "label" } else { "annotation" };
            let cure = match maker {
                Some(object) => {
                    let yaml = format!(
                        "spec:\n  template:\n    metadata:\n      {what}s:\n        {SWITCH}: \"true\"\n"
                    );
                    rolled_out_by(view, Remedy::Patch { object, yaml }).to_vec()
                }
                None => {
                    let text = format!("make the pod anew without the {what} {SWITCH}");
                    vec![advice(text)]
                }
            };
            (
                owner,
                format!("the {what} {SWITCH} of the pod is \"false\""),
                cure,
            )
        }
        Reason::Older => (
            owner,
            "the namespace injects, so the pod was made before it did, or the injector did not \
             answer then"
                .into(),
            rolled_out(view, []),
        ),
    };
    let all = view.product.len();
    let with = view.in_mesh().count();
    let names = listed(pods.iter().map(|pod| name(pod.pod)));
    let have = if pods.len() == 1 { "has" } else { "have" };
    let mixed = if with > 0 {
        format!(" The namespace is mixed: {with} of {all} nodes have a sidecar.")
    } else {
        String::new()
    };
    let why = if with > 0 {
        "One pod without a sidecar makes a declared port plaintext for its peers, and under STRICT \
         the nodes with a sidecar reset what it sends: the cluster does not hold together."
    } else {
        "Without a sidecar nothing is encrypted: nodes speak in plaintext, and no policy of the mesh \
         is enforced at them."
    };
    RULE.finding(Said {
        weight: Weight::Cause,
        object,
        seen: format!("{names} {have} no sidecar: {because}.{mixed}"),
        why: why.into(),
        remedies,
    })
}
