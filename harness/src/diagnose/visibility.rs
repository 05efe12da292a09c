//! Which Services the control plane tells a pod's sidecar of: where a Service is exported to, and
//! what the Sidecar object in force for the pod imports.
//!
//! What a sidecar was told in the end is `proxy`'s to say.

use serde_json::Value;

use super::policies::{is_empty, oldest};
use super::view::{View, name, selects};
use crate::mesh::ISTIO_NAMESPACE;

/// The annotation of a Service that says which namespaces are told of it.
pub const EXPORT_TO: &str = "networking.istio.io/exportTo";

/// What keeps a Service from a sidecar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hider<'a> {
    /// The Service itself, which is not exported to the sidecar's namespace.
    Service(&'a Value),
    /// The Sidecar object in force for the pod, which does not import the Service.
    Sidecar(&'a Value),
}

impl<'a> View<'a> {
    /// What keeps a port of a Service of the namespace from the sidecar of one of its pods, as far as
    /// objects tell.
    pub fn hider(&self, service: &'a Value, port: u16, pod: &Value) -> Option<Hider<'a>> {
        if !is_exported(service, self.namespace()) {
            return Some(Hider::Service(service));
        }
        let sidecar = self.sidecar_of(pod)?;
        let imported = imports(&sidecar["spec"], name(service), self.namespace(), port);
        (!imported).then_some(Hider::Sidecar(sidecar))
    }

    /// The Sidecar object in force for a pod: one that selects it, else that of its namespace, else
    /// that of the mesh (Istio's reference of Sidecar).
    fn sidecar_of(&self, pod: &Value) -> Option<&'a Value> {
        let labels = |sidecar: &'a Value| &sidecar["spec"]["workloadSelector"]["labels"];
        let own = |s: &&'a Value| !is_empty(labels(s)) && selects(labels(s), pod);
        let whole = |s: &&'a Value| is_empty(labels(s));
        let of_istio = |s: &&'a Value| {
            whole(s) && s["metadata"]["namespace"].as_str() == Some(ISTIO_NAMESPACE)
        };
        oldest(self.objects("Sidecar").filter(own))
            .or_else(|| oldest(self.objects("Sidecar").filter(whole)))
            .or_else(|| oldest(self.mesh_objects("Sidecar").filter(of_istio)))
    }
}

/// Without the annotation a Service is exported as the whole mesh says, which is everywhere unless
/// somebody set it otherwise.
fn is_exported(service: &Value, namespace: &str) -> bool {
    match service["metadata"]["annotations"][EXPORT_TO].as_str() {
        None | Some("") => true,
        Some(list) => {
            let all: Vec<&str> = list.split(',').map(str::trim).collect();
            // `~` is nobody, whoever is named beside it (istiod's `initServiceRegistry`).
            let here = !all.contains(&"~") && (all.contains(&".") || all.contains(&namespace));
            all.contains(&"*") || here
        }
    }
}

/// Whether the `spec` of a Sidecar imports a port of a Service of the pod's own namespace. One that
/// says nothing of what leaves imports what the next wider one does, as a rule everything.
fn imports(spec: &Value, service: &str, namespace: &str, port: u16) -> bool {
    let Some(listeners) = spec["egress"].as_array().filter(|all| !all.is_empty()) else {
        return true;
    };
    let of_port = |listener: &&Value| {
        let number = &listener["port"]["number"];
        number.is_null() || *number == port
    };
    let mut hosts = listeners
        .iter()
        .filter(of_port)
        .flat_map(|listener| listener["hosts"].as_array().into_iter().flatten())
        .filter_map(Value::as_str);
    hosts.any(|host| {
        let (of, host) = host.split_once('/').unwrap_or((".", host));
        (of == "*" || of == "." || of == namespace) && means(host, service, namespace)
    })
}

/// Whether a host, which may begin with a wildcard, means a Service, whatever the cluster's domain is.
fn means(host: &str, service: &str, namespace: &str) -> bool {
    let full = format!("{service}.{namespace}.svc.");
    let Some(end) = host.strip_prefix('*') else {
        return host.starts_with(&full);
    };
    match end.split_once(".svc.") {
        Some((before, _)) => full.ends_with(&format!("{before}.svc.")),
        None => format!("{full}cluster.local").ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Snapshot;
    use crate::diagnose::written::{healthy, object};
    use serde_json::json;

    fn imports_47100(egress: &Value) -> bool {
        let spec = json!({ "egress": egress });
        imports(&spec, "ignite-headless", "ignite", 47100)
    }

    #[test]
    fn a_service_is_imported_by_its_namespace_and_its_host() {
        for hosts in [
            json!(["*/*"]),
            json!(["./*"]),
            json!(["ignite/*"]),
            json!([
                "istio-system/*",
                "ignite/ignite-headless.ignite.svc.cluster.local"
            ]),
            json!(["*/*.ignite.svc.cluster.local"]),
            json!(["*/*.ignite.svc.corp.example"]),
            json!(["*/*.local"]),
        ] {
            assert!(imports_47100(&json!([{ "hosts": hosts }])), "{hosts}");
        }
        for hosts in [
            json!(["istio-system/*"]),
            json!(["~/*"]),
            json!(["ignite/other.ignite.svc.cluster.local"]),
            json!(["*/*.other.svc.cluster.local"]),
            json!([]),
        ] {
            assert!(!imports_47100(&json!([{ "hosts": hosts }])), "{hosts}");
        }
    }

    #[test]
    fn a_listener_of_one_port_imports_for_that_port() {
        let of = |number: u16| json!([{ "port": { "number": number }, "hosts": ["./*"] }]);
        assert!(imports_47100(&of(47100)));
        assert!(!imports_47100(&of(47500)));
        assert!(imports_47100(&json!([])) && imports_47100(&Value::Null));
    }

    #[test]
    fn a_service_is_exported_unless_it_says_otherwise() {
        for (list, expected) in [
            ("*", true),
            (".", true),
            ("other, ignite", true),
            ("~", false),
            ("other", false),
            ("", true),
            ("~, .", false),
            ("~,*", true),
        ] {
            let service = json!({ "metadata": { "annotations": { EXPORT_TO: list } } });
            assert_eq!(is_exported(&service, "ignite"), expected, "{list}");
        }
        assert!(is_exported(&json!({}), "ignite"));
    }

    fn sidecar(name: &str, namespace: &str, labels: Value, hosts: Value) -> Value {
        json!({ "kind": "Sidecar", "metadata": { "name": name, "namespace": namespace },
            "spec": { "workloadSelector": { "labels": labels }, "egress": [{ "hosts": hosts }] } })
    }

    fn hider(snapshot: &Snapshot) -> Option<&str> {
        let view = View::of(snapshot);
        let service = view.objects("Service").next().expect("a Service");
        match view.hider(service, 47100, view.product[0].pod)? {
            Hider::Service(hider) | Hider::Sidecar(hider) => Some(name(hider)),
        }
    }

    #[test]
    fn the_narrowest_sidecar_object_decides() {
        let none = || json!(["istio-system/*"]);
        let mut snapshot = healthy();
        assert_eq!(hider(&snapshot), None);
        let of_mesh = sidecar("of-mesh", "istio-system", json!(null), none());
        snapshot.mesh_objects.push(of_mesh);
        assert_eq!(hider(&snapshot), Some("of-mesh"));
        let of_namespace = sidecar("of-namespace", "ignite", json!({}), none());
        snapshot.objects.push(of_namespace);
        assert_eq!(hider(&snapshot), Some("of-namespace"));
        let of_others = sidecar(
            "others",
            "ignite",
            json!({ "app": "other" }),
            json!(["./*"]),
        );
        snapshot.objects.push(of_others);
        assert_eq!(hider(&snapshot), Some("of-namespace"));
        let own = sidecar("own", "ignite", json!({ "app": "ignite" }), json!(["./*"]));
        snapshot.objects.push(own);
        assert_eq!(hider(&snapshot), None);
        let service = object(&mut snapshot, "Service");
        service["metadata"]["annotations"] = json!({ EXPORT_TO: "~" });
        assert_eq!(hider(&snapshot), Some("ignite-headless"));
    }
}
