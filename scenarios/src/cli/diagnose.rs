//! `diagnose` and `record`: what is wrong in a namespace, and the file from which that is told.
//!
//! Both only read. The cluster is the lab's own unless the user names a context or a kubeconfig;
//! the user's own kubeconfig is read in no other case.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use meshproof_harness::diagnose::view::View;
use meshproof_harness::diagnose::{SNAPSHOT_VERSION, Snapshot, diagnose as apply_rules};
use meshproof_harness::evidence::snapshot;
use meshproof_harness::kube::Kube;
use meshproof_harness::lab::Paths;
use meshproof_harness::outcome::{Conclusion, Diagnosis};
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::report::diagnosis;

use super::own_cluster::own_cluster;
use super::{Outcome, terminal};

/// Which namespace of which cluster.
#[derive(Debug, Clone, Args)]
pub struct Where {
    /// The namespace.
    #[arg(long, short, default_value = GUIDE_NAMESPACE)]
    namespace: String,
    /// A kubeconfig, in place of that of the lab's own cluster.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The lab's cluster, where more than one stands.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["kubeconfig", "context"])]
    cluster: Option<String>,
    /// A context, of your own kubeconfig if none is named.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// What decides a diagnosis.
#[derive(Debug, Clone, Args)]
pub struct DiagnoseArguments {
    #[command(flatten)]
    place: Where,
    /// A file that `record` wrote, in place of a cluster.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kubeconfig", "context", "namespace", "cluster"])]
    from: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What decides a recording.
#[derive(Debug, Clone, Args)]
pub struct RecordArguments {
    #[command(flatten)]
    place: Where,
    /// Where to write it; standard output by default.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What keeps a diagnosis from being made.
#[derive(Debug, thiserror::Error)]
enum CannotDiagnose {
    #[error("{path} cannot be used as a snapshot: {reason}; write one with: meshproof record")]
    File { path: String, reason: String },
}

/// A diagnosis for programs, with what it comes to.
#[derive(Debug, serde::Serialize)]
struct Told<'a> {
    conclusion: Conclusion,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

/// Tells what is wrong: 0 nothing, 1 something, 2 there is no product to speak of, or nothing was found
/// where the nodes or their proxies could not be read.
pub async fn diagnose(paths: &Paths, arguments: DiagnoseArguments) -> Outcome {
    let snapshot = match &arguments.from {
        Some(file) => {
            let unusable = |reason: String| CannotDiagnose::File {
                path: file.display().to_string(),
                reason,
            };
            let text = std::fs::read_to_string(file).map_err(|e| unusable(e.to_string()))?;
            read(&text).map_err(unusable)?
        }
        None => take(paths, &arguments.place).await?,
    };
    let diagnosis = apply_rules(&snapshot);
    let view = View::of(&snapshot);
    let nodes = view.product.len();
    let mute_proxies = view.mute_proxies();
    let conclusion = diagnosis.conclusion(nodes, mute_proxies);
    if arguments.json {
        let told = Told {
            conclusion,
            diagnosis: &diagnosis,
        };
        print_line!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        let at = snapshot
            .recorded
            .at
            .strftime("%Y-%m-%d %H:%M:%S UTC")
            .to_string();
        let clusters: Vec<Vec<&str>> = View::clusters(&snapshot)
            .into_iter()
            .map(|view| view.product.into_iter().map(|pod| pod.name).collect())
            .collect();
        let shown = diagnosis::View {
            namespace: view.namespace(),
            nodes,
            clusters: &clusters,
            mute_proxies,
            at: &at,
            width: terminal::width(),
        };
        print_text!("{}", diagnosis::render(&diagnosis, &shown));
    }
    Ok(ExitCode::from(code(&diagnosis, conclusion)))
}

/// The exit code. Nothing found is well only where there was something to be read: whoever may read
/// neither logs nor proxies finds nothing either.
fn code(diagnosis: &Diagnosis, conclusion: Conclusion) -> u8 {
    match (diagnosis.findings.is_empty(), conclusion) {
        (false, _) => 1,
        (true, Conclusion::NoProduct | Conclusion::NotKnown) => 2,
        (true, _) => 0,
    }
}

/// Writes down what a diagnosis reads.
pub async fn record(paths: &Paths, arguments: RecordArguments) -> Outcome {
    let snapshot = take(paths, &arguments.place).await?;
    let text = serde_json::to_string_pretty(&snapshot)?;
    match &arguments.output {
        Some(file) => {
            std::fs::write(file, text + "\n")
                .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
            print_line!(
                "The namespace {} is on record in {}.",
                arguments.place.namespace,
                file.display()
            );
            print_line!("Next: meshproof diagnose --from {}", file.display());
        }
        None => print_line!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn read(text: &str) -> Result<Snapshot, String> {
    let snapshot: Snapshot = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if snapshot.schema_version == SNAPSHOT_VERSION {
        Ok(snapshot)
    } else {
        Err(format!(
            "it has the form of version {}, this program reads {SNAPSHOT_VERSION}",
            snapshot.schema_version
        ))
    }
}

async fn take(
    paths: &Paths,
    place: &Where,
) -> Result<Snapshot, Box<dyn std::error::Error + Send + Sync>> {
    let kube = match (&place.kubeconfig, &place.context) {
        (None, None) => {
            let cluster = own_cluster(paths, place.cluster.as_deref())?;
            cluster.connect(1.0).await?
        }
        (file, context) => Kube::from_context(file.as_deref(), context.as_deref(), 1.0).await?,
    };
    let command = format!("meshproof record -n {}", place.namespace);
    Ok(snapshot::take(&kube, &place.namespace, &command, &[]).await?)
}

#[cfg(test)]
mod tests {
    use meshproof_harness::diagnose::{TopRecord, rules};
    use meshproof_harness::outcome::{NOT_JOINED, SPLIT, STALL};

    use super::*;

    #[test]
    fn the_codes_that_conclude_are_those_of_the_rules() {
        for (code, word) in [(SPLIT, "split"), (STALL, "stalls")] {
            let rule = rules::ALL.iter().find(|rule| rule.code == code);
            let title = rule.expect("a rule of this code").title;
            assert!(title.contains(word), "{code}: {title}");
        }
        for code in NOT_JOINED {
            assert!(rules::ALL.iter().any(|rule| rule.code == code), "{code}");
        }
    }

    fn recorded(name: &str) -> Snapshot {
        let folder = "../harness/fixtures/snapshots";
        let path = format!("{}/{folder}/{name}.json", env!("CARGO_MANIFEST_DIR"));
        read(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn comes_to(snapshot: &Snapshot) -> (Conclusion, u8) {
        let diagnosis = apply_rules(snapshot);
        let view = View::of(snapshot);
        let conclusion = diagnosis.conclusion(view.product.len(), view.mute_proxies());
        (conclusion, code(&diagnosis, conclusion))
    }

    #[test]
    fn what_nobody_could_read_is_not_taken_for_healthy() {
        let mut snapshot = recorded("healthy");
        assert_eq!(comes_to(&snapshot), (Conclusion::Healthy, 0));
        let uncounted = recorded("healthy-without-matcher");
        assert_eq!(comes_to(&uncounted), (Conclusion::OneCluster, 0));
        for proxy in &mut snapshot.proxies {
            proxy.samples.clear();
        }
        assert_eq!(comes_to(&snapshot), (Conclusion::NotKnown, 2));
        snapshot.proxies.clear();
        assert_eq!(comes_to(&snapshot), (Conclusion::NotKnown, 2));
        let mut mute = recorded("healthy");
        for node in &mut mute.nodes {
            node.log = None;
        }
        assert_eq!(comes_to(&mute), (Conclusion::NotKnown, 2));
        let mut unasked = recorded("healthy");
        for node in &mut unasked.nodes {
            node.top = TopRecord::NoAnswer("pods may not be forwarded to".into());
        }
        assert_eq!(comes_to(&unasked), (Conclusion::Healthy, 0));
        unasked.nodes[1].log = None;
        assert_eq!(comes_to(&unasked), (Conclusion::NotKnown, 2));
        unasked.objects.clear();
        assert_eq!(comes_to(&unasked), (Conclusion::NoProduct, 2));
        assert_eq!(comes_to(&recorded("t2a")), (Conclusion::Split, 1));
    }

    #[test]
    fn programs_are_told_what_it_comes_to_beside_the_findings() {
        let diagnosis = apply_rules(&recorded("t2b"));
        let told = Told {
            conclusion: diagnosis.conclusion(2, 0),
            diagnosis: &diagnosis,
        };
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(told["conclusion"], "stall");
        assert_eq!(told["findings"][0]["code"], "MP001");
        assert!(told["unknown"].is_array());
    }

    #[test]
    fn what_is_no_snapshot_is_told_so() {
        assert!(read("{}").unwrap_err().contains("missing field"));
    }
}
