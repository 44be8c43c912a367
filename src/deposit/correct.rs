//! A refused file whose safe faults the hub mends: every suggestion of its report is put in its cell, all else stays as it was written,
//! and the result is a new deposit that says where it comes from and which cells differ.
//!
//! The file is written by [`super::correct_file`]; before anything is proposed, it is read back and compared with the refused one as typed
//! values: a cell that differs and is not in the list makes the hub propose nothing.

use std::{collections::BTreeMap, path::Path};

use bytes::Bytes;
use futures::stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Accepted, Correction, Sending, Slot, accept, allow,
    check::check_file,
    correct_file::{CellEdits, write},
    decode::{self, Expected, Origin, Table},
    differences::{Side, between},
    find,
    list::unseen,
    reading::{self, Ruled},
    report::{CheckReport, RuleCount},
    validate::header::letter,
};
use crate::{
    access::Actor,
    app::App,
    convention::{
        Convention,
        document::Reading,
        personal::mask,
        register,
        rules::{Field, Rules, Test},
    },
    error::{Error, Kind, Result},
    ids::DepositId,
    store::deposits::{Deposit, DepositState},
};

/// Faults that are looked at; a file with more is mended as far as these go, and that is said.
pub const LIMIT: usize = 100_000;
/// Largest file that is mended, which is held in memory.
pub const MAX_BYTES: i64 = 128 << 20;

/// Longest text of a cell that a receipt keeps, in characters.
const SHOWN: usize = 200;

/// A cell that the hub mends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellChange {
    /// Row of the refused file, as a spreadsheet shows it.
    pub row: u64,
    /// Header of the column.
    pub column: String,
    /// `A`, `B` … in the refused file.
    pub column_letter: String,
    /// As written, cut at 200 characters, personal data in it masked, as in a report. None where this reader may not see it.
    pub before: Option<String>,
    /// As it becomes; likewise.
    pub after: Option<String>,
}

/// What mending a refused file would do.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CorrectionPlan {
    /// Every cell that changes.
    pub changes: Vec<CellChange>,
    /// Whether the file has more faults than were looked at.
    pub is_cut: bool,
    /// What stays to correct by hand, most frequent first; the mended file is refused while anything does.
    pub remaining: Vec<RuleCount>,
    /// How many faults stay.
    pub remaining_count: u64,
}

/// What the hub changed to make a deposit's file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct CorrectionReceipt {
    /// The refused deposit; none for a file that was sent.
    #[schema(value_type = Option<String>)]
    pub corrected_from: Option<DepositId>,
    /// Every cell that changed; none once their values were destroyed.
    pub changes: Vec<CellChange>,
}

/// A mended file.
struct Mended {
    bytes: Vec<u8>,
    plan: CorrectionPlan,
    /// How it is to be read.
    reading: Reading,
}

/// What mending a refused deposit would do, for those who may deposit in its place.
///
/// # Errors
/// As [`find`] and [`allow`]; `deposit_state` for one that is not refused; `file_gone`; `nothing_to_correct`; `not_correctable`.
pub async fn plan(app: &App, actor: &Actor, id: DepositId) -> Result<(Deposit, CorrectionPlan)> {
    let (deposit, mended) = mended(app, actor, id).await?;
    Ok((deposit, mended.plan))
}

/// Deposits the mended file of a refused deposit in its place.
///
/// # Errors
/// Those of [`plan`] and [`accept`].
pub async fn correct(app: &App, actor: &Actor, id: DepositId) -> Result<Accepted> {
    let (deposit, Mended { bytes, plan, reading }) = mended(app, actor, id).await?;
    let changes = serde_json::to_string(&plan.changes).map_err(Error::internal)?;
    let correction = Some(Correction { from: id, number: deposit.number.clone(), count: plan.changes.len(), changes });
    let slot = Slot { file_name: name(&deposit.file_name), ..Slot::of(&deposit) };
    let body = stream::iter([Ok::<_, Error>(Bytes::from(bytes))]);
    accept(app, actor, Sending { slot, reading: Some(reading), correction }, body).await
}

/// What the hub changed to make a deposit's file, as this person may read it.
///
/// # Errors
/// Those of [`find`].
pub async fn changes(app: &App, actor: &Actor, id: DepositId) -> Result<CorrectionReceipt> {
    let deposit = find(app, actor, id).await?;
    let mut receipt = CorrectionReceipt { corrected_from: deposit.corrected_from, changes: Vec::new() };
    let Some(text) = app.store.deposit_changes(deposit.id).await? else { return Ok(receipt) };
    let registered = register::version(app, deposit.convention_id).await?;
    let rules = reading::rules(&registered.convention, &deposit.dataset, None)?;
    let hidden = match unseen(app, actor, &deposit, &rules).await {
        Ok(hidden) => hidden,
        // The receipt outlives the right to read values.
        Err(refused) if refused.kind != Kind::Internal => return Ok(receipt),
        Err(error) => return Err(error),
    };
    receipt.changes = serde_json::from_str(&text).map_err(Error::internal)?;
    for change in receipt.changes.iter_mut().filter(|c| hidden.contains(&c.column)) {
        (change.before, change.after) = (None, None);
    }
    Ok(receipt)
}

/// Whether a report proposes anything that can be put in a cell.
pub fn is_proposed(report: &CheckReport) -> bool {
    report.file.header_row.is_some()
        && report.errors.iter().any(|e| e.suggestion.is_some() && e.row.is_some_and(|r| Some(r) != report.file.header_row))
}

async fn mended(app: &App, actor: &Actor, id: DepositId) -> Result<(Deposit, Mended)> {
    let deposit = find(app, actor, id).await?;
    // It is checked as a deposit of today: what it is mended to is what today's version asks.
    let allowed = allow(app, actor, &Slot::of(&deposit)).await?;
    if deposit.state != DepositState::Rejected {
        let message = "Seul un fichier refusé se corrige\u{a0}: celui-ci ne l'est pas.";
        return Err(Error::new(Kind::Conflict, "deposit_state", message));
    }
    let gone = || Error::new(Kind::Conflict, "file_gone", "Ce fichier n'est plus gardé\u{a0}: déposez-le à nouveau.");
    let key = deposit.original_key.as_deref().ok_or_else(gone)?.parse()?;
    if deposit.bytes > MAX_BYTES {
        return Err(not_correctable("Ce fichier est trop grand pour être corrigé ici."));
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("original");
    app.lake.fetch_to(&key, &path).await?;
    let (convention, dataset) = (allowed.registered.convention, deposit.dataset.clone());
    let imposed = reading::imposed(&deposit)?;
    let mended = tokio::task::spawn_blocking(move || mend(&path, &convention, &dataset, imposed)).await.map_err(Error::internal)??;
    Ok((deposit, mended))
}

fn not_correctable(why: &str) -> Error {
    let message = format!("{why} Corrigez-le dans votre logiciel, puis déposez-le à nouveau.");
    Error::new(Kind::Conflict, "not_correctable", message)
}

fn read(path: &Path, rules: &Rules) -> Result<Table> {
    let names: Vec<String> = rules.columns().iter().map(|c| c.name.clone()).collect();
    decode::read(path, Expected { columns: &names, reading: Some(rules.reading()) })
        .map_err(|e| not_correctable(&format!("Ce fichier n'a pas pu être lu. {}", e.message)))
}

fn mend(path: &Path, convention: &Convention, dataset: &str, imposed: Option<Reading>) -> Result<Mended> {
    let rules = reading::rules(convention, dataset, imposed.as_ref())?;
    let report = check_file(path, "original", &rules, LIMIT).report;
    let table = read(path, &rules)?;
    refuse_what_cannot_be_written(&table, &rules)?;
    let edits = edits(&report, &table, &rules);
    if edits.is_empty() {
        let message = "Aucune correction sûre n'est à faire dans ce fichier\u{a0}: ce qui ne va pas est à corriger à la main.";
        return Err(Error::new(Kind::Conflict, "nothing_to_correct", message));
    }
    let mark = report.file.decimal.as_deref().and_then(|d| d.chars().next());
    let bytes = write(&table, &rules, mark, &edits);
    let imposed = imposed.unwrap_or_default();
    let reading = Reading {
        encoding: Some("utf-8".to_owned()),
        delimiter: Some(";".to_owned()),
        // What was agreed or imposed of the original does not hold for a file that starts with its header.
        quote: Some("\"".to_owned()),
        header_row: Some(1),
        sheet: None,
        ..imposed
    };
    let again = reading::rules(convention, dataset, Some(&reading))?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &bytes)?;
    let second = check_file(file.path(), "corrigé", &again, LIMIT).report;
    if !is_the_same_elsewhere((&table, &rules, &report), (&read(file.path(), &again)?, &again, &second), &edits) {
        return Err(not_correctable("Corriger ce fichier ici changerait la lecture d'autres cases."));
    }
    let plan = CorrectionPlan {
        changes: edits.iter().map(|((row, column), after)| change(&table, *row, *column, after)).collect(),
        is_cut: report.stats.errors > report.errors.len() as u64,
        remaining: second.by_rule,
        remaining_count: second.stats.errors,
    };
    Ok(Mended { bytes, plan, reading })
}

/// What a text file would say otherwise than this one: values that come with their names or their types, cells beyond the header, errors
/// of a spreadsheet, which would become good texts.
fn refuse_what_cannot_be_written(table: &Table, rules: &Rules) -> Result<()> {
    if table.head.header_row.is_none() || table.head.strict {
        return Err(not_correctable("Ce fichier est fait pour des logiciels."));
    }
    if table.ragged.iter().any(|(_, count)| *count > table.head.names.len()) {
        return Err(not_correctable("Des lignes de ce fichier ont plus de cases que la ligne des titres."));
    }
    let declared = table.columns.iter().zip(&table.head.names).filter(|(_, name)| rules.columns().iter().any(|c| c.name == **name));
    for (cells, name) in declared {
        if (0..cells.len()).any(|row| cells.origin(row) == Origin::Error) {
            return Err(not_correctable(&format!("La colonne «\u{a0}{name}\u{a0}» contient des erreurs de calcul du tableur.")));
        }
    }
    Ok(())
}

/// The cells to mend, by position; a cell for which two things are proposed is left to a person.
fn edits(report: &CheckReport, table: &Table, rules: &Rules) -> CellEdits {
    let mut found: BTreeMap<(usize, usize), Option<String>> = BTreeMap::new();
    for fault in &report.errors {
        let Some(row) = fault.row.and_then(|row| table.rows.binary_search(&row).ok()) else { continue };
        let Some(column) = fault.column.as_ref().and_then(|name| table.head.names.iter().position(|n| n == name)) else { continue };
        let Some(suggestion) = &fault.suggestion else { continue };
        let Some(field) = rules.fields().iter().find(|f| f.column.name == table.head.names[column]) else { continue };
        let after = replacement(field, table.columns[column].get(row), suggestion);
        found.entry((row, column)).and_modify(|other| *other = other.take().filter(|o| Some(o) == after.as_ref())).or_insert(after);
    }
    found.into_iter().filter_map(|(place, after)| Some((place, after?))).collect()
}

/// What a suggestion puts in a cell. A report masks personal data in what it proposes too: what it stands for is found again among the
/// ways of mending the shape of a text, and is left to a person if it is none of them.
fn replacement(field: &Field, before: &str, suggestion: &str) -> Option<String> {
    let compact: String = before.chars().filter(|c| !c.is_whitespace()).collect();
    let shapes = [before.trim().to_owned(), compact.clone(), format!("0{compact}")];
    let mut meant = shapes.into_iter().filter(|s| s != before);
    if let Some(exact) = meant.clone().find(|s| s == suggestion) {
        return Some(exact);
    }
    if mask(suggestion) == suggestion && !suggestion.contains('…') {
        return Some(super::correct_file::in_notation(field, suggestion)).filter(|after| after != before);
    }
    meant.find(|s| mask(s) == suggestion && fits(field, s))
}

/// Whether a text has the shape that a column asks for.
fn fits(field: &Field, text: &str) -> bool {
    field.checks.iter().all(|check| match &check.test {
        Test::Pattern { regex, .. } => regex.is_match(text),
        Test::Format(format) => format.accepts(text),
        _ => true,
    })
}

/// A value as a report shows it.
fn shown(value: &str) -> String {
    mask(value).chars().take(SHOWN).collect()
}

fn change(table: &Table, row: usize, column: usize, after: &str) -> CellChange {
    CellChange {
        row: table.rows[row],
        column: table.head.names[column].clone(),
        column_letter: letter(column),
        before: Some(shown(table.columns[column].get(row))),
        after: Some(shown(after)),
    }
}

type Checked<'a> = (&'a Table, &'a Ruled<'a>, &'a CheckReport);

/// Whether the mended file, read as it will be, holds the same values but in the cells that were mended.
fn is_the_same_elsewhere(before: Checked<'_>, after: Checked<'_>, edits: &CellEdits) -> bool {
    let (table, again) = (before.0, after.0);
    if table.height() != again.height() || table.head.names != again.head.names {
        return false;
    }
    let (left, right) = (Side::of(before.0, before.1, before.2), Side::of(after.0, after.1, after.2));
    // Row by row: keys may be among what was mended.
    let found = between(&left, &right, &[], false, edits.len() + 1);
    found.added == 0
        && found.removed == 0
        && found.columns.iter().map(|c| c.cells).sum::<u64>() <= edits.len() as u64
        && found.cells.iter().all(|cell| {
            let row = cell.row_before.and_then(|row| table.rows.binary_search(&row).ok());
            let column = table.head.names.iter().position(|n| *n == cell.column);
            row.zip(column).is_some_and(|place| edits.contains_key(&place))
        })
}

/// `demandes.xlsx` becomes `demandes (corrigé).csv`.
fn name(file_name: &str) -> String {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let stem: String = stem.chars().take(150).collect();
    format!("{} (corrigé).csv", stem.trim_end_matches(" (corrigé)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mended_file_is_named_after_the_refused_one() {
        assert_eq!(name("demandes 2026.03.xlsx"), "demandes 2026.03 (corrigé).csv");
        assert_eq!(name("demandes"), "demandes (corrigé).csv");
        assert_eq!(name("demandes (corrigé).csv"), "demandes (corrigé).csv");
    }
}
