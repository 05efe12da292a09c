//! What a proxy demands of connections to its pod, by its live configuration.
//!
//! Read from the admin port's `/config_dump`: what istiod has pushed and Envoy has accepted, not
//! what a PeerAuthentication says. All that reaches a pod comes to one listener, whose filter chains
//! are chosen by the port first: the chains of a port that a Service declares, or else those without
//! a port. A chain takes mutual TLS alone if it ends TLS and requires the client's certificate; that
//! some chain does shows nothing, for under PERMISSIVE it stands beside one for plaintext.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MeshError;
use super::proxy::Proxy;
use crate::outcome::Evidence;

/// What a proxy demands of a connection to a port of its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// A certificate of the client, as under STRICT.
    Certificate,
    /// Nothing, and it takes a certificate all the same, as under PERMISSIVE.
    Either,
    /// Nothing, and it ends no mutual TLS.
    Nothing,
}

impl std::fmt::Display for Demand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Certificate => "mutual TLS only",
            Self::Either => "mutual TLS or not",
            Self::Nothing => "no mutual TLS",
        })
    }
}

/// The inbound listener of one proxy.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// The proxy's pod.
    pub pod: String,
    chains: Vec<Chain>,
    command: String,
}

/// One of its filter chains.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chain {
    name: String,
    /// The port that it is for; none where it is for all that have no chain of their own.
    port: Option<u64>,
    /// Whether it takes whatever fits no other chain, of any port.
    default: bool,
    requires_certificate: bool,
}

/// The listener's name in every sidecar.
const LISTENER: &str = "virtualInbound";
const PAGE: &str = "/config_dump?resource=dynamic_listeners";

impl Inbound {
    /// The page that [`Inbound::read`] reads, without the proxy's other listeners.
    pub fn page() -> String {
        format!("{PAGE}&name_regex={LISTENER}")
    }

    /// Reads a proxy's listener now.
    ///
    /// # Errors
    /// When its admin port does not answer, or not as expected.
    pub async fn of(proxy: &Proxy<'_>) -> Result<Self, MeshError> {
        let dump = proxy.json_page(PAGE).await?;
        let read = Self::read(&proxy.pod, proxy.command(PAGE), &dump);
        read.map_err(|reason| proxy.unreadable(PAGE, &reason))
    }

    /// Reads a dump that was fetched.
    ///
    /// # Errors
    /// What the dump lacks.
    pub fn read(pod: &str, command: String, dump: &Value) -> Result<Self, String> {
        Ok(Self {
            pod: pod.to_owned(),
            chains: chains(dump)?,
            command,
        })
    }

    /// What it demands of connections to a port of its pod.
    pub fn demand(&self, port: u16) -> Demand {
        let chains = self.chains_of(port);
        let requiring = chains.iter().filter(|c| c.requires_certificate).count();
        match requiring {
            0 => Demand::Nothing,
            some if some == chains.len() => Demand::Certificate,
            _ => Demand::Either,
        }
    }

    /// Evidence of what it demands on these ports: the chains that would take a connection there.
    pub fn evidence(&self, ports: &[u16], fact: impl Into<String>) -> Evidence {
        let told = |port: &u16| {
            let chains: Vec<String> = self.chains_of(*port).iter().map(|c| c.told()).collect();
            format!("{port}: {}\n", chains.join(", "))
        };
        let raw: String = ports.iter().map(told).collect();
        Evidence::now(self.command.clone(), raw, fact)
    }

    /// The chains among which Envoy chooses: it does not go back to those without a port where a port
    /// has some and none of them fits.
    fn chains_of(&self, port: u16) -> Vec<&Chain> {
        let (default, chosen): (Vec<&Chain>, Vec<&Chain>) =
            self.chains.iter().partition(|chain| chain.default);
        let of = |wanted: Option<u64>| {
            let chains = chosen.iter().copied();
            chains.filter(move |chain| chain.port == wanted)
        };
        let port = Some(u64::from(port)).filter(|port| of(Some(*port)).next().is_some());
        of(port).chain(default).collect()
    }
}

impl Chain {
    fn read(chain: &Value, default: bool) -> Self {
        let tls = &chain["transport_socket"]["typed_config"];
        Self {
            name: chain["name"].as_str().unwrap_or("(no name)").to_owned(),
            port: chain["filter_chain_match"]["destination_port"].as_u64(),
            default,
            requires_certificate: tls["require_client_certificate"] == true,
        }
    }

    fn told(&self) -> String {
        let certificate = match self.requires_certificate {
            true => "requires a client's certificate",
            false => "requires no client's certificate",
        };
        format!("chain {} {certificate}", self.name)
    }
}

/// The filter chains of a dump's inbound listener.
///
/// # Errors
/// What the dump lacks.
fn chains(dump: &Value) -> Result<Vec<Chain>, String> {
    let configs = dump["configs"].as_array();
    let listener = configs
        .ok_or("it has no list of configs")?
        .iter()
        .map(|config| &config["active_state"]["listener"])
        .find(|listener| listener["name"] == LISTENER)
        .ok_or_else(|| format!("it lists no active listener {LISTENER}"))?;
    let listed = listener["filter_chains"].as_array().into_iter().flatten();
    let default = &listener["default_filter_chain"];
    let chains: Vec<Chain> = listed
        .map(|chain| Chain::read(chain, false))
        .chain(default.is_object().then(|| Chain::read(default, true)))
        .collect();
    if chains.is_empty() {
        return Err(format!("its listener {LISTENER} has no filter chain"));
    }
    Ok(chains)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A chain in the form in which istiod makes it.
    fn chain(name: &str, port: Option<u16>, requires: Option<bool>) -> Value {
        let mut chain = json!({
            "name": name,
            "filter_chain_match": { "transport_protocol": "raw_buffer" },
            "filters": [{ "name": "envoy.filters.network.tcp_proxy" }],
        });
        if let Some(port) = port {
            chain["filter_chain_match"]["destination_port"] = json!(port);
        }
        if let Some(requires) = requires {
            chain["filter_chain_match"]["transport_protocol"] = json!("tls");
            chain["transport_socket"] = json!({
                "name": "envoy.transport_sockets.tls",
                "typed_config": { "require_client_certificate": requires },
            });
        }
        chain
    }

    fn dump(chains: &[Value]) -> Value {
        let active = |listener: Value| json!({ "active_state": { "listener": listener, "version_info": "1" } });
        let outbound =
            json!({ "name": "virtualOutbound", "filter_chains": [chain("b", None, None)] });
        let mut all = vec![chain("virtualInbound-blackhole", Some(15006), None)];
        all.extend_from_slice(chains);
        let inbound = json!({ "name": LISTENER, "filter_chains": all });
        json!({ "configs": [active(outbound), active(inbound)] })
    }

    fn inbound(of: &[Value]) -> Inbound {
        Inbound::read("ignite-0", "curl".into(), &dump(of)).unwrap()
    }

    /// As under STRICT, with 47500 declared and 47100 not.
    fn strict() -> Vec<Value> {
        vec![
            chain("virtualInbound-catchall-http", None, Some(true)),
            chain("virtualInbound", None, Some(true)),
            chain("0.0.0.0_47500", Some(47500), Some(true)),
        ]
    }

    /// As under PERMISSIVE, with 47500 declared and 47100 not.
    fn permissive() -> Vec<Value> {
        vec![
            chain("virtualInbound-catchall-http", None, Some(true)),
            chain("virtualInbound", None, None),
            chain("0.0.0.0_47500", Some(47500), Some(true)),
            chain("0.0.0.0_47500", Some(47500), None),
        ]
    }

    #[test]
    fn strict_and_permissive_are_told_apart_on_declared_and_undeclared_ports() {
        for port in [47500, 47100] {
            assert_eq!(inbound(&strict()).demand(port), Demand::Certificate);
            assert_eq!(inbound(&permissive()).demand(port), Demand::Either);
        }
        let disabled = [chain("virtualInbound", None, None)];
        assert_eq!(inbound(&disabled).demand(47100), Demand::Nothing);
    }

    #[test]
    fn a_port_with_chains_of_its_own_is_told_by_them_alone() {
        let mut chains = strict();
        chains.push(chain("0.0.0.0_8080", Some(8080), None));
        assert_eq!(inbound(&chains).demand(8080), Demand::Nothing);
        assert_eq!(inbound(&chains).demand(47100), Demand::Certificate);
        let one_way = [chain("virtualInbound", None, Some(false))];
        assert_eq!(inbound(&one_way).demand(47100), Demand::Nothing);
    }

    #[test]
    fn the_chain_for_all_else_counts_where_there_is_one() {
        let mut dump = dump(&strict());
        dump["configs"][1]["active_state"]["listener"]["default_filter_chain"] =
            chain("all else", None, None);
        let inbound = Inbound::read("ignite-0", "curl".into(), &dump).unwrap();
        assert_eq!(inbound.demand(47100), Demand::Either);
        assert_eq!(inbound.demand(47500), Demand::Either);
    }

    #[test]
    fn a_dump_that_tells_nothing_is_no_proxy_that_demands_nothing() {
        assert_eq!(chains(&json!({})).unwrap_err(), "it has no list of configs");
        let none = "it lists no active listener virtualInbound";
        assert_eq!(chains(&json!({ "configs": [] })).unwrap_err(), none);
        let mut warming = dump(&strict());
        let state = warming["configs"][1]["active_state"].take();
        warming["configs"][1]["warming_state"] = state;
        assert_eq!(chains(&warming).unwrap_err(), none);
        let mut bare = dump(&[]);
        bare["configs"][1]["active_state"]["listener"]["filter_chains"] = json!([]);
        assert!(chains(&bare).unwrap_err().contains("no filter chain"));
    }

    #[test]
    fn evidence_names_the_chains_of_each_port() {
        let evidence = inbound(&strict()).evidence(&[47500, 47100], "fact");
        assert_eq!(
            evidence.raw,
            "47500: chain 0.0.0.0_47500 requires a client's certificate\n\
             47100: chain virtualInbound-catchall-http requires a client's certificate, chain \
             virtualInbound requires a client's certificate\n"
        );
    }
}
