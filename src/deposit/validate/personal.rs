//! Personal data in text columns that are not declared to hold any.

use std::collections::BTreeMap;

use super::header::letter;
use crate::{
    convention::{
        column::ColumnKind,
        personal::{DIGITS, PersonalKind, digits, find, mask, may_hold_a_number},
        rules::{Rules, Test},
    },
    deposit::{
        decode::{Head, Table},
        report::{CellFault, PersonalCell, PersonalFinding},
    },
};

/// Cells that a finding shows.
const SHOWN: usize = 10;
/// Longest text that is shown, in characters.
const LENGTH: usize = 200;

/// What one column holds of one kind.
#[derive(Debug, Default)]
struct Hits {
    count: u64,
    cells: Vec<PersonalCell>,
}

/// What looks like personal data in a file, by position of the field and kind.
#[derive(Debug, Default)]
pub struct Findings(BTreeMap<(usize, PersonalKind), Hits>);

/// Scans every text column, but those that are declared personal and those whose values the convention itself lists.
pub fn scan(table: &Table, rules: &Rules, positions: &[Option<usize>]) -> Findings {
    let mut findings = Findings::default();
    // Most blocks are settled by one look at their whole text, most columns by their digits, and most cells by their length.
    let no_address = table.surely_without(b'@');
    for (i, (field, position)) in rules.fields().iter().zip(positions).enumerate() {
        let Some(position) = *position else { continue };
        let listed = field.checks.iter().any(|check| matches!(check.test, Test::OneOfTexts { .. }));
        if field.column.kind != ColumnKind::String || rules.is_personal(&field.column.name) || listed {
            continue;
        }
        let cells = &table.columns[position];
        let addresses = !no_address && cells.iter().any(|text| memchr::memchr(b'@', text.as_bytes()).is_some());
        let mut count = 0;
        let mut enough = |text: &str| {
            count += digits(text);
            count >= DIGITS
        };
        if !addresses && !cells.iter().any(&mut enough) {
            continue;
        }
        for (row, text) in cells.iter().enumerate() {
            if !addresses && (text.len() < DIGITS || !may_hold_a_number(text)) {
                continue;
            }
            let mut seen = Vec::new();
            for (kind, _) in find(text) {
                if seen.contains(&kind) {
                    continue;
                }
                seen.push(kind);
                let hits = findings.0.entry((i, kind)).or_default();
                hits.count += 1;
                if hits.cells.len() < SHOWN {
                    hits.cells.push(PersonalCell { row: table.rows.get(row).copied(), masked: mask(text).chars().take(LENGTH).collect() });
                }
            }
        }
    }
    findings
}

impl Findings {
    /// Takes what a later block holds.
    pub fn merge(&mut self, other: Self) {
        for (place, more) in other.0 {
            let hits = self.0.entry(place).or_default();
            hits.count += more.count;
            hits.cells.extend(more.cells.into_iter().take(SHOWN.saturating_sub(hits.cells.len())));
        }
    }

    /// As the report says it.
    pub fn told(self, head: &Head, rules: &Rules, positions: &[Option<usize>]) -> Vec<PersonalFinding> {
        let mut told = Vec::new();
        for ((field, kind), hits) in self.0 {
            let (name, position) = (&rules.fields()[field].column.name, positions[field]);
            told.push(PersonalFinding {
                column: name.clone(),
                column_letter: position.map(letter).filter(|_| head.header_row.is_some()),
                kind,
                count: hits.count,
                message: sentence(name, kind, hits.count),
                cells: hits.cells,
            });
        }
        told
    }
}

fn sentence(column: &str, kind: PersonalKind, count: u64) -> String {
    let what = if count == 1 { kind.words().to_owned() } else { format!("{count}\u{a0}{}", kind.plural()) };
    format!(
        "La colonne «\u{a0}{column}\u{a0}» semble contenir {what}, que la convention ne prévoit pas. Retirez ces données du fichier, ou confirmez que ce n'en sont pas."
    )
}

/// Hides personal data in what a fault says of a cell.
pub fn hide(fault: &mut CellFault) {
    let texts = [Some(&mut fault.message), fault.value.as_mut(), fault.suggestion.as_mut()];
    for text in texts.into_iter().flatten() {
        *text = mask(text);
    }
}
