//! What a run is to do: which scenarios, in which order, how often, how many at once.
//!
//! Pure data and the rules of order; carrying it through is `runner`'s.

use super::case::Mutation;
use super::definition::{Scenario, Scope};

/// A run's scenarios and how they are to be done.
pub struct Plan {
    /// The scenarios, steps of the walk among them in the walk's order.
    pub scenarios: Vec<Scenario>,
    /// The namespaces that the walk fills.
    pub walked: Vec<String>,
    /// How many cases may run side by side, each in a namespace of its own; those on the ingress
    /// gateway, which take turns, count as one.
    pub jobs: usize,
    /// How often everything is done.
    pub repeat: u32,
    /// A part of every case that is left out, to see that the case notices.
    pub mutation: Option<Mutation>,
}

/// The cases of a plan by what may run beside them.
pub(super) struct Order<'a> {
    /// Steps of the walk: one after the other, first of all.
    pub(super) steps: Vec<&'a Scenario>,
    /// Cases that keep to their namespace: side by side.
    pub(super) together: Vec<&'a Scenario>,
    /// Cases on the shared ingress gateway: beside those, one at a time.
    pub(super) gateway: Vec<&'a Scenario>,
    /// Cases that nothing may run beside: last, one by one. Those that change the mesh come at the
    /// very end, so that nothing else has to stand on what they put back.
    pub(super) alone: Vec<&'a Scenario>,
}

impl Plan {
    /// A plan that does everything once, one after the other.
    pub fn new(scenarios: Vec<Scenario>, walked: Vec<String>) -> Self {
        Self {
            scenarios,
            walked,
            jobs: 1,
            repeat: 1,
            mutation: None,
        }
    }

    /// What `--keep` does not leave standing although it was asked for, told to whoever asks for it;
    /// none where all of it stays.
    pub fn not_kept(&self) -> Option<&'static str> {
        let order = self.order();
        let cases = [&order.together, &order.gateway, &order.alone];
        let both = !order.steps.is_empty() && cases.iter().any(|list| !list.is_empty());
        both.then_some(NOT_KEPT)
    }

    pub(super) fn order(&self) -> Order<'_> {
        let mut order = Order {
            steps: vec![],
            together: vec![],
            gateway: vec![],
            alone: vec![],
        };
        for scenario in &self.scenarios {
            let about = scenario.about;
            let list = match (scenario.is_step(), about.alone, about.scope) {
                (true, ..) => &mut order.steps,
                (false, Some(_), _) | (false, None, Scope::Mesh) => &mut order.alone,
                (false, None, Scope::Gateway) => &mut order.gateway,
                (false, None, Scope::Namespace) => &mut order.together,
            };
            list.push(scenario);
        }
        order.alone.sort_by_key(|s| s.about.scope);
        order
    }
}

const NOT_KEPT: &str = "The walk's namespace is not kept: it is cleared before the cases, since the \
                        guide's requests leave no room for both; `meshproof guide --keep` leaves \
                        it standing.";

/// How many cases this machine can run side by side: half a CPU and 3 GiB each.
///
/// Four at once on two cores and 23 GiB is what was run: a baseline then takes twice as long as alone,
/// which is less than four in a row. 3 GiB is what the guide's limits let a case's two nodes use.
pub fn jobs_for(cpus: u64, memory_gib: u64) -> usize {
    let by_cpu = cpus * 2;
    let by_memory = memory_gib.saturating_sub(4) / 3;
    usize::try_from(by_cpu.min(by_memory).max(1)).unwrap_or(1)
}

/// [`jobs_for`] this machine.
pub fn jobs_here() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    let kib = total
        .and_then(|t| t.split_whitespace().next())
        .and_then(|n| n.parse::<u64>().ok())
        .unwrap_or(0);
    jobs_for(cpus, kib / 1024 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::About;
    use crate::scenario::fakes::{NotBegun, about};

    fn ids(scenarios: &[&Scenario]) -> Vec<&'static str> {
        scenarios.iter().map(|s| s.about.id).collect()
    }

    #[test]
    fn what_may_run_beside_what_is_told_by_scope_and_by_what_runs_alone() {
        let case = |id, scope, alone| {
            let about = About {
                scope,
                alone,
                ..about(id)
            };
            Scenario::case(about, NotBegun)
        };
        let plan = Plan::new(
            vec![
                Scenario::checkpoint(about("C1"), NotBegun),
                case("mesh", Scope::Mesh, None),
                case("gateway race", Scope::Gateway, Some("timing")),
                case("gateway 1", Scope::Gateway, None),
                case("race", Scope::Namespace, Some("timing")),
                case("beside 1", Scope::Namespace, None),
                case("gateway 2", Scope::Gateway, None),
                case("beside 2", Scope::Namespace, None),
                Scenario::checkpoint(about("C2"), NotBegun),
            ],
            vec![],
        );
        let order = plan.order();
        assert_eq!(ids(&order.steps), ["C1", "C2"]);
        assert_eq!(ids(&order.together), ["beside 1", "beside 2"]);
        assert_eq!(ids(&order.gateway), ["gateway 1", "gateway 2"]);
        assert_eq!(ids(&order.alone), ["race", "gateway race", "mesh"]);
    }

    #[test]
    fn a_walk_is_not_kept_where_cases_follow_it() {
        let step = || Scenario::checkpoint(about("C1"), NotBegun);
        let case = |scope| {
            let about = About {
                scope,
                ..about("T1")
            };
            Scenario::case(about, NotBegun)
        };
        let not_kept = |scenarios| Plan::new(scenarios, vec![]).not_kept();
        assert_eq!(not_kept(vec![step()]), None);
        assert_eq!(
            not_kept(vec![case(Scope::Namespace), case(Scope::Mesh)]),
            None
        );
        for scope in [Scope::Namespace, Scope::Gateway, Scope::Mesh] {
            let told = not_kept(vec![step(), case(scope)]).unwrap();
            assert!(told.contains("meshproof guide --keep"), "{told}");
        }
    }

    #[test]
    fn cpu_and_memory_both_limit_the_jobs() {
        assert_eq!(jobs_for(2, 23), 4);
        assert_eq!(jobs_for(8, 16), 4);
        assert_eq!(jobs_for(1, 4), 1);
        assert_eq!(jobs_for(0, 0), 1);
    }
}
