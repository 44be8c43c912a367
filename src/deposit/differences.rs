//! What differs between two deposits of one slot, cell by cell: rows are matched by the dataset's primary key where both files have it, by
//! their place otherwise, and compared as the check reads them, so that another encoding or another notation is no difference.

use std::{collections::HashMap, path::Path};

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    decode::{self, Expected, Table},
    find,
    list::unseen,
    reading,
    report::CheckReport,
    typed::{Typed, typed},
    validate::header::letter,
};
use crate::{
    access::Actor,
    app::App,
    convention::{personal::mask, register, rules::Rules},
    error::{Error, Kind, Result},
    ids::DepositId,
    store::{
        Page,
        deposits::{Deposit, DepositFilter},
    },
};

/// Differences that are listed; all are counted.
pub const LIMIT: usize = 1000;
/// Largest file that is compared, which is held in memory.
pub const MAX_BYTES: i64 = 128 << 20;
/// Longest text that is shown, in characters.
const SHOWN: usize = 200;

/// What differs from one deposit to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct DepositDifferences {
    /// Whether nothing does.
    pub is_same: bool,
    /// Columns that rows are matched by; none where they are matched by their place.
    pub key: Vec<String>,
    /// Rows of the file before.
    pub rows_before: u64,
    /// Rows of the file after.
    pub rows_after: u64,
    /// Rows that the file after has alone.
    pub added: u64,
    /// Rows that the file before has alone.
    pub removed: u64,
    /// Rows that both have, with a cell that differs.
    pub changed: u64,
    /// Cells that differ in these, by column, in the schema's order.
    pub columns: Vec<ColumnDifferences>,
    /// Declared columns that the file after has alone.
    pub columns_added: Vec<String>,
    /// Declared columns that the file before has alone.
    pub columns_removed: Vec<String>,
    /// The first cells that differ, in the order of the file after.
    pub cells: Vec<CellDifference>,
    /// The first rows that were added.
    pub rows_added: Vec<RowPlace>,
    /// The first rows that were removed.
    pub rows_removed: Vec<RowPlace>,
}

/// How many cells of a column differ.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ColumnDifferences {
    /// Its header.
    pub column: String,
    /// How many.
    pub cells: u64,
}

/// A cell that differs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CellDifference {
    /// Row in the file before, as a spreadsheet shows it.
    pub row_before: Option<u64>,
    /// Row in the file after.
    pub row_after: Option<u64>,
    /// Header of the column.
    pub column: String,
    /// `A`, `B` … in the file before.
    pub letter_before: String,
    /// In the file after.
    pub letter_after: String,
    /// As written, cut at 200 characters, personal data masked; none where this reader may not see it.
    pub before: Option<String>,
    /// Likewise.
    pub after: Option<String>,
}

/// A row of one file alone.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RowPlace {
    /// As a spreadsheet shows it.
    pub row: Option<u64>,
    /// Its key as written, where rows are matched by one that this reader may see.
    pub key: Option<String>,
}

/// One of the two files.
pub struct Side<'a> {
    table: &'a Table,
    rules: &'a Rules,
    decimal: char,
    /// Where each declared column stands.
    positions: Vec<Option<usize>>,
}

impl<'a> Side<'a> {
    /// A file, the rules that it is read under, and what its check found.
    pub fn of(table: &'a Table, rules: &'a Rules, report: &CheckReport) -> Self {
        let decimal = report.file.decimal.as_deref().and_then(|d| d.chars().next()).unwrap_or('.');
        let positions = rules.columns().iter().map(|c| table.head.names.iter().position(|n| *n == c.name)).collect();
        Self { table, rules, decimal, positions }
    }

    /// Position of a declared column, by its position in the other side's rules: two versions of a convention may declare others.
    fn position(&self, name: &str) -> Option<(usize, usize)> {
        let field = self.rules.columns().iter().position(|c| c.name == name)?;
        Some((field, self.positions[field]?))
    }

    fn value(&self, row: usize, (field, position): (usize, usize)) -> Typed {
        let cells = &self.table.columns[position];
        typed(self.rules, &self.rules.fields()[field], self.decimal, cells.get(row), cells.origin(row))
    }

    fn text(&self, row: usize, (_, position): (usize, usize)) -> String {
        mask(self.table.columns[position].get(row)).chars().take(SHOWN).collect()
    }

    fn row(&self, row: usize) -> Option<u64> {
        self.table.rows.get(row).copied()
    }
}

/// A column that both files have.
struct Shared<'a> {
    name: &'a str,
    before: (usize, usize),
    after: (usize, usize),
}

/// Compares two files, listing `limit` differences at most and no value of the `hidden` columns; by key only if `by_key`.
pub fn between(before: &Side<'_>, after: &Side<'_>, hidden: &[String], by_key: bool, limit: usize) -> DepositDifferences {
    let mut found = DepositDifferences {
        rows_before: before.table.height() as u64,
        rows_after: after.table.height() as u64,
        ..DepositDifferences::default()
    };
    let mut shared = Vec::new();
    for column in after.rules.columns() {
        match (before.position(&column.name), after.position(&column.name)) {
            (Some(left), Some(right)) => shared.push(Shared { name: &column.name, before: left, after: right }),
            (None, Some(_)) => found.columns_added.push(column.name.clone()),
            (Some(_), None) => found.columns_removed.push(column.name.clone()),
            (None, None) => {}
        }
    }
    let gone = |name: &&String| !after.rules.columns().iter().any(|c| c.name == **name) && before.position(name).is_some();
    found.columns_removed.extend(before.rules.columns().iter().map(|c| &c.name).filter(gone).cloned());

    let key: Vec<&Shared<'_>> = if by_key { key(after.rules, &shared) } else { Vec::new() };
    found.key = key.iter().map(|c| c.name.to_owned()).collect();
    let Pairs { both, added, removed } = pairs(before, after, &key);

    let mut left = limit;
    let mut counts = vec![0u64; shared.len()];
    for (row_before, row_after) in both {
        let mut differs = false;
        for (column, count) in shared.iter().zip(&mut counts) {
            if before.value(row_before, column.before) == after.value(row_after, column.after) {
                continue;
            }
            differs = true;
            *count += 1;
            if left > 0 {
                left -= 1;
                let shown = !hidden.iter().any(|h| h == column.name);
                found.cells.push(CellDifference {
                    row_before: before.row(row_before),
                    row_after: after.row(row_after),
                    column: column.name.to_owned(),
                    letter_before: letter(column.before.1),
                    letter_after: letter(column.after.1),
                    before: shown.then(|| before.text(row_before, column.before)),
                    after: shown.then(|| after.text(row_after, column.after)),
                });
            }
        }
        found.changed += u64::from(differs);
    }
    found.columns = shared
        .iter()
        .zip(counts)
        .filter(|(_, cells)| *cells > 0)
        .map(|(column, cells)| ColumnDifferences { column: column.name.to_owned(), cells })
        .collect();
    (found.added, found.removed) = (added.len() as u64, removed.len() as u64);
    let shows_key = !key.is_empty() && key.iter().all(|c| !hidden.iter().any(|h| h == c.name));
    let place = |side: &Side<'_>, row: usize, of: fn(&Shared<'_>) -> (usize, usize)| RowPlace {
        row: side.row(row),
        key: shows_key.then(|| key.iter().map(|c| side.text(row, of(c))).collect::<Vec<_>>().join(", ")),
    };
    found.rows_added = added.iter().take(left).map(|row| place(after, *row, |c| c.after)).collect();
    left -= found.rows_added.len();
    found.rows_removed = removed.iter().take(left).map(|row| place(before, *row, |c| c.before)).collect();
    found.is_same = found.changed + found.added + found.removed == 0 && found.columns_added.is_empty() && found.columns_removed.is_empty();
    found
}

/// The columns of the primary key, where both files have them all.
fn key<'s, 'n>(rules: &Rules, shared: &'s [Shared<'n>]) -> Vec<&'s Shared<'n>> {
    let Some(primary) = rules.keys().iter().find(|k| k.primary) else { return Vec::new() };
    let parts = primary.columns.iter().map(|&c| shared.iter().find(|s| s.name == rules.columns()[c].name));
    parts.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Rows of the two files that are one row, and those that are in one file alone.
struct Pairs {
    both: Vec<(usize, usize)>,
    added: Vec<usize>,
    removed: Vec<usize>,
}

fn pairs(before: &Side<'_>, after: &Side<'_>, key: &[&Shared<'_>]) -> Pairs {
    let (rows_before, rows_after) = (before.table.height(), after.table.height());
    if key.is_empty() {
        let both = rows_before.min(rows_after);
        return Pairs {
            both: (0..both).map(|i| (i, i)).collect(),
            added: (both..rows_after).collect(),
            removed: (both..rows_before).collect(),
        };
    }
    // A refused file may repeat a key: the first of one side is the first of the other, and so on.
    let mut waiting: HashMap<Vec<Typed>, Vec<usize>> = HashMap::with_capacity(rows_before);
    for row in (0..rows_before).rev() {
        waiting.entry(key.iter().map(|c| before.value(row, c.before)).collect()).or_default().push(row);
    }
    let (mut both, mut added) = (Vec::new(), Vec::new());
    for row in 0..rows_after {
        let of: Vec<Typed> = key.iter().map(|c| after.value(row, c.after)).collect();
        match waiting.get_mut(&of).and_then(Vec::pop) {
            Some(other) => both.push((other, row)),
            None => added.push(row),
        }
    }
    let mut removed: Vec<usize> = waiting.into_values().flatten().collect();
    removed.sort_unstable();
    Pairs { both, added, removed }
}

/// What differs from the deposit `before` to the deposit `id`, or from the one that came before it in its slot, as this person may read
/// them both.
///
/// # Errors
/// As [`find`], for either; `other_slot` where they are not of the same site, dataset and period; `nothing_to_compare` where none came
/// before; `file_gone`; `too_large_to_compare`; `not_a_table`.
pub async fn differences(
    app: &App,
    actor: &Actor,
    id: DepositId,
    before: Option<DepositId>,
) -> Result<(Deposit, Deposit, DepositDifferences)> {
    let after = find(app, actor, id).await?;
    let before = match before {
        Some(before) => find(app, actor, before).await?,
        None => previous(&history(app, &after).await?, &after).cloned().ok_or_else(|| {
            Error::new(
                Kind::Conflict,
                "nothing_to_compare",
                "Aucun fichier n'a été déposé avant celui-ci pour ces données et cette période.",
            )
        })?,
    };
    let slot = |d: &Deposit| (d.convention.clone(), d.site.clone(), d.dataset.clone(), d.period);
    if slot(&before) != slot(&after) {
        let message = "Ces deux dépôts ne sont pas de la même structure, du même jeu de données et de la même période\u{a0}: ils ne se comparent pas.";
        return Err(Error::new(Kind::Conflict, "other_slot", message));
    }
    let folder = tempfile::tempdir()?;
    let mut files = Vec::new();
    for (i, deposit) in [&before, &after].into_iter().enumerate() {
        let gone = || {
            Error::new(
                Kind::Conflict,
                "file_gone",
                format!("Le fichier du dépôt {} n'est plus gardé\u{a0}: il ne se compare plus.", deposit.number),
            )
        };
        let key = deposit.original_key.as_deref().ok_or_else(gone)?.parse()?;
        if deposit.bytes > MAX_BYTES {
            let message = format!("Le fichier du dépôt {} est trop grand pour être comparé ici.", deposit.number);
            return Err(Error::new(Kind::Conflict, "too_large_to_compare", message));
        }
        let report = app.store.deposit_report(deposit.id).await?;
        let report = report.map(|text| serde_json::from_str::<CheckReport>(&text)).transpose().map_err(Error::internal)?;
        let report = report
            .ok_or_else(|| Error::new(Kind::Conflict, "not_checked", "Ce fichier est en cours de contrôle\u{a0}: attendez sa fin."))?;
        let path = folder.path().join(i.to_string());
        app.lake.fetch_to(&key, &path).await?;
        let convention = register::version(app, deposit.convention_id).await?.convention;
        files.push((path, convention, reading::imposed(deposit)?, report));
    }
    let hidden = {
        let registered = register::version(app, after.convention_id).await?;
        let rules = reading::rules(&registered.convention, &after.dataset, None)?;
        let mut hidden = unseen(app, actor, &after, &rules).await?;
        hidden.extend(unseen(app, actor, &before, &rules).await?);
        hidden
    };
    let dataset = after.dataset.clone();
    let found = tokio::task::spawn_blocking(move || {
        let mut read = Vec::new();
        for (path, convention, imposed, _) in &files {
            let rules = reading::rules(convention, &dataset, imposed.as_ref())?;
            read.push((table(path, &rules)?, rules));
        }
        let sides: Vec<Side<'_>> = read.iter().zip(&files).map(|((table, rules), file)| Side::of(table, rules, &file.3)).collect();
        match sides.as_slice() {
            [before, after] => Ok(between(before, after, &hidden, true, LIMIT)),
            _ => Err(Error::internal("two files are compared")),
        }
    })
    .await
    .map_err(Error::internal)??;
    Ok((before, after, found))
}

fn table(path: &Path, rules: &Rules) -> Result<Table> {
    let names: Vec<String> = rules.columns().iter().map(|c| c.name.clone()).collect();
    decode::read(path, Expected { columns: &names, reading: Some(rules.reading()) }).map_err(|error| {
        let message = format!("L'un des deux fichiers n'a pas pu être lu, et ne se compare donc pas. {}", error.message);
        Error::new(Kind::Conflict, "not_a_table", message)
    })
}

/// Every deposit of the slot of one that the caller may read, newest first: who may read one may read all.
pub async fn history(app: &App, deposit: &Deposit) -> Result<Vec<Deposit>> {
    let head = register::version(app, deposit.convention_id).await?.head;
    let filter = DepositFilter {
        convention: Some(head.id),
        site: Some(deposit.site.clone()),
        dataset: Some(deposit.dataset.clone()),
        ..DepositFilter::default()
    };
    let (mut all, _) = app.store.deposits(&filter, Page::ALL).await?;
    all.retain(|d| d.period == deposit.period);
    Ok(all)
}

/// The newest deposit of a slot's history before this one, whose file is still there.
pub fn previous<'h>(history: &'h [Deposit], deposit: &Deposit) -> Option<&'h Deposit> {
    let earlier = |d: &&Deposit| (d.created_at, d.id) < (deposit.created_at, deposit.id);
    history.iter().filter(earlier).find(|d| d.original_key.is_some() && d.state.is_decided())
}
