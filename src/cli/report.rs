//! `retex report`: a folder of deposits → the evaluation report, as PDF or HTML. Nothing is withheld here.

use std::{
    fs::Permissions,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::evaluate::progress_bar;
use crate::{
    convention::Convention,
    deposit::folder::{self, Rejected},
    error::{Error, Result},
    evaluation::{evaluate, rex::read_answers},
    report::view,
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
    /// Le dossier des retours d'expérience : <SIREN ou code INSEE>.json ou .yaml.
    #[arg(long, value_name = "DOSSIER")]
    rex: Option<PathBuf>,
    /// Tire les conclusions : à ne faire qu'une fois, sur les données complètes.
    #[arg(long = "final")]
    is_final: bool,
    /// Le rapport à écrire : .pdf ou .html.
    #[arg(long, value_name = "FICHIER")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Pdf,
    Html,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("pdf") => Ok(Self::Pdf),
            Some("html" | "htm") => Ok(Self::Html),
            _ => Err(Error::invalid(
                "report_format",
                format!("Le rapport s’écrit en PDF ou en HTML\u{a0}: donnez à «\u{a0}{}\u{a0}» une fin en .pdf ou .html.", path.display()),
            )),
        }
    }
}

/// Runs it: exit code 0, or 1 where a file of the folder was left out; the report names it.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let format = Format::of(&arguments.out)?;
    let convention = Convention::load_file(&arguments.convention)?;
    let rex = arguments.rex.as_deref().map_or(Ok(Vec::new()), |dir| read_answers(dir, &convention))?;
    let bar = progress_bar();
    let folder = folder::read(&arguments.deposits, &convention, |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.set_message("Calcul des indicateurs");
    let evaluation = evaluate(&convention, 1, &folder.accepted, arguments.is_final);
    bar.set_message("Écriture du rapport");
    let rejected: Vec<String> = folder.rejected.iter().map(|Rejected { path, message, .. }| format!("{path}\u{a0}: {message}")).collect();
    let view = view(&convention, &evaluation, &rex, &rejected);
    let bytes = match format {
        Format::Pdf => view.pdf()?,
        Format::Html => view.html()?.into_bytes(),
    };
    write_whole(&arguments.out, &bytes)?;
    bar.finish_and_clear();
    for Rejected { path, code, message } in &folder.rejected {
        eprintln!("{path} [{code}] {message}");
    }
    Ok(if folder.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Writes the file whole or not at all: beside it first, then in its place.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        // As any new file: the process's umask applies.
        let mut file = tempfile::Builder::new().prefix(".retex-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e| {
        Error::invalid(
            "report_not_written",
            format!(
                "Le rapport «\u{a0}{}\u{a0}» ne s’écrit pas. Vérifiez que son dossier existe et que vous pouvez y écrire.",
                path.display()
            ),
        )
        .with_source(e)
    })
}
