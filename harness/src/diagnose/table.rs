//! The table of faults and of the rules that tell them.
//!
//! The README shows it; recordings and the diagnosis of live cases are held against it. No rule reads
//! it.

use super::rules;
use crate::outcome::{Diagnosis, Finding};

/// A fault, and what is found where it is in force.
pub struct Fault {
    /// The id of its scenario, in small letters; the stem of its recording's name.
    pub id: &'static str,
    /// What is wrong there.
    pub what: &'static str,
    /// Codes that are always found.
    pub always: &'static [&'static str],
    /// Codes that depend on the moment: a connection that is open then, a node that restarts then.
    pub at_times: &'static [&'static str],
}

impl Fault {
    /// Whether a code belongs to it, if only at times.
    pub fn has(&self, code: &str) -> bool {
        self.always.contains(&code) || self.at_times.contains(&code)
    }

    /// What a diagnosis found that the fault does not have, not even at times.
    pub fn besides<'d>(&self, said: &'d Diagnosis) -> Vec<&'d Finding> {
        let other = |finding: &&Finding| !self.has(&finding.code);
        said.findings.iter().filter(other).collect()
    }
}

/// The fault of a scenario; none of one that is not in the table.
pub fn of(scenario: &str) -> Option<&'static Fault> {
    TABLE
        .iter()
        .find(|fault| fault.id.eq_ignore_ascii_case(scenario))
}

/// The rules, and the faults with what is found of them, as two tables in Markdown.
pub fn markdown() -> String {
    let mut out = String::from("| code | what it tells |\n|---|---|\n");
    for rule in rules::ALL {
        out.push_str(&format!("| {} | {} |\n", rule.code, rule.title));
    }
    out.push_str("\n| fault | what is wrong | found | at times |\n|---|---|---|---|\n");
    for fault in TABLE.iter().chain(BY_HAND) {
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            fault.id,
            fault.what,
            fault.always.join(", "),
            fault.at_times.join(", ")
        ));
    }
    out
}

const fn fault(
    id: &'static str,
    what: &'static str,
    always: &'static [&'static str],
    at_times: &'static [&'static str],
) -> Fault {
    Fault {
        id,
        what,
        always,
        at_times,
    }
}

/// Every fault of the catalogue, and none.
pub const TABLE: &[Fault] = &[
    fault("healthy", "nothing: the guide's cluster", &[], &[]),
    fault(
        "t1a",
        "no hold annotation, classic sidecar, slow proxy",
        &["MP011", "MP020"],
        &[],
    ),
    fault(
        "t1b",
        "no hold annotation, classic sidecar, idle machine",
        &["MP011"],
        &["MP020", "MP021"],
    ),
    fault(
        "t1c",
        "no hold annotation, native sidecar: no fault",
        &[],
        &[],
    ),
    fault(
        "t2a",
        "no port of the headless Service declared, STRICT",
        &["MP001", "MP020"],
        &["MP031", "MP032"],
    ),
    fault(
        "t2b",
        "47100 not declared, STRICT",
        &["MP001", "MP021"],
        &["MP031"],
    ),
    fault(
        "t2c",
        "47500 not declared, STRICT",
        &["MP001", "MP020"],
        &["MP031", "MP032"],
    ),
    fault(
        "t2d",
        "ports declared without a protocol, STRICT",
        &["MP002", "MP021"],
        &[],
    ),
    fault(
        "t2e",
        "ports declared as HTTP, STRICT",
        &["MP003"],
        &["MP020", "MP021", "MP022", "MP031", "MP032"],
    ),
    fault(
        "t2f",
        "no port declared, PERMISSIVE",
        &["MP001", "MP021", "MP030"],
        &["MP031"],
    ),
    fault(
        "t3",
        "the namespace not labelled",
        &["MP010"],
        &["MP020", "MP022"],
    ),
    fault(
        "t4a",
        "the license's Secret missing",
        &["MP024", "MP040"],
        &[],
    ),
    fault(
        "t4b",
        "the license mounted at another path",
        &["MP023", "MP041"],
        &["MP042"],
    ),
    fault(
        "t4c",
        "a Secret that holds no license",
        &["MP023"],
        &["MP042"],
    ),
    fault("t4d", "the license expired", &["MP023"], &["MP042"]),
    fault("t5a", "no ingress gateway in the mesh", &["MP050"], &[]),
    fault("t5b", "the ingress gateway scaled to 0", &["MP050"], &[]),
    fault(
        "t5c",
        "the VirtualService's Gateway missing",
        &["MP051"],
        &[],
    ),
    fault(
        "t5d",
        "the Gateway's Secret missing",
        &["MP052"],
        &["MP053"],
    ),
    fault(
        "x1a",
        "47500 taken by an outgoing connection in each pod",
        &["MP026", "MP020"],
        &["MP031", "MP032"],
    ),
    fault(
        "x1b",
        "47100 taken by an outgoing connection in each pod",
        &["MP026", "MP021"],
        &["MP031"],
    ),
];

/// Faults of no scenario, each for rules that no scenario's fault meets, made by hand on a healthy
/// namespace. A recording of one has its id as its name.
pub const BY_HAND: &[Fault] = &[
    fault(
        "mp004",
        "47100 declared as 7100, with 47100 as its targetPort",
        &["MP004", "MP021"],
        &["MP020", "MP031"],
    ),
    fault(
        "mp013",
        "a Sidecar object that imports Istio's own namespace only",
        &["MP013"],
        &["MP020", "MP021", "MP022", "MP031", "MP032"],
    ),
    fault("mp023", "CONFIG_URI names no file", &["MP023"], &["MP025"]),
    fault(
        "mp025",
        "a quota that refuses a node's pod",
        &["MP025"],
        &[],
    ),
    fault(
        "mp032",
        "a plaintext client outside the mesh that keeps trying",
        &["MP032"],
        &[],
    ),
    fault(
        "mp033",
        "a DestinationRule that turns TLS off",
        &["MP033"],
        &["MP020", "MP021", "MP022", "MP031", "MP032"],
    ),
    fault(
        "mp034",
        "an AuthorizationPolicy that denies 47100 and 47500",
        &["MP034"],
        &["MP020", "MP021", "MP022"],
    ),
    fault(
        "mp035",
        "a NetworkPolicy that admits clients only",
        &["MP035"],
        &["MP020", "MP021", "MP022"],
    ),
    fault(
        "mp036",
        "an EnvoyFilter that the proxies reject",
        &["MP036"],
        &[],
    ),
    fault(
        "mp037",
        "47100 and 47500 excluded from the nodes' redirection, in and out",
        &["MP037"],
        &[],
    ),
    fault(
        "mp038",
        "the network interface excluded from the nodes' redirection",
        &["MP038"],
        &[],
    ),
    fault(
        "mp039",
        "STRICT applied while istiod does not run",
        &["MP012", "MP039"],
        &[],
    ),
    fault(
        "mp041",
        "licenseUrl points to where nothing is mounted",
        &["MP041"],
        &[],
    ),
    fault(
        "mp042",
        "CONFIG_URI names no file, by a path with the word license",
        &["MP023", "MP042"],
        &["MP025"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::diagnose;
    use crate::diagnose::written::{healthy, split};

    #[test]
    fn a_fault_is_found_by_its_scenarios_id() {
        assert_eq!(of("T2b").map(|fault| fault.id), Some("t2b"));
        assert!(of("T9z").is_none());
    }

    #[test]
    fn what_a_fault_has_always_or_at_times_is_not_beside_it() {
        let mut snapshot = healthy();
        split(&mut snapshot);
        let said = diagnose(&snapshot);
        let beside = |id: &str| -> Vec<&str> {
            let fault = of(id).expect("a row");
            let found = fault.besides(&said);
            found.iter().map(|f| f.code.as_str()).collect()
        };
        assert_eq!(said.codes(), ["MP020"]);
        // Always, at times, and not at all.
        assert_eq!(beside("T2a"), [""; 0]);
        assert_eq!(beside("T1b"), [""; 0]);
        assert_eq!(beside("T2b"), ["MP020"]);
    }
}
