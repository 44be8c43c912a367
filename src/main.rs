//! The command line: one line per command, each calls the library.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use retex::cli;

/// Blocks of a megabyte that one thread makes and another frees: the system's allocator gives them back to the kernel each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "retex", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Contrôle un fichier selon une convention ou un schéma.
    Check(cli::check::Arguments),
    /// Calcule les indicateurs d'une convention sur un dossier de dépôts.
    Evaluate(cli::evaluate::Arguments),
    /// Écrit le rapport d'évaluation (PDF ou HTML).
    Report(cli::report::Arguments),
    /// Donne le modèle à remplir ou le dictionnaire d'un jeu de données.
    Template(cli::template::Arguments),
    /// Contrôle un document de convention.
    #[command(subcommand)]
    Convention(cli::convention::Command),
    /// Ouvre la plateforme.
    Serve(cli::serve::Arguments),
    /// Mène les traitements sans servir de pages.
    Worker(cli::serve::Arguments),
    /// Ouvre une plateforme d'essai avec des parcours, des dépôts et des comptes.
    Demo(cli::demo::Arguments),
    /// Administre la plateforme.
    #[command(subcommand)]
    Admin(cli::admin::Command),
    /// Lit un classeur à part, dans des limites de mémoire et de temps (usage interne).
    #[command(hide = true)]
    DecodeSpreadsheet,
}

fn main() -> ExitCode {
    let outcome = match cli::parse::<Arguments>().command {
        Command::Check(a) => cli::check::run(&a),
        Command::Evaluate(a) => cli::evaluate::run(&a),
        Command::Report(a) => cli::report::run(&a),
        Command::Template(a) => cli::template::run(&a),
        Command::Convention(c) => cli::convention::run(&c),
        Command::Serve(a) => cli::serve::serve(a),
        Command::Worker(a) => cli::serve::worker(a),
        Command::Demo(a) => cli::demo::run(a),
        Command::Admin(c) => cli::admin::run(c),
        Command::DecodeSpreadsheet => Ok(retex::deposit::decode::serve()),
    };
    outcome.unwrap_or_else(|error| cli::fail(&error))
}
