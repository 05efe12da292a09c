//! The index of a capture: which files there are, what was cut, what could not be read and why.

use std::fmt::Write;

/// What became of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was written.
    Written {
        /// How many bytes.
        bytes: usize,
        /// How many bytes were left out.
        cut: usize,
        /// How many secrets were taken out.
        redacted: usize,
    },
    /// It holds nothing, and that is no failure.
    Nothing(String),
    /// The budget was used up; so many bytes were left out.
    NoRoom(usize),
    /// It could not be read or written.
    Failed(String),
}

/// One source and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file below the capture's folder.
    pub file: String,
    /// What became of it.
    pub fate: Fate,
}

/// The index as people read it.
pub fn render(entries: &[Entry], namespaces: &[&str], bytes: usize) -> String {
    let mut text = format!(
        "Captured of {}: {} bytes in {} files, the most telling first.\n\
         Keys, tokens, passwords, license text and the data of Secrets are taken out.\n",
        namespaces.join(", "),
        bytes,
        count(entries, |fate| matches!(fate, Fate::Written { .. })),
    );
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            // Writing into a String cannot fail.
            let _ = write!(text, "\n{title}\n  {}\n", lines.join("\n  "));
        }
    };
    let told = |tell: &dyn Fn(&Entry) -> Option<String>| entries.iter().filter_map(tell).collect();
    part("Could not be read:", told(&failed));
    part("Cut, since there is a limit to the size:", told(&cut));
    part("Files:", told(&written));
    part("Held nothing:", told(&nothing));
    text
}

/// What could not be read, with the reason.
pub fn failed(entry: &Entry) -> Option<String> {
    match &entry.fate {
        Fate::Failed(why) => Some(format!("{}: {why}", entry.file)),
        _ => None,
    }
}

/// What was cut, with the number of bytes.
pub fn cut(entry: &Entry) -> Option<String> {
    match entry.fate {
        Fate::Written { cut, .. } if cut > 0 => {
            Some(format!("{}: {cut} bytes in its middle", entry.file))
        }
        Fate::NoRoom(bytes) => Some(format!("{}: all of its {bytes} bytes", entry.file)),
        _ => None,
    }
}

fn written(entry: &Entry) -> Option<String> {
    match entry.fate {
        Fate::Written {
            bytes, redacted: 0, ..
        } => Some(format!("{} ({bytes} bytes)", entry.file)),
        Fate::Written {
            bytes, redacted, ..
        } => Some(format!(
            "{} ({bytes} bytes, {redacted} redacted)",
            entry.file
        )),
        _ => None,
    }
}

fn nothing(entry: &Entry) -> Option<String> {
    match &entry.fate {
        Fate::Nothing(why) => Some(format!("{}: {why}", entry.file)),
        _ => None,
    }
}

fn count(entries: &[Entry], is: impl Fn(&Fate) -> bool) -> usize {
    entries.iter().filter(|entry| is(&entry.fate)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_tells_what_is_missing_before_what_is_there() {
        let entry = |file: &str, fate| Entry {
            file: file.into(),
            fate,
        };
        let written = |bytes, cut, redacted| Fate::Written {
            bytes,
            cut,
            redacted,
        };
        let entries = [
            entry("ignite/events.txt", written(1200, 0, 0)),
            entry("ignite/objects/configmaps.json", written(4100, 0, 2)),
            entry(
                "ignite/objects/networkpolicies.json",
                Fate::Nothing("there is none".into()),
            ),
            entry(
                "ignite/logs/ignite-0/ignite.log",
                written(6_291_000, 812_000, 0),
            ),
            entry(
                "ignite/proxies/ignite-1/config_dump.json",
                Fate::Failed("it did not answer within 15.0s".into()),
            ),
            entry("nodes/worker-kubelet.log", Fate::NoRoom(2_000_000)),
        ];
        insta::assert_snapshot!(render(&entries, &["ignite", "istio-system"], 6_296_300));
    }
}
