//! The command.

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::Result;

/// Its commands.
#[derive(Debug, Subcommand)]
pub enum Command {}

/// Runs one.
pub fn run(_command: Command) -> Result<ExitCode> {
    todo!()
}
