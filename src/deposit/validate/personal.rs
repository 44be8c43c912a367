//! Personal data in text columns that are not declared to hold any.

use std::collections::BTreeMap;

use super::header::letter;
use crate::{
    convention::{
        column::ColumnKind,
        personal::{PersonalKind, find, mask},
        rules::{Rules, Test},
    },
    deposit::{
        decode::Table,
        report::{CellFault, PersonalCell, PersonalFinding},
    },
};

/// Cells that a finding shows.
const SHOWN: usize = 10;
/// Longest text that is shown, in characters.
const LENGTH: usize = 200;

/// Scans every text column, but those that are declared personal and those whose values the convention itself lists.
pub fn scan(table: &Table, rules: &Rules, positions: &[Option<usize>]) -> Vec<PersonalFinding> {
    let mut findings = Vec::new();
    for (field, position) in rules.fields().iter().zip(positions) {
        let Some(position) = *position else { continue };
        let listed = field.checks.iter().any(|check| matches!(check.test, Test::OneOfTexts { .. }));
        if field.column.kind != ColumnKind::String || rules.is_personal(&field.column.name) || listed {
            continue;
        }
        let mut of_column: BTreeMap<PersonalKind, (u64, Vec<PersonalCell>)> = BTreeMap::new();
        for (row, text) in table.columns[position].iter().enumerate() {
            let mut seen = Vec::new();
            for (kind, _) in find(text) {
                if seen.contains(&kind) {
                    continue;
                }
                seen.push(kind);
                let (count, cells) = of_column.entry(kind).or_default();
                *count += 1;
                if cells.len() < SHOWN {
                    cells.push(PersonalCell { row: table.rows.get(row).copied(), masked: mask(text).chars().take(LENGTH).collect() });
                }
            }
        }
        findings.extend(of_column.into_iter().map(|(kind, (count, cells))| PersonalFinding {
            column: field.column.name.clone(),
            column_letter: Some(letter(position)).filter(|_| table.header_row.is_some()),
            kind,
            count,
            message: sentence(&field.column.name, kind, count),
            cells,
        }));
    }
    findings
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
