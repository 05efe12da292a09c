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
    /// Through a listener that takes it for HTTP.
    Http,
    /// Through no listener of its own: by the PassthroughCluster, as it is.
    PassesBy,
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "as opaque TCP",
            Self::Sniffed => "sniffed for its protocol",
            Self::Http => "as HTTP",
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

const PAGE: &str = "/config_dump?resource=dynamic_listeners";

impl Outbound {
    /// Reads a proxy's listeners now.
    ///
    /// # Errors
    /// When its admin port does not answer, or not as expected.
    pub async fn of(proxy: &Proxy<'_>) -> Result<Self, MeshError> {
        let dump = proxy.json_page(PAGE).await?;
        Ok(Self {
            pod: proxy.pod.clone(),
            listeners: listeners(&dump),
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
                "no listener on {address}:{port} or 0.0.0.0:{port} among {}, so {PASSTHROUGH}",
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
        on(address).or_else(|| on("0.0.0.0"))
    }
}

fn listeners(dump: &Value) -> Vec<Listener> {
    let configs = dump["configs"].as_array().into_iter().flatten();
    configs
        .filter_map(|config| {
            let listener = &config["active_state"]["listener"];
            let socket = &listener["address"]["socket_address"];
            Some(Listener {
                name: listener["name"].as_str()?.to_owned(),
                address: socket["address"].as_str()?.to_owned(),
                port: socket["port_value"].as_u64()?,
                way: way(listener),
            })
        })
        .collect()
}

fn way(listener: &Value) -> Way {
    let inspected = items(&listener["listener_filters"])
        .any(|f| f["name"] == "envoy.filters.listener.http_inspector");
    let all_chains = items(&listener["filter_chains"]).chain([&listener["default_filter_chain"]]);
    let opaque = all_chains
        .flat_map(|chain| items(&chain["filters"]))
        .any(|f| f["name"] == "envoy.filters.network.tcp_proxy");
    match (inspected, opaque) {
        (true, _) => Way::Sniffed,
        (false, true) => Way::Tcp,
        (false, false) => Way::Http,
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
