//! The comparison of sites as a table to take away, and the scripts that compute it again elsewhere: what anyone needs to check the hub.
//!
//! One row per site and indicator, then one for all sites together. Numbers are those of the evaluation, unrounded: effects on a
//! logarithmic scale stay on it. [`Form::R`] and [`Form::Python`] are scripts that read [`Form::Csv`], pool the sites' effects anew with
//! metafor and with scipy, and say where they differ.

use polars::prelude::{Column as Series, DataFrame, IntoColumn, NamedFrom};
use rust_xlsxwriter::Format;
use serde_json::{Map, Value as Json, json};

use super::scale::{control, treated};
use crate::{
    deposit::{
        parquet,
        sheets::{self, Look, Value},
    },
    error::{Error, Result},
    evaluation::result::{Evaluation, Group, IndicatorResult, Interval, Reason, SiteResult},
    words::csv_cell,
};

/// What a comparison is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a French spreadsheet opens it: semicolons, decimal commas, French titles.
    FrenchCsv,
    /// As programs read it: commas, points, English names.
    Csv,
    /// A workbook, with French titles.
    Workbook,
    /// Parquet, with English names.
    Parquet,
    /// JSON, with English names.
    Json,
    /// A script for R and metafor.
    R,
    /// A script for Python, numpy and scipy.
    Python,
}

impl Form {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 7] = [Self::FrenchCsv, Self::Workbook, Self::Csv, Self::Parquet, Self::Json, Self::R, Self::Python];

    /// The name of the file: `comparaison.csv` …
    pub fn file_name(self) -> &'static str {
        match self {
            Self::FrenchCsv => "comparaison.csv",
            Self::Csv => "comparaison-international.csv",
            Self::Workbook => "comparaison.xlsx",
            Self::Parquet => "comparaison.parquet",
            Self::Json => "comparaison.json",
            Self::R => "comparaison.R",
            Self::Python => "comparaison.py",
        }
    }

    /// What a person reads on the link.
    pub fn label(self) -> &'static str {
        match self {
            Self::FrenchCsv => "CSV pour un tableur français",
            Self::Csv => "CSV international",
            Self::Workbook => "Classeur XLSX",
            Self::Parquet => "Parquet",
            Self::Json => "JSON",
            Self::R => "Script R (metafor)",
            Self::Python => "Script Python (scipy)",
        }
    }

    /// What the API calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FrenchCsv => "csv-fr",
            Self::Csv => "csv",
            Self::Workbook => "xlsx",
            Self::Parquet => "parquet",
            Self::Json => "json",
            Self::R => "r",
            Self::Python => "python",
        }
    }

    /// The form that a file's name, or the API's, asks for.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.file_name() == name || form.name() == name)
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::FrenchCsv | Self::Csv => "text/csv; charset=utf-8",
            Self::Workbook => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Json => "application/json",
            Self::R | Self::Python => "text/plain; charset=utf-8",
        }
    }
}

/// A cell: a text, a number, or nothing.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Text(String),
    Number(f64),
    Nothing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(text.to_owned()) }
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

impl From<Option<u64>> for Cell {
    fn from(number: Option<u64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
        number.map_or(Self::Nothing, |n| Self::Number(n as f64))
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        text.unwrap_or_default().into()
    }
}

/// Columns: the English name, the French title, whether it holds text.
const COLUMNS: [(&str, &str, bool); 36] = [
    ("indicator", "Indicateur (identifiant)", true),
    ("title", "Indicateur", true),
    ("unit", "Unité", true),
    ("statistic", "Statistique", true),
    ("scale", "Échelle de l'effet", true),
    ("confidence", "Confiance", false),
    ("row", "Ligne", true),
    ("siren", "SIREN", true),
    ("site", "Structure", true),
    ("treated_n", "Essai : valeurs", false),
    ("treated", "Essai : niveau", false),
    ("treated_low", "Essai : borne basse", false),
    ("treated_high", "Essai : borne haute", false),
    ("control_n", "Comparaison : valeurs", false),
    ("control", "Comparaison : niveau", false),
    ("control_low", "Comparaison : borne basse", false),
    ("control_high", "Comparaison : borne haute", false),
    ("estimate", "Effet", false),
    ("se", "Erreur type", false),
    ("low", "Borne basse", false),
    ("high", "Borne haute", false),
    ("df", "Degrés de liberté", false),
    ("weight", "Poids (%)", false),
    ("pooled_of", "Ensemble de", true),
    ("method", "Estimateur de τ²", true),
    ("k", "Structures réunies", false),
    ("tau2", "τ²", false),
    ("i2", "I² (%)", false),
    ("q", "Q", false),
    ("se_adhoc", "Erreur type HKSJ (max 1)", false),
    ("low_adhoc", "Borne basse HKSJ (max 1)", false),
    ("high_adhoc", "Borne haute HKSJ (max 1)", false),
    ("low_prediction", "Prédiction : borne basse", false),
    ("high_prediction", "Prédiction : borne haute", false),
    ("as_of", "Valeur du", true),
    ("reason", "Pourquoi il n'y a pas de valeur", true),
];

type Row = Vec<Cell>;

/// Writes an evaluation, as the reader may see it, in a form; its intervals have the plan's `confidence`.
///
/// # Errors
/// When a temporary file cannot be written.
pub fn write(evaluation: &Evaluation, confidence: f64, form: Form) -> Result<Vec<u8>> {
    match form {
        Form::R => return Ok(include_str!("scripts/comparaison.R").into()),
        Form::Python => return Ok(include_str!("scripts/comparaison.py").into()),
        _ => {}
    }
    let rows: Vec<Row> = evaluation.indicators.iter().flat_map(|result| of_indicator(result, confidence)).collect();
    match form {
        Form::FrenchCsv => Ok(french_csv(&rows).into_bytes()),
        Form::Csv => Ok(csv(&rows).into_bytes()),
        Form::Workbook => workbook(&rows),
        Form::Parquet => as_parquet(&rows),
        _ => Ok(serde_json::to_vec_pretty(&as_json(evaluation, &rows)).map_err(Error::internal)?),
    }
}

fn of_indicator(result: &IndicatorResult, confidence: f64) -> Vec<Row> {
    let mut rows: Vec<Row> = result.sites.iter().map(|site| of_site(result, confidence, site)).collect();
    rows.push(of_all(result, confidence));
    rows
}

fn opening(result: &IndicatorResult, confidence: f64, row: &str, siren: &str, site: &str) -> Row {
    let texts = [&result.id, &result.label, result.unit.as_deref().unwrap_or_default(), &result.statistic];
    let mut cells: Row = texts.into_iter().map(Cell::from).collect();
    cells.extend([result.scale.as_deref().into(), Some(confidence).into(), row.into(), siren.into(), site.into()]);
    cells
}

fn bounds(interval: Option<Interval>) -> [Cell; 2] {
    interval.unwrap_or_default().map(Cell::from)
}

fn level(group: Option<&Group>) -> [Cell; 4] {
    let [low, high] = bounds(group.and_then(|g| g.ci));
    [group.and_then(|g| g.n).into(), group.and_then(|g| g.mean).into(), low, high]
}

fn why(reason: Option<&Reason>) -> Cell {
    reason.map(|r| r.message.as_str()).into()
}

fn of_site(result: &IndicatorResult, confidence: f64, site: &SiteResult) -> Row {
    let effect = &site.effect;
    let mut row = opening(result, confidence, "site", site.site.siren.as_str(), &site.site.name);
    row.extend(level(treated(&site.groups)));
    row.extend(level(control(&site.groups)));
    row.extend([effect.estimate.into(), effect.se.into()]);
    row.extend(bounds(effect.ci));
    row.extend([effect.df.into(), effect.weight.into()]);
    row.resize(COLUMNS.len() - 2, Cell::Nothing);
    row.push(site.as_of.map(|day| day.to_string()).as_deref().into());
    row.push(why(effect.reason.as_ref()));
    row
}

fn of_all(result: &IndicatorResult, confidence: f64) -> Row {
    let pooled = &result.pooled;
    let mut row = opening(result, confidence, "pooled", "", "");
    row.resize(17, Cell::Nothing);
    match (&pooled.random, &pooled.between) {
        (Some(random), _) => {
            row.extend([Some(random.estimate).into(), random.se.into()]);
            row.extend(bounds(random.ci));
        }
        (None, Some(between)) => {
            row.extend([Some(between.estimate).into(), Some(between.se).into()]);
            row.extend(bounds(Some(between.ci)));
        }
        (None, None) => row.resize(21, Cell::Nothing),
    }
    row.push(pooled.between.as_ref().and_then(|between| between.df).into());
    row.push(Cell::Nothing);
    row.push(pooled.of.as_deref().into());
    let random = pooled.random.as_ref();
    row.push(random.map(|r| r.method.as_str()).into());
    row.push(Some(pooled.k).into());
    row.extend([random.and_then(|r| r.tau2).into(), random.and_then(|r| r.i2).into(), pooled.q.into()]);
    row.push(random.map(|r| r.adhoc.se).into());
    row.extend(bounds(random.map(|r| r.adhoc.ci)));
    row.extend(bounds(random.map(|r| r.prediction)));
    row.push(pooled.as_of.map(|day| day.to_string()).as_deref().into());
    row.push(why(pooled.reason.as_ref()));
    row
}

fn french_csv(rows: &[Row]) -> String {
    let mut out = format!("\u{feff}{}\r\n", COLUMNS.map(|(_, title, _)| csv_cell(title)).join(";"));
    for row in rows {
        let cells: Vec<String> = row.iter().zip(COLUMNS).map(|(cell, (name, ..))| csv_cell(&in_french(name, cell))).collect();
        out += &cells.join(";");
        out += "\r\n";
    }
    out
}

/// What a French reader sees of a cell.
fn in_french(column: &str, cell: &Cell) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Number(number) => number.to_string().replace('.', ","),
        Cell::Text(text) => match (column, text.as_str()) {
            ("row", "site") => "structure".to_owned(),
            ("row", "pooled") => "ensemble".to_owned(),
            ("pooled_of", "effect") => "effets".to_owned(),
            ("pooled_of", "level") => "niveaux".to_owned(),
            _ => text.clone(),
        },
    }
}

fn csv(rows: &[Row]) -> String {
    // A text that a spreadsheet would run is one in this form too.
    let quoted = |text: &str| {
        let cell = csv_cell(text);
        if cell.contains(',') && !cell.starts_with('"') { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    let mut out = COLUMNS.map(|(name, ..)| name).join(",") + "\n";
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                Cell::Nothing => String::new(),
                Cell::Number(number) => number.to_string(),
                Cell::Text(text) => quoted(text),
            })
            .collect();
        out += &cells.join(",");
        out.push('\n');
    }
    out
}

fn workbook(rows: &[Row]) -> Result<Vec<u8>> {
    let mut book = sheets::workbook("Comparaison des structures")?;
    let look = Look::new(&Format::new());
    let bold = Format::new().set_bold().set_text_wrap();
    let sheet = book.add_worksheet();
    sheet.set_name("Comparaison").map_err(sheets::failed)?;
    sheet.set_freeze_panes(1, 2).map_err(sheets::failed)?;
    for (at, (_, title, _)) in COLUMNS.iter().enumerate() {
        sheet.write_string_with_format(0, sheets::column(at)?, *title, &bold).map_err(sheets::failed)?;
    }
    for (line, row) in rows.iter().enumerate() {
        for (at, (cell, (name, ..))) in row.iter().zip(COLUMNS).enumerate() {
            let value = match cell {
                Cell::Nothing => continue,
                Cell::Number(number) => Value::Number(*number),
                Cell::Text(_) => Value::Text(in_french(name, cell)),
            };
            value.write(sheet, sheets::row(line + 1)?, sheets::column(at)?, &look)?;
        }
    }
    let last = sheets::row(rows.len())?;
    sheet.autofilter(0, 0, last, sheets::column(COLUMNS.len() - 1)?).map_err(sheets::failed)?;
    sheet.autofit();
    book.save_to_buffer().map_err(sheets::failed)
}

fn as_parquet(rows: &[Row]) -> Result<Vec<u8>> {
    let column = |at: usize, name: &str, is_text: bool| -> Series {
        if is_text {
            let texts: Vec<Option<&str>> =
                rows.iter().map(|row| if let Cell::Text(text) = &row[at] { Some(text.as_str()) } else { None }).collect();
            polars::prelude::Series::new(name.into(), texts).into_column()
        } else {
            let numbers: Vec<Option<f64>> =
                rows.iter().map(|row| if let Cell::Number(number) = row[at] { Some(number) } else { None }).collect();
            polars::prelude::Series::new(name.into(), numbers).into_column()
        }
    };
    let columns = COLUMNS.iter().enumerate().map(|(at, (name, _, is_text))| column(at, name, *is_text)).collect();
    let table = DataFrame::new(rows.len(), columns).map_err(Error::internal)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("comparaison.parquet");
    let writer = parquet::Writer::create(&path, table.schema())?;
    if table.height() > 0 {
        writer.group(0, table)?;
    }
    writer.finish(&[])?;
    Ok(std::fs::read(path)?)
}

fn as_json(evaluation: &Evaluation, rows: &[Row]) -> Json {
    let object = |row: &Row| -> Json {
        let cells = row.iter().zip(COLUMNS).map(|(cell, (name, ..))| {
            let value = match cell {
                Cell::Nothing => Json::Null,
                Cell::Number(number) => json!(number),
                Cell::Text(text) => json!(text),
            };
            (name.to_owned(), value)
        });
        Json::Object(cells.collect::<Map<_, _>>())
    };
    json!({
        "convention": evaluation.convention,
        "is_final": evaluation.is_final,
        "provenance": evaluation.provenance,
        "rows": rows.iter().map(object).collect::<Vec<_>>(),
    })
}
