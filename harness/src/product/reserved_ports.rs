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

/// Its value with [`IN_EPHEMERAL_RANGE`] in it: `47100,47500`, after what is reserved already.
#[must_use]
pub fn with(reserved: Option<&str>) -> String {
    let reserved = reserved.filter(|text| !text.trim().is_empty());
    let mut all: Vec<String> = reserved.into_iter().map(str::to_owned).collect();
    let ours = IN_EPHEMERAL_RANGE.map(|port| port.number().to_string());
    let there = |port: &String| reserved.is_some_and(|text| text.split(',').any(|p| p == port));
    all.extend(ours.into_iter().filter(|port| !there(port)));
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_stays_and_no_port_is_named_twice() {
        assert_eq!(with(None), "47100,47500");
        assert_eq!(with(Some("")), "47100,47500");
        assert_eq!(with(Some("8000-8100,47500")), "8000-8100,47500,47100");
    }
}
