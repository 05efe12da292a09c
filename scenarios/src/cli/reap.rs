//! `reap`: what is left of runs that were killed, removed.

use std::process::ExitCode;

use meshproof_harness::lab::Paths;
use meshproof_harness::lab::reap::{Reaped, Reaping, reap};
use serde_json::json;

use super::{Outcome, own_command};

/// Removes what is ours and dead: 0 if all of it is gone, 2 if something of it is left.
pub async fn run(paths: &Paths, dry_run: bool, as_json: bool) -> Outcome {
    let reaping = Reaping {
        dry_run,
        command: own_command(),
    };
    let reaped = reap(paths, &reaping).await?;
    if as_json {
        let mut told = serde_json::to_value(&reaped)?;
        told["bytes_freed"] = json!(reaped.bytes_freed());
        print_line!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        print_text!("{}", told(&reaped));
    }
    Ok(if reaped.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// What a person reads.
fn told(reaped: &Reaped) -> String {
    let mut text = String::new();
    let wide = |of: &mut dyn Iterator<Item = usize>| of.max().unwrap_or(0);
    let kinds = reaped.removed.iter().map(|r| r.kind.to_string());
    let kind = wide(&mut kinds.map(|k| k.len()));
    let whys = reaped.removed.iter().map(|r| r.why.chars().count());
    let why = wide(&mut whys.into_iter());
    for removed in &reaped.removed {
        let kind_of = removed.kind.to_string();
        let bytes = match removed.bytes {
            0 => String::new(),
            bytes => size(bytes),
        };
        text.push_str(&format!(
            "{kind_of:kind$}  {bytes:>9}  {:why$}  {}\n",
            removed.why, removed.name
        ));
    }
    for kept in &reaped.kept {
        text.push_str(&format!(
            "Stays: {} {}: {}.\n",
            kept.kind, kept.name, kept.because
        ));
    }
    for failed in &reaped.failed {
        text.push_str(&format!("Left: {failed}\n"));
    }
    let (count, freed) = (reaped.removed.len(), size(reaped.bytes_freed()));
    text.push_str(&match (count, reaped.dry_run) {
        (0, _) if !reaped.failed.is_empty() => "Nothing was removed.\n".to_owned(),
        (0, _) => "Nothing of ours is dead.\n".to_owned(),
        (_, true) => format!("{count} would be removed, {freed} freed.\n"),
        (_, false) => format!("{count} removed, {freed} freed.\n"),
    });
    text
}

/// Bytes for a person, in decimal units as `df -H` has them.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use meshproof_harness::lab::reap::{Kept, Kind, Removed};

    use super::*;

    fn removed(kind: Kind, name: &str, why: &str, bytes: u64) -> Removed {
        Removed {
            kind,
            name: name.into(),
            why: why.into(),
            bytes,
        }
    }

    #[test]
    fn what_is_gone_and_what_stays_is_a_table_and_lines() {
        let unheld = "no run holds its cluster";
        let reaped = Reaped {
            dry_run: false,
            removed: vec![
                removed(
                    Kind::Process,
                    "4711 kind create cluster",
                    "the Meshproof that started it is dead",
                    0,
                ),
                removed(Kind::Container, "meshproof-0a1b-worker", unheld, 84_100_000),
                removed(
                    Kind::NodeStores,
                    "/c/nodes/meshproof-0a1b",
                    unheld,
                    1_234_000_000,
                ),
            ],
            kept: vec![Kept {
                kind: Kind::Cluster,
                name: "meshproof-77aa".into(),
                because: "held by pid 99: meshproof guide".into(),
            }],
            failed: vec!["removing volumes failed: it is in use".into()],
        };
        insta::assert_snapshot!(told(&reaped));
        let dry = Reaped {
            dry_run: true,
            ..reaped
        };
        assert!(told(&dry).ends_with("3 would be removed, 1.32 GB freed.\n"));
        assert_eq!(told(&Reaped::default()), "Nothing of ours is dead.\n");
        let without_an_engine = Reaped {
            failed: vec!["no engine answers".into()],
            ..Reaped::default()
        };
        assert_eq!(
            told(&without_an_engine),
            "Left: no engine answers\nNothing was removed.\n"
        );
    }
}
