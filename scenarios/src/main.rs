//! The command line.

use clap::{Parser, Subcommand};
use meshproof_harness::lab::{self, Paths, images::pins};
use meshproof_harness::mesh::SidecarMode;
use meshproof_harness::report::{checks, table, folder, folder::RunFolder};
use meshproof::{catalogue, session::{Options, Session}};

#[derive(Parser)]
struct Cli { #[command(subcommand)] command: Command }
#[derive(Subcommand)]
enum Command { Images, Guide { #[arg(long)] fresh: bool, #[arg(long)] keep: bool } }

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let paths = Paths::from_environment()?;
    let progress = meshproof::progress_bar::on_stderr(false);
    match cli.command {
        Command::Images => { lab::make_images(&paths, &pins::ISTIO_AUGUST_2026, &progress).await?; }
        Command::Guide { fresh, keep } => {
            let options = Options { istio: pins::ISTIO_AUGUST_2026, sidecar: SidecarMode::Auto, fresh, timeout_scale: 1.0, gateway_port: 0, command: "guide".into() };
            let mut session = Session::begin(&paths, options, catalogue::checkpoints(), &progress).await?;
            while session.walk.step().await.is_some() {}
            let run = session.finish(folder::run_id(jiff::Timestamp::now(), "guide"), keep).await;
            let folder = RunFolder::create(&paths.state, &run.id)?;
            folder.write(&run)?;
            for o in &run.outcomes { println!("{}", checks::render(o, 110)); }
            println!("{}", table::render(&run, &table::View { width: 110, colour: false, report_json: &folder.report_json(), junit_xml: &folder.junit_xml(), next: "x" }));
        }
    }
    Ok(())
}
