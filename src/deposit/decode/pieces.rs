//! A text file cut into pieces at the ends of records: the one part of reading that is done in file order, by one thread at a time.

use std::{borrow::Cow, fs::File, io::Read, path::Path, sync::Arc};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use memchr::{memchr, memchr_iter, memrchr2};

use super::{
    Dialect, Expected, FORMATS, Head, Learnt, MAX_CELL, Pieces, Source, Table, Unread, assemble, csv, empty, json, refuse,
    text::{self, Known},
    unreadable,
};
use crate::deposit::report::SourceError;

/// Bytes of a piece, but for a record that is longer: small enough to stay in a processor's cache.
const PIECE: usize = 1 << 20;
/// Longest record, in bytes.
const MAX_RECORD: usize = 16 * MAX_CELL;

/// A part of a file, not yet a table.
pub enum Piece {
    /// Records of a CSV file.
    Records(TextPiece),
    /// JSON objects, one per line.
    Objects(TextPiece),
    /// Cells that a child process has read.
    Cells(Table),
}

/// Whole records of a text.
pub struct TextPiece {
    bytes: Vec<u8>,
    first_row: u64,
    /// Whether nothing follows.
    last: bool,
    encoding: &'static Encoding,
    /// Whether the encoding is sure, by a mark or by what the whole file showed.
    sure: bool,
}

impl Piece {
    /// The piece's cells: what may be done by several threads.
    ///
    /// # Errors
    /// What makes the file unreadable.
    pub fn table(self, head: &Arc<Head>) -> Result<Table, Unread> {
        match self {
            Self::Cells(table) => Ok(table),
            Self::Records(piece) => {
                let text = piece.text()?;
                Ok(csv::table(&text, piece.first_row, piece.last, head)?)
            }
            Self::Objects(piece) => {
                let text = piece.text()?;
                Ok(json::table(&text, piece.first_row, head)?)
            }
        }
    }
}

impl TextPiece {
    fn text(&self) -> Result<Cow<'_, str>, Unread> {
        let text = if self.encoding == UTF_8 {
            match simdutf8::compat::from_utf8(&self.bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) if !self.sure => return Err(Unread::OtherEncoding),
                Err(error) => {
                    let lines = memchr_iter(b'\n', &self.bytes[..error.valid_up_to()]).count();
                    return Err(text::mixed(usize::try_from(self.first_row).unwrap_or(usize::MAX).saturating_add(lines)).into());
                }
            }
        } else {
            if text::has_french_utf8(&self.bytes) && !self.sure {
                return Err(Unread::OtherEncoding);
            }
            match self.encoding.decode_without_bom_handling_and_without_replacement(&self.bytes) {
                Some(text) => text,
                None => return Err(text::undecodable().into()),
            }
        };
        text::without_zero(&text, self.first_row)?;
        Ok(text)
    }
}

/// How a text is cut.
enum Cut {
    /// At the ends of CSV records.
    Records(Dialect),
    /// At the ends of lines.
    Lines,
    /// At the ends of the objects of an array, each of which becomes a line.
    Array(json::ArrayCut),
}

/// The pieces of a text file.
pub struct TextPieces {
    file: File,
    decoder: Option<Decoder>,
    encoding: &'static Encoding,
    sure: bool,
    cut: Cut,
    pending: Vec<u8>,
    row: u64,
    ended: bool,
}

/// Opens a text file: its encoding, what it is made of, and its head.
pub(super) fn open(path: &Path, expected: Expected<'_>, learnt: &Learnt) -> Result<(Head, Pieces), SourceError> {
    let mut file = File::open(path).map_err(|e| unreadable(&e))?;
    let mut sample = Vec::new();
    file.by_ref().take(PIECE as u64).read_to_end(&mut sample).map_err(|e| unreadable(&e))?;
    let whole = sample.len() < PIECE;
    let agreed = expected.reading.and_then(|r| r.encoding.as_deref());
    let known = if learnt.whole_encoding { text::of_file(path, agreed)? } else { text::of_sample(&sample, whole, agreed)? };
    let Known { encoding, name, mark, marked } = known;
    sample.drain(..mark);
    let mut pieces = TextPieces {
        file,
        decoder: (!text::is_cut_as_bytes(encoding)).then(|| encoding.new_decoder_without_bom_handling()),
        encoding,
        sure: marked || learnt.whole_encoding,
        cut: Cut::Lines,
        pending: Vec::new(),
        row: 1,
        ended: false,
    };
    pieces.take(&sample, whole)?;
    let head = pieces.head(name, expected, learnt)?;
    Ok((head, Pieces::Text(pieces)))
}

impl TextPieces {
    /// Reads on; the end is noted.
    fn fill(&mut self) -> Result<(), SourceError> {
        let mut more = self.file.by_ref().take(PIECE as u64);
        if self.decoder.is_none() {
            self.pending.reserve(PIECE);
            self.ended = more.read_to_end(&mut self.pending).map_err(|e| unreadable(&e))? < PIECE;
            return Ok(());
        }
        let mut buffer = Vec::with_capacity(PIECE);
        more.read_to_end(&mut buffer).map_err(|e| unreadable(&e))?;
        let ended = buffer.len() < PIECE;
        self.take(&buffer, ended)
    }

    fn take(&mut self, bytes: &[u8], ended: bool) -> Result<(), SourceError> {
        self.ended = ended;
        let Some(decoder) = &mut self.decoder else {
            if self.pending.is_empty() {
                self.pending = bytes.to_vec();
            } else {
                self.pending.extend_from_slice(bytes);
            }
            return Ok(());
        };
        let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(4 * bytes.len() + 16);
        let mut text = String::with_capacity(room);
        let (result, _, replaced) = decoder.decode_to_string(bytes, &mut text, ended);
        debug_assert_eq!(result, CoderResult::InputEmpty, "the string has room for all");
        if replaced {
            return Err(if ended && text::is_utf16(self.encoding) { text::cut_character() } else { text::undecodable() });
        }
        self.pending.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// The beginning of the text, as long as it is whole characters.
    fn beginning(&self) -> Cow<'_, str> {
        if self.decoder.is_none() && self.encoding != UTF_8 {
            return self.encoding.decode_without_bom_handling(&self.pending).0;
        }
        match std::str::from_utf8(&self.pending) {
            Ok(text) => Cow::Borrowed(text),
            Err(error) => Cow::Borrowed(std::str::from_utf8(&self.pending[..error.valid_up_to()]).unwrap_or_default()),
        }
    }

    /// Tells what the text is made of, and its head.
    fn head(&mut self, encoding: String, expected: Expected<'_>, learnt: &Learnt) -> Result<Head, SourceError> {
        loop {
            let text = self.beginning().into_owned();
            let blank = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty();
            if blank(&text) && !self.ended && self.pending.len() < MAX_RECORD {
                self.fill()?;
                continue;
            }
            if blank(&text) {
                return Err(empty());
            }
            let first = text.trim_start();
            let source = Source { encoding: Some(encoding.clone()), ..Source::default() };
            if first.starts_with('{') && json::looks_like_lines(first) {
                self.cut = Cut::Lines;
                return self.objects(source, "jsonl", learnt);
            }
            let lower: String = first.chars().take(200).collect::<String>().to_lowercase();
            if lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<?xml") || lower.starts_with("<table") {
                return Err(refuse(
                    "unknown_format",
                    "C'est une page web ou un fichier XML : ouvrez-le dans un tableur et enregistrez-le en CSV, XLSX ou ODS.",
                ));
            }
            if json::looks_like_array(first) {
                self.cut = Cut::Array(json::ArrayCut::default());
                return self.objects(source, "json", learnt);
            }
            if first.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok() {
                return Err(refuse(
                    "unknown_format",
                    format!(
                        "Ce fichier JSON n'est pas une liste d'objets : écrivez [{{…}}, {{…}}] ou un objet par ligne, ou envoyez {FORMATS}."
                    ),
                ));
            }
            break;
        }
        self.records(encoding, expected)
    }

    /// The head of a CSV file.
    fn records(&mut self, encoding: String, expected: Expected<'_>) -> Result<Head, SourceError> {
        // Excel's own first line, which it does not show.
        let mut declared = None;
        if self.pending.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"sep=")) {
            let end = memchr(b'\n', &self.pending).map_or(self.pending.len(), |at| at + 1);
            declared = self.pending.get(4).copied().filter(|b| !matches!(b, b'\r' | b'\n')).map(char::from);
            self.pending.drain(..end);
        }
        let agreed =
            expected.reading.and_then(|r| r.delimiter.as_deref()).and_then(|d| if d == "tab" { Some('\t') } else { d.chars().next() });
        let quote = match expected.reading.and_then(|r| r.quote.as_deref()) {
            Some("none") => Some(None),
            Some("'") => Some(Some(b'\'')),
            Some(_) => Some(Some(b'"')),
            None => None,
        };
        let found = || csv::detect(&self.beginning(), self.ended, expected.columns, quote);
        let delimiter = declared.or(agreed).filter(char::is_ascii).unwrap_or_else(found);
        let delimiter_byte = u8::try_from(delimiter).unwrap_or(b';');
        let quote = quote.unwrap_or_else(|| Some(csv::detect_quote(&self.beginning(), delimiter)));
        let dialect = Dialect { delimiter: delimiter_byte, quote };
        self.cut = Cut::Records(dialect);
        // The first record may be longer than what was read.
        while !self.ended && records_end(&self.pending, dialect, false).is_none() && self.pending.len() < MAX_RECORD {
            self.fill()?;
        }
        let first = csv::first_records(&self.beginning(), dialect, self.ended)?;
        let (row, names) = assemble::header(&first, expected)?;
        let delimiter = (names.len() >= 2).then_some(delimiter);
        let quote = match quote {
            Some(b'"') => None,
            Some(_) => Some("'"),
            None => Some("none"),
        };
        let source = Source { format: "csv", encoding: Some(encoding), delimiter, quote, ..Source::default() };
        Ok(Head { source, header_row: Some(row), names, strict: false, short_is_ragged: true, dialect })
    }

    /// The head of a file of JSON objects: its names are those of its first piece, until more are learnt.
    fn objects(&mut self, source: Source, format: &'static str, learnt: &Learnt) -> Result<Head, SourceError> {
        let mut head = Head { source: Source { format, ..source }, strict: true, names: learnt.names.clone(), ..Head::default() };
        if head.names.is_empty() {
            head.names = json::first_names(&self.beginning(), matches!(self.cut, Cut::Array(_)))?;
        }
        Ok(head)
    }

    /// The next piece.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, Unread> {
        loop {
            if self.pending.is_empty() && self.ended {
                if let Cut::Array(cut) = &self.cut {
                    cut.end()?;
                }
                return Ok(None);
            }
            if let Cut::Array(cut) = &mut self.cut {
                let first_row = self.row;
                let (lines, count, used) = cut.take(&self.pending)?;
                self.pending.drain(..used);
                self.row += count;
                let too_long = self.pending.len() > MAX_RECORD;
                if count > 0 {
                    return Ok(Some(Piece::Objects(self.piece(lines, first_row, false))));
                }
                if too_long {
                    return Err(too_long_record(self.row).into());
                }
                if self.ended {
                    cut_end(&self.cut)?;
                    self.pending.clear();
                    continue;
                }
                self.fill()?;
                continue;
            }
            let found = match &self.cut {
                Cut::Records(dialect) => records_end(&self.pending, *dialect, self.ended),
                _ => lines_end(&self.pending, self.ended),
            };
            let (end, rows) = match found {
                Some(found) => found,
                None if self.ended => (self.pending.len(), 0),
                None if self.pending.len() > MAX_RECORD => return Err(too_long_record(self.row).into()),
                None => {
                    self.fill()?;
                    continue;
                }
            };
            let end = if self.ended { self.pending.len() } else { end };
            let rest = self.pending.split_off(end);
            let bytes = std::mem::replace(&mut self.pending, rest);
            let first_row = self.row;
            self.row += rows;
            let last = self.ended && self.pending.is_empty();
            let piece = self.piece(bytes, first_row, last);
            if !self.ended {
                self.fill()?;
            }
            return Ok(Some(if matches!(self.cut, Cut::Records(_)) { Piece::Records(piece) } else { Piece::Objects(piece) }));
        }
    }

    fn piece(&self, bytes: Vec<u8>, first_row: u64, last: bool) -> TextPiece {
        let encoding = if self.decoder.is_some() { UTF_8 } else { self.encoding };
        TextPiece { bytes, first_row, last, encoding, sure: self.sure || self.decoder.is_some() }
    }
}

fn cut_end(cut: &Cut) -> Result<(), SourceError> {
    if let Cut::Array(cut) = cut { cut.end() } else { Ok(()) }
}

fn too_long_record(row: u64) -> SourceError {
    refuse("too_large", format!("La ligne {row} dépasse 16 Mo : un guillemet y est sans doute resté ouvert."))
}

/// Where the last whole record ends, and how many rows a spreadsheet counts up to there: every end of line outside quotes is one.
/// None where no record ends. `last` tells that nothing follows.
fn records_end(bytes: &[u8], dialect: Dialect, last: bool) -> Option<(usize, u64)> {
    let Dialect { delimiter, quote: Some(mark) } = dialect else { return line_ends(bytes, last) };
    let (mut at, mut end, mut rows) = (0, None, 0);
    loop {
        let mut from = at;
        // The next quote that opens a field: one at its start; elsewhere it is a character.
        let opening = loop {
            let Some(quote) = memchr(mark, &bytes[from..]).map(|i| from + i) else { break None };
            if quote == 0 || matches!(bytes[quote - 1], b'\n' | b'\r') || bytes[quote - 1] == delimiter {
                break Some(quote);
            }
            from = quote + 1;
        };
        let outside = &bytes[at..opening.unwrap_or(bytes.len())];
        if let Some((length, count)) = line_ends(outside, last || opening.is_some()) {
            end = Some(at + length);
            rows += count;
        }
        // Past the quote that closes; a doubled one is a character.
        let mut inside = match opening {
            Some(quote) => quote + 1,
            None => return end.map(|end| (end, rows)),
        };
        at = loop {
            let Some(quote) = memchr(mark, &bytes[inside..]).map(|i| inside + i) else { return end.map(|end| (end, rows)) };
            if bytes.get(quote + 1) == Some(&mark) {
                inside = quote + 2;
            } else {
                break quote + 1;
            }
        };
    }
}

/// Where the last line ends and how many end, in a text without quotes. A carriage return at the very end may be half of an end of
/// line, unless the text is `whole`.
fn line_ends(bytes: &[u8], whole: bool) -> Option<(usize, u64)> {
    let usable = if !whole && bytes.last() == Some(&b'\r') { &bytes[..bytes.len() - 1] } else { bytes };
    let end = memrchr2(b'\n', b'\r', usable)? + 1;
    let feeds = memchr_iter(b'\n', &usable[..end]).count();
    let lone = memchr_iter(b'\r', &usable[..end]).filter(|at| usable.get(at + 1) != Some(&b'\n')).count();
    Some((end, (feeds + lone) as u64))
}

/// Where the last line of a JSON Lines text ends, and how many do.
fn lines_end(bytes: &[u8], last: bool) -> Option<(usize, u64)> {
    let end = if last { bytes.len() } else { memchr::memrchr(b'\n', bytes)? + 1 };
    Some((end, memchr_iter(b'\n', &bytes[..end]).count() as u64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Cutting by quotes alone gives the very records and rows that the reader of CSV finds.
        #[test]
        fn pieces_end_where_records_do(text in "([ab;\"\r\n]|\"\"|\r\n|;\"|\";){0,60}", delimiter in prop::sample::select(vec![b';', b',']), quote in prop::sample::select(vec![Some(b'"'), Some(b'a'), None])) {
            let dialect = Dialect { delimiter, quote };
            let whole = csv::rows_of(&text, dialect);
            if let (Some((end, rows)), Ok(whole)) = (records_end(text.as_bytes(), dialect, true), whole) {
                let before = csv::rows_of(&text[..end], dialect).expect("whole records");
                prop_assert!(whole.starts_with(&before), "{text:?} {end} {whole:?} {before:?}");
                let after: Vec<_> = csv::rows_of(&text[end..], dialect)
                    .map(|r| r.into_iter().map(|(row, fields)| (row + rows, fields)).collect())
                    .unwrap_or_default();
                prop_assert_eq!(&whole[before.len()..], after.as_slice());
            }
        }
    }
}
