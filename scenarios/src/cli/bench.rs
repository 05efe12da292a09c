//! `bench`: how long the guide takes from no cluster and on a warm one, and what we use ourselves.
//!
//! Each run is a process of its own, so that what it uses can be told from what was used before.

use std::process::ExitCode;
use std::time::Instant;

use meshproof_harness::process::Program;
use meshproof_harness::report::json;

use super::Outcome;

/// Measures and prints.
pub async fn run(runs: u32) -> Outcome {
    print_line!(
        "{:22} {:>8} {:>12} {:>10}  verdicts",
        "run",
        "wall s",
        "own CPU s",
        "own MiB"
    );
    let mut green = true;
    for (name, arguments) in [
        ("guide --fresh", vec!["guide", "--fresh", "--json"]),
        ("guide, warm", vec!["guide", "--json"]),
    ] {
        let mut walls = vec![];
        for number in 1..=runs {
            let begun = Instant::now();
            let ended = Program::new(std::env::current_exe()?)
                .args(arguments.clone())
                .run()
                .await?;
            let wall = begun.elapsed().as_secs_f64();
            let report = json::parse(&ended.stdout)?;
            green &= report.is_green();
            let (cpu, memory) = report
                .process
                .map_or((0.0, 0.0), |p| (p.cpu_seconds, p.peak_memory_mib));
            let verdicts: Vec<String> = report
                .outcomes
                .iter()
                .map(|o| format!("{} {}", o.id, o.verdict.name()))
                .collect();
            print_line!(
                "{:22} {wall:8.1} {cpu:12.2} {memory:10.1}  {}",
                format!("{name} #{number}"),
                verdicts.join(", ")
            );
            walls.push(wall);
        }
        walls.sort_by(f64::total_cmp);
        if let Some(median) = walls.get(walls.len() / 2) {
            print_line!("{:22} {median:8.1}", format!("{name}, median"));
        }
    }
    Ok(if green {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
