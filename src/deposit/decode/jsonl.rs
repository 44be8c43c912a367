//! One JSON object per line. Types are the format's own: the text `5` is not a number.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::{Cells, Origin, Source, Table, assemble, refuse};
use crate::{convention::rules::MAX_COLUMNS, deposit::report::SourceError};

/// Whether the first line is an object, whole.
pub fn looks_like(text: &str) -> bool {
    text.lines().next().is_some_and(|line| serde_json::from_str::<Map<String, Json>>(line).is_ok())
}

/// Reads a whole text.
pub fn read(text: &str, encoding: String) -> Result<Table, SourceError> {
    let mut table =
        Table { source: Source { format: "jsonl", encoding: Some(encoding), ..Source::default() }, strict: true, ..Table::default() };
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut last = 0;
    for (row, line) in (1u64..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let object: Map<String, Json> = serde_json::from_str(line).map_err(|error| {
            if error.is_eof() {
                refuse("truncated", format!("La ligne {row} s'arrête au milieu : refaites l'export ou l'envoi."))
            } else {
                refuse("bad_line", format!("La ligne {row} n'est pas un objet JSON : écrivez un objet par ligne."))
            }
        })?;
        table.blank_rows.extend((last + 1..row).take(1000usize.saturating_sub(table.blank_rows.len())));
        last = row;
        let height = table.rows.len();
        for (key, value) in object {
            let at = match positions.get(&key) {
                Some(at) => *at,
                None => {
                    if positions.len() >= MAX_COLUMNS {
                        return Err(assemble::too_wide());
                    }
                    let mut column = Cells::default();
                    (0..height).for_each(|_| column.push("", Origin::Absent));
                    table.columns.push(column);
                    table.names.push(key.clone());
                    positions.insert(key, table.columns.len() - 1);
                    table.columns.len() - 1
                }
            };
            let column = &mut table.columns[at];
            match value {
                Json::Null => column.push("", Origin::Text),
                Json::Bool(b) => column.push(if b { "true" } else { "false" }, Origin::Boolean),
                Json::Number(n) => column.push(&n.to_string(), Origin::Number),
                Json::String(s) => column.push(&s, Origin::Text),
                nested => column.push(&nested.to_string(), Origin::Nested),
            }
        }
        for column in &mut table.columns {
            if column.len() == height {
                column.push("", Origin::Absent);
            }
        }
        table.rows.push(row);
    }
    Ok(table)
}
