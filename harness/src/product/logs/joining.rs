//! What a node prints while it looks for the others of its cluster and finds none.

/// Ignite 2.16.0's own words. Behind a sidecar it often prints none of them, since the proxy accepts
/// every connection.
const IN_VAIN: [&str; 5] = [
    "Failed to connect to any address from IP finder",
    "Failed to get registered addresses from IP finder",
    "Failed to resolve address from IP finder",
    "Node has not been connected to topology and will repeat join process",
    "Impossible to continue join, check if local discovery and communication ports",
];

/// Whether a line of a node's log says that it looks for others in vain.
#[must_use]
pub fn looks_in_vain(line: &str) -> bool {
    IN_VAIN.iter().any(|words| line.contains(words))
}
