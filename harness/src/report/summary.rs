//! What every report of a run says in the same words: rows of the table, lines below it.
//!
//! How they are laid out is each report's own business.

use std::collections::HashMap;

use crate::outcome::{LabFacts, MeshFacts, Run, ScenarioOutcome, Verdict, by_id};

/// Outcomes of one scenario that came out alike: by verdict, symptom and cure.
pub(super) struct Group<'a> {
    outcomes: Vec<&'a ScenarioOutcome>,
}

impl<'a> Group<'a> {
    /// The first of them, which stands for all.
    pub(super) fn first(&self) -> &'a ScenarioOutcome {
        self.outcomes[0]
    }

    /// The verdict, with how often it came out so: `Differs x5`.
    pub(super) fn verdict(&self) -> String {
        let name = self.first().verdict.name();
        match self.outcomes.len() {
            1 => name.to_owned(),
            count => format!("{name} x{count}"),
        }
    }

    /// The seconds, from the quickest to the slowest.
    pub(super) fn seconds(&self) -> String {
        let told = |seconds: f64| format!("{seconds:.1}");
        let all = self.outcomes.iter().map(|o| o.seconds());
        let (least, most) = all.fold((f64::INFINITY, 0.0_f64), |(least, most), seconds| {
            (least.min(seconds), most.max(seconds))
        });
        match (told(least), told(most)) {
            (least, most) if least == most => most,
            (least, most) => format!("{least}-{most}"),
        }
    }
}

/// The outcomes of a run, those alike together, in the order of their ids. What came first of a
/// scenario's outcomes comes first.
pub(super) fn groups(run: &Run) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = vec![];
    for outcome in &run.outcomes {
        let alike = |group: &&mut Group<'_>| {
            let first = group.first();
            (&first.id, &first.verdict, first.symptom(), first.cure())
                == (
                    &outcome.id,
                    &outcome.verdict,
                    outcome.symptom(),
                    outcome.cure(),
                )
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.outcomes.push(outcome),
            None => groups.push(Group {
                outcomes: vec![outcome],
            }),
        }
    }
    groups.sort_by(|a, b| by_id(&a.first().id, &b.first().id));
    groups
}

/// Every outcome in the run's order, with its number where its scenario has several: (2, 5).
pub(super) fn numbered(run: &Run) -> Vec<(&ScenarioOutcome, Option<(usize, usize)>)> {
    let mut totals: HashMap<&str, usize> = HashMap::new();
    for outcome in &run.outcomes {
        *totals.entry(&outcome.id).or_default() += 1;
    }
    let mut so_far: HashMap<&str, usize> = HashMap::new();
    let number = |outcome: &'_ ScenarioOutcome, so_far: usize| {
        let total = totals[outcome.id.as_str()];
        (total > 1).then_some((so_far, total))
    };
    run.outcomes
        .iter()
        .map(|outcome| {
            let count = so_far.entry(&outcome.id).or_default();
            *count += 1;
            (outcome, number(outcome, *count))
        })
        .collect()
}

/// An outcome's heading: id, title and, of several, which one.
pub(super) fn heading(outcome: &ScenarioOutcome, number: Option<(usize, usize)>) -> String {
    let name = format!("{} {}", outcome.id, outcome.title);
    match number {
        None => name,
        Some((number, total)) => format!("{name} ({number} of {total})"),
    }
}

/// What a reader has to know of the run as a whole: labels and what stands beside them.
pub(super) fn lines(run: &Run) -> Vec<(&'static str, String)> {
    let mut lines = vec![("Result", result(run))];
    match &run.mesh {
        Some(mesh) => {
            lines.push(("Mesh", mesh_line(mesh)));
            if !mesh.istio_filters {
                let lack = "they lack Istio's own filters (istio.stats and its kin), so no \
                            istio_* metric can exist here and nothing that needs one is shown";
                lines.push(("Proxies", lack.to_owned()));
            }
        }
        None => lines.push(("Mesh", "none came up".into())),
    }
    let lab = run.lab.as_ref().map_or("none came up".into(), lab_line);
    lines.push(("Lab", lab));
    if let Some(product) = &run.product {
        lines.push(("Product", format!("{} {}", product.name, product.version)));
    }
    for (yardstick, ids) in yardsticks(run) {
        let measured = format!("by {yardstick}: {}", ids.join(", "));
        lines.push(("Measured", measured));
    }
    let groups = groups(run);
    for group in groups.iter().filter(|g| !g.first().expectation.green) {
        lines.push(("News", news(group)));
    }
    let never = never_on_record(run);
    if !never.is_empty() {
        let told = format!("{}; never counted on record", never.join(", "));
        lines.push(("Void", told));
    }
    let mut flaky: Vec<&str> = vec![];
    for group in groups.iter().filter(|g| g.first().expectation.flaky()) {
        let outcome = group.first();
        if flaky.contains(&outcome.id.as_str()) {
            continue;
        }
        flaky.push(&outcome.id);
        let known = outcome.expectation.on_record.join(", ");
        lines.push(("Flaky", format!("{}; on record: {known}", outcome.id)));
    }
    lines.extend(run.left_behind.iter().map(|left| ("Left", left.clone())));
    lines
}

/// How many rounds of each scenario say nothing of the guide. They are never on record, so that no
/// count there tells how often that was.
fn never_on_record(run: &Run) -> Vec<String> {
    let mut told: Vec<(&str, String)> = vec![];
    for (outcome, _) in numbered(run) {
        let id = outcome.id.as_str();
        if told.iter().any(|(known, _)| *known == id) {
            continue;
        }
        let of = || run.outcomes.iter().filter(|o| o.id == id);
        let count = |is: fn(&Verdict) -> bool| of().filter(|o| is(&o.verdict)).count();
        let invalid = count(|v| matches!(v, Verdict::Invalid { .. }));
        let failed = count(|v| matches!(v, Verdict::Failed { .. }));
        let parts: Vec<String> = [(invalid, "Invalid"), (failed, "Failed")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        if !parts.is_empty() && of().count() > 1 {
            let all = of().count();
            told.push((id, format!("{id} {} of {all}", parts.join(" and "))));
        }
    }
    told.sort_by(|a, b| by_id(a.0, b.0));
    told.into_iter().map(|(_, line)| line).collect()
}

/// How many outcomes of each verdict, in how long, and whether that is news.
pub(super) fn result(run: &Run) -> String {
    let mut counts: Vec<(&str, usize)> = vec![];
    for outcome in &run.outcomes {
        let name = outcome.verdict.name();
        match counts.iter_mut().find(|(n, _)| *n == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    let news = run.outcomes.iter().filter(|o| !o.expectation.green).count();
    let standing = match (news, run.left_behind.len()) {
        _ if run.outcomes.is_empty() => "nothing to judge".to_owned(),
        (0, 0) => "as on record".to_owned(),
        (0, _) => "as on record, but not all was cleaned up".to_owned(),
        (1, _) => "1 outcome is news".to_owned(),
        (n, _) => format!("{n} outcomes are news"),
    };
    let counts = if counts.is_empty() {
        "no outcome".to_owned()
    } else {
        counts.join(", ")
    };
    format!("{counts} in {:.1} s; {standing}", run.seconds)
}

fn mesh_line(mesh: &MeshFacts) -> String {
    let origin = if mesh.self_built() {
        " (built here, not a release)"
    } else {
        ""
    };
    let gateway = if mesh.ingress_gateway { "an" } else { "no" };
    let overlays: Vec<&str> = mesh.overlays.iter().map(|o| o.name.as_str()).collect();
    let overlays = match overlays.as_slice() {
        [] => "no overlay".to_owned(),
        names => format!("overlays: {}", names.join(", ")),
    };
    format!(
        "Istio {}{origin}; Envoy {}; {} sidecars; {gateway} ingress gateway; {overlays}",
        mesh.build, mesh.envoy, mesh.sidecar_mode
    )
}

fn lab_line(lab: &LabFacts) -> String {
    let found = if lab.reused {
        "reused"
    } else {
        "made by this run"
    };
    format!(
        "kind cluster {} ({found}); Kubernetes {}; {}; {}; images: {}, brought to the nodes by {}",
        lab.cluster, lab.kubernetes, lab.topology, lab.engine, lab.image_source, lab.image_delivery
    )
}

/// Each yardstick that was used, with the scenarios it measured, in the order of their ids.
fn yardsticks(run: &Run) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = vec![];
    for group in groups(run) {
        let outcome = group.first();
        if outcome.expectation.on_record.is_empty() {
            continue;
        }
        let yardstick = outcome.expectation.yardstick.as_str();
        match found.iter_mut().find(|(y, _)| *y == yardstick) {
            Some((_, ids)) if ids.contains(&outcome.id.as_str()) => {}
            Some((_, ids)) => ids.push(&outcome.id),
            None => found.push((yardstick, vec![&outcome.id])),
        }
    }
    found
}

/// What is new about outcomes that came out alike.
fn news(group: &Group<'_>) -> String {
    let outcome = group.first();
    let (verdict, expectation) = (group.verdict(), &outcome.expectation);
    let mut seen = format!("{} is {verdict}", outcome.id);
    if let Some(symptom) = outcome.symptom() {
        seen.push_str(&format!(", {symptom}"));
    }
    if let Some(cure) = outcome.cure() {
        seen.push_str(&format!(", cure {}", cure.name()));
    }
    match expectation.on_record.as_slice() {
        [] => format!("{seen}; {}", expectation.yardstick),
        known => format!("{seen}; on record: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn told(run: &Run) -> Vec<String> {
        let told = |g: &Group<'_>| format!("{} {} {}", g.first().id, g.verdict(), g.seconds());
        groups(run).iter().map(told).collect()
    }

    #[test]
    fn outcomes_alike_are_one_row_with_their_count() {
        assert_eq!(
            told(&sample::repeated()),
            [
                "T2b Differs x2 93.6-101.6",
                "T2b Confirmed 93.6",
                "T4 NotReproduced 93.6",
                "T5 Invalid 93.6",
            ]
        );
    }

    #[test]
    fn rows_stand_in_the_order_of_their_ids() {
        let mut run = sample::green();
        run.outcomes.reverse();
        assert_eq!(
            told(&run),
            ["C1 Confirmed 12.8", "C5 Confirmed 12.8", "C6a Blocked 0.0"]
        );
    }

    #[test]
    fn a_different_reason_is_a_row_of_its_own() {
        let mut run = sample::green();
        let mut other = run.outcomes[2].clone();
        other.verdict = crate::outcome::Verdict::Blocked {
            reason: "no gateway".into(),
        };
        run.outcomes.push(other);
        assert_eq!(groups(&run).len(), 4);
    }

    #[test]
    fn outcomes_are_numbered_where_a_scenario_has_several() {
        let run = sample::repeated();
        let headings: Vec<String> = numbered(&run)
            .into_iter()
            .map(|(outcome, number)| heading(outcome, number))
            .collect();
        assert_eq!(headings[0], "T5 The baseline is not healthy");
        assert_eq!(
            headings[1..4]
                .iter()
                .map(|h| h.rsplit_once('(').unwrap().1)
                .collect::<Vec<_>>(),
            ["1 of 3)", "2 of 3)", "3 of 3)"]
        );
    }

    #[test]
    fn rounds_that_say_nothing_are_counted_of_how_many() {
        let mut run = sample::repeated();
        let void = |run: &Run| {
            let mut lines = lines(run).into_iter();
            lines
                .find(|(label, _)| *label == "Void")
                .map(|(_, line)| line)
        };
        // One round of T5 is its row.
        assert_eq!(void(&run), None);
        let mut once_more = |id: &str, verdict: Verdict| {
            let like = run.outcomes.iter().find(|o| o.id == id).unwrap();
            let outcome = ScenarioOutcome {
                verdict,
                ..like.clone()
            };
            run.outcomes.push(outcome);
        };
        let invalid = |because: &str| Verdict::Invalid {
            because: because.into(),
        };
        let failed = Verdict::Failed { error: "e".into() };
        once_more("T5", invalid("something else"));
        once_more("T2b", failed);
        once_more("T2b", invalid("the fault is not in force"));
        assert_eq!(
            void(&run).unwrap(),
            "T2b 1 Invalid and 1 Failed of 5, T5 2 Invalid of 2; never counted on record"
        );
    }
}
