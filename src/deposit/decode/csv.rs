//! Delimited text. Row numbers are those of a spreadsheet: a blank line counts, a line break inside quotes does not.

use std::sync::Arc;

use csv_core::{ReadRecordResult, ReaderBuilder};
use memchr::{memchr, memchr_iter, memchr2};

use super::{Dialect, Head, MAX_CELL, Origin, Table, assemble, assemble::Assembler, refuse};
use crate::deposit::report::SourceError;

/// Candidates, the most usual in France first.
const DELIMITERS: [char; 4] = [';', ',', '\t', '|'];
/// Bytes and records that detection looks at.
const SAMPLE: (usize, usize) = (64 * 1024, 200);
/// Longest record, in bytes.
const MAX_RECORD: usize = 16 * MAX_CELL;

/// The table of a piece whose first record stands on `first_row`.
pub fn table(text: &str, first_row: u64, last: bool, head: &Arc<Head>) -> Result<Table, SourceError> {
    let mut assembler = Assembler::with_room(head, text.len());
    // Cells stay where they are: only what was between quotes is written anew, after the text.
    let mut unquoted = String::new();
    records(text, head.dialect, first_row, last, |row, fields| {
        let moved = if fields.quoted { text.len() + unquoted.len() } else { 0 };
        assembler.placed(row, fields.iter(), fields.bounds.iter().map(|(start, end)| (start + moved, end + moved)));
        if fields.quoted {
            unquoted.push_str(fields.text);
        }
        Ok(())
    })?;
    let mut block = String::with_capacity(text.len() + unquoted.len());
    block.push_str(text);
    block.push_str(&unquoted);
    Ok(assembler.finish_in(block))
}

/// The first records that are not blank, as many as a header is looked for in.
pub fn first_records(text: &str, dialect: Dialect, whole: bool) -> Result<Vec<assemble::Record>, SourceError> {
    let mut first = Vec::new();
    let outcome = records(text, dialect, 1, whole, |row, fields| {
        if fields.iter().any(|text| !text.trim().is_empty()) {
            first.push((row, fields.iter().map(|text| (text.to_owned(), Origin::Text)).collect()));
        }
        if first.len() < assemble::PREAMBLE { Ok(()) } else { Err(refuse("", "")) }
    });
    match outcome {
        // Enough of them, or the cut end of a sample: what is wrong with the file is told when it is read.
        Err(error) if !error.code.is_empty() && first.is_empty() => Err(error),
        _ => Ok(first),
    }
}

/// The fields of one record.
pub struct Fields<'a> {
    /// What `bounds` are in: the text itself, or the record without its quotes.
    text: &'a str,
    bounds: &'a [(usize, usize)],
    quoted: bool,
}

impl<'a> Fields<'a> {
    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let (text, bounds) = (self.text, self.bounds);
        bounds.iter().map(move |&(start, end)| text.get(start..end).unwrap_or_default())
    }
}

/// Calls `take` with each record and its row, as a spreadsheet counts. A record without a quote is cut at its delimiters; one with
/// quotes goes through the `csv-core` crate. `last` tells that nothing follows.
fn records(
    text: &str,
    dialect: Dialect,
    first_row: u64,
    last: bool,
    mut take: impl FnMut(u64, &Fields<'_>) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    let bytes = text.as_bytes();
    let Dialect { delimiter, quote } = dialect;
    let mark = quote.unwrap_or(b'"');
    let mut quoted = Quoted {
        reader: ReaderBuilder::new().delimiter(delimiter).quote(mark).build(),
        delimiter,
        mark,
        out: vec![0; 4096],
        ends: vec![0; 256],
        filled: 0,
        count: 0,
    };
    let mut bounds = Vec::new();
    // Where no quote means anything, none comes.
    let mut next_quote = quote.and_then(|mark| memchr(mark, bytes)).unwrap_or(bytes.len());
    let (mut at, mut row) = (0, first_row);
    while at < bytes.len() {
        let end = memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |i| at + i);
        if end > next_quote {
            let used = quoted.read(&bytes[at..], row, last)?;
            let text = std::str::from_utf8(&quoted.out[..quoted.filled]).unwrap_or_default();
            bounds.clear();
            let mut start = 0;
            for &end in &quoted.ends[..quoted.count] {
                bounds.push((start, end));
                start = end;
            }
            at += used;
            next_quote = if next_quote < at { memchr(mark, &bytes[at..]).map_or(bytes.len(), |i| at + i) } else { next_quote };
            take(row, &Fields { text, bounds: &bounds, quoted: true })?;
        } else {
            if end > at {
                bounds.clear();
                let mut start = at;
                for comma in memchr_iter(delimiter, &bytes[at..end]) {
                    bounds.push((start, at + comma));
                    start = at + comma + 1;
                }
                bounds.push((start, end));
                if bounds.len() > 1 << 20 {
                    return Err(assemble::too_wide());
                }
                take(row, &Fields { text, bounds: &bounds, quoted: false })?;
            }
            at = end + 1;
            // The other half of a CRLF.
            if bytes.get(end..end + 2) == Some(b"\r\n") {
                at += 1;
            }
        }
        row += 1;
    }
    Ok(())
}

/// A record that has quotes.
struct Quoted {
    reader: csv_core::Reader,
    delimiter: u8,
    mark: u8,
    /// Room for a record, and how much of it the last one filled.
    out: Vec<u8>,
    filled: usize,
    /// The ends of its fields likewise.
    ends: Vec<usize>,
    count: usize,
}

impl Quoted {
    /// Reads the record that `input` starts with; how many bytes it takes, its end of line included.
    fn read(&mut self, mut input: &[u8], row: u64, last: bool) -> Result<usize, SourceError> {
        let all = input;
        self.reader.reset();
        let (mut filled, mut count) = (0, 0);
        loop {
            let (result, read, written, ended) = self.reader.read_record(input, &mut self.out[filled..], &mut self.ends[count..]);
            input = &input[read..];
            filled += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.out.len() >= MAX_RECORD => {
                    return Err(refuse("too_large", format!("La ligne {row} dépasse 16 Mo : un guillemet y est sans doute resté ouvert.")));
                }
                ReadRecordResult::OutputFull => self.out.resize(self.out.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() > 1 << 20 => return Err(assemble::too_wide()),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        let record = &all[..all.len() - input.len()];
        if last && input.is_empty() && ends_inside_quotes(record, self.delimiter, self.mark) {
            let message = format!(
                "Le fichier s'arrête dans une cellule entre guillemets, ouverte à la ligne {row} : fermez ce guillemet, ou refaites l'export ou l'envoi."
            );
            return Err(refuse("truncated", message));
        }
        (self.filled, self.count) = (filled, count);
        let half = record.last() == Some(&b'\r') && input.first() == Some(&b'\n');
        Ok(record.len() + usize::from(half))
    }
}

/// Whether a record, which the end of the file closed, leaves a quote open.
fn ends_inside_quotes(record: &[u8], delimiter: u8, mark: u8) -> bool {
    // A quote opens a field at its start; a doubled one leaves and enters again; elsewhere it is a character.
    let (mut inside, mut start, mut closed) = (false, true, false);
    for &byte in record {
        let quote = byte == mark && (inside || start || closed);
        closed = quote && inside;
        inside ^= quote;
        start = !inside && (byte == delimiter || byte == b'\n' || byte == b'\r');
    }
    inside
}

/// The delimiter under which the header holds most expected names and rows are as wide as it, with the quotes that were said, if any.
pub fn detect(text: &str, whole: bool, expected: &[String], quote: Option<Option<u8>>) -> char {
    let mut end = text.len().min(SAMPLE.0);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // The last record of a cut sample may be cut too.
    let cut = end < text.len() || !whole;
    let sample = if cut { text[..end].rfind('\n').map_or(&text[..end], |at| &text[..at]) } else { text };
    let score = |delimiter: char| {
        let mut widths = Vec::new();
        let (mut best, mut header) = (0, 0);
        let stop = || refuse("", "");
        let quote = quote.unwrap_or_else(|| Some(detect_quote(sample, delimiter)));
        let dialect = Dialect { delimiter: u8::try_from(delimiter).unwrap_or(b';'), quote };
        let _ = records(sample, dialect, 1, !cut, |_, fields| {
            let width = fields.iter().count();
            let found = assemble::matches(expected, fields.iter());
            if found > best || (widths.is_empty() && found == 0) {
                best = found.max(best);
                header = width;
            }
            widths.push(width);
            if widths.len() < SAMPLE.1 { Ok(()) } else { Err(stop()) }
        });
        let same = widths.iter().filter(|w| **w == header).count();
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let regular = same as f64 / widths.len().max(1) as f64 * if header > 1 { 1.0 + (header as f64).ln() } else { 0.5 };
        (best, regular)
    };
    let mut chosen = (DELIMITERS[0], score(DELIMITERS[0]));
    for delimiter in &DELIMITERS[1..] {
        let score = score(*delimiter);
        if score.0 > chosen.1.0 || (score.0 == chosen.1.0 && score.1 > chosen.1.1) {
            chosen = (*delimiter, score);
        }
    }
    chosen.0
}

/// The quotes of a file whose first line has a single quote at both ends of each cell; double ones elsewhere.
pub fn detect_quote(text: &str, delimiter: char) -> u8 {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let mut cells = first.split(delimiter);
    let single = |cell: &str| cell.len() > 2 && cell.starts_with('\'') && cell.ends_with('\'');
    if !first.contains('"') && cells.all(single) { b'\'' } else { b'"' }
}

/// Every record with its row, for tests.
#[cfg(test)]
pub fn rows_of(text: &str, dialect: Dialect) -> Result<Vec<(u64, Vec<String>)>, SourceError> {
    let mut rows = Vec::new();
    records(text, dialect, 1, true, |row, fields| {
        rows.push((row, fields.iter().map(str::to_owned).collect()));
        Ok(())
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::deposit::decode::{Expected, read};

    fn open(text: &str) -> Result<Table, SourceError> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        read(file.path(), Expected::default())
    }

    fn table(text: &str) -> Table {
        open(text).expect("readable")
    }

    #[test]
    fn rows_are_those_of_a_spreadsheet() {
        let t = table("\r\n\r\na;b\r\n1;\"deux\r\nlignes\"\r\n\r\n3;4\n5;6\r7;8");
        assert_eq!(t.head.header_row, Some(3));
        assert_eq!(t.rows, [4, 6, 7, 8]);
        assert_eq!(t.blank_rows, [5]);
        assert_eq!(t.columns[1].get(0), "deux\r\nlignes");
        assert_eq!(t.columns[1].iter().collect::<Vec<_>>()[1..], ["4", "6", "8"]);
    }

    #[test]
    fn delimiters_are_told_apart() {
        for (text, delimiter) in [
            ("a;b\n1,5;2,5\n", Some(';')),
            ("a,b\n1,2\n", Some(',')),
            ("a\tb\n1,5\t2\n", Some('\t')),
            ("a|b\n1|2\n", Some('|')),
            ("texte\nbonjour, merci\nau revoir\n", None),
            ("sep=|\na|b\n1|2\n", Some('|')),
            ("a,b\n\"x;y;z;t\",2\n\"x;y;z;t\",2\n", Some(',')),
        ] {
            assert_eq!(table(text).head.source.delimiter, delimiter, "{text}");
        }
    }

    #[test]
    fn an_open_quote_is_refused_where_it_opens() {
        let error = open("a;b\n1;2\n3;\"4\n5;6\n").expect_err("refused");
        assert_eq!(error.code, "truncated");
        assert!(error.message.contains("ligne 3"), "{}", error.message);
        assert!(open("a;b\n1;\"dit \"\"oui\"\"\"").is_ok());
        assert!(open("a;b\n1;5\" de haut").is_ok());
    }

    proptest! {
        /// Records without quotes are those that `csv-core` reads.
        #[test]
        fn plain_records_are_those_of_the_crate(text in "([aé;,\r\n]|\r\n){0,40}") {
            let ours = rows_of(&text, Dialect::default()).expect("no quotes");
            let mut theirs = Vec::new();
            let mut reader = ReaderBuilder::new().delimiter(b';').build();
            let (mut input, mut out, mut ends) = (text.as_bytes(), vec![0; 1024], vec![0; 256]);
            loop {
                let (mut filled, mut count) = (0, 0);
                let result = loop {
                    let (result, read, written, ended) = reader.read_record(input, &mut out[filled..], &mut ends[count..]);
                    input = &input[read..];
                    (filled, count) = (filled + written, count + ended);
                    if result != ReadRecordResult::InputEmpty {
                        break result;
                    }
                };
                if result == ReadRecordResult::End {
                    break;
                }
                let mut start = 0;
                theirs.push(ends[..count].iter().map(|&end| String::from_utf8(out[std::mem::replace(&mut start, end)..end].to_vec()).expect("text")).collect::<Vec<_>>());
            }
            prop_assert_eq!(ours.into_iter().map(|(_, fields)| fields).collect::<Vec<_>>(), theirs);
        }
    }
}
