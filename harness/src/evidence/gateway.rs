//! Whether the ingress gateway's proxy has all that a request needs, read from its admin port.
//!
//! Applying a Gateway and a VirtualService changes nothing by itself: istiod has to see them, and
//! the proxy has to take what istiod sends. A proxy offers no watch on that, so it is asked again
//! and again, within a limit.

use std::time::Duration;

use serde_json::Value;

use crate::kube::{Kube, KubeError, Seen, asked_until};
use crate::mesh::{ADMIN_PORT, ISTIO_NAMESPACE};

/// What the proxy must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The port on which the proxy listens (8443 behind the Service's 443).
    pub port: u16,
    /// The cluster to which it must route: `outbound|80||host`.
    pub cluster: String,
    /// The address that must be a healthy endpoint of it: `10.244.1.7:8080`.
    pub endpoint: String,
    /// The serial number of the certificate it must present, in lower-case hex.
    pub serial: String,
}

/// Which of it the proxy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Has {
    /// The listener is active.
    pub listener: bool,
    /// The endpoint is known and healthy.
    pub endpoint: bool,
    /// A route leads to the cluster.
    pub route: bool,
    /// The certificate is loaded.
    pub certificate: bool,
}

impl Has {
    /// Whether nothing lacks.
    pub fn all(self) -> bool {
        self.listener && self.endpoint && self.route && self.certificate
    }
}

impl std::fmt::Display for Has {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |has| if has { "there" } else { "lacking" };
        write!(
            f,
            "listener {}, healthy endpoint {}, route {}, certificate {}",
            word(self.listener),
            word(self.endpoint),
            word(self.route),
            word(self.certificate)
        )
    }
}

/// Waits until the gateway's proxy has all of it.
///
/// # Errors
/// [`KubeError::TimedOut`] with what it has and what it lacks.
pub async fn until_serving(
    kube: &Kube,
    pod: &str,
    wanted: &Wanted,
    limit: Duration,
) -> Result<(), KubeError> {
    let name = format!("the gateway's proxy in {pod} to serve {}", wanted.cluster);
    asked_until(name, limit, || async {
        Ok(match look(kube, pod, wanted).await {
            Ok(has) if has.all() => Seen::Met(()),
            Ok(has) => Seen::NotYet(has.to_string()),
            Err(error) => Seen::NotYet(error.to_string()),
        })
    })
    .await
}

/// The ports on which a gateway's proxy listens, with the page that lists them.
///
/// # Errors
/// When its admin port does not answer.
pub async fn listening(kube: &Kube, pod: &str) -> Result<(Vec<u16>, String), KubeError> {
    let page = "/listeners";
    let (status, body) = kube.get(ISTIO_NAMESPACE, pod, ADMIN_PORT, page).await?;
    if status != 200 {
        return Err(KubeError::Stream {
            to: format!("{page} of the proxy in {ISTIO_NAMESPACE}/{pod}"),
            reason: format!("it answers {status}"),
        });
    }
    Ok((listened(&body), body))
}

/// Reads lines `name::address:port`.
fn listened(page: &str) -> Vec<u16> {
    let ports = page.lines().filter_map(|line| line.rsplit_once(':'));
    let mut ports: Vec<u16> = ports.filter_map(|(_, p)| p.trim().parse().ok()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

async fn look(kube: &Kube, pod: &str, wanted: &Wanted) -> Result<Has, KubeError> {
    let page = |path| async move {
        let (status, body) = kube.get(ISTIO_NAMESPACE, pod, ADMIN_PORT, path).await?;
        // A page of things that are not there yet may be an error page.
        Ok::<_, KubeError>(if status == 200 { body } else { String::new() })
    };
    let (listeners, clusters, routes, certificates) = tokio::try_join!(
        page("/listeners"),
        page("/clusters"),
        page("/config_dump?resource=dynamic_route_configs"),
        page("/certs"),
    )?;
    Ok(read(wanted, &listeners, &clusters, &routes, &certificates))
}

/// Reads the four pages.
fn read(wanted: &Wanted, listeners: &str, clusters: &str, routes: &str, certificates: &str) -> Has {
    let listener = format!("0.0.0.0_{}::", wanted.port);
    let endpoint = format!(
        "{}::{}::health_flags::healthy",
        wanted.cluster, wanted.endpoint
    );
    Has {
        listener: listeners.lines().any(|line| line.starts_with(&listener)),
        endpoint: clusters.lines().any(|line| line == endpoint),
        route: routed_clusters(routes).contains(&wanted.cluster),
        certificate: loaded_serials(certificates).contains(&wanted.serial),
    }
}

fn routed_clusters(page: &str) -> Vec<String> {
    let page: Value = serde_json::from_str(page).unwrap_or_default();
    items(&page["configs"])
        .flat_map(|config| items(&config["route_config"]["virtual_hosts"]))
        .flat_map(|host| items(&host["routes"]))
        .filter_map(|route| route["route"]["cluster"].as_str().map(str::to_owned))
        .collect()
}

fn loaded_serials(page: &str) -> Vec<String> {
    let page: Value = serde_json::from_str(page).unwrap_or_default();
    items(&page["certificates"])
        .flat_map(|entry| items(&entry["cert_chain"]))
        .filter_map(|certificate| certificate["serial_number"].as_str().map(str::to_lowercase))
        .collect()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded pages, without the line that says how they were recorded.
    const PAGES: [&str; 4] = [
        include_str!("../../fixtures/proxies/gateway.listeners"),
        include_str!("../../fixtures/proxies/gateway.clusters"),
        include_str!("../../fixtures/proxies/gateway.routes"),
        include_str!("../../fixtures/proxies/gateway.certs"),
    ];

    fn wanted() -> Wanted {
        Wanted {
            port: 8443,
            cluster: "outbound|80||ignite-client.ignite.svc.cluster.local".into(),
            endpoint: "10.244.1.6:8080".into(),
            serial: "5a7b8c434a50a61e20158ee63f50e1e8".into(),
        }
    }

    fn has(wanted: &Wanted) -> Has {
        let [listeners, clusters, routes, certificates] =
            PAGES.map(|page| page.split_once('\n').unwrap().1);
        read(wanted, listeners, clusters, routes, certificates)
    }

    #[test]
    fn a_gateway_that_serves_has_all() {
        assert!(has(&wanted()).all());
    }

    #[test]
    fn whatever_lacks_is_told() {
        let cases = [
            (
                Wanted {
                    port: 443,
                    ..wanted()
                },
                "listener lacking",
            ),
            (
                Wanted {
                    endpoint: "10.244.1.60:8080".into(),
                    ..wanted()
                },
                "endpoint lacking",
            ),
            (
                Wanted {
                    cluster: "outbound|80||a.b".into(),
                    ..wanted()
                },
                "route lacking",
            ),
            (
                Wanted {
                    serial: "00".into(),
                    ..wanted()
                },
                "certificate lacking",
            ),
        ];
        for (wanted, lacking) in cases {
            let has = has(&wanted);
            assert!(!has.all() && has.to_string().contains(lacking), "{has}");
        }
    }

    #[test]
    fn the_ports_listened_on_are_read_line_by_line() {
        let page = PAGES[0].split_once('\n').unwrap().1;
        assert_eq!(listened(page), [8443, 15021, 15090]);
        assert_eq!(listened("no listener\n"), [0; 0]);
    }

    #[test]
    fn an_unhealthy_endpoint_and_empty_pages_are_not_enough() {
        let clusters = PAGES[1].replace("::healthy", "::/failed_eds_health");
        assert!(!read(&wanted(), "", &clusters, "", "").endpoint);
        let nothing = read(&wanted(), "", "", "{}", "");
        assert_eq!(
            nothing.to_string(),
            "listener lacking, healthy endpoint lacking, route lacking, certificate lacking"
        );
    }
}
