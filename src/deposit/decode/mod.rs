//! From bytes to cells: blocks of text columns with the physical row of each line, whatever the file's format. Nothing is typed
//! here; the origin of a cell is kept where the format tells numbers and dates from text.
//!
//! A [`Reader`] cuts the file into [`Piece`]s in file order, which costs little; turning a piece into a [`Table`] costs more and is
//! done by as many threads as there are. No more than a few pieces are in memory at once, whatever the size of the file.
//!
//! The format is told by content, never by name. Text is read in this process; everything else, whose readers can be made to
//! exhaust memory, in a child process with bounds ([`child`]). A compressed file is inflated beside first ([`inflate`]).

mod assemble;
mod child;
mod columnar;
mod csv;
mod hidden;
mod inflate;
mod json;
mod pieces;
mod text;
mod workbook;
mod worker;

use std::{fs, io::Read, path::Path, sync::Arc};

pub use self::{pieces::Piece, worker::serve};
use super::report::SourceError;
use crate::convention::document::Reading;

/// Longest cell, in bytes.
pub const MAX_CELL: usize = 1 << 20;
/// Most bytes of a table that is read whole into memory, its cells' places included: see [`read`].
const MAX_WHOLE: usize = 512 << 20;
/// Most cells of a spreadsheet.
pub const MAX_CELLS: u64 = 50_000_000;
/// What a person may send, as a refusal names it.
const FORMATS: &str = "un fichier CSV, XLSX, ODS, XLS, Parquet, Arrow, JSON ou JSONL";

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

/// A column of text: where each cell stands, in a text of the column's own or in that of the whole block.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    own: String,
    block: Option<Arc<String>>,
    /// Bytes below 4 GB: a block is a few megabytes, and [`read`] stops before.
    bounds: Vec<(u32, u32)>,
    origins: Vec<Origin>,
}

impl Cells {
    /// Adds a cell.
    pub fn push(&mut self, text: &str, origin: Origin) {
        // Most files hold nothing but text: origins start at the first cell that is something else.
        if origin != Origin::Text && self.origins.is_empty() {
            self.origins = vec![Origin::Text; self.bounds.len()];
            self.origins.push(origin);
        } else if !self.origins.is_empty() {
            self.origins.push(origin);
        }
        let start = self.own.len();
        self.own.push_str(text);
        self.bounds.push((short(start), short(self.own.len())));
    }

    /// Adds a cell of text by its bytes in the block's text, which [`Cells::stand_in`] gives afterwards.
    fn place(&mut self, bounds: (usize, usize)) {
        if !self.origins.is_empty() {
            self.origins.push(Origin::Text);
        }
        self.bounds.push((short(bounds.0), short(bounds.1)));
    }

    /// Says what text the cells that were placed stand in. No cell with a text of its own may be among them.
    fn stand_in(&mut self, block: &Arc<String>) {
        self.block = Some(block.clone());
    }

    /// Makes room for so many cells.
    fn reserve(&mut self, cells: usize) {
        self.bounds.reserve(cells);
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }

    /// The text of a cell; nothing beyond the end.
    pub fn get(&self, row: usize) -> &str {
        let (start, end) = self.bounds.get(row).copied().unwrap_or_default();
        self.text().get(start as usize..end as usize).unwrap_or_default()
    }

    /// The origin of a cell.
    pub fn origin(&self, row: usize) -> Origin {
        self.origins.get(row).copied().unwrap_or(Origin::Text)
    }

    /// Whether every cell is text, which most files have nothing beside.
    pub fn only_text(&self) -> bool {
        self.origins.is_empty()
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let text = self.text();
        self.bounds.iter().map(move |&(start, end)| text.get(start as usize..end as usize).unwrap_or_default())
    }

    /// What the cells stand in.
    fn text(&self) -> &str {
        self.block.as_deref().unwrap_or(&self.own)
    }

    fn append(&mut self, other: &Self) {
        (0..other.len()).for_each(|row| self.push(other.get(row), other.origin(row)));
    }
}

fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What is known of the file beside its cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// `csv`, `xlsx`, `ods`, `xls`, `parquet`, `arrow`, `json`, `jsonl`.
    pub format: &'static str,
    /// Of a compressed file: `gz`, `zst`, `zip`.
    pub compression: Option<&'static str>,
    /// Of a text file.
    pub encoding: Option<String>,
    /// Of a CSV file with several columns.
    pub delimiter: Option<char>,
    /// Of a CSV file whose texts are not between double quotes: `'`, `none`.
    pub quote: Option<&'static str>,
    /// Of a workbook.
    pub sheet: Option<String>,
    /// Day zero of a workbook's dates: `serial-1900` or `serial-1904`.
    pub epoch: Option<&'static str>,
}

/// What is known before the rows are read.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// What is known of the file.
    pub source: Source,
    /// Physical row of the header; none where names come with each value.
    pub header_row: Option<u64>,
    /// The header, trimmed.
    pub names: Vec<String>,
    /// Whether the format's own types bind: the text `5` is not a number in JSON.
    pub strict: bool,
    /// Whether a record shorter than the header is a fault (CSV) or usual (spreadsheets).
    short_is_ragged: bool,
    /// How a CSV file is cut, also where one column leaves no trace of it.
    dialect: Dialect,
}

/// How a CSV file is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between the cells of a record.
    delimiter: u8,
    /// Around a text that holds one of them; none where a quote is a character as another.
    quote: Option<u8>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b';', quote: Some(b'"') }
    }
}

impl Head {
    /// The head of a sheet whose header stands on `row`.
    pub fn of_sheet(source: Source, row: u64, names: Vec<String>) -> Self {
        Self { source, header_row: Some(row), names, ..Self::default() }
    }
}

/// A file, or a block of it, as columns of text.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What was known before.
    pub head: Arc<Head>,
    /// One per name.
    pub columns: Vec<Cells>,
    /// Physical row of each line.
    pub rows: Vec<u64>,
    /// Lines with more or fewer cells than the header: position and number of cells.
    pub ragged: Vec<(usize, usize)>,
    /// The first and the last row that are not blank, repeated headers included.
    pub span: Option<(u64, u64)>,
    /// Physical rows that are blank, between others.
    pub blank_rows: Vec<u64>,
    /// Physical rows that repeat the header.
    pub repeated_headers: Vec<u64>,
    /// Names that the head does not hold, in a format where names come with each value: the file is then read again with them.
    pub unknown: Vec<String>,
    /// The text that all cells stand in, where there is one: of a block of CSV, and more than its cells.
    pub(super) block: Option<Arc<String>>,
}

impl Table {
    /// Whether no cell holds this byte, as far as one look at all of them at once can tell.
    pub fn surely_without(&self, byte: u8) -> bool {
        self.block.as_ref().is_some_and(|text| memchr::memchr(byte, text.as_bytes()).is_none())
    }

    /// Number of lines.
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// Bytes that it takes.
    fn size(&self) -> usize {
        let of_column = |cells: &Cells| cells.own.len() + cells.origins.len() + cells.bounds.len() * size_of::<(u32, u32)>();
        self.columns.iter().map(of_column).sum::<usize>() + self.rows.len() * size_of::<u64>()
    }

    fn append(&mut self, other: &Self) {
        let height = self.height();
        self.columns.iter_mut().zip(&other.columns).for_each(|(column, more)| column.append(more));
        self.ragged.extend(other.ragged.iter().map(|(row, count)| (row + height, *count)));
        self.blank_rows.extend(&other.blank_rows);
        self.repeated_headers.extend(&other.repeated_headers);
        self.span = match (self.span, other.span) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (one, two) => one.or(two),
        };
        self.rows.extend(&other.rows);
    }
}

/// What the reader may expect.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// Names that the header should hold.
    pub columns: &'a [String],
    /// What was agreed.
    pub reading: Option<&'a Reading>,
}

/// What a first reading has shown, where the beginning of the file did not tell it.
#[derive(Debug, Clone, Default)]
pub struct Learnt {
    /// Whether the whole file tells the encoding, not its beginning.
    whole_encoding: bool,
    /// Names in the order in which they come.
    names: Vec<String>,
}

/// Why a piece gives no table.
#[derive(Debug)]
pub enum Unread {
    /// The file is refused.
    Refused(SourceError),
    /// The file is not in the encoding that its beginning shows: it is to be read again.
    OtherEncoding,
}

impl From<SourceError> for Unread {
    fn from(error: SourceError) -> Self {
        Self::Refused(error)
    }
}

impl Learnt {
    /// Adds what a block has shown; whether the file is then to be read again.
    pub fn names(&mut self, head: &Head, unknown: &[String]) -> bool {
        if self.names.is_empty() {
            self.names.clone_from(&head.names);
        }
        for name in unknown {
            if !self.names.contains(name) {
                self.names.push(name.clone());
            }
        }
        !unknown.is_empty()
    }

    /// Takes [`Unread::OtherEncoding`] into account; false where that was done before.
    pub fn encoding(&mut self) -> bool {
        !std::mem::replace(&mut self.whole_encoding, true)
    }
}

/// A file being read, piece after piece.
pub struct Reader {
    head: Arc<Head>,
    pieces: Pieces,
    /// The inflated copy, which goes with the reader.
    _inflated: Option<tempfile::NamedTempFile>,
}

enum Pieces {
    Text(pieces::TextPieces),
    Child(Box<child::ChildPieces>),
}

impl Reader {
    /// Opens the file at `path`, tells its format and its head.
    ///
    /// # Errors
    /// What makes the whole file unreadable, as a refusal.
    pub fn open(path: &Path, expected: Expected<'_>, learnt: &Learnt) -> Result<Self, SourceError> {
        let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
        if metadata.is_dir() {
            return Err(refuse("directory", "C'est un dossier : indiquez un fichier."));
        }
        if !metadata.is_file() {
            return Err(refuse("not_a_file", "Ce n'est pas un fichier ordinaire : indiquez un fichier."));
        }
        let start = beginning(path)?;
        match inflate::compression(path, &start)? {
            None => Self::plain(path, &start, expected, learnt, None),
            Some(compression) => {
                let inflated = inflate::inflate(path, compression)?;
                let start = beginning(inflated.path())?;
                if inflate::compression(inflated.path(), &start)?.is_some() {
                    return Err(refuse(
                        "nested_archive",
                        "C'est une archive dans une archive : décompressez-la, puis envoyez le tableau seul.",
                    ));
                }
                let path = inflated.path().to_owned();
                let mut reader = Self::plain(&path, &start, expected, learnt, Some(compression.name()))?;
                reader._inflated = Some(inflated);
                Ok(reader)
            }
        }
    }

    fn plain(
        path: &Path,
        start: &[u8],
        expected: Expected<'_>,
        learnt: &Learnt,
        compression: Option<&'static str>,
    ) -> Result<Self, SourceError> {
        if start.iter().all(u8::is_ascii_whitespace) && fs::metadata(path).is_ok_and(|m| m.len() <= start.len() as u64) {
            return Err(empty());
        }
        let (mut head, pieces) = match sniff(start)? {
            Content::Zip | Content::Ole => workbook::open(path, expected)?,
            Content::Parquet => child::open(path, "parquet", expected)?,
            Content::Arrow => child::open(path, "arrow", expected)?,
            Content::Text => pieces::open(path, expected, learnt)?,
        };
        head.source.compression = compression;
        Ok(Self { head: Arc::new(head), pieces, _inflated: None })
    }

    /// What is known before the rows are read.
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// Rows of a sheet that are hidden, once it is read to its end: they are read as the others.
    pub fn hidden_rows(&self) -> u64 {
        match &self.pieces {
            Pieces::Text(_) => 0,
            Pieces::Child(child) => child.hidden_rows(),
        }
    }

    /// The next piece of the file; none at its end.
    ///
    /// # Errors
    /// What makes the file unreadable from here on.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, Unread> {
        match &mut self.pieces {
            Pieces::Text(text) => text.next_piece(),
            Pieces::Child(child) => Ok(child.next_lines(&self.head)?.map(Piece::Cells)),
        }
    }
}

/// A refusal: a stable code and what to do.
pub fn refuse(code: &str, message: impl Into<String>) -> SourceError {
    SourceError { code: code.to_owned(), message: message.into() }
}

/// Reads the file at `path` as one table, in memory: for what shows or rewrites a file, not for what checks it.
///
/// # Errors
/// What makes the file unreadable, as a refusal; `too_large_to_show` where it would take more than half a gigabyte.
pub fn read(path: &Path, expected: Expected<'_>) -> Result<Table, SourceError> {
    let mut learnt = Learnt::default();
    loop {
        match read_with(path, expected, &mut learnt) {
            Ok(Some(table)) => return Ok(table),
            Ok(None) => {}
            Err(Unread::Refused(error)) => return Err(error),
            Err(Unread::OtherEncoding) if learnt.encoding() => {}
            Err(Unread::OtherEncoding) => return Err(text::undecodable()),
        }
    }
}

/// None where the file is to be read again with what it taught.
fn read_with(path: &Path, expected: Expected<'_>, learnt: &mut Learnt) -> Result<Option<Table>, Unread> {
    let mut reader = Reader::open(path, expected, learnt)?;
    let head = reader.head().clone();
    let mut whole = Table { head: head.clone(), columns: vec![Cells::default(); head.names.len()], ..Table::default() };
    let (mut last, mut again) = (head.header_row.unwrap_or_default(), false);
    while let Some(piece) = reader.next_piece()? {
        let table = piece.table(&head)?;
        again |= learnt.names(&head, &table.unknown);
        if let Some((first, end)) = table.span {
            whole.blank_rows.extend((last + 1..first).take(1000usize.saturating_sub(whole.blank_rows.len())));
            last = end;
        }
        whole.append(&table);
        if whole.size() > MAX_WHOLE {
            let message = "Le contrôle lit un fichier de toute taille, mais celui-ci est trop grand pour être ouvert en entier (plus de 500 Mo)\u{a0}: servez-vous du rapport.";
            return Err(refuse("too_large_to_show", message).into());
        }
    }
    Ok((!again).then_some(whole))
}

/// The first bytes of a file, enough to tell its format.
fn beginning(path: &Path) -> Result<Vec<u8>, SourceError> {
    let mut start = Vec::new();
    let file = fs::File::open(path).map_err(|error| unreadable(&error))?;
    file.take(64 * 1024).read_to_end(&mut start).map_err(|error| unreadable(&error))?;
    Ok(start)
}

fn empty() -> SourceError {
    refuse("empty_file", "Le fichier est vide : vérifiez l'export et envoyez-le à nouveau.")
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
    Arrow,
    Text,
}

/// What the first bytes tell.
fn sniff(start: &[u8]) -> Result<Content, SourceError> {
    let other = |what: &str| Err(refuse("unknown_format", format!("C'est {what}, pas un tableau : envoyez {FORMATS}.")));
    match start {
        [b'P', b'K', 3, 4, ..] => return Ok(Content::Zip),
        [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..] => return Ok(Content::Ole),
        [b'P', b'A', b'R', b'1', ..] => return Ok(Content::Parquet),
        // A file of Arrow, or a stream of it, whose first message has a length after four bytes of ones.
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xFF, 0xFF, 0xFF, 0xFF, _, _, 0, 0, ..] => return Ok(Content::Arrow),
        [b'%', b'P', b'D', b'F', ..] => return other("un document PDF"),
        [b'P', b'K', 5, 6, ..] => return other("une archive vide"),
        [b'7', b'z', 0xBC, 0xAF, ..] | [b'R', b'a', b'r', b'!', ..] | [b'B', b'Z', b'h', ..] | [0xFD, b'7', b'z', b'X', b'Z', ..] => {
            return other("une archive d'une forme que le service n'ouvre pas (compressez en .zip ou .gz)");
        }
        [0x89, b'P', b'N', b'G', ..] | [0xFF, 0xD8, 0xFF, ..] | [b'G', b'I', b'F', b'8', ..] => return other("une image"),
        [b'{', b'\\', b'r', b't', b'f', ..] => return other("un document de traitement de texte"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Ok(Content::Text),
        _ => {}
    }
    if text::utf16_without_mark(start).is_some() {
        return Ok(Content::Text);
    }
    let control = start.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31)).count();
    if start.contains(&0) || control * 100 > start.len() {
        return Err(binary());
    }
    Ok(Content::Text)
}

fn binary() -> SourceError {
    refuse("binary", format!("Ce fichier n'est pas lisible comme un tableau : envoyez {FORMATS}."))
}
