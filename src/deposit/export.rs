//! What the check said, as a table for a spreadsheet.

use super::report::{CellFault, CheckReport};
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

fn line(out: &mut String, cells: [&str; 10]) {
    out.push_str(&cells.map(csv_cell).join(";"));
    out.push_str("\r\n");
}
