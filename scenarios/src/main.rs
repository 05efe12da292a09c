//! The command line.

use clap::{Parser, Subcommand};
use meshproof_harness::lab::{self, Lab, Paths, Wish, images::pins};
use meshproof_harness::progress::{Lines, Progress};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}
#[derive(Subcommand)]
enum Command {
    Images,
    Up {
        #[arg(long)]
        fresh: bool,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let paths = Paths::from_environment()?;
    let progress = Progress::shown_by(Lines::to_stderr());
    match cli.command {
        Command::Images => {
            lab::make_images(&paths, &pins::ISTIO_AUGUST_2026, &progress).await?;
        }
        Command::Up { fresh } => {
            let lab = Lab::obtain(
                &paths,
                &Wish {
                    istio: pins::ISTIO_AUGUST_2026,
                    sidecar_mode: "auto",
                    fresh,
                    timeout_scale: 1.0,
                    command: "up".into(),
                },
                &progress,
            )
            .await?;
            println!("{:#?}", lab.facts().await?);
        }
    }
    Ok(())
}
