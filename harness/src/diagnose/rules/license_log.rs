//! MP042: a node exits and its log speaks of the license.

use super::exits::recent_end;
use super::{Answer, Rule, Said, advice, command, shortened};
use crate::diagnose::view::View;
use crate::outcome::Weight;
use crate::product::license;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP042",
    title: "a node exits, and its log speaks of the license",
    apply,
};

/// No log of a GridGain license error is public, so this looks for an error with the word in it, in a
/// node that has ended, and says that it is a guess.
fn apply(view: &View<'_>) -> Answer {
    Answer::found(view.product.iter().filter_map(|pod| {
        let exit_code = i32::try_from(recent_end(view, pod)?.code).ok();
        let node = pod.node?;
        // While a container runs again, its end is told in the log of the one before.
        let logs = if pod.runs() {
            [node.previous_log.as_deref(), None]
        } else {
            [node.log.as_deref(), node.previous_log.as_deref()]
        };
        let mut logs = logs.into_iter().flatten();
        let told = logs.find_map(|log| license::failure(exit_code, log))?;
        Some(RULE.finding(Said {
            weight: Weight::Cause,
            object: pod.object(),
            seen: format!(
                "Line {} of its log, unverified: {}",
                told.line,
                shortened(&told.text, 200)
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
