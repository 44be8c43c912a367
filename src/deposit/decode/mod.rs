//! From bytes to cells: one [`Table`] of text columns with the physical row of each line, whatever the file's format. Nothing is
//! typed here; the origin of a cell is kept where the format tells numbers and dates from text.
//!
//! The format is told by content, never by name. Text is read in this process; spreadsheets, whose readers can be made to
//! exhaust memory, in a child process with bounds ([`workbook`]).

mod assemble;
mod columnar;
mod csv;
mod jsonl;
mod text;
pub mod workbook;
mod worker;

use std::{fs, io::Read, path::Path};

pub use self::{assemble::Table, worker::serve};
use super::report::SourceError;
use crate::convention::document::Reading;

/// Longest cell, in bytes.
pub const MAX_CELL: usize = 1 << 20;
/// Most cells of a spreadsheet.
pub const MAX_CELLS: u64 = 50_000_000;

/// Where a cell's text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Text, or a format that has nothing else.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A real date, written here in ISO.
    Date,
    /// An error such as `#REF!`.
    Error,
    /// An object or a list.
    Nested,
    /// Nothing: the key or the cell is not there.
    Absent,
}

/// A column of text, stored end to end.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    text: String,
    ends: Vec<usize>,
    origins: Vec<Origin>,
}

impl Cells {
    /// Adds a cell.
    pub fn push(&mut self, text: &str, origin: Origin) {
        // Most files hold nothing but text: origins start at the first cell that is something else.
        if origin != Origin::Text && self.origins.is_empty() {
            self.origins = vec![Origin::Text; self.ends.len()];
            self.origins.push(origin);
        } else if !self.origins.is_empty() {
            self.origins.push(origin);
        }
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a cell; nothing beyond the end.
    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends.get(row - 1).copied().unwrap_or_default() };
        let end = self.ends.get(row).copied().unwrap_or(start);
        &self.text[start..end]
    }

    /// The origin of a cell.
    pub fn origin(&self, row: usize) -> Origin {
        self.origins.get(row).copied().unwrap_or(Origin::Text)
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|row| self.get(row))
    }
}

/// What is known of the file beside its cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// `csv`, `xlsx`, `ods`, `xls`, `parquet`, `jsonl`.
    pub format: &'static str,
    /// Of a text file.
    pub encoding: Option<String>,
    /// Of a CSV file with several columns.
    pub delimiter: Option<char>,
    /// Of a workbook.
    pub sheet: Option<String>,
    /// Day zero of a workbook's dates: `serial-1900` or `serial-1904`.
    pub epoch: Option<&'static str>,
}

/// What the reader may expect.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// Names that the header should hold.
    pub columns: &'a [String],
    /// What was agreed.
    pub reading: Option<&'a Reading>,
}

/// A refusal: a stable code and what to do.
pub fn refuse(code: &str, message: impl Into<String>) -> SourceError {
    SourceError { code: code.to_owned(), message: message.into() }
}

/// Reads the file at `path` as a table.
pub fn read(path: &Path, expected: Expected<'_>) -> Result<Table, SourceError> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        return Err(refuse("directory", "C'est un dossier : indiquez un fichier."));
    }
    if !metadata.is_file() {
        return Err(refuse("not_a_file", "Ce n'est pas un fichier ordinaire : indiquez un fichier."));
    }
    let mut file = fs::File::open(path).map_err(|error| unreadable(&error))?;
    let mut start = Vec::new();
    file.by_ref().take(64 * 1024).read_to_end(&mut start).map_err(|error| unreadable(&error))?;
    if start.iter().all(|b| b.is_ascii_whitespace()) && metadata.len() <= start.len() as u64 {
        return Err(refuse("empty_file", "Le fichier est vide : vérifiez l'export et envoyez-le à nouveau."));
    }
    match sniff(&start)? {
        Content::Zip | Content::Ole => workbook::read(path, expected),
        Content::Parquet => columnar::read(path),
        Content::Text => {
            let mut bytes = start;
            file.read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
            read_text(&bytes, expected)
        }
    }
}

/// Reads the bytes of a text file as a table.
pub fn read_text(bytes: &[u8], expected: Expected<'_>) -> Result<Table, SourceError> {
    let (text, encoding) = text::decode(bytes, expected.reading.and_then(|r| r.encoding.as_deref()))?;
    if text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty() {
        return Err(refuse("empty_file", "Le fichier est vide : vérifiez l'export et envoyez-le à nouveau."));
    }
    let first = text.trim_start();
    if first.starts_with('{') && jsonl::looks_like(first) {
        return jsonl::read(&text, encoding);
    }
    let lower: String = first.chars().take(200).collect::<String>().to_lowercase();
    if lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<?xml") || lower.starts_with("<table") {
        return Err(refuse(
            "unknown_format",
            "C'est une page web ou un fichier XML : ouvrez-le dans un tableur et enregistrez-le en CSV, XLSX ou ODS.",
        ));
    }
    if (first.starts_with('[') || first.starts_with('{')) && serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok() {
        return Err(refuse(
            "unknown_format",
            "Ce fichier JSON n'est pas en lignes : écrivez un objet par ligne (JSONL), ou enregistrez en CSV.",
        ));
    }
    csv::read(&text, encoding, expected)
}

fn unreadable(error: &std::io::Error) -> SourceError {
    match error.kind() {
        std::io::ErrorKind::NotFound => refuse("not_found", "Ce fichier n'existe pas : vérifiez son nom et son dossier."),
        std::io::ErrorKind::PermissionDenied => refuse("unreadable", "Ce fichier n'est pas ouvert à la lecture : vérifiez ses droits."),
        _ => refuse("unreadable", "Ce fichier n'a pas pu être lu : réessayez, ou copiez-le ailleurs."),
    }
}

enum Content {
    Zip,
    Ole,
    Parquet,
    Text,
}

/// What the first bytes tell.
fn sniff(start: &[u8]) -> Result<Content, SourceError> {
    let other = |what: &str| {
        Err(refuse("unknown_format", format!("C'est {what}, pas un tableau : envoyez un fichier CSV, XLSX, ODS, XLS, Parquet ou JSONL.")))
    };
    match start {
        [b'P', b'K', 3, 4, ..] => return Ok(Content::Zip),
        [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..] => return Ok(Content::Ole),
        [b'P', b'A', b'R', b'1', ..] => return Ok(Content::Parquet),
        [b'%', b'P', b'D', b'F', ..] => return other("un document PDF"),
        [0x1F, 0x8B, ..] | [b'P', b'K', 5, 6, ..] | [b'7', b'z', 0xBC, 0xAF, ..] | [b'R', b'a', b'r', b'!', ..] => {
            return other("une archive compressée (décompressez-la d'abord)");
        }
        [0x89, b'P', b'N', b'G', ..] | [0xFF, 0xD8, 0xFF, ..] | [b'G', b'I', b'F', b'8', ..] => return other("une image"),
        [b'{', b'\\', b'r', b't', b'f', ..] => return other("un document de traitement de texte"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Ok(Content::Text),
        _ => {}
    }
    let control = start.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31)).count();
    if start.contains(&0) || control * 100 > start.len() {
        return Err(refuse(
            "binary",
            "Ce fichier n'est pas lisible comme un tableau : envoyez un fichier CSV, XLSX, ODS, XLS, Parquet ou JSONL.",
        ));
    }
    Ok(Content::Text)
}
