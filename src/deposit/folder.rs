//! A folder of deposits, as the command line reads it: `<SIREN or INSEE code>/<dataset>/*.{csv,xlsx,ods,parquet,jsonl}`.
//!
//! Every file is checked first; one that is refused is named and left out. All files of a dataset's folder count together.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use serde::Serialize;

use super::{
    check::{Checked, Output, check_file_into},
    covered::{self, Subject, agreed},
    linked::{Offered, is_to_a_dataset},
    parquet,
    report::{CellFault, CheckReport},
};
use crate::{
    convention::{Convention, document::Dataset},
    error::{Error, Result},
    ids::{Period, Siren},
    indicator::{DepositTable, Keys},
    territory,
};

/// What a folder holds.
pub struct Folder {
    /// Files that count, by path.
    pub accepted: Vec<DepositTable>,
    /// Files and folders that do not, by path.
    pub rejected: Vec<Rejected>,
}

/// A file or folder that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// From the folder of deposits, with `/`.
    pub path: String,
    /// Stable English code.
    pub code: String,
    /// French sentences: why, and what to do.
    pub message: String,
}

/// How many faults of a refused file are told.
const TOLD: usize = 3;
const EXTENSIONS: [&str; 12] = ["csv", "tsv", "xlsx", "xls", "ods", "parquet", "arrow", "jsonl", "json", "gz", "zst", "zip"];

struct Candidate<'a> {
    path: PathBuf,
    shown: String,
    site: Siren,
    name: &'a str,
    dataset: &'a Dataset,
}

/// Reads and checks all files of `dir`; calls `progress` with the number of files done and of all files.
///
/// Refused (`deposits_folder`) only where `dir` itself cannot be read.
pub fn read(dir: &Path, convention: &Convention, mut progress: impl FnMut(usize, usize)) -> Result<Folder> {
    let (candidates, mut rejected) = find(dir, convention).map_err(|error| {
        Error::invalid(
            "deposits_folder",
            format!("Le dossier «\u{a0}{}\u{a0}» ne se lit pas. Vérifiez son chemin et vos droits.", dir.display()),
        )
        .with_source(error)
    })?;
    let mut accepted: Vec<(&str, DepositTable)> = Vec::new();
    let mut keys: HashMap<(Siren, &str), Keys> = HashMap::new();
    let mut seen: HashMap<(Siren, &str, Option<Period>, String), String> = HashMap::new();
    for (done, candidate) in candidates.iter().enumerate() {
        progress(done, candidates.len());
        let place = (candidate.site.clone(), candidate.name);
        let checked = check(candidate, convention).and_then(|deposit| {
            let same = (candidate.site.clone(), candidate.name, deposit.period, deposit.sha256.clone());
            if let Some(first) = seen.get(&same) {
                return Err(("same_file", format!("Ce fichier est le même que «\u{a0}{first}\u{a0}»\u{a0}: il ne compte qu’une fois.")));
            }
            let repeated = keys.entry(place).or_insert_with(|| Keys::new(candidate.dataset)).add(&deposit.table);
            if !repeated.is_empty() {
                return Err(("repeated_keys", in_other_files(&repeated)));
            }
            seen.insert(same, candidate.shown.clone());
            Ok(deposit)
        });
        match checked {
            Ok(deposit) => accepted.push((&candidate.shown, deposit)),
            Err((code, message)) => rejected.push(Rejected { path: candidate.shown.clone(), code: code.to_owned(), message }),
        }
    }
    progress(candidates.len(), candidates.len());
    let unknown: Vec<Option<String>> = accepted.iter().map(|(_, deposit)| dangling(deposit, &accepted, convention)).collect();
    let mut kept = Vec::new();
    for ((path, deposit), unknown) in accepted.into_iter().zip(unknown) {
        match unknown {
            None => kept.push(deposit),
            Some(message) => rejected.push(Rejected { path: path.to_owned(), code: "foreign_key".to_owned(), message }),
        }
    }
    rejected.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Folder { accepted: kept, rejected })
}

/// The values of a file that must stand in another dataset of the site, and do not.
fn dangling(deposit: &DepositTable, accepted: &[(&str, DepositTable)], convention: &Convention) -> Option<String> {
    let dataset = convention.document.datasets.get(&deposit.dataset)?;
    dataset.foreign_keys.iter().filter(|key| is_to_a_dataset(key)).find_map(|key| {
        let mut offered = Offered::to(key);
        let others = accepted.iter().map(|(_, other)| other);
        others.filter(|other| other.site == deposit.site && other.dataset == key.reference).for_each(|other| offered.add(&other.table));
        let missing: Vec<String> = offered.missing(&deposit.table).into_iter().map(|(_, value)| value).collect();
        (!missing.is_empty()).then(|| {
            let columns = key.fields.join(", ");
            let list = list(&missing);
            format!("Des valeurs de «\u{a0}{columns}\u{a0}» ne figurent pas dans «\u{a0}{}\u{a0}»\u{a0}: {list}. Corrigez-les, ou envoyez les lignes qui manquent.", key.reference)
        })
    })
}

/// The files to check, by path, and what stands where nothing is expected.
fn find<'a>(dir: &Path, convention: &'a Convention) -> io::Result<(Vec<Candidate<'a>>, Vec<Rejected>)> {
    let (mut candidates, mut rejected) = (Vec::new(), Vec::new());
    let mut reject =
        |path: &str, code: &str, message: String| rejected.push(Rejected { path: path.to_owned(), code: code.to_owned(), message });
    for (site_path, site_name) in entries(dir)? {
        if !site_path.is_dir() {
            reject(&site_name, "misplaced", "Rangez ce fichier dans le dossier de sa structure, puis du jeu de données.".to_owned());
            continue;
        }
        let Some(site) = site_of(convention, &site_name) else {
            let message = "Ce dossier n’est pas celui d’une structure de la convention. Donnez-lui le SIREN ou le code INSEE d’une structure qui y figure.";
            reject(&site_name, "unknown_site", message.to_owned());
            continue;
        };
        for (dataset_path, dataset_name) in listed(&site_path, &site_name, &mut reject) {
            let shown = format!("{site_name}/{dataset_name}");
            if !dataset_path.is_dir() {
                reject(&shown, "misplaced", "Rangez ce fichier dans le dossier du jeu de données.".to_owned());
                continue;
            }
            let Some((name, dataset)) = convention.document.datasets.get_key_value(&dataset_name) else {
                let names: Vec<String> = convention.document.datasets.keys().map(|name| format!("«\u{a0}{name}\u{a0}»")).collect();
                let message = format!("La convention ne demande pas ces données. Nommez le dossier parmi\u{a0}: {}.", names.join(", "));
                reject(&shown, "unknown_dataset", message);
                continue;
            };
            for (path, file_name) in listed(&dataset_path, &shown, &mut reject) {
                let shown = format!("{shown}/{file_name}");
                let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
                if path.is_dir() {
                    reject(&shown, "directory", "C’est un dossier\u{a0}: placez ses fichiers un niveau plus haut.".to_owned());
                } else if !EXTENSIONS.contains(&extension.as_str()) {
                    reject(
                        &shown,
                        "unknown_format",
                        "Ce format n’est pas lu. Envoyez un fichier .csv, .xlsx, .ods, .parquet ou .jsonl.".to_owned(),
                    );
                } else {
                    candidates.push(Candidate { path, shown, site: site.clone(), name, dataset });
                }
            }
        }
    }
    Ok((candidates, rejected))
}

/// The site of the convention that a SIREN or an INSEE code names.
fn site_of(convention: &Convention, code: &str) -> Option<Siren> {
    let siren = territory::by_code(code).map(|organisation| organisation.siren.clone()).or_else(|| code.parse().ok())?;
    convention.document.parties.sites.iter().any(|party| party.siren == siren).then_some(siren)
}

/// What a folder holds, by name; hidden files are no deposits.
fn entries(dir: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut entries = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned())))
        .collect::<io::Result<Vec<_>>>()?;
    entries.retain(|(_, name)| !name.starts_with('.') && !name.starts_with("~$"));
    entries.sort_by(|(_, a), (_, b)| a.cmp(b));
    Ok(entries)
}

fn listed(dir: &Path, shown: &str, reject: &mut impl FnMut(&str, &str, String)) -> Vec<(PathBuf, String)> {
    entries(dir).unwrap_or_else(|_| {
        reject(shown, "unreadable", "Ce dossier ne se lit pas. Vérifiez vos droits.".to_owned());
        Vec::new()
    })
}

fn check(candidate: &Candidate<'_>, convention: &Convention) -> Result<DepositTable, (&'static str, String)> {
    let name = candidate.path.file_name().unwrap_or_default().to_string_lossy();
    let period = Period::in_name(&name);
    if let Some(period) = period.filter(|period| !overlaps(*period, agreed(&convention.document))) {
        let (start, end) = agreed(&convention.document);
        let months = (Period::containing(start).in_french(), Period::containing(end).in_french());
        let message = format!(
            "La période {} est hors de la convention, qui va de {} à {}. Corrigez le nom du fichier.",
            period.in_french(),
            months.0,
            months.1
        );
        return Err(("period_outside", message));
    }
    let Some(rules) = convention.rules.get(candidate.name) else {
        return Err(("unknown_dataset", "La convention ne demande pas ces données.".to_owned()));
    };
    let folder = tempfile::tempdir().map_err(|_| ("unreadable", NO_ROOM.to_owned()))?;
    let typed = folder.path().join("table.parquet");
    let output = Output { path: &typed, metadata: &|_| Vec::new() };
    let Checked { mut report, table } = check_file_into(&candidate.path, &name, rules, TOLD, Some(&output), &mut |_| {});
    match table {
        Ok(Some(_)) if report.valid => {
            let table = parquet::read(&typed, None).map_err(|error| ("unreadable", error.message))?;
            let (document, dataset, site) = (&convention.document, candidate.dataset, &candidate.site);
            // A folder is read when all is over: no day of it is still to come.
            covered::check(&Subject { document, dataset, site, period, today: NaiveDate::MAX }, &table, &mut report, TOLD);
            if !report.valid {
                return Err(("invalid", reasons(&report)));
            }
            Ok(DepositTable { site: candidate.site.clone(), dataset: candidate.name.to_owned(), period, sha256: report.file.sha256, table })
        }
        Err(error) if report.valid => Err(("unreadable", error.message)),
        _ => Err(("invalid", reasons(&report))),
    }
}

/// What is said where no temporary file can be made.
const NO_ROOM: &str = "Le contrôle n'a pas pu écrire ses fichiers temporaires\u{a0}: faites de la place sur le disque, puis recommencez.";

fn overlaps(period: Period, (start, end): (NaiveDate, NaiveDate)) -> bool {
    period.start() <= end && start <= period.end()
}

/// Why a file is refused: how many faults, and the first ones.
fn reasons(report: &CheckReport) -> String {
    if let Some(error) = &report.source_error {
        return error.message.clone();
    }
    let told: Vec<String> = report.errors.iter().take(TOLD).map(reason).collect();
    match report.stats.errors {
        0 => "Le fichier est refusé.".to_owned(),
        1 => told.join(" "),
        n => format!("{n} erreurs. {}{}", told.join(" "), if n as usize > told.len() { " …" } else { "" }),
    }
}

fn reason(fault: &CellFault) -> String {
    let column = fault.column.as_ref().map(|column| format!("colonne «\u{a0}{column}\u{a0}»"));
    let place: Vec<String> = fault.row.map(|row| format!("ligne {row}")).into_iter().chain(column).collect();
    let place = place.join(", ");
    let mut letters = place.chars();
    match letters.next() {
        None => fault.message.clone(),
        Some(first) => format!("{}{}\u{a0}: {}", first.to_uppercase(), letters.as_str(), fault.message),
    }
}

fn in_other_files(repeated: &[String]) -> String {
    format!(
        "Des identifiants figurent déjà dans un autre fichier de la structure\u{a0}: {}. Retirez ces lignes, ou l’autre fichier.",
        list(repeated)
    )
}

/// The first five values, each once, and how many there are beyond.
fn list(values: &[String]) -> String {
    let mut distinct = HashSet::new();
    let named: Vec<String> = values.iter().filter(|value| distinct.insert(*value)).map(|value| format!("«\u{a0}{value}\u{a0}»")).collect();
    let more = named.len().saturating_sub(5);
    let and = if more > 0 { format!(" et {more} de plus") } else { String::new() };
    format!("{}{and}", named.iter().take(5).cloned().collect::<Vec<_>>().join(", "))
}
