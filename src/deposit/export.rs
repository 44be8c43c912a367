//! What the check said, as a table for a spreadsheet.

use super::{
    correct::CellChange,
    report::{CellFault, CheckReport},
};
use crate::words::{count, csv_cell};

const HEADER: [&str; 10] = ["Règle", "Code", "Ligne", "Lettre", "Colonne", "Valeur", "Message", "Suggestion", "Attendu", "Gravité"];

/// The report as CSV, as a French spreadsheet opens it: one line per fault, then one per warning, and what is not listed.
pub fn csv(report: &CheckReport) -> String {
    let mut out = format!("\u{feff}{}\r\n", HEADER.join(";"));
    if let Some(error) = &report.source_error {
        line(&mut out, ["", &error.code, "", "", "", "", &error.message, "", "", ERROR]);
    }
    for (faults, total, severity) in [(&report.errors, report.stats.errors, ERROR), (&report.warnings, report.stats.warnings, WARNING)] {
        for fault in faults {
            self::fault(&mut out, fault, severity);
        }
        let listed = faults.len() as u64;
        if total > listed {
            let message = format!("Seuls les {} premiers sont listés, sur {}.", count(listed), count(total));
            line(&mut out, ["", "not_listed", "", "", "", "", &message, "", "", severity]);
        }
    }
    out
}

/// What refuses a file.
pub const ERROR: &str = "erreur";
/// What does not.
pub const WARNING: &str = "avertissement";

fn fault(out: &mut String, fault: &CellFault, severity: &str) {
    let row = fault.row.map(|r| r.to_string()).unwrap_or_default();
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    line(
        out,
        [
            &text(&fault.rule),
            &fault.code,
            &row,
            &text(&fault.column_letter),
            &text(&fault.column),
            &text(&fault.value),
            &fault.message,
            &text(&fault.suggestion),
            &text(&fault.expected),
            severity,
        ],
    );
}

fn line<const CELLS: usize>(out: &mut String, cells: [&str; CELLS]) {
    out.push_str(&cells.map(csv_cell).join(";"));
    out.push_str("\r\n");
}

/// The cells that were changed, as a French spreadsheet opens it.
pub fn changes(changes: &[CellChange]) -> String {
    let mut out = String::from("\u{feff}Ligne;Lettre;Colonne;Avant;Après\r\n");
    for change in changes {
        let (before, after) = (change.before.as_deref().unwrap_or_default(), change.after.as_deref().unwrap_or_default());
        line(&mut out, [&change.row.to_string(), &change.column_letter, &change.column, before, after]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_never_a_formula() {
        let change = |before: &str, after: &str| CellChange {
            row: 2,
            column: "=A1".to_owned(),
            column_letter: "A".to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        };
        let text = changes(&[change("=1+1", "-3,5"), change("@x", "a;b")]);
        assert_eq!(text, "\u{feff}Ligne;Lettre;Colonne;Avant;Après\r\n2;A;'=A1;'=1+1;-3,5\r\n2;A;'=A1;'@x;\"a;b\"\r\n");
    }
}
