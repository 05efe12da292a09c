//! MP012: no istiod runs.

use serde_json::Value;

use super::{Answer, Rule, Said, command};
use crate::diagnose::view::{View, name, object};
use crate::mesh::ISTIO_NAMESPACE;
use crate::outcome::Weight;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP012",
    title: "the control plane does not run",
    apply,
};

/// Where the mesh is run from elsewhere there is no Deployment of istiod, and nothing is said.
fn apply(view: &View<'_>) -> Answer {
    if let Some(because) = view.unread(ISTIO_NAMESPACE, "Deployment") {
        return Answer::unknown(because);
    }
    let of_istiod = |deployment: &&Value| deployment["metadata"]["labels"]["app"] == "istiod";
    let all: Vec<&Value> = view.mesh_objects("Deployment").filter(of_istiod).collect();
    let runs = |deployment: &&&Value| deployment["status"]["readyReplicas"].as_u64() > Some(0);
    let Some(lacking) = all.first().filter(|_| !all.iter().any(|d| runs(&d))) else {
        return Answer::nothing();
    };
    let (deployment, namespace) = (name(lacking), ISTIO_NAMESPACE);
    let (seen, remedy) = if lacking["spec"]["replicas"] == 0 {
        (
            "It is scaled to 0.",
            format!("kubectl scale deployment {deployment} -n {namespace} --replicas=1"),
        )
    } else {
        (
            "It has no pod that is Ready.",
            format!("kubectl describe pods -n {namespace} -l app=istiod"),
        )
    };
    Answer::found([RULE.finding(Said {
        weight: Weight::Risk,
        object: object(lacking),
        seen: seen.into(),
        why: "Proxies go on with what they have: no change of a policy or a Service reaches them, new \
              pods get no sidecar or are refused, and within a day certificates expire that nobody \
              renews."
            .into(),
        remedies: vec![command(remedy)],
    })])
}
