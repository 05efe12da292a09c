//! Reading the bodies of REST answers. Pure: the text comes from the caller.

use super::{Command, RestError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One node of the topology, as `cmd=top` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopNode {
    /// The id a node takes at each start.
    pub node_id: String,
    /// The id that stays; without persistence, the node's addresses and discovery port.
    pub consistent_id: String,
    /// The topology version at which the node joined.
    pub order: u64,
    /// The node's addresses.
    #[serde(default)]
    pub tcp_addresses: Vec<String>,
    /// The caches it knows.
    #[serde(default)]
    pub caches: Vec<CacheEntry>,
}

/// One cache of a node in `cmd=top`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// The cache's name.
    pub name: String,
    /// The cache's mode, such as `PARTITIONED`.
    pub mode: String,
}

/// The answer to `cmd=baseline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// Whether the cluster is active.
    pub active: bool,
    /// Consistent ids of the baseline nodes.
    pub baseline: Vec<String>,
    /// The topology version of the answer.
    pub topology_version: u64,
    /// Consistent ids of the server nodes.
    pub servers: Vec<String>,
}

/// The answer to `cmd=put`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The id of the node that owns the key's primary copy, where the answer names it.
    pub affinity_node_id: Option<String>,
}

/// The wrapper of every answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    success_status: i32,
    error: Option<String>,
    affinity_node_id: Option<String>,
    // Absent only where the body is not a REST answer at all.
    response: serde_json::Value,
}

fn envelope(command: &Command<'_>, body: &str) -> Result<Envelope, RestError> {
    let command = command.name();
    let envelope: Envelope = serde_json::from_str(body).map_err(|error| RestError::Body {
        command,
        cause: error.to_string(),
    })?;
    if envelope.success_status == 0 {
        return Ok(envelope);
    }
    let message = envelope.error.unwrap_or_default();
    // The rest is a stack trace.
    let message = message.lines().next().unwrap_or_default().to_owned();
    Err(RestError::Refused { command, message })
}

fn response<T: DeserializeOwned>(command: &Command<'_>, body: &str) -> Result<T, RestError> {
    serde_json::from_value(envelope(command, body)?.response).map_err(|error| RestError::Body {
        command: command.name(),
        cause: error.to_string(),
    })
}

/// The version in the body of `cmd=version`, such as `2.16.0`.
///
/// # Errors
/// When the body is no such answer, or the command was refused.
pub fn version(body: &str) -> Result<String, RestError> {
    response(&Command::Version, body)
}

/// The nodes in the body of `cmd=top`.
///
/// # Errors
/// When the body is no such answer, or the command was refused.
pub fn top(body: &str) -> Result<Vec<TopNode>, RestError> {
    response(&Command::Top, body)
}

/// The body of `cmd=baseline`.
///
/// # Errors
/// When the body is no such answer, or the command was refused.
pub fn baseline(body: &str) -> Result<Baseline, RestError> {
    response(&Command::Baseline, body)
}

/// The state in the body of `cmd=state`, such as `ACTIVE`.
///
/// # Errors
/// When the body is no such answer, or the command was refused.
pub fn state(body: &str) -> Result<String, RestError> {
    response(&Command::State, body)
}

/// The body of `cmd=put`.
///
/// # Errors
/// When the body is no such answer, the command was refused, or nothing was written.
pub fn put(body: &str) -> Result<Written, RestError> {
    let command = Command::Put {
        cache: "",
        key: "",
        value: "",
    };
    let envelope = envelope(&command, body)?;
    if envelope.response == true {
        return Ok(Written {
            affinity_node_id: envelope.affinity_node_id,
        });
    }
    let cause = format!("response is {}, not true", envelope.response);
    Err(RestError::Body {
        command: command.name(),
        cause,
    })
}

/// The value in the body of `cmd=get`; `None` when the cache has no such key.
///
/// # Errors
/// When the body is no such answer, or the command was refused (an unknown cache, for one).
pub fn get(body: &str) -> Result<Option<String>, RestError> {
    response(&Command::Get { cache: "", key: "" }, body)
}

/// The number of entries in the body of `cmd=size`.
///
/// # Errors
/// When the body is no such answer, or the command was refused.
pub fn size(body: &str) -> Result<u64, RestError> {
    response(&Command::Size { cache: "" }, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::recorded::{body, file};

    #[test]
    fn version_and_state_are_plain_strings() {
        assert_eq!(
            version(body(file!("healthy/version.json"))).unwrap(),
            "2.16.0"
        );
        assert_eq!(state(body(file!("healthy/state.json"))).unwrap(), "ACTIVE");
    }

    #[test]
    fn top_lists_each_node_with_its_order_and_caches() {
        let nodes = top(body(file!("healthy/top-0.json"))).unwrap();
        assert_eq!(nodes.iter().map(|n| n.order).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(nodes[0].consistent_id, "10.244.0.15,127.0.0.1:47500");
        assert_eq!(nodes[1].consistent_id, "10.244.0.16,127.0.0.1:47500");
        assert_ne!(nodes[0].node_id, nodes[1].node_id);
        assert!(nodes[1].tcp_addresses.contains(&"10.244.0.16".to_owned()));
        let person = CacheEntry {
            name: "PERSON".into(),
            mode: "PARTITIONED".into(),
        };
        assert_eq!(nodes[0].caches, [person]);
    }

    #[test]
    fn a_split_node_lists_only_itself() {
        let zero = top(body(file!("split/top-0.json"))).unwrap();
        let one = top(body(file!("split/top-1.json"))).unwrap();
        assert_eq!((zero.len(), one.len()), (1, 1));
        assert_ne!(zero[0].node_id, one[0].node_id);
    }

    #[test]
    fn baseline_names_servers_by_consistent_id() {
        let baseline = baseline(body(file!("healthy/baseline.json"))).unwrap();
        assert!(baseline.active);
        assert_eq!(baseline.topology_version, 2);
        assert_eq!(baseline.servers.len(), 2);
        assert_eq!(baseline.baseline.len(), 2);
    }

    #[test]
    fn a_key_is_put_through_one_node_and_got_through_the_other() {
        let written = put(body(file!("healthy/put.json"))).unwrap();
        let owners = top(body(file!("healthy/top-0.json"))).unwrap();
        let owner = written.affinity_node_id.expect("put names the key's owner");
        assert!(owners.iter().any(|n| n.node_id == owner));
        assert_eq!(
            get(body(file!("healthy/get.json"))).unwrap().as_deref(),
            Some("v1")
        );
        assert_eq!(get(body(file!("healthy/get-absent.json"))).unwrap(), None);
        assert_eq!(size(body(file!("healthy/size.json"))).unwrap(), 1);
    }

    #[test]
    fn an_unknown_cache_is_refused_with_the_nodes_reason_and_no_trace() {
        let error = get(body(file!("healthy/unknown-cache.json"))).unwrap_err();
        let RestError::Refused {
            command: "get",
            message,
        } = &error
        else {
            panic!("{error}")
        };
        assert!(message.contains("Failed to find cache for given cache name: ABSENT"));
        assert!(!message.contains('\n'));
    }

    #[test]
    fn what_is_no_answer_is_not_taken_for_one() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"successStatus":0,"error":null,"response":7}"#,
        ] {
            assert!(
                matches!(version(body), Err(RestError::Body { .. })),
                "{body}"
            );
        }
        let refused = r#"{"successStatus":0,"error":null,"response":false}"#;
        assert!(matches!(put(refused), Err(RestError::Body { .. })));
    }
}
