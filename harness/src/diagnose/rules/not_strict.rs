//! MP030: a port of the product takes plaintext.

use meshproof_protocol::ports::ProductPort;

use super::{Answer, Rule, Said, advice, listed};
use crate::diagnose::view::{MtlsMode, Served, View, name, object};
use crate::mesh::ISTIO_NAMESPACE;
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP030",
    title: "mutual TLS is not required at a port of the nodes",
    apply,
};

/// The ports of some pods at which the same policy asks for the same.
struct Exposed {
    mode: MtlsMode,
    policy: String,
    by_port: bool,
    pods: Vec<String>,
    ports: Vec<Served>,
}

fn apply(view: &View<'_>) -> Answer {
    if view.in_mesh().next().is_none() {
        return Answer::nothing();
    }
    for namespace in [view.namespace(), ISTIO_NAMESPACE] {
        if let Some(because) = view.unread(namespace, "PeerAuthentication") {
            return Answer::unknown(because);
        }
    }
    let mut found: Vec<Exposed> = vec![];
    for pod in view.in_mesh() {
        for port in ProductPort::ALL.map(|port| pod.served(port)) {
            let (mode, policy) = view.mtls(pod.pod, port.number());
            if mode == MtlsMode::Strict {
                continue;
            }
            let by_port = policy.is_some_and(|policy| {
                policy["spec"]["portLevelMtls"][port.number().to_string()].is_object()
            });
            let policy = policy.map_or("no PeerAuthentication".into(), object);
            let known = found.iter_mut().find(|exposed| {
                exposed.mode == mode && exposed.policy == policy && exposed.by_port == by_port
            });
            match known {
                Some(exposed) => {
                    add(&mut exposed.pods, pod.name.to_owned());
                    add(&mut exposed.ports, port);
                }
                None => found.push(Exposed {
                    mode,
                    policy,
                    by_port,
                    pods: vec![pod.name.to_owned()],
                    ports: vec![port],
                }),
            }
        }
    }
    Answer::found(found.iter().map(|exposed| finding(view, exposed)))
}

fn add<T: PartialEq>(list: &mut Vec<T>, new: T) {
    if !list.contains(&new) {
        list.push(new);
    }
}

fn finding(view: &View<'_>, exposed: &Exposed) -> Finding {
    let ports = listed(&exposed.ports);
    let by = if exposed.policy.starts_with("no ") {
        "no PeerAuthentication says otherwise, and the default is PERMISSIVE".into()
    } else {
        format!("{} says {}", exposed.policy, exposed.mode.name())
    };
    RULE.finding(Said {
        weight: Weight::Exposure,
        object: format!("Namespace {}", view.namespace()),
        seen: format!(
            "{}: {} on {ports}; {by}.",
            listed(&exposed.pods),
            exposed.mode.name()
        ),
        why: match exposed.mode {
            MtlsMode::Disable => {
                "The proxies speak plaintext there, and anything that reaches the pod's address is \
                 let in."
            }
            _ => {
                "Peers in the mesh encrypt, and anything else that reaches the pod's address is let \
                 in without it."
            }
        }
        .into(),
        remedies: remedies(view, exposed),
    })
}

fn remedies(view: &View<'_>, exposed: &Exposed) -> Vec<Remedy> {
    let namespace = view.namespace();
    let whole = view.objects("PeerAuthentication").find(|policy| {
        policy["spec"]["selector"]["matchLabels"]
            .as_object()
            .is_none_or(|labels| labels.is_empty())
    });
    let own = exposed.policy.split_once(' ').map(|(_, name)| name);
    let narrower = view
        .objects("PeerAuthentication")
        .find(|policy| {
            Some(format!("{namespace}/{}", name(policy)).as_str()) == own
                && whole.is_none_or(|whole| !std::ptr::eq(whole, *policy))
        })
        .map(object);
    if let Some(object) = narrower {
        let yaml = if exposed.by_port {
            let ports: String = exposed
                .ports
                .iter()
                .map(|port| format!("    {}:\n      mode: STRICT\n", port.number()))
                .collect();
            format!("spec:\n  portLevelMtls:\n{ports}")
        } else {
            "spec:\n  mtls:\n    mode: STRICT\n".into()
        };
        return vec![Remedy::Patch { object, yaml }];
    }
    let policy = whole.map_or("default", name);
    vec![
        advice(
            "see first that no client without a sidecar needs these ports, since it will be refused",
        ),
        super::command(format!(
            "kubectl apply -f - <<'EOF'\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
             metadata:\n  name: {policy}\n  namespace: {namespace}\nspec:\n  mtls:\n    mode: STRICT\n\
             EOF"
        )),
    ]
}
