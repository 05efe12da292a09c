//! A cluster of ours as its folder tells of it: its record, and the kubeconfig that kind wrote.

use serde_json::{Value, json};

const SERVER: &str = "https://127.0.0.1:41233";

/// The record of a complete cluster of this name, without nodes.
pub fn record(name: &str) -> Value {
    json!({
        "name": name, "purpose": "a test", "complete": true,
        "containers": [], "running_since": [], "server": SERVER,
    })
}

/// Its kubeconfig.
pub fn kubeconfig(name: &str) -> Value {
    let context = format!("kind-{name}");
    json!({
        "current-context": context,
        "clusters": [{ "name": context, "cluster": { "server": SERVER } }],
        "contexts": [{ "name": context, "context": { "cluster": context, "user": context } }],
        "users": [{ "name": context, "user": {} }],
    })
}
