//! `logs`: what the containers of a scenario wrote, from its namespace while it stands and from the
//! last run's capture afterwards.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use meshproof_harness::kube::{Kube, KubeError};
use meshproof_harness::lab::Paths;
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::report::folder::CAPTURES;
use meshproof_harness::scenario::{Scenario, namespace_of};

use super::Outcome;
use super::own_cluster::{NoCluster, own_cluster};
use crate::catalogue;

/// Which logs.
#[derive(Debug, Clone, clap::Args)]
pub struct LogsArguments {
    /// The scenario's id, such as `T2b`.
    scenario: String,
    /// Only containers of this name, such as `ignite-node` or `istio-proxy`.
    #[arg(long, short)]
    container: Option<String>,
    /// The lab's cluster, where more than one stands.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
}

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
enum NoLogs {
    #[error("no scenario is called {0:?}; meshproof list tells their ids")]
    Unknown(String),
    #[error(
        "nothing of {id} is kept: its namespace {namespace} is gone{why}, and no run captured it; \
         to keep it: meshproof run {id} --keep"
    )]
    Nothing {
        id: &'static str,
        namespace: String,
        why: String,
    },
    #[error("no container of {id} that was asked for has a log; there are: {}", .known.join(", "))]
    NoContainer {
        id: &'static str,
        known: Vec<String>,
    },
}

/// Prints them.
pub async fn run(paths: &Paths, arguments: LogsArguments) -> Outcome {
    let all = catalogue::all();
    let scenario = all
        .iter()
        .find(|s| s.about.id.eq_ignore_ascii_case(&arguments.scenario))
        .ok_or_else(|| NoLogs::Unknown(arguments.scenario.clone()))?;
    let id = scenario.about.id;
    let first = namespace(scenario);
    let wanted = |container: &str| {
        arguments
            .container
            .as_deref()
            .is_none_or(|c| c == container)
    };
    let why = match live(paths, &arguments, &first).await {
        Ok(Some((kube, namespace))) => {
            return ended(id, print_live(&kube, &namespace, wanted).await?);
        }
        Ok(None) => String::new(),
        // An engine or a cluster that is down does not hide what was written down.
        Err(error) => format!(" ({error})"),
    };
    let Some(capture) = last_capture(&paths.state, id) else {
        let namespace = first;
        return Err(NoLogs::Nothing { id, namespace, why }.into());
    };
    eprintln!(
        "meshproof: the namespace {first} is gone{why}; this is what was captured in {}",
        capture.display()
    );
    let mut printed = Printed::default();
    for log in captured_logs(&capture, &first) {
        if printed.takes(&log.container, wanted) {
            let text = std::fs::read_to_string(&log.file)?;
            print_one(&log.pod, &log.container, &text);
        }
    }
    ended(id, printed)
}

/// What was printed, and what there was besides.
#[derive(Default)]
struct Printed {
    any: bool,
    passed_over: Vec<String>,
}

impl Printed {
    /// Whether this container is to be printed.
    fn takes(&mut self, container: &str, wanted: impl Fn(&str) -> bool) -> bool {
        let takes = wanted(container);
        self.any |= takes;
        let known = |name: &String| name == container;
        if !takes && !self.passed_over.iter().any(known) {
            self.passed_over.push(container.to_owned());
        }
        takes
    }
}

fn ended(id: &'static str, printed: Printed) -> Outcome {
    match printed.any {
        true => Ok(ExitCode::SUCCESS),
        false => Err(NoLogs::NoContainer {
            id,
            known: printed.passed_over,
        }
        .into()),
    }
}

/// The namespace that a scenario's first round fills.
fn namespace(scenario: &Scenario) -> String {
    match scenario.is_step() {
        true => GUIDE_NAMESPACE.to_owned(),
        false => namespace_of(scenario.about.id, 0),
    }
}

/// The cluster and the scenario's namespace on it, of the latest round that is there.
async fn live(
    paths: &Paths,
    arguments: &LogsArguments,
    first: &str,
) -> Result<Option<(Kube, String)>, Box<dyn std::error::Error + Send + Sync>> {
    let cluster = match own_cluster(paths, arguments.cluster.as_deref()) {
        Ok(cluster) => cluster,
        Err(NoCluster::None(_)) if arguments.cluster.is_none() => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let kube = cluster.connect(1.0).await?;
    let api: Api<Namespace> = Api::all(kube.client());
    let listed = api.list(&ListParams::default()).await;
    let listed = listed.map_err(KubeError::api("listing the namespaces"))?;
    let names = listed.items.iter().map(ResourceExt::name_any);
    let latest = names.filter_map(|name| Some((round(&name, first)?, name)));
    Ok(latest.max().map(|(_, name)| (kube, name)))
}

/// Which round of a scenario a namespace is of: the first has the plain name.
fn round(name: &str, first: &str) -> Option<u32> {
    match name.strip_prefix(first)? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

async fn print_live(
    kube: &Kube,
    namespace: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Printed, KubeError> {
    let api: Api<Pod> = Api::namespaced(kube.client(), namespace);
    let pods = api.list(&ListParams::default()).await;
    let pods = pods.map_err(KubeError::api(format!("listing the pods of {namespace}")))?;
    let mut printed = Printed::default();
    for pod in &pods.items {
        let name = pod.name_any();
        for container in containers(pod) {
            if !printed.takes(container, &wanted) {
                continue;
            }
            // A container that was never started has no log, which is told and stops nothing.
            match kube.log(namespace, &name, container).await {
                Ok(text) => print_one(&name, container, &text),
                Err(error) => print_one(&name, container, &format!("(no log: {error})")),
            }
        }
    }
    Ok(printed)
}

fn containers(pod: &Pod) -> impl Iterator<Item = &str> {
    let spec = pod.spec.iter();
    spec.flat_map(|spec| {
        let init = spec.init_containers.iter().flatten();
        init.chain(&spec.containers).map(|c| c.name.as_str())
    })
}

fn print_one(pod: &str, container: &str, text: &str) {
    print_line!("==> {pod} {container} <==\n{}\n", text.trim_end());
}

/// The latest run's capture of a scenario.
fn last_capture(state: &Path, id: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(state.join("runs")).ok()?;
    let mut runs: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| !path.is_symlink())
        .collect();
    // A run's id begins with the moment at which it began.
    runs.sort();
    runs.iter().rev().find_map(|run| {
        let captures = std::fs::read_dir(run.join(CAPTURES)).ok()?;
        let rounds = captures.flatten().filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            Some((round(&name, &id.to_lowercase())?, entry.path()))
        });
        rounds.max().map(|(_, path)| path)
    })
}

/// One captured log.
struct CapturedLog {
    pod: String,
    container: String,
    file: PathBuf,
}

/// The captured logs of a scenario's own namespace: `NAMESPACE/logs/POD/CONTAINER.log`.
fn captured_logs(capture: &Path, first: &str) -> Vec<CapturedLog> {
    let entries = |folder: &Path| {
        let read = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<_> = read.map(|entry| entry.path()).collect();
        found.sort();
        found
    };
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let mut logs = vec![];
    for namespace in entries(capture) {
        if round(&name(&namespace), first).is_none() {
            continue;
        }
        for pod in entries(&namespace.join("logs")) {
            for file in entries(&pod) {
                if let Some(container) = name(&file).strip_suffix(".log") {
                    logs.push(CapturedLog {
                        pod: name(&pod),
                        container: container.to_owned(),
                        file,
                    });
                }
            }
        }
    }
    logs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_told_apart_from_other_cases() {
        let of = |name| round(name, "meshproof-t2");
        assert_eq!(of("meshproof-t2"), Some(1));
        assert_eq!(of("meshproof-t2-3"), Some(3));
        assert_eq!(of("meshproof-t2b"), None);
        assert_eq!(of("meshproof-t2b-2"), None);
    }

    #[test]
    fn every_scenario_is_looked_for_where_it_runs() {
        for scenario in catalogue::all() {
            let expected = match scenario.is_step() {
                true => GUIDE_NAMESPACE.to_owned(),
                false => format!("meshproof-{}", scenario.about.id.to_lowercase()),
            };
            assert_eq!(namespace(&scenario), expected);
        }
    }

    #[test]
    fn the_latest_capture_is_found_and_only_its_own_namespace_read() {
        let state = tempfile::tempdir().unwrap();
        let file = |path: &str| {
            let path = state.path().join("runs").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "line\n").unwrap();
        };
        file("20261125T0100Z-run-1/captures/T1c/meshproof-t1c/logs/ignite-0/ignite.log");
        file("20261125T0200Z-run-2/captures/T1C/meshproof-t1c/logs/ignite-0/ignite.log");
        file("20261125T0200Z-run-2/captures/T1C-2/meshproof-t1c-2/logs/ignite-1/ignite.log");
        file(
            "20261125T0200Z-run-2/captures/T1C-2/meshproof-t1c-2/logs/ignite-1/ignite.previous.log",
        );
        file("20261125T0200Z-run-2/captures/T1C-2/istio-system/logs/istiod/discovery.log");
        file("20261125T0300Z-run-3/captures/T2B/meshproof-t2b/logs/ignite-0/ignite.log");
        let capture = last_capture(state.path(), "T1c").unwrap();
        assert!(capture.ends_with("20261125T0200Z-run-2/captures/T1C-2"));
        let logs = captured_logs(&capture, "meshproof-t1c");
        let found: Vec<_> = logs
            .iter()
            .map(|l| format!("{} {}", l.pod, l.container))
            .collect();
        assert_eq!(found, ["ignite-1 ignite", "ignite-1 ignite.previous"]);
        assert_eq!(last_capture(state.path(), "T3"), None);
    }
}
