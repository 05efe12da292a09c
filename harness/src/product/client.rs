//! The application behind the guide's Service `ignite-client`, which the guide only refers to.
//!
//! The guide's is a Spring Boot thin client in a repository of its own; ours is the probe's `serve`
//! and is no part of the guide. Its image is made elsewhere.

use super::manifest::{Manifest, ManifestError};

/// Deployment and Service `ignite-client`, for the guide's namespace.
///
/// # Errors
/// Never for the embedded text, which the test below reads.
pub fn application() -> Result<Manifest, ManifestError> {
    Manifest::parse(include_str!("../../../fixtures/client/ignite-client.yaml"))
}

#[cfg(test)]
mod tests {
    use super::application;
    use crate::product::guide;

    #[test]
    fn the_service_is_the_one_the_guides_virtual_service_routes_to() {
        let gateway = guide::client_gateway().unwrap();
        let route = &gateway.object("VirtualService", "ignite-client").unwrap()["spec"]["http"][0]
            ["route"][0]["destination"];
        let application = application().unwrap();
        let service = application.object("Service", "ignite-client").unwrap();
        assert_eq!(
            route["host"],
            format!(
                "{}.{}.svc.cluster.local",
                service["metadata"]["name"].as_str().unwrap(),
                service["metadata"]["namespace"].as_str().unwrap()
            )
        );
        assert_eq!(route["port"]["number"], service["spec"]["ports"][0]["port"]);
    }

    #[test]
    fn the_service_selects_the_deployments_pods_at_their_port() {
        let application = application().unwrap();
        let service = application.object("Service", "ignite-client").unwrap();
        let pod = &application.object("Deployment", "ignite-client").unwrap()["spec"]["template"];
        assert_eq!(service["spec"]["selector"], pod["metadata"]["labels"]);
        assert_eq!(
            service["spec"]["ports"][0]["targetPort"],
            pod["spec"]["containers"][0]["ports"][0]["containerPort"]
        );
    }
}
