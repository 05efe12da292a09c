//! `doctor`: what this machine has and lacks for a lab.

use std::process::ExitCode;

use meshproof_harness::lab::doctor::{Examination, Facts, lines};
use meshproof_harness::lab::{IstioBuild, Paths};
use serde_json::json;

use super::Outcome;
use crate::images_options::MirrorArgument;

/// Tells it: 0 if a lab can be had, from images that are there or from at least one source, else 2.
pub async fn run(
    paths: &Paths,
    istio: &IstioBuild,
    mirror: &MirrorArgument,
    as_json: bool,
) -> Outcome {
    let facts = Facts::gather(paths, istio, mirror.mirror()?.as_ref()).await;
    let examination = Examination::of(&facts);
    if as_json {
        let told = json!({
            "can_run": examination.can_run(), "facts": facts, "examination": examination,
        });
        print_line!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        print_text!("{}", lines(&facts, &examination));
    }
    Ok(match examination.can_run() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(2),
    })
}
