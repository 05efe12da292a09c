//! Istio's own TCP metrics, as the guide's command prints them: lines of Prometheus' text format.
//!
//! Only a proxy with the `istio.stats` filter keeps them. They carry no label for a port.

use std::collections::BTreeMap;

/// The label by which the guide picks its lines.
pub const MUTUAL_TLS: &str = r#"connection_security_policy="mutual_tls""#;
/// The metric that the guide takes as the proof.
pub const OPENED: &str = "istio_tcp_connections_opened_total";
/// The metrics on which, the guide says, the same label appears too.
pub const FAMILIES: [&str; 3] = [
    "istio_tcp_connections_closed_total",
    "istio_tcp_received_bytes_total",
    "istio_tcp_sent_bytes_total",
];

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric.
    pub metric: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// Reads a line: `name{label="value",...} value`; none where it is no such line.
    pub fn read(line: &str) -> Option<Self> {
        let (metric, rest) = line.split_once('{')?;
        let (labels, value) = rest.rsplit_once('}')?;
        Some(Self {
            metric: metric.to_owned(),
            labels: read_labels(labels)?,
            value: value.trim().parse().ok()?,
        })
    }

    /// A label's value, or nothing.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// The lines that the guide's grep lets through, and what they say.
pub fn mutual_tls(printed: &str) -> (String, Vec<Sample>) {
    let lines: Vec<&str> = printed
        .lines()
        .filter(|line| line.contains(MUTUAL_TLS))
        .collect();
    let samples = lines.iter().filter_map(|line| Sample::read(line)).collect();
    (lines.join("\n"), samples)
}

fn read_labels(mut text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = read_value(rest)?;
        labels.insert(name.to_owned(), value);
        text = rest.trim_start_matches(',');
    }
    Some(labels)
}

/// Reads a label's value up to its closing quote, and gives what follows it.
fn read_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        value.push(match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => '\n',
                other => other,
            },
            other => other,
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_whatever_their_values_hold() {
        let sample = Sample::read(r#"m{a="1,2",b="x\"}y",c=""} 3"#).unwrap();
        assert_eq!(sample.metric, "m");
        assert_eq!(
            (sample.label("a"), sample.label("b"), sample.label("c")),
            ("1,2", "x\"}y", "")
        );
        assert_eq!((sample.label("absent"), sample.value), ("", 3.0));
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        for line in [
            "# TYPE istio_build gauge",
            "",
            "m 3",
            r#"m{a="1} 3"#,
            r#"m{a="1"} many"#,
        ] {
            assert_eq!(Sample::read(line), None, "{line}");
        }
    }

    #[test]
    fn only_lines_of_mutual_tls_pass_as_through_the_guides_grep() {
        let printed = "# TYPE m counter\n\
            m{connection_security_policy=\"mutual_tls\"} 3\n\
            m{connection_security_policy=\"none\"} 4\n";
        let (lines, samples) = mutual_tls(printed);
        assert_eq!(lines, "m{connection_security_policy=\"mutual_tls\"} 3");
        assert_eq!(samples.len(), 1);
        assert_eq!(mutual_tls("envoy_x{a=\"b\"} 1\n"), (String::new(), vec![]));
    }
}
