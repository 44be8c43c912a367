//! `retex serve` and `retex worker`.

use std::process::ExitCode;

use clap::Args;

use crate::{config::Config, error::Result};

/// Settings.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: Config,
}

/// Serves pages and API, with jobs in the same process.
pub fn serve(_arguments: Arguments) -> Result<ExitCode> {
    todo!()
}

/// Runs jobs only.
pub fn worker(_arguments: Arguments) -> Result<ExitCode> {
    todo!()
}
