//! What the proxies show beside a symptom: the plaintext, the refusal or the sniffing behind it.

use meshproof_harness::evidence::nodes;
use meshproof_harness::evidence::plaintext_ports::PlaintextPorts;
use meshproof_harness::evidence::proxy_tls::Reading;
use meshproof_harness::kube::pods;
use meshproof_harness::mesh::{OpenConnections, Proxy};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;

use super::guide_cluster as cluster;

/// One thing that the two nodes' proxies have to show.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    /// Connections to each of these ports left one of them in plaintext, and the other refused them.
    PlaintextRefused(&'static [ProductPort]),
    /// Connections to each of these ports left one of them in plaintext, and none was refused:
    /// accepted, or held open by a proxy that waits for the client's first bytes while the client
    /// waits for the server's. What the proxies demand is asked with the fault: one that demands
    /// nothing refuses nothing either.
    PlaintextNotRefused(&'static [ProductPort]),
    /// No connection between nodes is open in plaintext, and this port's are encrypted.
    Encrypted(ProductPort),
    /// Both ports are sniffed: connections to the first come through it, encrypted, none to the
    /// second does, and none is open in plaintext.
    Sniffed(ProductPort, ProductPort),
}

/// What was read of one node's proxy.
struct Side {
    counted: Reading,
    open: OpenConnections,
    by_port: PlaintextPorts,
}

impl Shown {
    /// Asks both proxies.
    pub(super) async fn check(self, stand: &Stand) -> Result<Check, StepError> {
        let listed = cluster::listed(stand).await?;
        let addresses: Vec<String> = listed.iter().filter_map(pods::ip).collect();
        let mut sides = vec![];
        for pod in nodes::PODS {
            let proxy = Proxy::of(&stand.kube, &stand.namespace, pod);
            let counted = Reading::of(&proxy).await?;
            let open = OpenConnections::of(&stand.kube, &proxy).await?;
            let by_port = PlaintextPorts::of(&stand.kube, &proxy, &open, &addresses).await?;
            sides.push(Side {
                counted,
                open,
                by_port,
            });
        }
        let host = format!("ignite-headless.{}.svc.cluster.local", stand.namespace);
        Ok(self.of(&sides, &host))
    }

    fn of(self, sides: &[Side], host: &str) -> Check {
        match self {
            Self::PlaintextRefused(ports) => plaintext(sides, ports, true),
            Self::PlaintextNotRefused(ports) => plaintext(sides, ports, false),
            Self::Encrypted(port) => encrypted(sides, port, host),
            Self::Sniffed(through, held) => sniffed(sides, through, held, host),
        }
    }
}

/// That connections left in plaintext to each port, and that they were refused there, or none was. The
/// proxies' counters are totals: what of them is of these ports, their logs tell. A count that a proxy does
/// not keep is no 0.
fn plaintext(sides: &[Side], ports: &[ProductPort], refused: bool) -> Check {
    let listed: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let statement = format!(
        "connections to {} leave in plaintext and {}",
        listed.join(" and to "),
        match refused {
            true => "the other side refuses them",
            false => "none of these is refused",
        }
    );
    let seen = sides.iter().map(|side| side.told(ports));
    let seen = seen.collect::<Vec<_>>().join("; ");
    let evidence: Vec<Evidence> = sides
        .iter()
        .flat_map(|side| {
            let fact = side.told(ports);
            [
                side.counted.passthrough_evidence(fact.clone()),
                side.counted.refused_evidence(fact.clone()),
                side.by_port.evidence(fact),
            ]
        })
        .collect();
    let counted = |count: fn(&Reading) -> Option<u64>| -> Option<u64> {
        sides.iter().map(|side| count(&side.counted)).sum()
    };
    let totals = counted(Reading::passthrough_total).zip(counted(Reading::refused));
    let Some((left, refusals)) = totals else {
        let because = format!("a proxy does not keep the counters: {seen}");
        return Check::unproven(Standing::Truth, statement, because, evidence);
    };
    let any = |so: &dyn Fn(&Side) -> bool| sides.iter().any(so);
    let left_to = |port: &ProductPort| any(&|side| side.left(*port));
    let refused_at = |port: &ProductPort| any(&|side| side.by_port.refused(port.number()) > 0);
    let holds = left > 0
        // A node's very first connection can meet a proxy that does not know it yet.
        && (refusals > 0 || !refused)
        && ports.iter().all(left_to)
        && ports.iter().all(|port| refused_at(port) == refused);
    // Refusals of other ports are told from these by the logs alone.
    let unwitnessed = !refused && refusals > 0;
    if (!holds || unwitnessed) && !sides.iter().all(|side| side.by_port.logs) {
        let because = format!("a proxy's log has no entry of any connection: {seen}");
        return Check::unproven(Standing::Truth, statement, because, evidence);
    }
    Check::answered(Standing::Truth, statement, holds, seen, evidence)
}

impl Side {
    /// Whether a connection to this port left it in plaintext, or is about to.
    fn left(&self, port: ProductPort) -> bool {
        let number = port.number();
        self.by_port.left(number) > 0 || self.by_port.is_open(number)
    }

    /// What it shows in one line: each port, and the totals.
    fn told(&self, ports: &[ProductPort]) -> String {
        let number =
            |count: Option<u64>| count.map_or("an unknown number".into(), |n| n.to_string());
        let by_port = ports.iter().map(|port| {
            let port = port.number();
            let open = match self.by_port.is_open(port) {
                true => " and some open",
                false => "",
            };
            format!(
                "{port}: {}{open} left in plaintext, {} refused",
                self.by_port.left(port),
                self.by_port.refused(port)
            )
        });
        format!(
            "{} {} (in all {} by the PassthroughCluster, {} refused)",
            self.by_port.pod,
            by_port.collect::<Vec<_>>().join(", "),
            number(self.counted.passthrough_total()),
            number(self.counted.refused())
        )
    }
}

fn encrypted(sides: &[Side], port: ProductPort, host: &str) -> Check {
    let number = port.number();
    let (handshakes, _) = handshakes(sides, port, host);
    let between = open_in_plaintext(sides);
    Check::answered(
        Standing::Truth,
        format!("connections to {port} are encrypted and none is open in plaintext"),
        handshakes > 0 && between == 0,
        format!("{handshakes} handshakes on {number}, {between} open in plaintext"),
        tls_evidence(sides, &[port], host),
    )
}

/// That sniffing lets through what the client begins, and holds what the server begins: of that, not
/// one connection reaches the other node.
fn sniffed(sides: &[Side], through: ProductPort, held: ProductPort, host: &str) -> Check {
    let (passed, _) = handshakes(sides, through, host);
    let (came_through, kept) = handshakes(sides, held, host);
    let between = open_in_plaintext(sides);
    let told = match kept {
        true => came_through.to_string(),
        false => "an unknown number".into(),
    };
    Check::answered(
        Standing::Truth,
        format!(
            "sniffing lets connections to {through} through, encrypted, and none to {held}; none is \
             open in plaintext"
        ),
        passed > 0 && kept && came_through == 0 && between == 0,
        format!(
            "{passed} handshakes on {}, {told} on {}, {between} open in plaintext",
            through.number(),
            held.number()
        ),
        tls_evidence(sides, &[through, held], host),
    )
}

/// The handshakes on a port together, and whether every proxy counts them: where presence is asked
/// for, one that counts none shows none; where absence is, it shows nothing.
fn handshakes(sides: &[Side], port: ProductPort, host: &str) -> (u64, bool) {
    let of = |side: &Side| side.counted.outbound_handshakes(port.number(), host);
    let all = sides.iter().map(of);
    (
        all.clone().flatten().sum(),
        all.into_iter().all(|c| c.is_some()),
    )
}

/// How many ports of the product have connections open in plaintext.
fn open_in_plaintext(sides: &[Side]) -> usize {
    let plain = sides.iter().flat_map(|side| side.open.passing_by());
    let of_product = plain.filter(|port| ProductPort::served_by(*port).is_some());
    of_product.count()
}

fn tls_evidence(sides: &[Side], ports: &[ProductPort], host: &str) -> Vec<Evidence> {
    let of = |side: &Side| {
        let counted = &side.counted;
        let fact = |port: &ProductPort| format!("{}: TLS on {}", counted.pod, port.number());
        let mut all = vec![counted.passthrough_evidence(format!("{}: plaintext", counted.pod))];
        let by_port = ports
            .iter()
            .map(|port| counted.outbound_evidence(port.number(), host, fact(port)));
        all.extend(by_port);
        all
    };
    sides.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use meshproof_harness::mesh::Stats;
    use meshproof_harness::outcome::CheckResult;
    use meshproof_protocol::ports::ProductPort::{Communication, Discovery};

    use super::*;

    const LEFT: &str = "cluster.PassthroughCluster;.upstream_cx_total: 10\n";
    const KEPT: &str = "cluster.outbound|80||a.b.svc.cluster.local;.ssl.handshake: 0\n";
    const NONE_REFUSED: &str = "listener.0.0.0.0_15006.no_filter_chain_match: 0\n";
    const ONE_REFUSED: &str = "listener.0.0.0.0_15006.no_filter_chain_match: 1\n";
    const HOST: &str = "ignite-headless.ignite.svc.cluster.local";

    /// An entry of a connection to a port of a node's: by this cluster, with these flags.
    fn entry(port: u16, cluster: &str, flags: &str) -> String {
        format!(
            "{{\"flags\":\"{flags}\",\"upstream_cluster\":\"{cluster}\",\
             \"upstream_host\":\"10.0.0.1:{port}\",\"downstream_local\":\"10.0.0.1:{port}\"}}\n"
        )
    }

    fn left(port: u16) -> String {
        entry(port, "PassthroughCluster", "-")
    }

    fn refused(port: u16) -> String {
        entry(port, "-", "NR")
    }

    fn side(stats: &[&str], log: &str) -> Side {
        let nodes = ["10.0.0.1".to_owned()];
        let page = "PassthroughCluster::observability_name::PassthroughCluster\n";
        Side {
            counted: Reading {
                pod: "ignite-0".into(),
                command: "curl".into(),
                stats: Stats::parse(&stats.concat()),
            },
            open: OpenConnections::read("ignite-0", "curl".into(), page.into()),
            by_port: PlaintextPorts::read("ignite-0", "kubectl logs".into(), log, &nodes),
        }
    }

    /// The other node's proxy, from which nothing left.
    fn other(refusals: &str, log: &str) -> Side {
        let log = entry(10800, "inbound|10800||", "-") + log;
        side(&[KEPT, refusals], &log)
    }

    #[test]
    fn plaintext_that_nobody_refuses_is_told_from_what_nobody_counts() {
        let shown = Shown::PlaintextNotRefused(&[Communication]);
        let leaving = || side(&[LEFT, NONE_REFUSED], &left(47100));
        let of = |sides: [Side; 2]| shown.of(&sides, HOST);
        assert!(of([leaving(), other(NONE_REFUSED, "")]).holds());
        let nothing = of([other(NONE_REFUSED, ""), other(NONE_REFUSED, "")]);
        assert_eq!(nothing.result, CheckResult::Fails);
        let refused = of([leaving(), other(ONE_REFUSED, &refused(47100))]);
        assert_eq!(refused.result, CheckResult::Fails);
        for uncounted in [KEPT, NONE_REFUSED] {
            let check = of([leaving(), side(&[uncounted], &left(47100))]);
            let unproven = matches!(check.result, CheckResult::Unproven { .. });
            assert!(unproven && check.seen.contains("unknown"), "{}", check.seen);
        }
    }

    #[test]
    fn plaintext_on_another_port_is_not_the_cases() {
        let shown = Shown::PlaintextRefused(&[Discovery]);
        let of = |port: u16, at: u16| {
            let leaving = side(&[LEFT, NONE_REFUSED], &left(port));
            shown.of(&[leaving, other(ONE_REFUSED, &refused(at))], HOST)
        };
        let right = of(47500, 47500);
        assert!(right.holds(), "{}", right.seen);
        assert!(right.statement.contains("discovery (47500)"));
        assert!(
            right.seen.contains("47500: 1 left in plaintext"),
            "{}",
            right.seen
        );
        assert_eq!(of(8080, 47500).result, CheckResult::Fails);
        assert_eq!(of(47500, 8080).result, CheckResult::Fails);
    }

    #[test]
    fn one_port_of_two_is_not_enough_and_an_open_connection_counts() {
        let shown = Shown::PlaintextNotRefused(&[Communication, Discovery]);
        let of = |leaving: Side| shown.of(&[leaving, other(NONE_REFUSED, "")], HOST);
        let leaving = || side(&[LEFT, NONE_REFUSED], &left(47100));
        assert_eq!(of(leaving()).result, CheckResult::Fails);
        let mut open = leaving();
        let page = "PassthroughCluster::10.0.0.1:47500::cx_active::1\n";
        let read = OpenConnections::read("ignite-0", "curl".into(), page.into());
        open.by_port = open.by_port.with_open(&read);
        assert!(of(open).holds());
    }

    #[test]
    fn without_an_access_log_no_port_is_known() {
        let shown = Shown::PlaintextRefused(&[Discovery]);
        let sides = [
            side(&[LEFT, NONE_REFUSED], ""),
            side(&[KEPT, ONE_REFUSED], ""),
        ];
        let check = shown.of(&sides, HOST);
        assert!(
            matches!(check.result, CheckResult::Unproven { .. }),
            "{}",
            check.seen
        );
    }

    #[test]
    fn sniffing_is_told_by_what_comes_through_on_one_port_and_not_on_the_other() {
        let line = |port: u16, count: u64| {
            format!("cluster.outbound|{port}||{HOST};.ssl.handshake: {count}\n")
        };
        let of = |lines: &[String]| {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            Shown::Sniffed(Discovery, Communication).of(&[side(&lines, ""), side(&lines, "")], HOST)
        };
        assert!(of(&[line(47500, 5), line(47100, 0)]).holds());
        assert!(!of(&[line(47500, 5), line(47100, 1)]).holds());
        assert!(!of(&[line(47500, 0), line(47100, 0)]).holds());
        assert!(!of(&[line(47500, 5)]).holds());
    }
}
