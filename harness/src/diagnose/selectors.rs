//! Kubernetes' selectors and address ranges, as the API documents them.

use std::net::IpAddr;

use serde_json::Value;

/// Whether a label selector (`matchLabels`, `matchExpressions`) selects an object with these
/// labels. An empty one selects everything.
pub fn label_selector(selector: &Value, labels: &Value) -> bool {
    let exact = selector["matchLabels"].as_object().into_iter().flatten();
    let expressions = selector["matchExpressions"].as_array();
    exact.into_iter().all(|(key, value)| labels[key] == *value)
        && expressions
            .into_iter()
            .flatten()
            .all(|expression| holds(expression, labels))
}

fn holds(expression: &Value, labels: &Value) -> bool {
    let label = &labels[expression["key"].as_str().unwrap_or_default()];
    let among = || {
        let values = expression["values"].as_array();
        values.into_iter().flatten().any(|value| value == label)
    };
    match expression["operator"].as_str() {
        Some("In") => among(),
        Some("NotIn") => !among(),
        Some("Exists") => !label.is_null(),
        Some("DoesNotExist") => label.is_null(),
        _ => false,
    }
}

/// Whether an address lies in a range such as `10.244.0.0/16`; none where either cannot be read.
pub fn in_range(range: &str, address: &str) -> Option<bool> {
    let (network, length) = range.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)) << 96, 32),
        IpAddr::V6(ip) => (u128::from(ip), 128),
    };
    let (network, width) = bits(network.parse().ok()?);
    let (address, other) = bits(address.parse().ok()?);
    if width != other || length > width {
        return Some(false);
    }
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    Some(network & mask == address & mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_and_expressions_must_all_hold() {
        let labels = json!({ "app": "a", "tier": "db" });
        let yes = [
            json!({}),
            json!({ "matchLabels": { "app": "a" } }),
            json!({ "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["db"] }] }),
            json!({ "matchExpressions": [{ "key": "tier", "operator": "NotIn", "values": ["x"] }] }),
            json!({ "matchExpressions": [{ "key": "tier", "operator": "Exists" }] }),
            json!({ "matchExpressions": [{ "key": "none", "operator": "DoesNotExist" }] }),
        ];
        for selector in &yes {
            assert!(label_selector(selector, &labels), "{selector}");
        }
        let no = [
            json!({ "matchLabels": { "app": "b" } }),
            json!({ "matchLabels": { "app": "a" },
                    "matchExpressions": [{ "key": "none", "operator": "Exists" }] }),
            json!({ "matchExpressions": [{ "key": "tier", "operator": "NotIn", "values": ["db"] }] }),
        ];
        for selector in &no {
            assert!(!label_selector(selector, &labels), "{selector}");
        }
    }

    #[test]
    fn an_address_is_in_its_range_and_no_other() {
        assert_eq!(in_range("10.244.0.0/16", "10.244.7.1"), Some(true));
        assert_eq!(in_range("10.244.0.0/16", "10.245.0.1"), Some(false));
        assert_eq!(in_range("0.0.0.0/0", "192.0.2.1"), Some(true));
        assert_eq!(in_range("fd00::/8", "fd12::1"), Some(true));
        assert_eq!(in_range("fd00::/8", "10.0.0.1"), Some(false));
        assert_eq!(in_range("10.0.0.0", "10.0.0.1"), None);
    }
}
