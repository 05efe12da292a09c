//! A diagnosis as a person reads it: a conclusion, the findings by weight, and what is not known.
//!
//! What is meant to be pasted stands at the left edge and in one piece: it is neither wrapped nor
//! indented, since a here-document would not end otherwise.

use super::text::{labelled, wrap};
use crate::outcome::{Conclusion, Diagnosis, Finding, Remedy, Weight};

/// The width of the labels of a finding.
const LABEL: usize = 8;
/// The least width that is laid out for.
const LEAST_WIDTH: usize = 60;

/// What the caller knows and the diagnosis does not.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// How many pods there hold a node.
    pub nodes: usize,
    /// The nodes of each cluster that these are meant to be.
    pub clusters: &'a [Vec<&'a str>],
    /// How many of their proxies told nothing.
    pub mute_proxies: usize,
    /// When it was looked at.
    pub at: &'a str,
    /// The terminal's width in characters.
    pub width: usize,
}

/// The diagnosis as text.
pub fn render(diagnosis: &Diagnosis, view: &View<'_>) -> String {
    let width = view.width.max(LEAST_WIDTH);
    let mut out = String::new();
    for (n, finding) in diagnosis.findings.iter().enumerate() {
        one(n + 1, finding, width, &mut out);
    }
    if !diagnosis.unknown.is_empty() {
        out.push_str("Not known\n");
        for unknown in &diagnosis.unknown {
            let text = format!("whether {}: {}", unknown.title, unknown.because);
            out.push_str(&labelled(&unknown.code, &text, LABEL, width));
        }
        out.push('\n');
    }
    let clusters = match view.clusters {
        [] | [_] => String::new(),
        all => {
            let each: Vec<String> = all.iter().map(|nodes| nodes.join(", ")).collect();
            format!(" with {} clusters ({})", all.len(), each.join("; "))
        }
    };
    let line = format!(
        "Namespace {}{clusters} at {}: {}",
        view.namespace,
        view.at,
        conclusion(diagnosis, view)
    );
    for line in wrap(&line, width) {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// What it comes to, in one sentence.
fn conclusion(diagnosis: &Diagnosis, view: &View<'_>) -> String {
    let one = match view.clusters.len() {
        0 | 1 => "the nodes are one cluster",
        _ => "the nodes of each are one cluster",
    };
    let state = match diagnosis.conclusion(view.nodes, view.mute_proxies) {
        Conclusion::NoProduct => "no product found (a node's pod is known by the image ignite or \
             gridgain, or by a container that declares 47100 or 47500)"
            .to_owned(),
        Conclusion::Split => "split".to_owned(),
        Conclusion::Stall => "stall".to_owned(),
        Conclusion::NotJoined => "a node is not part of the cluster".to_owned(),
        Conclusion::NotKnown => match diagnosis.state_unknown() {
            Some(because) => format!("the cluster's state is not known ({because})"),
            None => format!(
                "{one}, and what their proxies do is not known ({} did not answer)",
                view.mute_proxies
            ),
        },
        Conclusion::OneCluster => one.to_owned(),
        Conclusion::Healthy => "healthy".to_owned(),
    };
    let counts: Vec<String> = [
        (Weight::Cause, "causes"),
        (Weight::Symptom, "symptoms"),
        (Weight::Exposure, "exposures"),
        (Weight::Risk, "risks"),
    ]
    .into_iter()
    .filter_map(|(weight, plural)| {
        let of_weight = diagnosis.findings.iter().filter(|f| f.weight == weight);
        match of_weight.count() {
            0 => None,
            1 => Some(format!("1 {}", weight.name())),
            n => Some(format!("{n} {plural}")),
        }
    })
    .collect();
    let found = if counts.is_empty() {
        "nothing found".to_owned()
    } else {
        counts.join(", ")
    };
    match diagnosis.unknown.len() {
        0 => format!("{state}; {found}."),
        1 => format!("{state}; {found}; 1 question open."),
        n => format!("{state}; {found}; {n} questions open."),
    }
}

fn one(n: usize, finding: &Finding, width: usize, out: &mut String) {
    let head = format!(
        "{n}. {} {}: {}",
        finding.code,
        finding.weight.name(),
        finding.title
    );
    for line in wrap(&head, width) {
        out.push_str(&line);
        out.push('\n');
    }
    for (label, text) in [
        ("  On", &finding.object),
        ("  Seen", &finding.seen),
        ("  Why", &finding.why),
    ] {
        out.push_str(&labelled(label, text, LABEL, width));
    }
    for (n, remedy) in finding.remedies.iter().enumerate() {
        let label = if n == 0 { "  Do" } else { "  Then" };
        match remedy {
            Remedy::Advice { text } => out.push_str(&labelled(label, text, LABEL, width)),
            Remedy::Command { command } => pasted(label, command, out),
            Remedy::Patch { object, yaml } => pasted(label, &patch(object, yaml), out),
        }
    }
    out.push('\n');
}

fn pasted(label: &str, text: &str, out: &mut String) {
    out.push_str(label);
    out.push('\n');
    out.push_str(text.trim_end());
    out.push('\n');
}

/// The command that makes a change. Lists of Kubernetes' own kinds are merged by their keys; of
/// other kinds the lists given take the place of those that are there.
fn patch(object: &str, yaml: &str) -> String {
    let (kind, full) = object.split_once(' ').unwrap_or(("", object));
    let (namespace, name) = match full.split_once('/') {
        Some((namespace, name)) => (format!(" -n {namespace}"), name),
        None => (String::new(), full),
    };
    let own = ["Service", "StatefulSet", "Deployment", "Namespace"].contains(&kind);
    let how = if own { "strategic" } else { "merge" };
    format!(
        "kubectl patch {} {name}{namespace} --type {how} --patch '\n{}\n'",
        kind.to_ascii_lowercase(),
        yaml.trim_end().replace('\'', "'\\''")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{SPLIT, STALL, Unknown};

    fn view(nodes: usize) -> View<'static> {
        View {
            namespace: "ignite",
            nodes,
            clusters: &[],
            mute_proxies: 0,
            at: "2026-11-24T00:00:00Z",
            width: 80,
        }
    }

    fn finding(code: &str, weight: Weight, remedies: Vec<Remedy>) -> Finding {
        Finding {
            code: code.into(),
            title: format!("the title of {code}"),
            weight,
            object: "Service ignite/ignite-headless".into(),
            seen: "What was seen there, in a sentence that is long enough to need a second line."
                .into(),
            why: "Why it matters.".into(),
            remedies,
        }
    }

    #[test]
    fn findings_are_shown_with_what_to_paste_at_the_edge() {
        let diagnosis = Diagnosis {
            findings: vec![
                finding(
                    "MP001",
                    Weight::Cause,
                    vec![
                        Remedy::Patch {
                            object: "Service ignite/ignite-headless".into(),
                            yaml: "spec:\n  ports:\n  - port: 47100\n    name: tcp-communication\n"
                                .into(),
                        },
                        Remedy::Command {
                            command: "kubectl delete pod ignite-0 ignite-1 -n ignite".into(),
                        },
                    ],
                ),
                finding(
                    SPLIT,
                    Weight::Symptom,
                    vec![Remedy::Advice {
                        text: "remove the cause first".into(),
                    }],
                ),
                finding(
                    "MP030",
                    Weight::Exposure,
                    vec![Remedy::Patch {
                        object: "PeerAuthentication ignite/nodes".into(),
                        yaml: "spec:\n  mtls:\n    mode: STRICT\n".into(),
                    }],
                ),
            ],
            unknown: vec![Unknown {
                code: "MP032".into(),
                title: "a node's proxy refuses connections".into(),
                because: "the proxy of ignite-1 did not answer".into(),
            }],
        };
        insta::assert_snapshot!(render(&diagnosis, &view(2)));
    }

    #[test]
    fn the_conclusion_tells_the_state() {
        let ends = |diagnosis: &Diagnosis, nodes| {
            let text = render(diagnosis, &view(nodes));
            let last = text.rsplit("\n\n").next().unwrap_or_default();
            last.trim_end().to_owned()
        };
        let of = |code: &str| Diagnosis {
            findings: vec![finding(code, Weight::Symptom, vec![])],
            unknown: vec![],
        };
        let unknown = |code: &str| Diagnosis {
            findings: vec![],
            unknown: vec![Unknown {
                code: code.into(),
                title: "t".into(),
                because: "nodes say nothing".into(),
            }],
        };
        insta::assert_snapshot!(
            [
                ends(&Diagnosis::default(), 2),
                ends(&Diagnosis::default(), 0),
                ends(&of(SPLIT), 2),
                ends(&of(STALL), 2),
                ends(&of("MP023"), 2),
                ends(&of("MP025"), 0),
                ends(&of("MP030"), 2),
                ends(&unknown(SPLIT), 2),
                ends(&unknown("MP032"), 2),
                render(
                    &unknown("MP032"),
                    &View {
                        mute_proxies: 1,
                        ..view(2)
                    }
                ),
            ]
            .join("\n")
        );
    }

    #[test]
    fn several_clusters_are_not_called_one() {
        let exposed = Diagnosis {
            findings: vec![finding("MP030", Weight::Exposure, vec![])],
            unknown: vec![],
        };
        let wide = View {
            clusters: &[vec!["a-0", "a-1"], vec!["b-0"]],
            width: 200,
            ..view(3)
        };
        let ends = "ignite with 2 clusters (a-0, a-1; b-0) at 2026-11-24T00:00:00Z: the nodes of each \
                    are one cluster; 1 exposure.\n";
        let text = render(&exposed, &wide);
        assert!(text.ends_with(ends), "{text}");
    }

    #[test]
    fn a_quote_in_a_patch_does_not_end_it() {
        assert_eq!(
            patch("Service a/b", "x: it's\n"),
            "kubectl patch service b -n a --type strategic --patch '\nx: it'\\''s\n'"
        );
    }
}
