//! What differs between two deposits of one slot.

use askama::Template;
use axum::extract::{Path, Query, State as Extract};
use serde::Deserialize;

use crate::{
    app::App,
    deposit::differences::{self, CellDifference, DepositDifferences, RowPlace},
    http::{
        failure::{PageResult, html},
        load,
        state::{Signed, who},
        view::{Notice, Page, State},
        words,
    },
    store::deposits::Deposit,
};

/// The page.
#[derive(Template)]
#[template(path = "deposit_differences.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DifferencesPage {
    pub page: Page,
    pub lead: String,
    pub sides: Vec<Compared>,
    pub matched: String,
    pub notice: Option<Notice>,
    pub totals: Vec<(String, String)>,
    pub columns: Vec<(String, String)>,
    pub cells: Vec<CellRow>,
    pub lists: Vec<RowList>,
    pub more: Option<String>,
}

/// One of the two files.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Compared {
    pub label: &'static str,
    pub href: String,
    pub file: String,
    pub number: String,
    pub received: String,
}

/// A cell that differs.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CellRow {
    pub place_before: String,
    pub place_after: String,
    pub column: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Rows that one file has alone.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct RowList {
    pub title: String,
    pub key: String,
    pub rows: Vec<(String, String)>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    avec: String,
}

/// `GET /depots/{id}/differences`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>, Query(asked): Query<Asked>) -> PageResult {
    let found = load::deposit(&app, &actor, &id).await?;
    let before = if asked.avec.is_empty() { None } else { Some(load::deposit(&app, &actor, &asked.avec).await?.id) };
    let (before, after, differences) = differences::differences(&app, &actor, found.id, before).await?;
    let loaded = load::convention(&app, &actor, &after.convention).await?;
    let href = format!("/depots/{}", after.id);
    html(DifferencesPage {
        page: Page::new("Différences entre deux dépôts", who(&actor), "deposits").under("Dépôts", "/depots").under(&after.file_name, &href),
        lead: format!(
            "{} · {} · {}",
            loaded.dataset_title(&after.dataset),
            words::sentence(&words::period(after.period)),
            loaded.site_name(&after.site)
        ),
        sides: vec![side("Avant", &before), side("Après", &after)],
        matched: if differences.key.is_empty() {
            "Les lignes sont comparées selon leur ordre dans les fichiers.".to_owned()
        } else {
            format!("Les lignes sont rapprochées par leur clé\u{a0}: {}.", differences.key.join(", "))
        },
        notice: differences.is_same.then(|| same(&before, &after)),
        totals: totals(&differences),
        columns: differences.columns.iter().map(|c| (c.column.clone(), words::count(c.cells))).collect(),
        more: more(&differences),
        cells: differences.cells.iter().map(cell).collect(),
        lists: [("Lignes ajoutées", &differences.rows_added), ("Lignes retirées", &differences.rows_removed)]
            .into_iter()
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(title, rows)| list(title, rows, &differences.key))
            .collect(),
    })
}

fn side(label: &'static str, deposit: &Deposit) -> Compared {
    Compared {
        label,
        href: format!("/depots/{}", deposit.id),
        file: deposit.file_name.clone(),
        number: deposit.number.clone(),
        received: words::moment(deposit.created_at),
    }
}

fn same(before: &Deposit, after: &Deposit) -> Notice {
    let line = if before.sha256 == after.sha256 {
        "C'est le même fichier, à l'octet près."
    } else {
        "Les fichiers ne sont pas écrits de la même façon, mais se lisent de même\u{a0}: mêmes lignes, mêmes valeurs."
    };
    Notice::new(State::Ok, "Rien ne diffère entre ces deux dépôts", vec![line.to_owned()])
}

fn totals(found: &DepositDifferences) -> Vec<(String, String)> {
    let cells: u64 = found.columns.iter().map(|c| c.cells).sum();
    let mut totals = vec![
        ("Lignes", format!("{} avant, {} après", words::count(found.rows_before), words::count(found.rows_after))),
        ("Lignes ajoutées", words::count(found.added)),
        ("Lignes retirées", words::count(found.removed)),
        ("Lignes modifiées", format!("{} ({})", words::count(found.changed), words::plural(cells, "case", "cases"))),
    ];
    for (label, names) in [("Colonnes ajoutées", &found.columns_added), ("Colonnes retirées", &found.columns_removed)] {
        if !names.is_empty() {
            totals.push((label, names.join(", ")));
        }
    }
    totals.into_iter().map(|(label, value)| (label.to_owned(), value)).collect()
}

fn more(found: &DepositDifferences) -> Option<String> {
    let all = found.columns.iter().map(|c| c.cells).sum::<u64>() + found.added + found.removed;
    let listed = (found.cells.len() + found.rows_added.len() + found.rows_removed.len()) as u64;
    (all > listed).then(|| format!("Seules les {} premières différences sont montrées, sur {}.", words::count(listed), words::count(all)))
}

fn cell(found: &CellDifference) -> CellRow {
    let place = |letter: &str, row: Option<u64>| row.map_or_else(|| letter.to_owned(), |row| format!("{letter}{row}"));
    CellRow {
        place_before: place(&found.letter_before, found.row_before),
        place_after: place(&found.letter_after, found.row_after),
        column: found.column.clone(),
        before: found.before.clone(),
        after: found.after.clone(),
    }
}

fn list(title: &str, rows: &[RowPlace], key: &[String]) -> RowList {
    let one = |row: &RowPlace| (row.row.map(|r| r.to_string()).unwrap_or_default(), row.key.clone().unwrap_or_default());
    let key = if rows.iter().any(|r| r.key.is_some()) { key.join(", ") } else { String::new() };
    RowList { title: title.to_owned(), key, rows: rows.iter().map(one).collect() }
}
