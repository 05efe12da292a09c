//! Reads one proxy through its admin port: statistics, certificates, version, extensions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::MeshError;
use crate::kube::Kube;

/// Envoy's admin port, bound to the pod's loopback.
pub const ADMIN_PORT: u16 = 15000;
/// The container that holds the proxy in a pod with a sidecar.
pub const CONTAINER: &str = "istio-proxy";

/// One proxy.
#[derive(Clone)]
pub struct Proxy<'a> {
    kube: &'a Kube,
    /// Its pod's namespace.
    pub namespace: String,
    /// Its pod.
    pub pod: String,
}

/// A proxy's counters and gauges at one moment, with the text they were read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    values: BTreeMap<String, u64>,
    /// The text, as the admin port gave it.
    pub raw: String,
}

impl Stats {
    /// Reads Envoy's plain format, one `name: value` a line; histograms are passed over.
    pub fn parse(text: &str) -> Self {
        let values = text
            .lines()
            .filter_map(|line| {
                let (name, value) = line.rsplit_once(": ")?;
                Some((name.to_owned(), value.trim().parse().ok()?))
            })
            .collect();
        Self {
            values,
            raw: text.to_owned(),
        }
    }

    /// One value; none where the page does not list it, which is no 0: the proxy may not keep it. A
    /// listener's counters and those of TLS are listed from the first moment; of a cluster's others
    /// (`upstream_cx_total` and its like) Envoy makes each with its first count (measured with Envoy
    /// 1.40.0), so that whoever reads those has to see by another counter that clusters' are kept.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.values.get(name).copied()
    }

    /// The values whose names begin so and end so, with what stands between.
    pub fn between<'s>(
        &'s self,
        start: &'s str,
        end: &'s str,
    ) -> impl Iterator<Item = (&'s str, u64)> {
        self.values.iter().filter_map(move |(name, value)| {
            Some((name.strip_prefix(start)?.strip_suffix(end)?, *value))
        })
    }
}

/// A workload certificate that a proxy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its URI names: the SPIFFE identity.
    pub uris: Vec<String>,
    /// Until when it is valid.
    pub expires: String,
}

impl<'a> Proxy<'a> {
    /// The proxy of a pod.
    pub fn of(kube: &'a Kube, namespace: impl Into<String>, pod: impl Into<String>) -> Self {
        Self {
            kube,
            namespace: namespace.into(),
            pod: pod.into(),
        }
    }

    /// The command by which a person reads the same page.
    pub fn command(&self, page: &str) -> String {
        format!(
            "kubectl exec {} -n {} -c {CONTAINER} -- curl -s 'localhost:{ADMIN_PORT}{page}'",
            self.pod, self.namespace
        )
    }

    /// Statistics whose names match a regular expression.
    ///
    /// # Errors
    /// When the admin port does not answer.
    pub async fn stats(&self, filter: &str) -> Result<Stats, MeshError> {
        Ok(Stats::parse(
            &self
                .page(&format!("/stats?filter={}", query_value(filter)))
                .await?,
        ))
    }

    /// The workload certificates.
    ///
    /// # Errors
    /// When the admin port does not answer, or not as expected.
    pub async fn certificates(&self) -> Result<(Vec<Certificate>, String), MeshError> {
        let text = self.page("/certs").await?;
        let certificates = certificates(&self.json("/certs", &text)?);
        Ok((certificates, text))
    }

    /// Envoy's version, as `1.40.0`.
    ///
    /// # Errors
    /// When the admin port does not answer, or not as expected.
    pub async fn envoy_version(&self) -> Result<String, MeshError> {
        let text = self.page("/server_info").await?;
        let version = self.json("/server_info", &text)?["version"]
            .as_str()
            .map(str::to_owned);
        // The form is revision/version/state/build/tls library.
        let number = version
            .as_deref()
            .and_then(|v| v.split('/').nth(1).map(str::to_owned));
        number
            .or(version)
            .ok_or_else(|| self.unreadable("/server_info", "it names no version"))
    }

    /// Whether Istio's own filters are compiled in, by what Envoy says of itself at its start.
    ///
    /// # Errors
    /// When the admin port does not answer, or lists no extensions at all.
    pub async fn has_istio_filters(&self) -> Result<bool, MeshError> {
        let page = "/config_dump";
        let text = self.page(page).await?;
        let extensions = extensions(&self.json(page, &text)?);
        if extensions.is_empty() {
            return Err(self.unreadable(page, "it lists no extensions"));
        }
        Ok(extensions.iter().any(|name| name == "istio.stats"))
    }

    /// A page that is JSON.
    ///
    /// # Errors
    /// When the admin port does not answer, or not with JSON.
    pub async fn json_page(&self, page: &str) -> Result<Value, MeshError> {
        let text = self.page(page).await?;
        self.json(page, &text)
    }

    async fn page(&self, page: &str) -> Result<String, MeshError> {
        let (status, body) = self
            .kube
            .get(&self.namespace, &self.pod, ADMIN_PORT, page)
            .await?;
        if status == 200 {
            Ok(body)
        } else {
            Err(self.unreadable(page, &format!("it answers {status}")))
        }
    }

    fn json(&self, page: &str, text: &str) -> Result<Value, MeshError> {
        serde_json::from_str(text).map_err(|error| self.unreadable(page, &error.to_string()))
    }

    pub(super) fn unreadable(&self, page: &str, reason: &str) -> MeshError {
        MeshError::Unreadable {
            what: format!("{page} of the proxy of {}/{}", self.namespace, self.pod),
            reason: reason.to_owned(),
        }
    }
}

fn certificates(page: &Value) -> Vec<Certificate> {
    let all = page["certificates"].as_array().into_iter().flatten();
    all.flat_map(|entry| entry["cert_chain"].as_array().into_iter().flatten())
        .map(|certificate| Certificate {
            uris: certificate["subject_alt_names"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|name| name["uri"].as_str().map(str::to_owned))
                .collect(),
            expires: certificate["expiration_time"]
                .as_str()
                .unwrap_or("unknown")
                .to_owned(),
        })
        .filter(|certificate| !certificate.uris.is_empty())
        .collect()
}

fn extensions(dump: &Value) -> Vec<String> {
    let sections = dump["configs"].as_array().into_iter().flatten();
    sections
        .flat_map(|section| {
            section["bootstrap"]["node"]["extensions"]
                .as_array()
                .into_iter()
                .flatten()
        })
        .filter_map(|extension| extension["name"].as_str().map(str::to_owned))
        .collect()
}

/// A query value with everything but letters and digits encoded.
pub fn query_value(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => (byte as char).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The lines of a page that are wanted, each once, and of how many they were taken.
pub fn excerpt(page: &str, wanted: impl Fn(&str) -> bool) -> String {
    let mut lines: Vec<&str> = vec![];
    for line in page.lines().filter(|line| wanted(line)) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let (kept, all) = (lines.len(), page.lines().count());
    lines
        .iter()
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        + &format!("({kept} of {all} lines)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_are_read_line_by_line() {
        let stats = Stats::parse(
            "cluster.outbound|47500||h.n.svc.cluster.local;.ssl.handshake: 14\n\
             listener.0.0.0.0_15006.downstream_cx_length_ms: P0(nan,1) P25(nan,2)\n\
             listener.0.0.0.0_15006.ssl.handshake: 9\n",
        );
        assert_eq!(stats.get("listener.0.0.0.0_15006.ssl.handshake"), Some(9));
        assert_eq!(stats.get("no.such.counter"), None);
        let ports: Vec<_> = stats
            .between("cluster.outbound|", ".ssl.handshake")
            .collect();
        assert_eq!(ports, [("47500||h.n.svc.cluster.local;", 14)]);
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(query_value("a|b."), "a%7Cb%2E");
    }
}
