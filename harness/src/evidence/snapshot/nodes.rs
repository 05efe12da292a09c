//! What a node of the product says: its logs, its REST answer, where it looks for a license.

use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use serde_json::Value;

use super::patience;
use crate::diagnose::view::name;
use crate::diagnose::{NodeRecord, TopRecord, Unread};
use crate::kube::Kube;
use crate::product::logs::LEFT_OUT;
use crate::product::rest::Command;
use meshproof_protocol::ports::ProductPort;

/// How long a node's REST interface is given; a stalled joiner's never answers, and a healthy one
/// does in milliseconds.
const REST_ANSWER: Duration = Duration::from_millis(1200);
/// How long a log, or a ConfigMap, is given.
const TEXT_ANSWER: Duration = Duration::from_millis(2000);
/// How much of a log is kept from its start, where the start is told. Of a longer one the latest
/// lines are kept besides.
const LOG_BYTES: i64 = 2 * 1024 * 1024;
/// How many of the latest lines of a long log are kept.
const LATEST_LINES: i64 = 4000;

/// One node, whatever of it answers, and the ConfigMaps of its pod that could not be read.
pub(super) async fn node(
    kube: &Kube,
    namespace: &str,
    pod: &Value,
    container: &str,
) -> (NodeRecord, Vec<Unread>) {
    let pod_name = name(pod);
    let (log, previous_log, top, (license_urls, unread)) = tokio::join!(
        log(kube, namespace, pod_name, container, false),
        log(kube, namespace, pod_name, container, true),
        top(kube, namespace, pod_name),
        license_urls(kube, namespace, pod),
    );
    let record = NodeRecord {
        pod: pod_name.to_owned(),
        container: container.to_owned(),
        log,
        previous_log,
        top,
        license_urls,
    };
    (record, unread)
}

async fn log(
    kube: &Kube,
    namespace: &str,
    pod: &str,
    container: &str,
    previous: bool,
) -> Option<String> {
    let pods: Api<Pod> = Api::namespaced(kube.client(), namespace);
    let parameters = LogParams {
        container: Some(container.into()),
        previous,
        limit_bytes: Some(LOG_BYTES),
        ..LogParams::default()
    };
    let read = async {
        // A container that never started has no log, and one that never restarted no earlier one.
        let start = pods.logs(pod, &parameters).await.ok()?;
        if (start.len() as i64) < LOG_BYTES {
            return Some(start);
        }
        let latest = LogParams {
            tail_lines: Some(LATEST_LINES),
            ..parameters
        };
        let end = pods.logs(pod, &latest).await.ok()?;
        Some(joined(&start, &end))
    };
    tokio::time::timeout(patience(kube, TEXT_ANSWER), read)
        .await
        .ok()?
}

/// The start and the end of a long log as one text; where they overlap, the lines that both hold
/// are told once.
fn joined(start: &str, end: &str) -> String {
    // The start was cut anywhere.
    let start = start.rsplit_once('\n').map_or(start, |(whole, _)| whole);
    let first = end.lines().next().unwrap_or_default();
    match start.rfind(&format!("\n{first}\n")) {
        Some(at) if end.starts_with(&start[at + 1..]) => format!("{}{end}", &start[..=at]),
        _ => format!("{start}\n{LEFT_OUT}\n{end}"),
    }
}

async fn top(kube: &Kube, namespace: &str, pod: &str) -> TopRecord {
    let page = Command::Top.page();
    let asked = kube.get(namespace, pod, ProductPort::Rest.number(), &page);
    match tokio::time::timeout(patience(kube, REST_ANSWER), asked).await {
        Ok(Ok((_, body))) => TopRecord::Answer(body),
        Ok(Err(error)) => TopRecord::NoAnswer(error.to_string()),
        Err(_) => TopRecord::NoAnswer(format!("no answer within {REST_ANSWER:?}")),
    }
}

/// The `licenseUrl` values in the ConfigMaps that a pod mounts, and those that could not be read. One that
/// is not there is none of these: the pod waits for it, or it is optional.
async fn license_urls(kube: &Kube, namespace: &str, pod: &Value) -> (Vec<String>, Vec<Unread>) {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let names: Vec<&str> = volumes
        .filter_map(|volume| volume["configMap"]["name"].as_str())
        .filter(|name| !name.contains("istio"))
        .collect();
    let each = names.into_iter().map(|name| async move {
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        let asked = tokio::time::timeout(patience(kube, TEXT_ANSWER), kube.raw(&path));
        match asked.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) if error.is_not_found() => Ok(Value::Null),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!(
                "{name}: no answer within {:?}",
                patience(kube, TEXT_ANSWER)
            )),
        }
    });
    let (mut urls, mut unread) = (vec![], vec![]);
    for found in join_all(each).await {
        match found {
            Ok(found) => {
                let data = found["data"].as_object().into_iter().flatten();
                let texts = data.filter_map(|(_, text)| text.as_str());
                urls.extend(texts.flat_map(license_urls_in));
            }
            Err(because) => unread.push(Unread {
                namespace: namespace.to_owned(),
                kind: "ConfigMap".to_owned(),
                because,
            }),
        }
    }
    (urls, unread)
}

/// The values of properties named `licenseUrl` in a Spring configuration.
fn license_urls_in(text: &str) -> Vec<String> {
    let after = text.split("name=\"licenseUrl\"").skip(1);
    after
        .filter_map(|rest| rest.split_once("value=\""))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .map(|(value, _)| value.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_keeps_its_start_and_its_end() {
        assert_eq!(joined("a\nb\nc\nd\ncut", "c\nd\ne\n"), "a\nb\nc\nd\ne\n");
        assert_eq!(
            joined("a\nb\ncut", "x\ny\n"),
            "a\nb\n(lines left out)\nx\ny\n"
        );
    }

    #[test]
    fn license_urls_are_read_and_nothing_else() {
        let xml = r#"<bean><property name="password" value="planted"/>
            <property name="licenseUrl" value="file:///ignite/license/gridgain-license.xml"/></bean>"#;
        assert_eq!(
            license_urls_in(xml),
            ["file:///ignite/license/gridgain-license.xml"]
        );
        assert!(license_urls_in("<beans/>").is_empty());
    }
}
