//! MP042: a node exits and its log speaks of the license.

use super::exits::recent_end;
use super::{Answer, Rule, Said, advice, command, shortened};
use crate::diagnose::view::View;
use crate::outcome::Weight;
use crate::product::license::speaks_of_a_license;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP042",
    title: "a node exits, and its log speaks of the license",
    apply,
};

/// No log of a GridGain license error is public, so this looks for the word alone, in a node that
/// has ended, and says that it is a guess.
fn apply(view: &View<'_>) -> Answer {
    Answer::found(view.product.iter().filter_map(|pod| {
        recent_end(view, pod)?;
        let node = pod.node?;
        // While a container runs again, its end is told in the log of the one before.
        let logs = if pod.runs() {
            [node.previous_log.as_deref(), None]
        } else {
            [node.log.as_deref(), node.previous_log.as_deref()]
        };
        let (line, text) = logs.into_iter().flatten().find_map(license_line)?;
        Some(RULE.finding(Said {
            weight: Weight::Cause,
            object: pod.object(),
            seen: format!(
                "Line {line} of its log, unverified: {}",
                shortened(text.trim(), 200)
            ),
            why: "A license that is missing, mounted elsewhere or out of date ends a GridGain node at \
                  its start. That this line means that is a guess from the word: no real log of it \
                  is known here."
                .into(),
            remedies: vec![
                command(format!(
                    "kubectl logs {} -n {} -c {} --previous",
                    pod.name,
                    view.namespace(),
                    pod.container["name"].as_str().unwrap_or_default()
                )),
                advice(
                    "see that the license's Secret is there, that licenseUrl is the path at which it \
                     is mounted, and that its date has not passed",
                ),
            ],
        }))
    }))
}

/// The last line that speaks of a license and is not of one itself.
fn license_line(log: &str) -> Option<(usize, &str)> {
    let lines: Vec<(usize, &str)> = log.lines().enumerate().collect();
    lines
        .into_iter()
        .rev()
        .find(|(_, line)| speaks_of_a_license(line))
        .map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_with_the_word_is_told_and_no_markup() {
        let log = "start\nLicense check begins\nno Licence\n<license signature=\"x\"/>\nend\n";
        assert_eq!(license_line(log), Some((3, "no Licence")));
        assert_eq!(license_line("nothing of it\n"), None);
    }
}
