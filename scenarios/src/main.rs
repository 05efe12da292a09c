//! The `meshproof` program: reads the command line and does what it asks.

use std::process::ExitCode;

use clap::Parser;
use meshproof::cli::{Cli, logging};

#[tokio::main]
async fn main() -> ExitCode {
    logging::to_stderr();
    Cli::parse().run().await
}
