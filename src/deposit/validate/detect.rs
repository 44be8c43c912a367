//! What nothing declares and the file alone tells: the decimal mark, and whether dates with slashes put the day first.

use std::collections::BTreeSet;

use super::read;
use crate::{
    convention::rules::{Dates, Field, Read},
    deposit::decode::{Cells, Origin, Table},
};

/// How the file is read.
pub struct Detected {
    /// The decimal mark where no column declares one.
    pub decimal: char,
    /// Whether a cell told it.
    pub decimal_seen: bool,
    /// Dates with slashes whose first number is over 12, whose second is, and where neither is: with the first row and cell of these.
    day_first: u64,
    month_first: u64,
    ambiguous: u64,
    /// The first date with slashes that reads both ways: field, row.
    pub ambiguous_at: Option<(usize, usize)>,
    /// Day zero of the workbook.
    pub epoch: &'static str,
    /// Notations that were met.
    pub notations: BTreeSet<String>,
}

impl Detected {
    /// Looks at the number and date columns that declare nothing.
    pub fn new<'t>(table: &Table, columns: impl Iterator<Item = (usize, &'t Field, &'t Cells)> + Clone) -> Self {
        let (mut commas, mut points) = (0u64, 0u64);
        for (_, field, cells) in columns.clone() {
            let group = match field.read {
                Read::Number { decimal: None, group, .. } | Read::Integer { fraction: true, group, .. } => group,
                _ => continue,
            };
            for row in 0..cells.len() {
                let text = cells.get(row);
                if cells.origin(row) != Origin::Text || text.len() > 64 {
                    continue;
                }
                if text.contains(',') && read::number(text, ',', group, true).is_ok() {
                    commas += 1;
                } else if text.contains('.') && read::number(text, '.', group, true).is_ok() {
                    points += 1;
                }
            }
        }
        let comma = commas > points || (commas == points && commas > 0 && table.source.delimiter == Some(';'));
        let mut detected = Self {
            decimal: if comma { ',' } else { '.' },
            decimal_seen: commas + points > 0,
            day_first: 0,
            month_first: 0,
            ambiguous: 0,
            ambiguous_at: None,
            epoch: table.source.epoch.unwrap_or("iso"),
            notations: BTreeSet::new(),
        };
        for (position, field, cells) in columns {
            if !matches!(field.read, Read::Date(Dates::Detect) | Read::Datetime(Dates::Detect)) {
                continue;
            }
            for row in 0..cells.len() {
                let text = cells.get(row).trim();
                let Some((a, b, ..)) = text.contains('/').then(|| text.split(' ').next().and_then(read::slashed)).flatten() else {
                    continue;
                };
                match (a, b) {
                    (13..=31, 1..=12) => detected.day_first += 1,
                    (1..=12, 13..=31) => detected.month_first += 1,
                    // 5/5 reads the same both ways.
                    (1..=12, 1..=12) if a != b => {
                        detected.ambiguous += 1;
                        detected.ambiguous_at.get_or_insert((position, row));
                    }
                    _ => {}
                }
            }
        }
        detected
    }

    /// Whether the file writes the month first: then no date with slashes is read, for none is sure.
    pub fn month_first(&self) -> bool {
        self.month_first > 0 && self.day_first == 0
    }

    /// Whether dates were read day first with nothing in the file to show it: worth saying.
    pub fn unsure(&self) -> bool {
        self.ambiguous > 0 && self.day_first == 0 && self.month_first == 0
    }
}
