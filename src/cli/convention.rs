//! `retex convention`: checks the document of a convention.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::{
    convention::Convention,
    error::{Error, Fault, Result},
};

/// Its commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Contrôle le document d'une convention et dit ce qu'il contient.
    Check(Check),
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// La convention, en JSON ou en YAML.
    #[arg(value_name = "FICHIER")]
    file: PathBuf,
    /// Forme du résultat.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// En français, pour une personne.
    Text,
    /// En JSON, pour un programme.
    Json,
}

/// Runs one.
pub fn run(command: &Command) -> Result<ExitCode> {
    let Command::Check(arguments) = command;
    match (Convention::load_file(&arguments.file), arguments.format) {
        (Ok(convention), Format::Text) => println!("{}", summary(&convention)),
        (Ok(convention), Format::Json) => println!("{:#}", description(&convention)),
        (Err(error), Format::Text) => return Err(error),
        (Err(error), Format::Json) => {
            println!("{:#}", json!({ "convention_errors": faults(&error) }));
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The faults of a convention that was refused: its own, or the error itself where it could not be read.
pub(super) fn faults(error: &Error) -> Vec<Fault> {
    if error.faults.is_empty() { vec![Fault::new("", error.code, error.message.clone())] } else { error.faults.clone() }
}

/// For a person.
fn summary(convention: &Convention) -> String {
    let document = &convention.document;
    let day = |d: chrono::NaiveDate| d.format("%d/%m/%Y");
    let mut lines = vec![
        format!("Convention valable : {}", document.title),
        format!("  Identifiant : {} (parcours {})", document.id, document.track),
        format!("  Durée : du {} au {}", day(document.period.start), day(document.period.end)),
        format!("  Structures ({}) :", document.parties.sites.len()),
    ];
    lines.extend(document.parties.sites.iter().map(|s| format!("    {} {}", s.siren, convention.site_name(&s.siren))));
    lines.push(format!("  Jeux de données ({}) :", document.datasets.len()));
    lines.extend(document.datasets.iter().map(|(name, dataset)| {
        let columns = convention.rules.get(name).map_or(0, |r| r.columns().len());
        format!("    {name} : {} ({columns} colonnes)", dataset.title)
    }));
    lines.push(format!("  Indicateurs ({}) :", document.evaluation.indicators.len()));
    lines.extend(document.evaluation.indicators.iter().map(|i| format!("    {} : {}", i.id, i.title)));
    lines.push(format!("  Empreinte (SHA-256) : {}", convention.sha256));
    lines.join("\n")
}

/// For a program.
fn description(convention: &Convention) -> serde_json::Value {
    let document = &convention.document;
    json!({
        "valid": true,
        "convention": { "id": document.id, "title": document.title, "track": document.track, "period": document.period, "sha256": convention.sha256 },
        "sites": document.parties.sites.iter().map(|s| json!({ "siren": s.siren, "name": convention.site_name(&s.siren) })).collect::<Vec<_>>(),
        "datasets": document.datasets.iter().map(|(name, dataset)| json!({
            "name": name,
            "title": dataset.title,
            "columns": convention.rules.get(name).into_iter().flat_map(|r| r.columns()).map(|c| json!({ "name": c.name, "type": c.kind.name() })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "indicators": document.evaluation.indicators.iter().map(|i| json!({ "id": i.id, "title": i.title, "statistic": i.statistic, "role": i.role })).collect::<Vec<_>>(),
    })
}
