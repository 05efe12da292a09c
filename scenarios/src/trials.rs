//! How the catalogue reads as `cargo test` trials: names, results, and what the environment asks.
//!
//! Pure functions; the program that runs the trials is `tests/catalogue`. What is asked on the
//! command line elsewhere (`--istio`, `--timeout-scale`) comes from variables here, because the
//! command line of a test program belongs to the test harness.

use std::ffi::OsString;
use std::path::PathBuf;

use meshproof_harness::lab::Allowed;
use meshproof_harness::lab::images::WishError;
use meshproof_harness::mesh::MeshValuesError;
use meshproof_harness::mesh::SidecarMode;
use meshproof_harness::outcome::{ScenarioOutcome, Verdict};
use meshproof_harness::product::Product;
use meshproof_harness::report::{checks, table};
use meshproof_harness::scenario::{About, jobs_here};

use crate::catalogue;
use crate::duration;
use crate::gridgain_options::{ProductArguments, ProductError};
use crate::images_options::{ImagesArguments, mesh_values};
use crate::rotation::{self, Rotation};
use crate::session::{EXPECTATIONS, Options};

/// The kind of every trial that needs a cluster; `cargo test cluster` runs them all.
pub const KIND: &str = "cluster";

/// The variable that names the commit whose turn of cases is to be run; without it, all are.
pub const ROTATE: &str = "MESHPROOF_ROTATE";

/// The catalogue's cases, by whether they run on a commit; all do where none is named, and those that
/// nothing can ask without GridGain always.
pub fn rotation_of(commit: Option<&str>) -> Rotation {
    let Some(commit) = commit.filter(|commit| !commit.trim().is_empty()) else {
        return Rotation::default();
    };
    let cases = catalogue::cases();
    let abouts: Vec<About> = cases.iter().map(|case| case.about).collect();
    // What nothing can ask here costs nothing, and takes no other case's turn.
    let blocked = cases
        .iter()
        .filter(|case| case.blocked(&Product::Ignite).is_some());
    let blocked: Vec<&str> = blocked.map(|case| case.about.id).collect();
    let always = [rotation::ALWAYS, &blocked].concat();
    rotation::rotation(&abouts, &always, commit, rotation::BUDGET + blocked.len())
}

/// A scenario's name as a trial: its id, then its title in the form of a test's name.
pub fn name(about: &About) -> String {
    let title = about.title.to_lowercase().replace(['\'', '’'], "");
    let words = title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    format!("{}::{}", about.id, words.collect::<Vec<_>>().join("-"))
}

/// What a trial tells the test harness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It passed.
    Passed,
    /// It could not be asked, for a reason on record.
    Ignored(String),
    /// It failed, with the whole story.
    Failed(String),
}

impl Told {
    /// What a scenario's outcome is as a trial: it passes if the outcome is on record.
    ///
    /// A `Blocked` on record is no pass, since nothing was shown, and no failure either.
    pub fn of(outcome: &ScenarioOutcome) -> Self {
        let expected = &outcome.expectation;
        match &outcome.verdict {
            Verdict::Blocked { reason } if expected.green => Self::Ignored(reason.clone()),
            _ if expected.green => Self::Passed,
            verdict => {
                let on_record = match expected.on_record.as_slice() {
                    [] => "nothing".to_owned(),
                    known => known.join(", "),
                };
                Self::Failed(format!(
                    "{} is not on record; on record: {on_record} ({})\n\n{}",
                    verdict.name(),
                    expected.yardstick,
                    checks::render(outcome, table::DEFAULT_WIDTH),
                ))
            }
        }
    }
}

/// What the environment asks of the trials.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the session is to do.
    pub options: Options,
    /// How many cases may run side by side.
    pub jobs: usize,
    /// Which cases are left out because they take turns.
    pub rotation: Rotation,
}

/// A variable that does not say what it could say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskedError {
    /// `MESHPROOF_SOURCE`, `MESHPROOF_ISTIO` and the others that decide the images.
    #[error(transparent)]
    Images(#[from] WishError),
    /// `MESHPROOF_MESH_VALUES`.
    #[error(transparent)]
    MeshValues(#[from] MeshValuesError),
    /// `MESHPROOF_SIDECAR`.
    #[error("MESHPROOF_SIDECAR is {0:?}; unset it or use one of auto, native, classic")]
    Sidecar(String),
    /// `MESHPROOF_TIMEOUT_SCALE`.
    #[error("MESHPROOF_TIMEOUT_SCALE is {0:?}; unset it or give a number above 0, such as 1.5")]
    TimeoutScale(String),
    /// `MESHPROOF_LIMIT`.
    #[error("MESHPROOF_LIMIT is {0:?}; unset it or give a duration, such as 20m or 1h30m")]
    Limit(String),
    /// `MESHPROOF_JOBS`.
    #[error("MESHPROOF_JOBS is {0:?}; unset it or give a whole number of 1 or more")]
    Jobs(String),
    /// `MESHPROOF_PRODUCT`, `MESHPROOF_GRIDGAIN_IMAGE` and the license files.
    #[error(transparent)]
    Product(#[from] ProductError),
}

/// Reads what is asked: `MESHPROOF_MESH_VALUES` (a file of install values), `MESHPROOF_SIDECAR` (how pods get their
/// sidecar: auto, native, classic), `MESHPROOF_TIMEOUT_SCALE` (the factor on every limit),
/// `MESHPROOF_LIMIT` (how long the whole run may take),
/// `MESHPROOF_JOBS` (cases side by side), `MESHPROOF_KEEP` (leave all on the cluster),
/// `MESHPROOF_ROTATE` (the commit whose turn of cases is run), `CI` (begin with a fresh cluster), and
/// what [`ProductArguments::from_environment`] and [`ImagesArguments::from_environment`] read.
///
/// # Errors
/// The first variable that does not say what it could say.
pub fn asked(variable: impl Fn(&str) -> Option<OsString>) -> Result<Asked, AskedError> {
    let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
    let set = |name| text(name).is_some_and(|value| !matches!(&*value, "" | "0" | "false"));
    let images = ImagesArguments::from_environment(&variable).wish()?;
    let mesh_values = mesh_values(
        variable("MESHPROOF_MESH_VALUES")
            .map(PathBuf::from)
            .as_ref(),
    )?;
    let sidecar = text("MESHPROOF_SIDECAR").map_or(Ok(SidecarMode::Auto), sidecar)?;
    let timeout_scale = match text("MESHPROOF_TIMEOUT_SCALE") {
        None => 1.0,
        Some(scale) => match scale.parse() {
            Ok(factor) if f64::is_normal(factor) && factor > 0.0 => factor,
            _ => return Err(AskedError::TimeoutScale(scale)),
        },
    };
    let limit = match text("MESHPROOF_LIMIT") {
        None => None,
        Some(limit) => Some(duration::parse(&limit).map_err(|_| AskedError::Limit(limit))?),
    };
    let jobs = match text("MESHPROOF_JOBS") {
        None => jobs_here(),
        Some(jobs) => match jobs.parse() {
            Ok(jobs) if jobs > 0 => jobs,
            _ => return Err(AskedError::Jobs(jobs)),
        },
    };
    let product = ProductArguments::from_environment(&variable)?.product()?;
    Ok(Asked {
        options: Options {
            product,
            images,
            // Nothing is installed or downloaded by a test.
            allowed: Allowed::ToLook,
            mesh_values,
            sidecar,
            // nextest runs every trial as a process of its own: fresh once per run cannot be told
            // from there, and fresh once per trial would be absurd.
            fresh: set("CI") && !set("NEXTEST"),
            timeout_scale,
            limit,
            gateway_port: 0,
            keep: set("MESHPROOF_KEEP"),
            expectations: EXPECTATIONS.to_owned(),
            command: "cargo test".into(),
        },
        jobs,
        rotation: rotation_of(text(ROTATE).as_deref()),
    })
}

fn sidecar(name: String) -> Result<SidecarMode, AskedError> {
    [SidecarMode::Auto, SidecarMode::Native, SidecarMode::Classic]
        .into_iter()
        .find(|mode| mode.name() == name)
        .ok_or(AskedError::Sidecar(name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use meshproof_harness::lab::images::pins;
    use meshproof_harness::lab::{ImagesWish, IstioWish};
    use meshproof_harness::outcome::{Check, ExpectationResult, Standing};

    use super::*;
    use crate::sample;

    fn outcome(verdict: Verdict, green: bool) -> ScenarioOutcome {
        let seen = "servers=1 on ignite-1";
        ScenarioOutcome {
            decided_by: seen.into(),
            checks: vec![Check::answered(
                Standing::Truth,
                "servers=2",
                false,
                seen,
                vec![],
            )],
            expectation: ExpectationResult {
                green,
                on_record: vec!["Confirmed (7)".into()],
                yardstick: "the record of Istio 1.29.1".into(),
            },
            ..sample::outcome("C3", verdict)
        }
    }

    fn ask(variables: &[(&str, &str)]) -> Result<Asked, AskedError> {
        asked(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn every_scenario_has_a_name_of_its_own_that_can_be_typed() {
        let scenarios = catalogue::all();
        let names: HashSet<String> = scenarios.iter().map(|s| name(&s.about)).collect();
        assert_eq!(names.len(), scenarios.len());
        for name in names {
            let typed = |c: char| c.is_alphanumeric() || c == '-' || c == ':';
            assert!(name.chars().all(typed), "{name}");
        }
    }

    #[test]
    fn a_name_is_the_id_and_the_title() {
        let scenario = catalogue::all().remove(0);
        let about = About {
            id: "C1b",
            title: "The guide's API  (v1) is served!",
            ..scenario.about
        };
        assert_eq!(name(&about), "C1b::the-guides-api-v1-is-served");
    }

    #[test]
    fn what_is_on_record_passes_whatever_it_is() {
        assert_eq!(Told::of(&outcome(Verdict::Confirmed, true)), Told::Passed);
        assert_eq!(Told::of(&outcome(Verdict::Differs, true)), Told::Passed);
    }

    #[test]
    fn blocked_for_a_reason_on_record_is_ignored_because() {
        let blocked = |green| {
            outcome(
                Verdict::Blocked {
                    reason: "no filter".into(),
                },
                green,
            )
        };
        assert_eq!(Told::of(&blocked(true)), Told::Ignored("no filter".into()));
        assert!(matches!(Told::of(&blocked(false)), Told::Failed(_)));
    }

    #[test]
    fn news_fails_with_what_is_on_record_and_what_was_seen() {
        let Told::Failed(text) = Told::of(&outcome(Verdict::Differs, false)) else {
            panic!("news has to fail");
        };
        for part in [
            "Differs is not on record; on record: Confirmed (7) (the record of Istio 1.29.1)",
            "FAILS",
            "seen: servers=1 on ignite-1",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }

    #[test]
    fn with_nothing_asked_the_default_build_is_reused_and_cleaned_up() {
        let asked = ask(&[]).unwrap();
        assert_eq!(asked.options.images, ImagesWish::default());
        assert_eq!(asked.options.allowed, Allowed::ToLook);
        assert_eq!(asked.options.sidecar, SidecarMode::Auto);
        assert!(!asked.options.fresh && !asked.options.keep);
        assert_eq!(asked.options.timeout_scale, 1.0);
    }

    #[test]
    fn cases_take_turns_only_where_a_commit_is_named() {
        assert_eq!(ask(&[]).unwrap().rotation, Rotation::default());
        assert_eq!(ask(&[(ROTATE, " ")]).unwrap().rotation, Rotation::default());
        let rotation = ask(&[(ROTATE, "abc")]).unwrap().rotation;
        let cases = catalogue::cases().len();
        assert_eq!(rotation.run.len() + rotation.left_out.len(), cases);
        assert!(
            !catalogue::checkpoints()
                .iter()
                .any(|c| rotation.leaves_out(c.about.id))
        );
    }

    #[test]
    fn what_is_blocked_here_takes_no_cases_turn() {
        let commits = ["a", "b", "c", "d", "e"].map(|name| rotation_of(Some(name)));
        for rotation in commits {
            let blocked = ["T4b", "T4c", "T4d"];
            assert!(blocked.iter().all(|id| !rotation.leaves_out(id)));
            let asked = rotation.run.iter().filter(|id| !blocked.contains(id));
            assert!((3..=rotation::BUDGET).contains(&asked.count()));
        }
    }

    #[test]
    fn in_ci_the_cluster_is_fresh_but_not_once_per_trial() {
        assert!(ask(&[("CI", "true")]).unwrap().options.fresh);
        assert!(!ask(&[("CI", "false")]).unwrap().options.fresh);
        assert!(!ask(&[("CI", "1"), ("NEXTEST", "1")]).unwrap().options.fresh);
    }

    #[test]
    fn variables_are_taken_or_told_of() {
        let id = pins::DEFAULT_ISTIO;
        let all = [
            ("MESHPROOF_ISTIO", id),
            ("MESHPROOF_TIMEOUT_SCALE", "2.5"),
            ("MESHPROOF_KEEP", "1"),
            ("MESHPROOF_JOBS", "3"),
        ];
        let asked = ask(&all).unwrap();
        assert!(asked.options.keep);
        assert_eq!(asked.jobs, 3);
        let none = ask(&[("MESHPROOF_JOBS", "0")]).unwrap_err();
        assert_eq!(none, AskedError::Jobs("0".into()));
        assert_eq!(asked.options.timeout_scale, 2.5);
        let build = IstioWish::Build(pins::ISTIO_AUGUST_2026);
        assert_eq!(asked.options.images.istio, build);

        for mode in [SidecarMode::Auto, SidecarMode::Native, SidecarMode::Classic] {
            let asked = ask(&[("MESHPROOF_SIDECAR", mode.name())]).unwrap();
            assert_eq!(asked.options.sidecar, mode);
        }
        let none = ask(&[("MESHPROOF_SIDECAR", "Native")]).unwrap_err();
        assert_eq!(none, AskedError::Sidecar("Native".into()));

        let product = ask(&[("MESHPROOF_PRODUCT", "gridgain")]).unwrap();
        assert_eq!(product.options.product.name(), "GridGain");
        let none = ask(&[("MESHPROOF_PRODUCT", "x")]).unwrap_err();
        assert_eq!(none, AskedError::Product(ProductError::Unknown("x".into())));

        let unknown = ask(&[("MESHPROOF_ISTIO", "1.0")]).unwrap_err().to_string();
        assert!(
            unknown.contains("\"1.0\"") && unknown.contains(id),
            "{unknown}"
        );
        let limited = ask(&[("MESHPROOF_LIMIT", "20m")]).unwrap().options.limit;
        assert_eq!(limited, Some(std::time::Duration::from_secs(1200)));
        let none = ask(&[("MESHPROOF_LIMIT", "soon")]).unwrap_err();
        assert_eq!(none, AskedError::Limit("soon".into()));
        for scale in ["fast", "0", "-1", "NaN", "inf"] {
            let error = ask(&[("MESHPROOF_TIMEOUT_SCALE", scale)]).unwrap_err();
            assert_eq!(error, AskedError::TimeoutScale(scale.into()));
        }
    }
}
