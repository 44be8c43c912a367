//! What a dataset's depositors are given to fill in and to read, in each of its forms: one for pages, API and command line.

use std::str::FromStr;

use super::describe;
use crate::{
    convention::{
        document::{Dataset, Document},
        rules::Rules,
    },
    deposit::{
        dictionary,
        template::{self, Rows},
    },
    error::{Error, Kind, Result},
};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A workbook to fill in.
    Workbook,
    /// The header line, to fill in.
    Csv,
    /// The data dictionary, for people.
    Dictionary,
    /// The same as Table Schema.
    TableSchema,
    /// The same as JSON Schema.
    JsonSchema,
}

impl Form {
    const FILES: [(Self, &str); 5] = [
        (Self::Workbook, "template.xlsx"),
        (Self::Csv, "template.csv"),
        (Self::Dictionary, "dictionary.md"),
        (Self::TableSchema, "table-schema.json"),
        (Self::JsonSchema, "schema.json"),
    ];
}

impl FromStr for Form {
    type Err = Error;
    /// By the name that the API gives its file.
    fn from_str(s: &str) -> Result<Self> {
        let found = Self::FILES.into_iter().find(|(_, file)| *file == s);
        found.map(|(form, _)| form).ok_or_else(|| Error::new(Kind::NotFound, "not_found", "Ce fichier n'existe pas."))
    }
}

/// A file for people or programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name without its ending.
    pub name: String,
    /// Its ending.
    pub extension: &'static str,
    /// What it is.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Writes a form of the dataset called `name`.
///
/// # Errors
/// What cannot be written as a workbook.
pub fn give(form: Form, document: &Document, name: &str, dataset: &Dataset, rules: &Rules) -> Result<Given> {
    let json = |value| serde_json::to_string_pretty(&value).map(String::into_bytes).map_err(Error::internal);
    let (name, extension, media_type, bytes) = match form {
        Form::Workbook => {
            let bytes = template::workbook(name, dataset, rules, document.period, Rows::None)?;
            (name.to_owned(), "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", bytes)
        }
        Form::Csv => (name.to_owned(), "csv", "text/csv; charset=utf-8", describe::template(dataset).into_bytes()),
        Form::Dictionary => {
            let text = dictionary::markdown(document, name, dataset, rules, &describe::rhythm(dataset));
            (format!("dictionnaire-{name}"), "md", "text/markdown; charset=utf-8", text.into_bytes())
        }
        Form::TableSchema => (format!("{name}.table-schema"), "json", "application/json", json(dictionary::table_schema(dataset, rules))?),
        Form::JsonSchema => (format!("{name}.schema"), "json", "application/schema+json", json(dictionary::json_schema(dataset, rules))?),
    };
    Ok(Given { name, extension, media_type, bytes })
}
