//! What the check of a file says, as a page shows it: cards of faults, how the file was read, what its columns hold.

use crate::{
    deposit::report::{CellFault, CheckReport, PersonalFinding, RuleCount},
    http::{view::Fact, words},
    report::describe,
};

/// Cells shown for one rule.
const CELLS: usize = 10;

/// All faults of one rule.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct FaultGroup {
    pub warning: bool,
    pub title: String,
    pub count: String,
    pub has_value: bool,
    pub has_message: bool,
    pub has_expected: bool,
    pub has_suggestion: bool,
    pub cells: Vec<FaultCell>,
    pub more: Option<String>,
}

/// One faulty cell.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct FaultCell {
    pub place: String,
    pub value: String,
    pub message: String,
    pub expected: String,
    pub suggestion: String,
}

/// What a column holds.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ColumnSummary {
    pub name: String,
    pub kind: String,
    pub nulls: String,
    pub min: String,
    pub max: String,
}

/// One card per column and kind of what looks like personal data, masked.
pub(super) fn personal(report: &CheckReport) -> Vec<FaultGroup> {
    let card = |f: &PersonalFinding| FaultGroup {
        warning: true,
        title: f.message.clone(),
        count: words::plural(f.count, "cellule", "cellules"),
        has_value: true,
        has_message: false,
        has_expected: false,
        has_suggestion: false,
        cells: f
            .cells
            .iter()
            .map(|cell| FaultCell {
                place: match (&f.column_letter, cell.row) {
                    (Some(letter), Some(row)) => format!("{letter}{row}"),
                    (None, Some(row)) => format!("ligne {row}"),
                    _ => f.column.clone(),
                },
                value: cell.masked.clone(),
                message: String::new(),
                expected: String::new(),
                suggestion: String::new(),
            })
            .collect(),
        more: (f.count > f.cells.len() as u64).then(|| format!("et {}", words::plural(f.count - f.cells.len() as u64, "autre", "autres"))),
    };
    report.personal.iter().map(card).collect()
}

/// One card per rule, in the report's order, with its first cells.
pub(super) fn groups(report: &CheckReport) -> Vec<FaultGroup> {
    if let Some(error) = &report.source_error {
        let title = error.message.clone();
        return vec![FaultGroup {
            warning: false,
            title,
            count: String::new(),
            has_value: false,
            has_message: false,
            has_expected: false,
            has_suggestion: false,
            cells: Vec::new(),
            more: None,
        }];
    }
    let mut all: Vec<FaultGroup> = report.by_rule.iter().map(|rule| group(rule, &report.errors)).collect();
    // The header first: other faults often come from it.
    all.sort_by_key(|g| !g.count.is_empty());
    // What the deposit will wait for once the rest is mended is said at once: one correction then does for both.
    all.extend(personal(report));
    all
}

fn group(rule: &RuleCount, errors: &[CellFault]) -> FaultGroup {
    let own: Vec<&CellFault> =
        errors.iter().filter(|e| e.code == rule.code && (rule.column.is_none() || e.column == rule.column)).collect();
    let own: Vec<&CellFault> = if rule.column.is_none() { own.into_iter().filter(|e| e.column.is_none()).collect() } else { own };
    // A fault of the header is said whole by the card's title; a rule of the convention or a value is found in cells.
    let of_cells = own.iter().any(|e| e.row.is_some() && (e.message != rule.message || e.rule.is_some() || e.value.is_some()));
    let column = rule.column.as_deref().map(|c| format!(" de la colonne «\u{a0}{c}\u{a0}»")).unwrap_or_default();
    let count = match (of_cells, rule.column.is_some()) {
        (true, true) => format!("{}{column}", words::plural(rule.count, "case", "cases")),
        (true, false) => words::plural(rule.count, "ligne", "lignes"),
        (false, _) => String::new(),
    };
    let title =
        if rule.message.is_empty() { own.first().map_or_else(|| rule.code.clone(), |e| e.message.clone()) } else { rule.message.clone() };
    let shown: Vec<FaultCell> = if of_cells { own.iter().take(CELLS).map(|e| cell(e)).collect() } else { other_sentences(&own, &title) };
    let left = rule.count.saturating_sub(shown.len() as u64);
    FaultGroup {
        warning: false,
        count,
        has_value: shown.iter().any(|c| !c.value.is_empty()),
        // A sentence that only repeats the card's title is not said again in every row.
        has_message: shown.iter().any(|c| c.message != title && (c.expected.is_empty() || c.value.is_empty())),
        has_expected: shown.iter().any(|c| !c.expected.is_empty()),
        has_suggestion: shown.iter().any(|c| !c.suggestion.is_empty()),
        more: (of_cells && left > 0).then(|| format!("et {}.", words::plural(left, "autre", "autres"))),
        cells: shown,
        title,
    }
}

/// Faults of the header or the file that say more than the card's title.
fn other_sentences(own: &[&CellFault], title: &str) -> Vec<FaultCell> {
    own.iter().filter(|e| e.message != title || e.suggestion.is_some()).take(CELLS).map(|e| cell(e)).collect()
}

fn cell(fault: &CellFault) -> FaultCell {
    let place = match (&fault.column_letter, fault.row) {
        (Some(letter), Some(row)) => format!("{letter}{row}"),
        (None, Some(row)) => format!("ligne {row}"),
        (Some(letter), None) => format!("colonne {letter}"),
        (None, None) => "fichier".to_owned(),
    };
    FaultCell {
        place,
        value: fault.value.clone().unwrap_or_default(),
        message: fault.message.clone(),
        expected: fault.expected.clone().unwrap_or_default(),
        suggestion: fault.suggestion.clone().unwrap_or_default(),
    }
}

/// How the file was read, so that a wrong guess is seen.
pub(super) fn read(report: &CheckReport) -> Vec<Fact> {
    let f = &report.file;
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(format) = &f.format {
        let separator = f.delimiter.as_deref().map(|d| match d {
            "\t" => ", colonnes séparées par des tabulations".to_owned(),
            d => format!(", colonnes séparées par «\u{a0}{d}\u{a0}»"),
        });
        facts.push(("Format", format!("{}{}", format_name(format), separator.unwrap_or_default())));
    }
    facts.extend(f.compression.as_deref().map(|c| ("Compression", format!(".{c}"))));
    facts.extend(f.sheet.clone().map(|s| ("Feuille", s)));
    facts.extend(f.encoding.as_deref().map(|e| ("Encodage", encoding(e).to_owned())));
    facts.extend(f.quote.as_deref().map(|q| {
        let said =
            if q == "none" { "un guillemet est un caractère comme un autre".to_owned() } else { format!("entre «\u{a0}{q}\u{a0}»") };
        ("Textes", said)
    }));
    facts.extend(f.decimal.as_deref().map(|d| ("Nombres", if d == "," { "virgule décimale" } else { "point décimal" }.to_owned())));
    if !f.dates.is_empty() {
        facts.push(("Dates", f.dates.iter().map(|d| date_format(d)).collect::<Vec<_>>().join("\u{a0}; ")));
    }
    facts.extend(f.header_row.map(|r| ("Ligne d'en-tête", words::count(r))));
    for compared in &f.compared {
        let what = format!("«\u{a0}{}\u{a0}» dans «\u{a0}{}\u{a0}»", compared.fields.join(", "), compared.title);
        facts.push(match (compared.verified, compared.deposits.as_slice()) {
            (false, _) => ("Non vérifié", format!("{what}\u{a0}: aucun fichier de ce jeu n'était accepté")),
            (true, []) => ("Vérifié", what),
            (true, numbers) => ("Vérifié", format!("{what} ({})", numbers.join(", "))),
        });
    }
    if report.source_error.is_none() && !facts.is_empty() {
        facts.push(("Lignes lues", words::count(report.stats.rows)));
    }
    facts.into_iter().map(|(a, b)| (a.to_owned(), b)).collect()
}

fn format_name(format: &str) -> String {
    match format {
        "xlsx" => "classeur Excel (XLSX)".to_owned(),
        "xls" => "classeur Excel ancien (XLS)".to_owned(),
        "ods" => "classeur LibreOffice (ODS)".to_owned(),
        "jsonl" => "JSON Lines".to_owned(),
        "json" => "tableau JSON".to_owned(),
        "parquet" => "Parquet".to_owned(),
        "arrow" => "Arrow".to_owned(),
        other => other.to_uppercase(),
    }
}

pub(super) fn encoding(name: &str) -> &str {
    match name {
        "utf-8" | "utf-8-bom" => "UTF-8",
        "windows-1252" => "Windows-1252 (Excel français)",
        "utf-16le" | "utf-16be" => "UTF-16",
        other => other,
    }
}

pub(super) fn date_format(name: &str) -> String {
    match name {
        "dd/mm/yyyy" => "12/03/2026 lu comme 12\u{a0}mars 2026".to_owned(),
        "dd/mm/yy" => "12/03/26 lu comme 12\u{a0}mars 2026".to_owned(),
        "iso" => "2026-03-12 lu comme 12\u{a0}mars 2026".to_owned(),
        "serial-1900" | "serial-1904" => "dates du tableur, lues comme telles".to_owned(),
        other => other.to_owned(),
    }
}

pub(super) fn summary(report: &CheckReport) -> Vec<ColumnSummary> {
    let bound = |v: &Option<String>, kind: &str| match (v, kind) {
        (Some(v), "date") => v.parse().map_or_else(|_| v.clone(), words::day),
        (Some(_), "boolean") => String::new(),
        (Some(v), "number") => v.replace('.', ","),
        (Some(v), _) => v.clone(),
        (None, _) => String::new(),
    };
    let one = |c: &crate::deposit::report::ColumnInfo| ColumnSummary {
        name: c.name.clone(),
        kind: describe::kind_name(&c.kind).to_owned(),
        nulls: words::count(c.nulls),
        min: bound(&c.min, &c.kind),
        max: bound(&c.max, &c.kind),
    };
    report.columns.iter().map(one).collect()
}

pub(super) fn warnings(report: &CheckReport) -> Vec<String> {
    let mut all: Vec<String> = report.warnings.iter().map(|w| w.message.clone()).collect();
    all.dedup();
    all.truncate(20);
    all
}
