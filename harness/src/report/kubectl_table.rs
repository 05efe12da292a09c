//! Prints what the API server answers in its Table format the way kubectl prints it.
//!
//! The guide shows kubectl's output; laid beside it, ours has to look the same. The Table
//! (`meta.k8s.io/v1`) comes with ready-made cells, ages and all, so nothing is computed here. A
//! column is as wide as its longest cell and three blanks, at least six characters. The tests
//! expect what kubectl 1.34.4 printed when a server gave it the same Tables.

use serde_json::Value;

/// The least width of a column that another one follows.
const LEAST_WIDTH: usize = 6;
/// Blanks after a column's longest cell.
const GAP: usize = 3;

/// Which columns to print beside the ordinary ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns {
    /// Those of lower priority too, as `kubectl get -o wide` does.
    pub wide: bool,
    /// Each object's labels, as `kubectl get --show-labels` does.
    pub labels: bool,
}

/// A value that is not a Table.
#[derive(Debug, thiserror::Error)]
#[error(
    "the API server answered with {kind} where a Table was asked for; \
     ask with `Accept: application/json;as=Table;v=v1;g=meta.k8s.io`"
)]
pub struct NotATable {
    /// What it is instead.
    kind: String,
}

/// Prints a Table as `kubectl get` would.
///
/// # Errors
/// A value that is not a Table, for example because the server was not asked for one.
pub fn render(table: &Value, columns: Columns) -> Result<String, NotATable> {
    let kind = table["kind"].as_str().unwrap_or("something without a kind");
    let (Some(definitions), "Table") = (table["columnDefinitions"].as_array(), kind) else {
        return Err(NotATable {
            kind: kind.to_owned(),
        });
    };
    let rows = table["rows"].as_array().map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        return Ok("No resources found.\n".to_owned());
    }
    let shown: Vec<usize> = (0..definitions.len())
        .filter(|&n| columns.wide || definitions[n]["priority"].as_i64().unwrap_or(0) == 0)
        .collect();
    let mut lines: Vec<Vec<String>> = vec![];
    let mut header: Vec<String> = shown
        .iter()
        .map(|&n| {
            definitions[n]["name"]
                .as_str()
                .unwrap_or_default()
                .to_uppercase()
        })
        .collect();
    if columns.labels {
        header.push("LABELS".to_owned());
    }
    lines.push(header);
    for row in rows {
        let mut line: Vec<String> = shown.iter().map(|&n| cell(&row["cells"][n])).collect();
        if columns.labels {
            line.push(labels(&row["object"]["metadata"]["labels"]));
        }
        lines.push(line);
    }
    Ok(aligned(&lines))
}

/// A cell as kubectl prints it: its first line only, and three dots for the rest.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => match text.split_once(['\n', '\r', '\x0c']) {
            Some((first, _)) => format!("{first}..."),
            None => text.clone(),
        },
        other => other.to_string(),
    }
}

fn labels(labels: &Value) -> String {
    let mut pairs: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() {
        return "<none>".to_owned();
    }
    pairs.sort();
    pairs.join(",")
}

fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let longest = lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0);
        (longest + GAP).max(LEAST_WIDTH)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for line in lines {
        for (n, cell) in line.iter().enumerate() {
            // The last column is not padded, so that lines do not end in blanks.
            let width = if n + 1 == columns { 0 } else { widths[n] };
            out.push_str(&format!("{cell:<width$}"));
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A Table as an API server 1.34 answers for the guide's two pods.
    fn pods() -> Value {
        let column = |name: &str, kind: &str, priority: i64| json!({"name": name, "type": kind, "format": "", "description": "", "priority": priority});
        let row = |name: &str, restarts: &str, age: &str, ip: &str| {
            json!({
                "cells": [name, "2/2", "Running", restarts, age, ip, "meshproof-worker", "<none>", "<none>"],
                "object": {
                    "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                    "metadata": {"name": name, "namespace": "ignite", "labels": {
                        "statefulset.kubernetes.io/pod-name": name, "app": "ignite",
                    }},
                },
            })
        };
        json!({
            "kind": "Table", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": "1412"},
            "columnDefinitions": [
                column("Name", "string", 0), column("Ready", "string", 0),
                column("Status", "string", 0), column("Restarts", "string", 0),
                column("Age", "string", 0), column("IP", "string", 1),
                column("Node", "string", 1), column("Nominated Node", "string", 1),
                column("Readiness Gates", "string", 1),
            ],
            "rows": [
                row("ignite-0", "0", "75s", "10.244.1.5"),
                row("ignite-1", "1 (12s ago)", "48s", "10.244.1.6"),
            ],
        })
    }

    #[test]
    fn ordinary_columns_are_printed_as_kubectl_does() {
        assert_eq!(
            render(&pods(), Columns::default()).expect("a Table"),
            "NAME       READY   STATUS    RESTARTS      AGE\n\
             ignite-0   2/2     Running   0             75s\n\
             ignite-1   2/2     Running   1 (12s ago)   48s\n"
        );
    }

    #[test]
    fn wide_adds_the_columns_of_lower_priority() {
        let text = render(
            &pods(),
            Columns {
                wide: true,
                labels: false,
            },
        )
        .expect("a Table");
        let header = text.lines().next().expect("a header");
        assert_eq!(
            header,
            "NAME       READY   STATUS    RESTARTS      AGE   IP           NODE               \
             NOMINATED NODE   READINESS GATES"
        );
    }

    #[test]
    fn labels_come_last_and_sorted() {
        let table = json!({
            "kind": "Table",
            "columnDefinitions": [
                {"name": "Name", "priority": 0}, {"name": "Status", "priority": 0},
                {"name": "Age", "priority": 0},
            ],
            "rows": [
                {"cells": ["ignite", "Active", "0s"], "object": {"metadata": {"labels": {
                    "kubernetes.io/metadata.name": "ignite", "istio-injection": "enabled",
                }}}},
                {"cells": ["bare", "Active", "9s"], "object": {"metadata": {}}},
            ],
        });
        assert_eq!(
            render(
                &table,
                Columns {
                    wide: false,
                    labels: true
                }
            )
            .expect("a Table"),
            "NAME     STATUS   AGE   LABELS\n\
             ignite   Active   0s    istio-injection=enabled,kubernetes.io/metadata.name=ignite\n\
             bare     Active   9s    <none>\n"
        );
    }

    #[test]
    fn odd_cells_are_printed_as_kubectl_does() {
        let table = json!({
            "kind": "Table",
            "columnDefinitions": [{"name": "Up"}, {"name": "Of"}, {"name": "Mode"}],
            "rows": [{"cells": [1, null, "STRICT\nand more"]}, {"cells": [22, true, null]}],
        });
        assert_eq!(
            render(&table, Columns::default()).expect("a Table"),
            "UP    OF     MODE\n1            STRICT...\n22    true   \n"
        );
    }

    #[test]
    fn a_table_without_rows_says_so() {
        let table = json!({"kind": "Table", "columnDefinitions": [{"name": "Name"}], "rows": []});
        let text = render(&table, Columns::default()).expect("a Table");
        assert_eq!(text, "No resources found.\n");
    }

    #[test]
    fn what_is_no_table_is_named() {
        let error = render(&json!({"kind": "PodList", "items": []}), Columns::default());
        let error = error.expect_err("a list is no Table").to_string();
        assert!(
            error.starts_with("the API server answered with PodList where"),
            "{error}"
        );
        assert!(render(&json!([1]), Columns::default()).is_err());
    }
}
