//! MP052: the Secret with a Gateway's certificate is not where the gateway runs.

use serde_json::Value;

use super::{Answer, Rule, Said, advice, command};
use crate::diagnose::gateways::namespace_of;
use crate::diagnose::view::{View, object};
use crate::mesh::ISTIO_NAMESPACE;
use crate::outcome::Weight;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP052",
    title: "the Secret with a Gateway's certificate is missing",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    for gateway in view.needed_gateways() {
        let wanted = credentials(gateway);
        if wanted.is_empty() {
            continue;
        }
        let running = view
            .gateway_pods(gateway)
            .into_iter()
            .chain(view.gateway_deployments(gateway))
            .next();
        let Some(namespace) = running.map(namespace_of) else {
            answer.lacks(format!(
                "nothing runs for {}, so where its Secret has to be is not known",
                object(gateway)
            ));
            continue;
        };
        let secrets = if namespace == ISTIO_NAMESPACE {
            &view.snapshot.mesh_secrets
        } else if namespace == view.namespace() {
            &view.snapshot.secrets
        } else {
            &None
        };
        let Some(secrets) = secrets else {
            answer.lacks(format!("the Secrets of {namespace} could not be listed"));
            continue;
        };
        for secret in wanted {
            if secrets.iter().any(|there| there == secret) {
                continue;
            }
            let own = view.snapshot.secrets.as_ref();
            let elsewhere = own.is_some_and(|own| own.iter().any(|there| there == secret));
            let also = if elsewhere {
                format!(
                    " One of that name is in {}, where the gateway does not look.",
                    view.namespace()
                )
            } else {
                String::new()
            };
            answer.findings.push(RULE.finding(Said {
                weight: Weight::Cause,
                object: object(gateway),
                seen: format!(
                    "Its credentialName is {secret}, and {namespace}, where the gateway runs, has no \
                     such Secret.{also}"
                ),
                why: "Without its certificate the gateway cannot answer: it takes a connection to the \
                      port, if it listens at all, and closes it."
                    .into(),
                remedies: vec![
                    command(format!(
                        "kubectl create secret tls {secret} -n {namespace} --cert=cert.pem \
                         --key=key.pem"
                    )),
                    advice("cert.pem and key.pem are the certificate and its key in PEM form"),
                ],
            }));
        }
    }
    answer
}

/// The names of the Secrets that a Gateway's servers need. One with another prefix than
/// `kubernetes://` is not a Secret's.
fn credentials(gateway: &Value) -> Vec<&str> {
    let servers = gateway["spec"]["servers"].as_array().into_iter().flatten();
    let mut names: Vec<&str> = vec![];
    for server in servers {
        let one = server["tls"]["credentialName"].as_str();
        let many = server["tls"]["credentialNames"].as_array();
        let many = many.into_iter().flatten().filter_map(Value::as_str);
        for name in one.into_iter().chain(many) {
            let name = name.strip_prefix("kubernetes://").unwrap_or(name);
            if !name.contains("://") && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}
