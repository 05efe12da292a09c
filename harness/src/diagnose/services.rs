//! What an entry of a Service declares to Istio: which protocol, and which port of the pods.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

/// How a sidecar treats connections to a declared port (Istio's `ConvertProtocol`: `appProtocol`
/// if there is one, else what stands before the first `-` of the name; case does not matter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// As bytes.
    Tcp,
    /// As HTTP or TLS of the application's own: something it looks into.
    Parsed,
    /// As whatever the client's first bytes look like.
    Sniffed,
}

/// The protocol that a Service's entry declares.
pub fn declared(entry: &Value) -> Declared {
    let name = entry["appProtocol"]
        .as_str()
        .or_else(|| entry["name"].as_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    match name.as_str() {
        "kubernetes.io/h2c" | "kubernetes.io/ws" | "kubernetes.io/wss" => return Declared::Parsed,
        _ if name.starts_with("grpc-web") => return Declared::Parsed,
        _ => {}
    }
    match name.split('-').next().unwrap_or_default() {
        "tcp" | "mongo" | "redis" | "mysql" => Declared::Tcp,
        "http" | "http2" | "http_proxy" | "grpc" | "https" | "tls" => Declared::Parsed,
        _ => Declared::Sniffed,
    }
}

/// How the entry says it: `the name communication`, `appProtocol http`, `no name`.
pub fn said(entry: &Value) -> String {
    match (entry["appProtocol"].as_str(), entry["name"].as_str()) {
        (Some(protocol), _) => format!("appProtocol `{protocol}`"),
        (None, Some(name)) => format!("the name `{name}`"),
        (None, None) => "no name".into(),
    }
}

/// The port of a pod that an entry leads to; none for a name that the pod does not know.
pub fn target(entry: &Value, pod: &Value) -> Option<u64> {
    match &entry["targetPort"] {
        Value::Null => entry["port"].as_u64(),
        Value::String(name) => {
            if let Ok(number) = name.parse() {
                return Some(number);
            }
            let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
            let ports = containers.flat_map(|c| c["ports"].as_array().into_iter().flatten());
            let mut named = ports.filter(|port| port["name"] == name.as_str());
            named.find_map(|port| port["containerPort"].as_u64())
        }
        number => number.as_u64().or_else(|| entry["port"].as_u64()),
    }
}

/// Whether an entry is for TCP, which it is unless it says otherwise.
pub fn is_tcp(entry: &Value) -> bool {
    entry["protocol"].as_str().is_none_or(|p| p == "TCP")
}

/// Whether a Service is headless. Only such a one makes a sidecar listen for connections to the
/// addresses of its pods, which is what nodes dial; one with an address of its own makes it listen
/// on that.
pub fn is_headless(service: &Value) -> bool {
    service["spec"]["clusterIP"] == "None"
}

/// The name that the guide gives to a port's entry.
pub fn guide_name(port: ProductPort) -> &'static str {
    match port {
        ProductPort::Rest => "http-rest",
        ProductPort::ThinClient => "tcp-thinclient",
        ProductPort::RestTcp => "tcp-rest",
        ProductPort::Communication => "tcp-communication",
        ProductPort::Discovery => "tcp-discovery",
    }
}

/// The part of a Service's YAML that declares these ports as the guide does. Entries of a Service
/// are merged by their `port`.
pub fn entries_yaml(ports: impl IntoIterator<Item = ProductPort>) -> String {
    let entries: String = ports
        .into_iter()
        .map(|port| {
            format!(
                "  - port: {}\n    name: {}\n",
                port.number(),
                guide_name(port)
            )
        })
        .collect();
    format!("spec:\n  ports:\n{entries}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_protocol_is_what_istio_reads_in_the_entry() {
        for (entry, expected) in [
            (json!({ "name": "tcp-communication" }), Declared::Tcp),
            (json!({ "name": "TCP" }), Declared::Tcp),
            (json!({ "name": "communication" }), Declared::Sniffed),
            (json!({ "name": "tcpcommunication" }), Declared::Sniffed),
            (json!({}), Declared::Sniffed),
            (json!({ "name": "http-communication" }), Declared::Parsed),
            (json!({ "name": "tls" }), Declared::Parsed),
            (json!({ "name": "x", "appProtocol": "tcp" }), Declared::Tcp),
            (
                json!({ "name": "tcp-x", "appProtocol": "http" }),
                Declared::Parsed,
            ),
            (
                json!({ "name": "tcp-x", "appProtocol": "kubernetes.io/ws" }),
                Declared::Parsed,
            ),
            (
                json!({ "name": "tcp-x", "appProtocol": "example.com/y" }),
                Declared::Sniffed,
            ),
        ] {
            assert_eq!(declared(&entry), expected, "{entry}");
        }
    }

    #[test]
    fn the_target_is_a_number_a_name_or_the_port_itself() {
        let pod = json!({ "spec": { "containers": [
            { "ports": [{ "name": "comm", "containerPort": 47100 }] }
        ] } });
        for (entry, expected) in [
            (json!({ "port": 47100 }), Some(47100)),
            (json!({ "port": 7100, "targetPort": 47100 }), Some(47100)),
            (json!({ "port": 7100, "targetPort": "comm" }), Some(47100)),
            (json!({ "port": 7100, "targetPort": "other" }), None),
        ] {
            assert_eq!(target(&entry, &pod), expected, "{entry}");
        }
    }
}
