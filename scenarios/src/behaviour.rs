//! What the guide says and what happens: a table from the catalogue and the expectations on record.
//!
//! README holds it between two marks, and a test compares the two.

use meshproof_harness::expectation::{Entry, Expectations, Key};
use meshproof_harness::report::markdown::cell;
use meshproof_harness::scenario::About;

/// Where the table begins in a document that holds it.
const BEGIN: &str = "<!-- behaviour:begin -->";
/// Where it ends there.
const END: &str = "<!-- behaviour:end -->";

/// A document that has no place for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no place for the table; put the lines `{BEGIN}` and `{END}`, in this order")]
pub struct NoPlace;

/// The table, as Markdown: a row for each scenario, a column for each mesh that is on record.
pub fn markdown(scenarios: &[About], known: &Expectations) -> String {
    let mut meshes: Vec<&Key> = vec![];
    for Entry { key, .. } in known.entries() {
        if !meshes.iter().any(|mesh| same_mesh(mesh, key)) {
            meshes.push(key);
        }
    }
    meshes.sort_by(|a, b| {
        let newest_first = b.build.cmp(&a.build);
        newest_first.then_with(|| (a.sidecar, a.proxy).cmp(&(b.sidecar, b.proxy)))
    });
    let mut head = vec!["".to_owned(), "case".into(), "the guide says".into()];
    head.extend(meshes.iter().map(|key| {
        let Key {
            build,
            sidecar,
            proxy,
            ..
        } = key;
        format!("Istio {build}, {sidecar} sidecars, {proxy}")
    }));
    let mut out = row(head.iter().map(String::as_str));
    out.push_str(&row(head.iter().map(|_| "---")));
    for about in scenarios {
        let mut cells = [about.id, about.title, about.claim].map(ours).to_vec();
        cells.extend(meshes.iter().map(|mesh| happens(about, mesh, known)));
        out.push_str(&row(cells.iter().map(String::as_str)));
    }
    out
}

fn same_mesh(one: &Key, other: &Key) -> bool {
    (&one.build, one.sidecar, one.proxy) == (&other.build, other.sidecar, other.proxy)
}

/// Every outcome that is on record for a scenario on a mesh, the most frequent first.
fn happens(about: &About, mesh: &Key, known: &Expectations) -> String {
    let entry = known
        .entries()
        .iter()
        .find(|entry| entry.key.scenario == about.id && same_mesh(&entry.key, mesh));
    let Some(entry) = entry else {
        return "not on record".into();
    };
    let mut outcomes: Vec<_> = entry.outcomes.iter().collect();
    outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.count));
    let told = outcomes.iter().map(|outcome| cell(&outcome.to_string()));
    told.collect::<Vec<_>>().join("<br>")
}

/// Words of the catalogue, which may be Markdown themselves, as a cell.
fn ours(words: &str) -> String {
    words.replace('|', "\\|").replace('\n', " ")
}

fn row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// A document with the table in its place.
///
/// # Errors
/// A document without the two marks, or with them in the wrong order.
pub fn placed(document: &str, table: &str) -> Result<String, NoPlace> {
    let (before, rest) = document.split_once(BEGIN).ok_or(NoPlace)?;
    let (_, after) = rest.split_once(END).ok_or(NoPlace)?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use meshproof_harness::scenario::Scope;

    use super::*;
    use crate::{catalogue, session};

    const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

    fn about(id: &'static str, title: &'static str) -> About {
        About {
            id,
            title,
            section: "s",
            claim: "It is | so.",
            scope: Scope::Namespace,
            alone: None,
            remarks: &[],
        }
    }

    const RECORD: &str = r#"
[[expectation]]
scenario = "T2b"
build = "1.29.1"
sidecar = "native"
proxy = "core-envoy"
outcome = [
  { verdict = "Confirmed", symptom = "split", cure = "by-the-remedy", count = 1, runs = ["a"] },
  { verdict = "Differs", symptom = "stall", cure = "with-a-restart", count = 4, runs = ["a"] },
]

[[expectation]]
scenario = "T2b"
build = "1.31.0-dev.20260827"
sidecar = "classic"
proxy = "core-envoy"
outcome = [{ verdict = "NotReproduced", symptom = "healthy", count = 2, runs = ["a"] }]
"#;

    #[test]
    fn each_mesh_is_a_column_and_each_scenario_a_row() {
        let known = Expectations::parse(RECORD).unwrap();
        let all = [
            about("C1", "The control plane runs"),
            about("T2b", "A `gap`"),
        ];
        insta::assert_snapshot!(markdown(&all, &known));
    }

    #[test]
    fn the_table_takes_the_place_of_the_last_one_and_nothing_else() {
        let document = format!("# A\n\n{BEGIN}\nold\n{END}\n\nrest {END}\n");
        let renewed = placed(&document, "| new |\n").unwrap();
        assert_eq!(
            renewed,
            format!("# A\n\n{BEGIN}\n| new |\n{END}\n\nrest {END}\n")
        );
        assert_eq!(placed(&renewed, "| new |\n").unwrap(), renewed);
        assert_eq!(placed("# A\n", "| new |\n"), Err(NoPlace));
        assert_eq!(placed(&format!("{END}{BEGIN}"), "x\n"), Err(NoPlace));
    }

    #[test]
    fn readme_shows_what_is_on_record() {
        let known = Expectations::parse(session::EXPECTATIONS).unwrap();
        let scenarios: Vec<About> = catalogue::all().iter().map(|s| s.about).collect();
        let readme = std::fs::read_to_string(README).unwrap();
        let renewed = placed(&readme, &markdown(&scenarios, &known)).unwrap();
        assert!(
            readme == renewed,
            "README.md does not show what the catalogue and scenarios/expectations.toml say; renew \
             it with: cargo run -- behaviour --into README.md"
        );
    }
}
