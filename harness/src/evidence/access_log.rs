//! A proxy's access log, read for the one request that carries a mark of ours in its path.
//!
//! The format is the one that the instrumentation overlay sets: a JSON object a line. An HTTP
//! entry is written when its request has ended, and reaches the log within a second.

use std::time::Duration;

use serde_json::Value;

use crate::kube::{Kube, KubeError, Seen};
use crate::mesh::PROXY_CONTAINER;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line, as the proxy wrote it.
    pub line: String,
    fields: Value,
}

impl Entry {
    /// Reads a line of the log; none where it is another kind of line.
    pub fn read(line: &str) -> Option<Self> {
        let fields: Value = serde_json::from_str(line).ok()?;
        fields.get("upstream_cluster")?;
        Some(Self {
            line: line.to_owned(),
            fields,
        })
    }

    /// A field's text; none where the proxy had nothing to say.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields[field]
            .as_str()
            .filter(|text| !matches!(*text, "" | "-"))
    }

    /// Whether the request's path contains this.
    pub fn has_in_path(&self, mark: &str) -> bool {
        self.text("path").is_some_and(|path| path.contains(mark))
    }

    /// Whether the request came in from outside the pod.
    pub fn is_inbound(&self) -> bool {
        self.text("upstream_cluster")
            .is_some_and(|cluster| cluster.starts_with("inbound|"))
    }
}

/// Waits until the proxy of a pod has logged the inbound request whose path contains `mark`.
///
/// # Errors
/// [`KubeError::TimedOut`] with how many inbound requests were logged, or a broken stream.
pub async fn inbound_entry(
    kube: &Kube,
    namespace: &str,
    pod: &str,
    mark: &str,
    limit: Duration,
) -> Result<Entry, KubeError> {
    let name = format!("the proxy of {namespace}/{pod} to log the request with {mark} in its path");
    let mut others = 0_usize;
    kube.follow_log(namespace, pod, PROXY_CONTAINER, name, limit, |log| {
        // It is asked once for each line, so only the newest can be news.
        let newest = log.trim_end().rsplit('\n').next().unwrap_or_default();
        match Entry::read(newest).filter(Entry::is_inbound) {
            Some(entry) if entry.has_in_path(mark) => return Seen::Met(entry),
            Some(_) => others += 1,
            None => {}
        }
        Seen::NotYet(format!("{others} other inbound requests"))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = include_str!("../../fixtures/proxies/client.log");

    fn inbound() -> Vec<Entry> {
        RECORDED
            .lines()
            .filter_map(Entry::read)
            .filter(Entry::is_inbound)
            .collect()
    }

    #[test]
    fn a_recorded_log_is_read_past_its_other_lines() {
        let paths: Vec<_> = inbound()
            .iter()
            .filter_map(|e| e.text("path").map(str::to_owned))
            .collect();
        let mark = "witness=5a7b8c434a50a61e20158ee63f50e1e8";
        assert_eq!(
            paths,
            [
                "/person/",
                "/person/",
                "/person/",
                &format!("/person/?{mark}")
            ]
        );
        let marked: Vec<Entry> = inbound()
            .into_iter()
            .filter(|e| e.has_in_path(mark))
            .collect();
        assert_eq!(marked.len(), 1);
        let gateway =
            "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account";
        assert_eq!(marked[0].text("downstream_peer"), Some(gateway));
        assert_eq!(marked[0].text("downstream_tls"), Some("TLSv1.3"));
    }

    #[test]
    fn what_the_proxy_left_out_is_nothing() {
        let entry = Entry::read(r#"{"upstream_cluster":"inbound|8080||","path":"-","sni":null}"#);
        let entry = entry.unwrap();
        assert_eq!(
            [entry.text("path"), entry.text("sni"), entry.text("absent")],
            [None; 3]
        );
        assert_eq!(Entry::read(r#"{"level":"info"}"#), None);
    }
}
