//! `retex check`: a file against a convention's dataset or a schema.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::convention::Format;
use crate::{
    convention::{Convention, document::Reading, rules::Rules},
    deposit::{
        annotated::{self, Source},
        check::{Checked, Output, Step, check_file_into},
        export, reading,
        report::{CellFault, CheckReport, FileInfo},
    },
    error::{Error, Fault, Result},
};

/// Its arguments.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Le fichier à contrôler : CSV, XLSX, ODS, XLS, Parquet, Arrow, JSON ou JSONL, tel quel ou compressé (.gz, .zst, .zip).
    #[arg(value_name = "FICHIER")]
    file: PathBuf,
    /// La convention qui dit ce que le fichier doit contenir.
    #[arg(long, value_name = "FICHIER", required_unless_present = "schema", conflicts_with = "schema")]
    convention: Option<PathBuf>,
    /// Le jeu de données de la convention ; inutile quand elle n'en a qu'un.
    #[arg(long, value_name = "NOM", requires = "convention")]
    dataset: Option<String>,
    /// Un modèle de données à la place d'une convention : JSON Schema d'une ligne, ou Table Schema.
    #[arg(long, value_name = "FICHIER")]
    schema: Option<PathBuf>,
    /// Forme du résultat.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Nombre d'erreurs listées au plus ; toutes sont comptées.
    #[arg(long, default_value_t = 1000, value_name = "NOMBRE")]
    limit: usize,
    /// Encodage du fichier, s'il est mal reconnu : utf-8, windows-1252…
    #[arg(long, value_name = "NOM")]
    encoding: Option<String>,
    /// Séparateur des colonnes, s'il est mal reconnu : « ; », « , », « | » ou tab.
    #[arg(long, value_name = "SIGNE")]
    delimiter: Option<String>,
    /// Signe des décimales, s'il est mal reconnu : « , » ou « . ».
    #[arg(long, value_name = "SIGNE")]
    decimal: Option<String>,
    /// Notation des dates, si elle est mal reconnue : iso, dd/mm/yyyy ou dd/mm/yy ; plusieurs, séparées par des virgules.
    #[arg(long, value_name = "NOTATION", value_delimiter = ',')]
    dates: Vec<String>,
    /// Feuille du classeur, si elle est mal choisie.
    #[arg(long, value_name = "NOM")]
    sheet: Option<String>,
    /// Ligne des titres, si elle est mal reconnue.
    #[arg(long, value_name = "NUMÉRO")]
    header_row: Option<u64>,
    /// Ce qui entoure les textes, si c'est mal reconnu : « " », « ' » ou none.
    #[arg(long, value_name = "SIGNE")]
    quote: Option<String>,
    /// Ce qui sépare les milliers, outre les espaces : « . », « , » ou « ' ».
    #[arg(long, value_name = "SIGNE")]
    thousands: Option<String>,
    /// Ce que vaut « 95 % » : share (0,95) ou number (95).
    #[arg(long, value_name = "VALEUR")]
    percent: Option<String>,
    /// Mots d'une cellule vide, séparés par « ; » : NA, n.d.…
    #[arg(long, value_name = "MOTS", value_delimiter = ';')]
    missing: Vec<String>,
    /// Mots qui disent « oui », séparés par « ; » ; avec --no.
    #[arg(long, value_name = "MOTS", value_delimiter = ';', requires = "no")]
    yes: Vec<String>,
    /// Mots qui disent « non », séparés par « ; » ; avec --yes.
    #[arg(long, value_name = "MOTS", value_delimiter = ';', requires = "yes")]
    no: Vec<String>,
    /// Écrit le tableau typé, lignes valides seulement.
    #[arg(long, value_name = "FICHIER")]
    parquet: Option<PathBuf>,
    /// Écrit la liste des erreurs et des avertissements, en CSV.
    #[arg(long, value_name = "FICHIER")]
    csv: Option<PathBuf>,
    /// Écrit le fichier annoté, en XLSX : cellules colorées, une note sur chacune.
    #[arg(long, value_name = "FICHIER")]
    annotated: Option<PathBuf>,
}

impl Arguments {
    /// What they impose on how the file is read, if anything.
    fn reading(&self) -> Option<Reading> {
        let reading = Reading {
            decimal: self.decimal.clone(),
            dates: self.dates.clone(),
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.clone(),
            sheet: self.sheet.clone(),
            header_row: self.header_row,
            quote: self.quote.clone(),
            thousands: self.thousands.clone(),
            percent: self.percent.clone(),
            missing: self.missing.clone(),
            yes: self.yes.clone(),
            no: self.no.clone(),
        };
        (reading != Reading::default()).then_some(reading)
    }
}

/// Runs it: 0 valid, 1 invalid, 2 when nothing could be checked.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (rules, id) = match rules(arguments) {
        Ok(found) => found,
        Err(error) if arguments.format == Format::Json => {
            let faults = if error.faults.is_empty() { vec![Fault::new("", error.code, error.message.clone())] } else { error.faults };
            let key = if arguments.schema.is_some() { "schema_errors" } else { "convention_errors" };
            say(&format!("{:#}\n", json!({ key: faults })))?;
            return Ok(ExitCode::from(2));
        }
        Err(error) => return Err(error),
    };
    let name = arguments.file.file_name().map_or_else(|| arguments.file.display().to_string(), |n| n.to_string_lossy().into_owned());
    let same = |out: &Path| Some(out.canonicalize().ok()? == arguments.file.canonicalize().ok()?);
    let outputs = [("--parquet", &arguments.parquet), ("--csv", &arguments.csv), ("--annotated", &arguments.annotated)];
    if let Some((option, _)) = outputs.into_iter().find(|(_, out)| out.as_deref().and_then(same) == Some(true)) {
        let code = if option == "--parquet" { "parquet_is_input" } else { "output_is_input" };
        let message = format!("Le résultat ne peut pas remplacer le fichier contrôlé\u{a0}: donnez un autre nom à {option}.");
        return Err(Error::invalid(code, message));
    }
    let bar = bar();
    let schema_id = id.clone().or_else(|| rules.id().map(str::to_owned)).unwrap_or_default();
    let metadata = |file: &FileInfo| {
        vec![
            ("retex.source.sha256", file.sha256.clone()),
            ("retex.schema.sha256", rules.sha256().to_owned()),
            ("retex.schema.id", schema_id.clone()),
        ]
    };
    let output = arguments.parquet.as_deref().map(|path| Output { path, metadata: &metadata });
    let mut checked = check_file_into(&arguments.file, &name, &rules, arguments.limit, output.as_ref(), &mut |step| {
        bar.set_message(match step {
            Step::Reading => format!("Lecture de {name}"),
            Step::Checking(rows) => format!("Contrôle\u{a0}: {}", count(rows, "ligne", "lignes")),
        });
    });
    bar.finish_and_clear();
    if id.is_some() {
        checked.report.schema.id = id;
    }
    // The verdict is said whatever becomes of the table.
    let Checked { report, table } = checked;
    let (written, failed) = match table {
        Ok(rows) => (say_written(arguments, &report, rows), None),
        Err(error) => (None, Some(error)),
    };
    let failed = failed.or_else(|| write_reports(arguments, &name, &rules, &report).err());
    let report = &report;
    say(&match (arguments.format, &report.source_error) {
        (Format::Json, Some(error)) => format!(
            "{:#}
",
            json!({ "valid": false, "source_error": error })
        ),
        (Format::Json, None) => {
            serde_json::to_string_pretty(report).map_err(Error::internal)?
                + "
"
        }
        (Format::Text, _) => text(report, written.as_deref()),
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    Ok(ExitCode::from(match (&report.source_error, report.valid) {
        (Some(_), _) => 2,
        (None, false) => 1,
        (None, true) => 0,
    }))
}

/// Prints on standard output; a reader that closed it early wants no more.
fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The rules, and the name that the report gives them.
fn rules(arguments: &Arguments) -> Result<(Rules, Option<String>)> {
    let imposed = arguments.reading();
    if let Some(path) = &arguments.schema {
        let rules = schema(path)?;
        let Some(reading) = imposed else { return Ok((rules, None)) };
        let refused = |faults: Vec<Fault>| {
            let message = faults.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join(" ");
            Error::invalid("reading", format!("Cette façon de lire n'est pas possible. {message}")).with_faults(faults)
        };
        return Ok((rules.reading_so(&reading).map_err(refused)?, None));
    }
    let path = arguments.convention.as_deref().unwrap_or(Path::new(""));
    let mut convention = Convention::load_file(path)?;
    let names: Vec<&String> = convention.rules.keys().collect();
    let list = names.iter().map(|n| format!("« {n} »")).collect::<Vec<_>>().join(", ");
    let name = match (&arguments.dataset, names.as_slice()) {
        (Some(name), _) => name.clone(),
        (None, [only]) => (*only).clone(),
        (None, _) => {
            return Err(Error::invalid(
                "dataset_missing",
                format!("Cette convention demande plusieurs jeux de données : ajoutez --dataset avec l'un de {list}."),
            ));
        }
    };
    let id = format!("{}/{name}", convention.document.id);
    let unknown = || {
        Error::invalid("dataset_unknown", format!("« {name} » n'est pas un jeu de données de cette convention : choisissez parmi {list}."))
    };
    if !convention.rules.contains_key(&name) {
        return Err(unknown());
    }
    let rules = match &reading::stated(&convention, &name, imposed)? {
        Some(reading) => reading::compiled(&convention, &name, reading)?,
        None => convention.rules.shift_remove(&name).ok_or_else(unknown)?,
    };
    Ok((rules, Some(id)))
}

fn schema(path: &Path) -> Result<Rules> {
    let unreadable = |error: std::io::Error| {
        Error::invalid(
            "schema_unreadable",
            format!("Le modèle « {} » n'a pas pu être lu : vérifiez son nom et ses droits.", path.display()),
        )
        .with_source(error)
    };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let json = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let place = format!("ligne {}, colonne {}", error.line(), error.column());
        Error::invalid("schema_json", format!("Le modèle n'est pas du JSON lisible ({place}) : corrigez-le.")).with_source(error)
    })?;
    Rules::from_schema(&json)
        .map_err(|faults| Error::invalid("schema", "Le modèle de données comporte des erreurs : corrigez-les.").with_faults(faults))
}

/// A spinner on a terminal, nothing elsewhere.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

/// What was written, where a table was asked for.
fn say_written(arguments: &Arguments, report: &CheckReport, rows: Option<u64>) -> Option<String> {
    let path = arguments.parquet.as_deref()?;
    let Some(rows) = rows else {
        eprintln!("Le tableau n'est pas écrit\u{a0}: corrigez d'abord le fichier.");
        return None;
    };
    let left = if report.valid {
        String::new()
    } else {
        format!(" ; {} avec des erreurs laissées de côté", count(report.stats.rows_invalid, "ligne", "lignes"))
    };
    let said = format!("{} dans {}{left}.", count(rows, "ligne écrite", "lignes écrites"), path.display());
    if arguments.format == Format::Json {
        eprintln!("{said}");
    }
    Some(said)
}

/// Writes what is wrong where asked: as a list, and in the file itself.
fn write_reports(arguments: &Arguments, name: &str, rules: &Rules, report: &CheckReport) -> Result<()> {
    if let Some(path) = &arguments.csv {
        fs::write(path, export::csv(report))?;
    }
    if let Some(path) = &arguments.annotated {
        if report.source_error.is_some() {
            eprintln!("Le fichier annoté n'est pas écrit\u{a0}: aucun tableau n'a pu être lu.");
            return Ok(());
        }
        let dataset = report.schema.id.as_deref().and_then(|id| id.rsplit('/').next()).unwrap_or("Données");
        // Whoever holds the file sees all of it.
        let source = Source { path: &arguments.file, name, dataset, rules, hidden: &[], beside: (&[], &[]), rows: annotated::MAX_ROWS };
        fs::write(path, annotated::annotate(&source)?)?;
    }
    Ok(())
}

/// «1 284 lignes».
fn count(n: u64, one: &str, many: &str) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(c);
    }
    format!("{grouped} {}", if n < 2 { one } else { many })
}

/// Cells shown under each rule.
const SHOWN: usize = 5;

/// For a person: what was read, then one paragraph per rule.
fn text(report: &CheckReport, written: Option<&str>) -> String {
    let mut lines = Vec::new();
    if let Some(error) = &report.source_error {
        lines.push(format!("✗ {} : fichier illisible.", report.file.name));
        lines.push(format!("  {}", error.message));
        return lines.join("\n") + "\n";
    }
    let stats = &report.stats;
    if report.valid {
        lines.push(format!("✓ {} : {}, aucune erreur.", report.file.name, count(stats.rows, "ligne", "lignes")));
    } else {
        let errors = count(stats.errors, "erreur", "erreurs");
        let rows = count(stats.rows_invalid, "ligne", "lignes");
        let on = if stats.rows_invalid == 0 { "dans la ligne des titres".to_owned() } else { format!("sur {rows}") };
        let all = count(stats.rows, "ligne lue", "lignes lues");
        lines.push(format!("✗ {} : fichier non retenu. {errors} {on}, {all} en tout.", report.file.name));
    }
    lines.push(format!("  {}", read_as(report)));
    for rule in &report.by_rule {
        lines.push(String::new());
        lines.push(format!("• {}", rule.message));
        let of = |fault: &&CellFault| fault.code == rule.code && fault.column == rule.column;
        let faults: Vec<&CellFault> = report.errors.iter().filter(of).take(SHOWN).collect();
        let cells = faults.iter().filter(|f| f.value.is_some() || f.row != report.file.header_row);
        for fault in cells {
            lines.push(format!("    {}{}", place(fault), detail(fault)));
        }
        let left = rule.count.saturating_sub(faults.len() as u64);
        if left > 0 {
            lines.push(format!("    … et {}.", count(left, "autre", "autres")));
        }
    }
    for finding in &report.personal {
        lines.push(String::new());
        lines.push(format!("• {}", finding.message));
        for cell in finding.cells.iter().take(SHOWN) {
            let row = cell.row.map(|r| r.to_string()).unwrap_or_default();
            lines.push(format!("    {}{row}\u{a0}: {}", finding.column_letter.as_deref().unwrap_or("ligne "), cell.masked));
        }
    }
    if !report.warnings.is_empty() {
        lines.push(String::new());
        lines.push(format!("{} :", count(stats.warnings, "remarque", "remarques")));
        for fault in report.warnings.iter().take(2 * SHOWN) {
            let place = place(fault);
            lines.push(format!("  · {}{}", if place.is_empty() { String::new() } else { format!("{place} : ") }, fault.message));
        }
        let left = stats.warnings.saturating_sub(2 * SHOWN as u64);
        if left > 0 {
            lines.push(format!("  · … et {}.", count(left, "autre", "autres")));
        }
    }
    if let Some(written) = written {
        lines.push(String::new());
        lines.push(written.to_owned());
    }
    lines.join("\n") + "\n"
}

/// «D8», else «ligne 8».
fn place(fault: &CellFault) -> String {
    match (fault.row, &fault.column_letter) {
        (Some(row), Some(letter)) => format!("{letter}{row}"),
        (Some(row), None) => format!("ligne {row}"),
        (None, _) => String::new(),
    }
}

fn detail(fault: &CellFault) -> String {
    let value = fault.value.as_ref().map(|v| v.replace(['\n', '\r'], " "));
    match (value, &fault.suggestion) {
        (Some(value), Some(suggestion)) => format!(" : « {value} » ; proposition : « {suggestion} »"),
        (Some(value), None) if fault.code != "duplicate_key" => format!(" : « {value} »"),
        _ => format!(" : {}", fault.message),
    }
}

/// What was understood of the file, for the person to confirm.
fn read_as(report: &CheckReport) -> String {
    let file = &report.file;
    let compressed = file.compression.as_deref().map_or_else(String::new, |c| format!(" (.{c})"));
    let mut parts = vec![file.format.clone().unwrap_or_default().to_uppercase() + &compressed];
    if let Some(encoding) = &file.encoding {
        parts.push(format!("encodage {encoding}"));
    }
    match file.delimiter.as_deref() {
        Some("\t") => parts.push("séparateur tabulation".to_owned()),
        Some(delimiter) => parts.push(format!("séparateur « {delimiter} »")),
        None => {}
    }
    match file.quote.as_deref() {
        Some("none") => parts.push("sans guillemets".to_owned()),
        Some(quote) => parts.push(format!("textes entre « {quote} »")),
        None => {}
    }
    if let Some(decimal) = &file.decimal {
        parts.push(format!("décimales « {decimal} »"));
    }
    if let Some(sheet) = &file.sheet {
        parts.push(format!("feuille « {sheet} »"));
    }
    if let Some(row) = file.header_row {
        parts.push(format!("titres à la ligne {row}"));
    }
    let example = chrono::NaiveDate::from_ymd_opt(2026, 3, 12).and_then(|d| d.and_hms_opt(14, 5, 0)).unwrap_or_default();
    let shown = |notation: &String| match notation.as_str() {
        "iso" => "2026-03-12".to_owned(),
        "dd/mm/yyyy" => "12/03/2026".to_owned(),
        "dd/mm/yy" => "12/03/26".to_owned(),
        "serial-1900" | "serial-1904" => "dates du tableur".to_owned(),
        "any" => "12 mars 2026".to_owned(),
        // The schema's own pattern, which was read when the schema was.
        pattern => example.format(pattern).to_string(),
    };
    let dates: Vec<String> = file.dates.iter().map(shown).collect();
    if !dates.is_empty() {
        parts.push(format!("dates lues : {}", dates.join(", ")));
    }
    parts.join(", ")
}
