//! Edits of the ports that the headless Service declares.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{EditError, list, missing};
use crate::product::manifest::Manifest;

/// Takes ports out of the headless Service.
///
/// # Errors
/// When the Service does not declare one of them.
pub fn undeclare(manifest: &mut Manifest, ports: &[ProductPort]) -> Result<(), EditError> {
    let declared = service_ports(manifest)?;
    for port in ports {
        let at = declared.iter().position(|p| p["port"] == port.number());
        let at = at.ok_or_else(|| missing(format!("Service port {}", port.number())))?;
        declared.remove(at);
    }
    Ok(())
}

/// Renames every port of the headless Service: `tcp-discovery` becomes what `rename` makes of
/// `discovery`.
///
/// # Errors
/// When there is no such Service, or a name does not begin as the guide's do.
pub fn rename_ports(
    manifest: &mut Manifest,
    rename: impl Fn(&str) -> String,
) -> Result<(), EditError> {
    for port in service_ports(manifest)? {
        let name = port["name"].as_str().and_then(|n| n.strip_prefix("tcp-"));
        let name = name.ok_or_else(|| missing("Service port name that begins with tcp-"))?;
        port["name"] = Value::from(rename(name));
    }
    Ok(())
}

fn service_ports(manifest: &mut Manifest) -> Result<&mut Vec<Value>, EditError> {
    manifest
        .object_mut("Service", "ignite-headless")
        .and_then(|service| list(service, "/spec/ports"))
        .ok_or_else(|| missing("Service ignite-headless with ports"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{changed, edited};
    use super::*;

    #[test]
    fn a_port_is_taken_out_and_nothing_else() {
        let diff = edited(|m| undeclare(m, &[ProductPort::Communication]));
        assert_eq!(
            changed(&diff),
            ["-  - port: 47100", "-    name: tcp-communication"]
        );
    }

    #[test]
    fn ports_are_renamed() {
        let diff = edited(|m| rename_ports(m, |name| format!("http-{name}")));
        assert_eq!(changed(&diff).len(), 6, "{diff}");
        assert!(diff.contains("+    name: http-discovery"), "{diff}");
    }
}
