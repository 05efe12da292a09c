//! How many nodes a lab has, so that the guide's manifests schedule unchanged.
//!
//! A kubelet reports all of the machine's CPUs, so every further node adds that many to what can
//! be requested. Only requests are counted; what the machine can really do stays the same.

/// What is requested, in thousandths of a CPU (measured from the live pods of a default install).
mod requested {
    /// kubeadm's four static pods 650, the one CoreDNS that a lab keeps 100, one CNI pod 10, and
    /// the ingress gateway 100, which the scheduler may put here.
    pub const CONTROL_PLANE: u64 = 860;
    pub const NODE: u64 = 10;
    pub const ISTIOD: u64 = 500;
    /// The guide's limit of one CPU is also its request, and the sidecar asks for 100.
    pub const IGNITE_POD: u64 = 1100;
    /// The client application with its sidecar, and the intruder.
    pub const PROBES: u64 = 120;
}

/// The nodes of a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Workers beside the one control-plane node, which schedules pods as well.
    pub workers: usize,
    /// Why so many.
    pub why: String,
}

impl Topology {
    /// The smallest topology for a machine with so many CPUs, or none if no number of nodes helps.
    ///
    /// There are always two nodes at least: the two Ignite pods then sit on different ones, and
    /// their traffic crosses a wire that can be watched.
    pub fn for_cpus(cpus: u64) -> Option<Self> {
        let per_node = cpus * 1000;
        if per_node < requested::CONTROL_PLANE + requested::IGNITE_POD {
            return None;
        }
        // The control-plane node takes one Ignite pod; everything else must fit on the workers,
        // wherever the scheduler puts it.
        let elsewhere = requested::IGNITE_POD + requested::ISTIOD + requested::PROBES;
        let workers = elsewhere.div_ceil(per_node - requested::NODE).max(1);
        let total = requested::CONTROL_PLANE + requested::IGNITE_POD + elsewhere;
        Some(Self {
            workers: usize::try_from(workers).ok()?,
            why: format!(
                "control plane and {workers} worker: the guide's pods, Istio and Kubernetes request \
                 {:.1} CPUs, each node offers this machine's {cpus}, and two nodes put a wire \
                 between the two Ignite pods",
                total as f64 / 1000.0
            ),
        })
    }

    /// All nodes.
    pub fn nodes(&self) -> usize {
        self.workers + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cpus_want_two_nodes() {
        assert_eq!(Topology::for_cpus(2).unwrap().nodes(), 2);
    }

    #[test]
    fn many_cpus_still_keep_a_wire_between_the_pods() {
        assert_eq!(Topology::for_cpus(64).unwrap().nodes(), 2);
    }

    #[test]
    fn one_cpu_cannot_hold_an_ignite_pod() {
        assert_eq!(Topology::for_cpus(1), None);
    }
}
