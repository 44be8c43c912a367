//! Delimited text. Row numbers are those of a spreadsheet: a blank line counts, a line break inside quotes does not.

use csv_core::{ReadRecordResult, ReaderBuilder};

use super::{Expected, MAX_CELL, Origin, Source, Table, assemble, assemble::Assembler, refuse};
use crate::deposit::report::SourceError;

/// Candidates, the most usual in France first.
const DELIMITERS: [char; 4] = [';', ',', '\t', '|'];
/// Bytes and records that detection looks at.
const SAMPLE: (usize, usize) = (64 * 1024, 200);

/// Reads a whole text.
pub fn read(text: &str, encoding: String, expected: Expected<'_>) -> Result<Table, SourceError> {
    // Excel's own first line, which it does not show.
    let (declared, body) = match text.get(..4).map(str::to_ascii_lowercase).as_deref() {
        Some("sep=") => {
            let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
            (line[4..].chars().next(), rest)
        }
        _ => (None, text),
    };
    let agreed = expected.reading.and_then(|r| r.delimiter.as_deref()).and_then(|d| if d == "tab" { Some('\t') } else { d.chars().next() });
    let delimiter = declared.or(agreed).filter(char::is_ascii).unwrap_or_else(|| detect(body, expected.columns));
    let source = Source { format: "csv", encoding: Some(encoding), delimiter: Some(delimiter), ..Source::default() };
    let mut assembler = Assembler::new(source, expected.columns, true);
    records(body, delimiter, |row, fields| assembler.record(row, fields.iter().map(|text| (text, Origin::Text))))?;
    let mut table = assembler.finish()?;
    if table.names.len() < 2 {
        table.source.delimiter = None;
    }
    Ok(table)
}

/// The fields of one record.
pub struct Fields<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Fields<'a> {
    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let (bytes, ends) = (self.bytes, self.ends);
        (0..ends.len()).map(move |i| {
            let start = if i == 0 { 0 } else { ends[i - 1] };
            // The input is text and fields are cut at ASCII bytes: never lossy.
            std::str::from_utf8(&bytes[start..ends[i]]).unwrap_or_default()
        })
    }
}

/// Calls `take` with each record and its row, as a spreadsheet counts.
fn records(text: &str, delimiter: char, mut take: impl FnMut(u64, &Fields<'_>) -> Result<(), SourceError>) -> Result<(), SourceError> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b';');
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let mut input = text.as_bytes();
    let mut out = vec![0u8; 64 * 1024];
    let mut ends = vec![0usize; 256];
    let mut row = 0u64;
    loop {
        // The reader skips blank lines without a word: they are counted here.
        loop {
            match input {
                [b'\r', b'\n', rest @ ..] => input = rest,
                [b'\r' | b'\n', rest @ ..] => input = rest,
                _ => break,
            }
            row += 1;
        }
        if input.is_empty() {
            return Ok(());
        }
        row += 1;
        let record = input;
        let (mut filled, mut count) = (0, 0);
        loop {
            let (result, read, written, ended) = reader.read_record(input, &mut out[filled..], &mut ends[count..]);
            input = &input[read..];
            filled += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if out.len() >= 16 * MAX_CELL => {
                    return Err(refuse("too_large", format!("La ligne {row} dépasse 16 Mo : un guillemet y est sans doute resté ouvert.")));
                }
                ReadRecordResult::OutputFull => out.resize(out.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if ends.len() > 1 << 20 => return Err(assemble::too_wide()),
                ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => {
                    return Ok(());
                }
            }
        }
        let record = &record[..record.len() - input.len()];
        if input.is_empty() && ends_inside_quotes(record, delimiter) {
            let message = format!(
                "Le fichier s'arrête dans une cellule entre guillemets, ouverte à la ligne {row} : fermez ce guillemet, ou refaites l'export ou l'envoi."
            );
            return Err(refuse("truncated", message));
        }
        // The other half of a CRLF.
        if record.last() == Some(&b'\r')
            && let [b'\n', rest @ ..] = input
        {
            input = rest;
        }
        take(row, &Fields { bytes: &out[..filled], ends: &ends[..count] })?;
    }
}

/// Whether a record, which the end of the file closed, leaves a quote open.
fn ends_inside_quotes(record: &[u8], delimiter: u8) -> bool {
    // A quote opens a field at its start; a doubled one leaves and enters again; elsewhere it is a character.
    let (mut inside, mut start, mut closed) = (false, true, false);
    for &byte in record {
        let quote = byte == b'"' && (inside || start || closed);
        closed = quote && inside;
        inside ^= quote;
        start = !inside && (byte == delimiter || byte == b'\n' || byte == b'\r');
    }
    inside
}

/// The delimiter under which the header holds most expected names and rows are as wide as it.
fn detect(text: &str, expected: &[String]) -> char {
    let mut end = text.len().min(SAMPLE.0);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // The last record of a cut sample may be cut too.
    let sample = if end < text.len() { text[..end].rfind('\n').map_or(&text[..end], |at| &text[..at]) } else { text };
    let score = |delimiter: char| {
        let mut widths = Vec::new();
        let (mut best, mut header) = (0, 0);
        let stop = || refuse("", "");
        let _ = records(sample, delimiter, |_, fields| {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        read(text, "utf-8".into(), Expected::default()).expect("readable")
    }

    #[test]
    fn rows_are_those_of_a_spreadsheet() {
        let t = table("\r\n\r\na;b\r\n1;\"deux\r\nlignes\"\r\n\r\n3;4\n5;6\r7;8");
        assert_eq!(t.header_row, Some(3));
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
            assert_eq!(table(text).source.delimiter, delimiter, "{text}");
        }
    }

    #[test]
    fn an_open_quote_is_refused_where_it_opens() {
        let error = read("a;b\n1;2\n3;\"4\n5;6\n", "utf-8".into(), Expected::default()).expect_err("refused");
        assert_eq!(error.code, "truncated");
        assert!(error.message.contains("ligne 3"), "{}", error.message);
        assert!(read("a;b\n1;\"dit \"\"oui\"\"\"", "utf-8".into(), Expected::default()).is_ok());
        assert!(read("a;b\n1;5\" de haut", "utf-8".into(), Expected::default()).is_ok());
    }
}
