//! `retex template`: what a dataset's depositors are given, from a convention's document.

use std::{fs, io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};

use crate::{
    convention::Convention,
    error::{Error, Result},
    report::given::{self, Form},
};

/// Its arguments.
#[derive(Debug, Args)]
pub struct Arguments {
    /// La convention, en JSON ou en YAML.
    #[arg(value_name = "CONVENTION")]
    convention: PathBuf,
    /// Le jeu de données ; inutile quand la convention n'en a qu'un.
    #[arg(value_name = "JEU")]
    dataset: Option<String>,
    /// Forme du modèle.
    #[arg(long, value_enum, default_value = "xlsx")]
    format: TemplateFormat,
    /// Le fichier à écrire ; la sortie standard si absent.
    #[arg(long, value_name = "FICHIER")]
    out: Option<PathBuf>,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TemplateFormat {
    /// Un classeur à remplir, avec son guide.
    Xlsx,
    /// La ligne des titres, à remplir.
    Csv,
    /// Le dictionnaire des données, en Markdown.
    Md,
    /// Le dictionnaire en Table Schema.
    TableSchema,
    /// Le dictionnaire en JSON Schema.
    JsonSchema,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let convention = Convention::load_file(&arguments.convention)?;
    let document = &convention.document;
    let list = || document.datasets.keys().map(|n| format!("«\u{a0}{n}\u{a0}»")).collect::<Vec<_>>().join(", ");
    let name = match (&arguments.dataset, document.datasets.len()) {
        (Some(name), _) => name.as_str(),
        (None, 1) => document.datasets.keys().next().map_or("", String::as_str),
        (None, _) => {
            let message = format!("Cette convention demande plusieurs jeux de données\u{a0}: nommez l'un de {}.", list());
            return Err(Error::invalid("dataset_missing", message));
        }
    };
    let Some((dataset, rules)) = document.datasets.get(name).zip(convention.rules.get(name)) else {
        let message = format!("«\u{a0}{name}\u{a0}» n'est pas un jeu de données de cette convention\u{a0}: choisissez parmi {}.", list());
        return Err(Error::invalid("dataset_unknown", message));
    };
    let form = match arguments.format {
        TemplateFormat::Xlsx => Form::Workbook,
        TemplateFormat::Csv => Form::Csv,
        TemplateFormat::Md => Form::Dictionary,
        TemplateFormat::TableSchema => Form::TableSchema,
        TemplateFormat::JsonSchema => Form::JsonSchema,
    };
    let given = given::give(form, document, name, dataset, rules)?;
    match &arguments.out {
        Some(path) => fs::write(path, given.bytes)?,
        None => {
            let mut out = std::io::stdout();
            match out.write_all(&given.bytes).and_then(|()| out.flush()) {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(error.into()),
                _ => {}
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
