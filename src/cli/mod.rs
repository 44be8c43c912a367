//! What each command does, between its arguments and the library: reading files, printing text or JSON, exit codes.

pub mod admin;
pub mod check;
pub mod convention;
pub mod demo;
pub mod evaluate;
pub mod report;
pub mod serve;
pub mod settings;
pub mod template;
mod usage;

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};

use crate::error::{Error, Result};

/// Parses the command line, over the settings' file if one is named. Wrong usage ends the process with exit code 2.
pub fn parse<T: Parser>() -> T {
    let arguments: Vec<_> = std::env::args_os().collect();
    let command = match settings::named(&arguments, std::env::var_os("RETEX_CONFIG")) {
        None => Ok(T::command()),
        Some(file) => settings::apply(T::command(), file.as_ref()),
    };
    let command = usage::in_french(command.unwrap_or_else(|error| refuse(&error)));
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| T::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| {
        if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            refuse(&Error::invalid("usage", format!("{} Ajoutez --help pour voir l'aide.", usage::sentence(&error))))
        }
        // Help and version, asked for.
        error.exit()
    })
}

/// Ends the process on arguments or settings that it cannot follow.
fn refuse(error: &Error) -> ! {
    eprintln!("Erreur [{}] : {}", error.code, error.message);
    std::process::exit(2)
}

/// Prints an error for a person on stderr; exit code 2.
pub fn fail(error: &Error) -> ExitCode {
    eprintln!("Erreur [{}] : {}", error.code, error.message);
    for fault in &error.faults {
        eprintln!("  {} [{}] {}", if fault.pointer.is_empty() { "/" } else { &fault.pointer }, fault.code, fault.message);
    }
    ExitCode::from(2)
}

/// The asynchronous runtime of the commands that need one.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
