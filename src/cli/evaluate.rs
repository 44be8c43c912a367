//! The command.

use std::process::ExitCode;

use clap::Args;

use crate::error::Result;

/// Its arguments.
#[derive(Debug, Args)]
pub struct Arguments {}

/// Runs it.
pub fn run(_arguments: &Arguments) -> Result<ExitCode> {
    todo!()
}
