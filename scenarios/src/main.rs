//! The `meshproof` program: reads the command line and does what it asks.

use std::process::ExitCode;

use clap::Parser;
use meshproof::cli::Cli;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    // Progress is for people; this is for whoever looks for a fault in Meshproof itself.
    let filter =
        EnvFilter::try_from_env("MESHPROOF_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Cli::parse().run().await
}
