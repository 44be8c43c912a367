//! `retex evaluate`: a folder of deposits → its evaluation, as text or JSON. Nothing is withheld here.

mod text;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::convention::{Format, faults};
use crate::{
    convention::Convention,
    deposit::folder::{self, Rejected},
    error::{Error, Result},
    evaluation::{evaluate, result::Evaluation},
    report::comparison::{self, Form},
};

/// Its arguments.
#[derive(Debug, Args)]
pub struct Arguments {
    /// La convention (JSON ou YAML).
    #[arg(long, value_name = "FICHIER")]
    convention: PathBuf,
    /// Le dossier des dépôts : <SIREN ou code INSEE>/<jeu de données>/*.csv, xlsx, ods, parquet ou jsonl.
    #[arg(long, value_name = "DOSSIER")]
    deposits: PathBuf,
    /// Tire les conclusions : à ne faire qu'une fois, sur les données complètes.
    #[arg(long = "final")]
    is_final: bool,
    /// Écrit dans ce dossier la comparaison des structures : CSV, XLSX, Parquet, JSON, et les scripts R et Python qui la refont.
    #[arg(long, value_name = "DOSSIER")]
    comparison: Option<PathBuf>,
    /// Ce qui est écrit sur la sortie.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    /// Files that were left out.
    rejected: &'a [Rejected],
}

/// Runs it: exit code 0, or 1 where a file was left out.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let convention = match Convention::load_file(&arguments.convention) {
        Err(error) if arguments.format == Format::Json => {
            println!("{:#}", json!({ "convention_errors": faults(&error) }));
            return Ok(ExitCode::from(2));
        }
        loaded => loaded?,
    };
    let bar = progress_bar();
    let folder = folder::read(&arguments.deposits, &convention, |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.set_message("Calcul des indicateurs");
    let evaluation = evaluate(&convention, 1, &folder.accepted, arguments.is_final);
    bar.finish_and_clear();

    if let Some(folder) = &arguments.comparison {
        std::fs::create_dir_all(folder)?;
        for form in Form::ALL {
            std::fs::write(
                folder.join(form.file_name()),
                comparison::write(&evaluation, convention.document.evaluation.confidence, form)?,
            )?;
        }
    }
    for Rejected { path, code, message } in &folder.rejected {
        eprintln!("{path} [{code}] {message}");
    }
    let written = match arguments.format {
        Format::Json => {
            serde_json::to_string_pretty(&Output { evaluation: &evaluation, rejected: &folder.rejected }).map_err(Error::internal)?
        }
        Format::Text => text::text(&convention, &evaluation, folder.rejected.len()),
    };
    match writeln!(io::stdout().lock(), "{}", written.trim_end()) {
        // The reader of a pipe may stop early.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other?,
    }
    Ok(if folder.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// On a terminal's stderr only; elsewhere it draws nothing.
pub(super) fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message("Contrôle des fichiers")
}
