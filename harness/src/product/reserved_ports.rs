//! Which of the product's ports the kernel may give to an outgoing connection, and what keeps it from
//! that.

use meshproof_protocol::ports::ProductPort;

/// The product's ports that lie in the range from which Linux takes ports for outgoing connections
/// (`net.ipv4.ip_local_port_range`, 32768 to 60999 by default).
pub const IN_EPHEMERAL_RANGE: [ProductPort; 2] =
    [ProductPort::Communication, ProductPort::Discovery];

/// The setting of a pod that takes ports out of that range, while a node can listen on them as before.
/// Kubernetes counts it among the safe ones, which every pod may set, since 1.27.
pub const SYSCTL: &str = "net.ipv4.ip_local_reserved_ports";

/// Its value for [`IN_EPHEMERAL_RANGE`]: `47100,47500`.
#[must_use]
pub fn value() -> String {
    IN_EPHEMERAL_RANGE
        .map(|port| port.number().to_string())
        .join(",")
}
