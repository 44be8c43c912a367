//! How the cells of a file are read where the parties or its depositor say it, and the schema itself says nothing.

use super::{
    Rules,
    field::{Dates, Notation, Read, Words},
};
use crate::{convention::document::Reading, error::Fault};

/// Rows among which the header of a file may be said to stand.
const HEADER_ROWS: u64 = 50;

impl Rules {
    /// The same rules of a bare schema, for a file that is to be read so, where the schema itself says nothing.
    pub fn reading_so(mut self, reading: &Reading) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        self.add_reading(reading, &mut faults);
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }

    /// Applies what the parties agreed on how cells are read, where the schema itself says nothing.
    pub(super) fn add_reading(&mut self, reading: &Reading, faults: &mut Vec<Fault>) {
        let trimmed = |words: &[String]| words.iter().map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect::<Vec<_>>();
        let reading =
            &Reading { missing: trimmed(&reading.missing), yes: trimmed(&reading.yes), no: trimmed(&reading.no), ..reading.clone() };
        self.reading = reading.clone();
        let mut mark = None;
        if let Some(decimal) = &reading.decimal {
            match decimal.as_str() {
                "," | "." => mark = decimal.chars().next(),
                _ => faults.push(Fault::new("/reading/decimal", "reading", "Écrivez « , » ou « . ».")),
            }
        }
        if let Some(delimiter) = &reading.delimiter
            && !matches!(delimiter.as_str(), ";" | "," | "\t" | "|" | "tab")
        {
            faults.push(Fault::new("/reading/delimiter", "reading", "Écrivez « ; », « , », « | » ou « tab »."));
        }
        if let Some(encoding) = &reading.encoding
            && encoding_rs::Encoding::for_label(encoding.as_bytes()).is_none()
        {
            faults.push(Fault::new(
                "/reading/encoding",
                "reading",
                "Cet encodage est inconnu : écrivez par exemple utf-8 ou windows-1252.",
            ));
        }
        let among = |name: &str, value: &Option<String>, all: &[&str], say: &str| {
            let wrong = value.as_deref().is_some_and(|v| !all.contains(&v));
            wrong.then(|| Fault::new(format!("/reading/{name}"), "reading", say))
        };
        faults.extend(among("quote", &reading.quote, &["\"", "'", "none"], "Écrivez « \" », « ' » ou « none »."));
        faults.extend(among("thousands", &reading.thousands, &[".", ",", "'"], "Écrivez « . », « , » ou « ' »."));
        faults.extend(among("percent", &reading.percent, &["share", "number"], "Écrivez « share » ou « number »."));
        let group = reading.thousands.as_deref().and_then(|t| t.chars().next());
        if group.is_some() && group == mark {
            let message = "Le même signe ne peut pas marquer les décimales et séparer les milliers.";
            faults.push(Fault::new("/reading/thousands", "reading", message));
        }
        // A sign that separates thousands leaves the other one to the decimals.
        let mark = mark.or(match group {
            Some('.') => Some(','),
            Some(',') => Some('.'),
            _ => None,
        });
        if reading.yes.is_empty() != reading.no.is_empty() {
            faults.push(Fault::new("/reading/yes", "reading", "Donnez les mots de « oui » et ceux de « non »."));
        }
        if let Some(both) = reading.yes.iter().find(|word| reading.no.contains(word)) {
            faults.push(Fault::new("/reading/yes", "reading", format!("« {both} » ne peut pas dire « oui » et « non » à la fois.")));
        }
        if reading.header_row.is_some_and(|row| !(1..=HEADER_ROWS).contains(&row)) {
            let message = format!("Écrivez un nombre de 1 à {HEADER_ROWS}.");
            faults.push(Fault::new("/reading/header_row", "reading", message));
        }
        let mut notations = Vec::new();
        for (i, name) in reading.dates.iter().enumerate() {
            match Notation::parse(name) {
                Some(notation) => notations.push(notation),
                None => faults.push(Fault::new(
                    format!("/reading/dates/{i}"),
                    "reading",
                    "Écrivez « iso », « dd/mm/yyyy », « dd/mm/yy », « serial-1900 » ou « serial-1904 ».",
                )),
            }
        }
        let words = || Words { yes: reading.yes.clone(), no: reading.no.clone(), exact: false };
        for field in &mut self.fields {
            if let Read::Number { group: own, .. } | Read::Integer { group: own, .. } = &mut field.read
                && own.is_none()
            {
                *own = group;
            }
            match &mut field.read {
                Read::Number { decimal, .. } if decimal.is_none() => *decimal = mark,
                Read::Boolean(own) if own.is_none() && !reading.yes.is_empty() => *own = Some(words()),
                Read::Date(dates) | Read::Datetime(dates) if *dates == Dates::Detect && !notations.is_empty() => {
                    *dates = Dates::Notations(notations.clone());
                }
                _ => {}
            }
        }
    }
}
