//! What each command does, between its arguments and the library: reading files, printing text or JSON, exit codes.

pub mod admin;
pub mod check;
pub mod convention;
pub mod demo;
pub mod evaluate;
pub mod report;
pub mod serve;

use std::process::ExitCode;

use clap::Parser;

use crate::error::Error;

/// Parses the command line.
pub fn parse<T: Parser>() -> T {
    T::parse()
}

/// Prints an error for a person on stderr; exit code 2.
pub fn fail(error: &Error) -> ExitCode {
    eprintln!("Erreur [{}] : {}", error.code, error.message);
    for fault in &error.faults {
        eprintln!("  {} [{}] {}", if fault.pointer.is_empty() { "/" } else { &fault.pointer }, fault.code, fault.message);
    }
    ExitCode::from(2)
}
