//! The header against the declared columns.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    convention::rules::{Extra, Rules, nearest},
    deposit::{decode::Head, report::CellFault},
};

/// Where each declared column stands in the file, and what is wrong with the header.
pub struct Header {
    /// Position in the file of each field, in the order of the rules.
    pub positions: Vec<Option<usize>>,
    /// What refuses the file.
    pub errors: Vec<CellFault>,
    /// What does not.
    pub warnings: Vec<CellFault>,
}

impl Header {
    /// Absent columns, where the header is wrong or holds columns that were left out: they may be there under another name.
    pub fn unsure<'a>(&self, rules: &'a Rules) -> Vec<&'a str> {
        let strange = !self.errors.is_empty() || self.warnings.iter().any(|w| w.code == "extra_column");
        let absent = rules.columns().iter().zip(&self.positions).filter(|(_, p)| strange && p.is_none());
        absent.map(|(c, _)| c.name.as_str()).collect()
    }
}

/// `A`, `B` … `AA`, as a spreadsheet names a column.
pub fn letter(mut position: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(position % 26).unwrap_or_default()));
        if position < 26 {
            return letters.iter().rev().collect();
        }
        position = position / 26 - 1;
    }
}

/// Checks the header. `filled` are the positions of columns without a name that hold something; no other value of an undeclared column
/// is ever looked at.
pub fn check(table: &Head, rules: &Rules, filled: &BTreeSet<usize>) -> Header {
    let lettered = table.header_row.is_some();
    let fault = |code: &str, position: Option<usize>, name: Option<&str>, message: String| CellFault {
        code: code.to_owned(),
        row: table.header_row,
        column: name.map(str::to_owned),
        column_letter: position.filter(|_| lettered).map(letter),
        value: None,
        message,
        rule: None,
        expected: None,
        suggestion: None,
    };
    let declared = rules.columns();
    let mut header = Header { positions: Vec::new(), errors: Vec::new(), warnings: Vec::new() };
    let mut firsts: HashMap<&str, usize> = HashMap::with_capacity(table.names.len());
    for (position, name) in table.names.iter().enumerate() {
        firsts.entry(name).or_insert(position);
    }
    header.positions = declared.iter().map(|c| firsts.get(c.name.as_str()).copied()).collect();

    let names: HashSet<&str> = declared.iter().map(|c| c.name.as_str()).collect();
    let is_declared = |name: &str| names.contains(name);
    let absent: Vec<&str> = declared.iter().zip(&header.positions).filter(|(_, p)| p.is_none()).map(|(c, _)| c.name.as_str()).collect();
    let unknown: Vec<&str> = table.names.iter().map(String::as_str).filter(|n| !is_declared(n)).collect();

    // A line of data in place of the header: its values are not names to show.
    let near_any = || unknown.iter().any(|name| nearest(name, absent.iter().copied()).is_some());
    if lettered && absent.len() == declared.len() && !near_any() {
        let list: Vec<&str> = absent.iter().copied().take(5).collect();
        let more = if absent.len() > list.len() { "…" } else { "" };
        let message = format!(
            "La première ligne n'a aucun des titres attendus ({}{more}) : ajoutez la ligne des titres en tête du tableau.",
            list.join(", ")
        );
        header.errors.push(fault("missing_header", None, None, message));
        return header;
    }

    for (position, name) in table.names.iter().enumerate() {
        if name.is_empty() {
            if filled.contains(&position) {
                let message = format!("La colonne {} n'a pas de titre : donnez-lui le nom attendu, ou supprimez-la.", letter(position));
                header.errors.push(fault("empty_header", Some(position), None, message));
            }
            continue;
        }
        if let Some(&first) = firsts.get(name.as_str()).filter(|first| **first < position) {
            let message = format!(
                "La colonne « {name} » figure deux fois (colonnes {} et {}) : n'en gardez qu'une.",
                letter(first),
                letter(position)
            );
            header.errors.push(fault("duplicate_column", Some(position), Some(name), message));
            continue;
        }
        if is_declared(name) {
            continue;
        }
        let near = nearest(name, absent.iter().copied());
        match rules.header().extra {
            Extra::Refused => {
                let hint = near.map_or_else(
                    || "supprimez-la et envoyez le fichier à nouveau".to_owned(),
                    |n| format!("renommez-la « {n} » si c'est elle, sinon supprimez-la"),
                );
                let message = format!("La colonne « {name} » n'est pas prévue : {hint}. Aucune de ses valeurs n'est conservée ni montrée.");
                let mut refused = fault("outside_perimeter", Some(position), Some(name), message);
                refused.suggestion = near.map(str::to_owned);
                header.errors.push(refused);
            }
            Extra::Ignored => {
                let hint = near.map_or_else(String::new, |n| format!(" Vouliez-vous dire « {n} » ?"));
                header.warnings.push(fault(
                    "extra_column",
                    Some(position),
                    Some(name),
                    format!("La colonne « {name} » n'est pas attendue : elle est laissée de côté.{hint}"),
                ));
            }
        }
    }

    // With one key per value there is no header to mend: a key that is nowhere is told on each row that requires it.
    for (column, position) in declared.iter().zip(&header.positions) {
        if position.is_some() {
            continue;
        }
        let name = column.name.as_str();
        let near = nearest(name, unknown.iter().copied());
        let needed = column.required
            || rules.header().all
            || rules.keys().iter().any(|k| k.primary && k.columns.iter().any(|&c| declared[c].name == name));
        let hint = near.map_or_else(String::new, |n| format!(" La colonne « {n} » y ressemble : renommez-la si c'est elle."));
        if needed {
            let mut missing = fault("missing_column", None, Some(name), format!("La colonne « {name} » manque : ajoutez-la.{hint}"));
            missing.suggestion = near.map(str::to_owned);
            header.errors.push(missing);
        } else if rules.header().tell_absent || (near.is_some() && rules.header().extra == Extra::Ignored) {
            header.warnings.push(fault(
                "absent_column",
                None,
                Some(name),
                format!("La colonne « {name} », facultative, n'est pas dans le fichier.{hint}"),
            ));
        }
    }
    if rules.header().some && header.positions.iter().all(Option::is_none) {
        header.errors.push(fault(
            "missing_column",
            None,
            None,
            "Aucune des colonnes attendues n'est dans le fichier : vérifiez la ligne des titres.".into(),
        ));
    }
    if rules.header().order {
        let order: Vec<usize> = header.positions.iter().copied().flatten().collect();
        if !order.is_sorted() {
            header.errors.push(fault(
                "column_order",
                None,
                None,
                "Les colonnes ne sont pas dans l'ordre attendu : remettez-les dans l'ordre du modèle.".into(),
            ));
        }
    }
    header
}

#[cfg(test)]
mod tests {
    #[test]
    fn letters_are_those_of_a_spreadsheet() {
        let letters: Vec<_> = [0, 25, 26, 51, 52, 701, 702].into_iter().map(super::letter).collect();
        assert_eq!(letters, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
