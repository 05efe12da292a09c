//! How a proxy would carry a connection to a pod's port, by its live configuration.
//!
//! Read from the admin port's `/config_dump`: what istiod has pushed and Envoy has accepted, not
//! what the Service says.

use serde_json::Value;

use super::proxy::Proxy;
use super::{MeshError, PASSTHROUGH};
use crate::outcome::Evidence;

/// The way of a connection through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Through a listener of its own, as opaque TCP.
    Tcp,
    /// Through a listener that first waits for the client's bytes, to tell HTTP from the rest.
    Sniffed,
    /// Through the listener for HTTP on every address, which takes what looks like HTTP and sends all
    /// else by the PassthroughCluster. One Service anywhere in the mesh that names a port of that
    /// number http makes it (measured with Istio of August 2026).
    Http,
    /// Through no listener of its own: by the PassthroughCluster, as it is.
    PassesBy,
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "as opaque TCP",
            Self::Sniffed => "sniffed for its protocol",
            Self::Http => "by the listener for HTTP on every address",
            Self::PassesBy => "by the PassthroughCluster",
        })
    }
}

/// The outbound listeners of one proxy.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// The proxy's pod.
    pub pod: String,
    listeners: Vec<Listener>,
    command: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Listener {
    name: String,
    address: String,
    port: u64,
    way: Way,
}

/// The address of a listener that takes what goes to any.
const ANY: &str = "0.0.0.0";
const PAGE: &str = "/config_dump?resource=dynamic_listeners";

impl Outbound {
    /// Reads a proxy's listeners now.
    ///
    /// # Errors
    /// When its admin port does not answer, or not as expected.
    pub async fn of(proxy: &Proxy<'_>) -> Result<Self, MeshError> {
        let dump = proxy.json_page(PAGE).await?;
        let listeners = listeners(&dump).map_err(|reason| proxy.unreadable(PAGE, &reason))?;
        Ok(Self {
            pod: proxy.pod.clone(),
            listeners,
            command: proxy.command(PAGE),
        })
    }

    /// The way of a connection to this address and port. A listener for the very address comes
    /// before one for any address.
    pub fn way(&self, address: &str, port: u16) -> Way {
        self.listener(address, port)
            .map_or(Way::PassesBy, |l| l.way)
    }

    /// Evidence of the way to this address and port.
    pub fn evidence(&self, address: &str, port: u16) -> Evidence {
        let way = self.way(address, port);
        let raw = match self.listener(address, port) {
            Some(found) => format!(
                "listener {} on {}:{}",
                found.name, found.address, found.port
            ),
            None => format!(
                "no listener on {address}:{port} or {ANY}:{port} among {}, so {PASSTHROUGH}",
                self.listeners.len()
            ),
        };
        let fact = format!("{}: {address}:{port} is carried {way}", self.pod);
        Evidence::now(self.command.clone(), raw, fact)
    }

    fn listener(&self, address: &str, port: u16) -> Option<&Listener> {
        let on = |wanted: &str| {
            let mut all = self.listeners.iter();
            all.find(|l| l.address == wanted && l.port == u64::from(port))
        };
        on(address).or_else(|| on(ANY))
    }
}

/// The active listeners of a dump. Every proxy has some: a dump without one would make all
/// connections seem to pass by.
///
/// # Errors
/// What the dump lacks, or a listener that cannot be read.
fn listeners(dump: &Value) -> Result<Vec<Listener>, String> {
    let configs = dump["configs"].as_array();
    let configs = configs.ok_or("it has no list of configs")?;
    let active = configs
        .iter()
        .map(|config| &config["active_state"]["listener"])
        .filter(|listener| !listener.is_null());
    let mut read = vec![];
    for listener in active {
        let name = listener["name"].as_str();
        let name = name.ok_or("it lists a listener without a name")?;
        let address = &listener["address"];
        let socket = &address["socket_address"];
        // A listener on another kind of address takes no connection to an address and a port.
        if socket.is_null() && address.is_object() {
            continue;
        }
        let on = socket["address"]
            .as_str()
            .zip(socket["port_value"].as_u64());
        let (address, port) =
            on.ok_or_else(|| format!("its listener {name} has no address and port"))?;
        read.push(Listener {
            name: name.to_owned(),
            address: address.to_owned(),
            port,
            way: way(listener, address == ANY),
        });
    }
    if read.is_empty() {
        return Err("it lists no active listener".to_owned());
    }
    Ok(read)
}

fn way(listener: &Value, any_address: bool) -> Way {
    let inspected = items(&listener["listener_filters"])
        .any(|f| f["name"] == "envoy.filters.listener.http_inspector");
    match (inspected, any_address) {
        (true, true) => Way::Http,
        (true, false) => Way::Sniffed,
        (false, _) => Way::Tcp,
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded() -> Outbound {
        let dump = include_str!("../../fixtures/proxies/http-ports.listeners.json");
        Outbound {
            pod: "ignite-0".into(),
            listeners: listeners(&serde_json::from_str(dump).unwrap()).unwrap(),
            command: "curl".into(),
        }
    }

    #[test]
    fn ways_are_read_from_a_recorded_proxy() {
        let outbound = recorded();
        assert_eq!(outbound.way("10.244.0.28", 47100), Way::Http);
        assert_eq!(outbound.way("10.96.0.10", 53), Way::Tcp);
        assert_eq!(outbound.way("10.96.0.10", 9153), Way::Sniffed);
        assert_eq!(outbound.way("10.244.0.28", 11211), Way::PassesBy);
    }

    #[test]
    fn a_dump_that_tells_nothing_is_no_proxy_by_which_all_passes() {
        let of = |configs: Value| listeners(&serde_json::json!({ "configs": configs }));
        let active =
            |listener: Value| serde_json::json!({ "active_state": { "listener": listener } });
        let none = "it lists no active listener";
        assert_eq!(of(serde_json::json!([])).unwrap_err(), none);
        let warming = serde_json::json!([{ "name": "a", "warming_state": {} }]);
        assert_eq!(of(warming).unwrap_err(), none);
        assert_eq!(
            listeners(&serde_json::json!({})).unwrap_err(),
            "it has no list of configs"
        );
        let socket = serde_json::json!({ "address": "0.0.0.0" });
        let portless = serde_json::json!({ "name": "a", "address": { "socket_address": socket } });
        assert_eq!(
            of(serde_json::json!([active(portless)])).unwrap_err(),
            "its listener a has no address and port"
        );
    }

    #[test]
    fn evidence_names_the_listener_or_says_that_there_is_none() {
        let there = recorded().evidence("10.96.0.10", 53);
        assert!(there.raw.contains("10.96.0.10_53"), "{}", there.raw);
        let none = recorded().evidence("10.244.0.28", 11211);
        assert!(none.raw.contains(PASSTHROUGH), "{}", none.raw);
    }
}
