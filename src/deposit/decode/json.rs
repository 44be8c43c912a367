//! JSON objects, one per line or in an array. Types are the format's own: the text `5` is not a number.

use std::{collections::HashMap, sync::Arc};

use memchr::memchr2;
use serde_json::{Map, Value as Json};

use super::{Cells, Head, Origin, Table, assemble, refuse};
use crate::{convention::rules::MAX_COLUMNS, deposit::report::SourceError};

/// Objects in which the first names are looked for; more come as they are met.
const FIRST: usize = 1000;

/// Whether the first line is an object, whole.
pub fn looks_like_lines(text: &str) -> bool {
    text.lines().next().is_some_and(|line| serde_json::from_str::<Map<String, Json>>(line).is_ok())
}

/// Whether the text opens an array of objects.
pub fn looks_like_array(text: &str) -> bool {
    text.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['{', ']']))
}

/// The names of the first objects, in the order in which they come.
///
/// # Errors
/// `too_wide`; what is wrong with an object is told when it is read.
pub fn first_names(text: &str, array: bool) -> Result<Vec<String>, SourceError> {
    let mut names: indexmap::IndexSet<String> = indexmap::IndexSet::new();
    let lines = if array { ArrayCut::default().take(text.as_bytes())?.0 } else { text.as_bytes().to_vec() };
    for line in lines.split(|b| *b == b'\n').take(FIRST) {
        if let Ok(object) = serde_json::from_slice::<Map<String, Json>>(line) {
            names.extend(object.into_iter().map(|(key, _)| key));
        }
        if names.len() > MAX_COLUMNS {
            return Err(assemble::too_wide());
        }
    }
    Ok(names.into_iter().collect())
}

/// The table of a piece whose first object is on `first_row`.
pub fn table(text: &str, first_row: u64, head: &Arc<Head>) -> Result<Table, SourceError> {
    let mut table = Table { head: head.clone(), columns: vec![Cells::default(); head.names.len()], ..Table::default() };
    let positions: HashMap<&str, usize> = head.names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let mut last = None;
    for (row, line) in (first_row..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let object: Map<String, Json> = serde_json::from_str(line).map_err(|error| {
            if error.is_eof() {
                refuse("truncated", format!("La ligne {row} s'arrête au milieu : refaites l'export ou l'envoi."))
            } else {
                refuse("bad_line", format!("La ligne {row} n'est pas un objet JSON : écrivez un objet par ligne."))
            }
        })?;
        if let Some(last) = last.replace(row) {
            table.blank_rows.extend((last + 1..row).take(1000usize.saturating_sub(table.blank_rows.len())));
        }
        let height = table.rows.len();
        for (key, value) in object {
            let Some(at) = positions.get(key.as_str()) else {
                if !table.unknown.contains(&key) {
                    table.unknown.push(key);
                }
                if table.unknown.len() + head.names.len() > MAX_COLUMNS {
                    return Err(assemble::too_wide());
                }
                continue;
            };
            let column = &mut table.columns[*at];
            match value {
                Json::Null => column.push("", Origin::Text),
                Json::Bool(b) => column.push(if b { "true" } else { "false" }, Origin::Boolean),
                Json::Number(n) => column.push(&n.to_string(), Origin::Number),
                Json::String(s) => column.push(&s, Origin::Text),
                nested => column.push(&nested.to_string(), Origin::Nested),
            }
        }
        for column in &mut table.columns {
            if column.len() == height {
                column.push("", Origin::Absent);
            }
        }
        table.rows.push(row);
        table.span = Some((table.rows[0], row));
    }
    Ok(table)
}

/// Cuts an array into its objects, part after part.
#[derive(Debug, Default)]
pub struct ArrayCut {
    next: Next,
    /// Objects found so far.
    count: u64,
}

/// What may come next in the array.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Opening,
    ObjectOrEnd,
    CommaOrEnd,
    Object,
    Nothing,
}

impl ArrayCut {
    /// The whole objects that `bytes` starts with, each on a line of its own; how many they are, and how many bytes they take.
    ///
    /// # Errors
    /// `bad_json` where something else stands between objects.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(Vec<u8>, u64, usize), SourceError> {
        let (mut lines, mut count, mut used) = (Vec::with_capacity(bytes.len()), 0, 0);
        loop {
            while bytes.get(used).is_some_and(u8::is_ascii_whitespace) {
                used += 1;
            }
            let Some(&byte) = bytes.get(used) else { break };
            self.next = match (self.next, byte) {
                (Next::Opening, b'[') => Next::ObjectOrEnd,
                (Next::ObjectOrEnd | Next::CommaOrEnd, b']') => Next::Nothing,
                (Next::CommaOrEnd, b',') => Next::Object,
                (Next::ObjectOrEnd | Next::Object, b'{') => {
                    let Some(length) = object(&bytes[used..], &mut lines) else { break };
                    used += length;
                    count += 1;
                    self.count += 1;
                    self.next = Next::CommaOrEnd;
                    continue;
                }
                _ => {
                    let message = format!(
                        "Le tableau JSON ne se lit plus après son objet n° {} : vérifiez les virgules et les crochets, ou refaites l'export.",
                        self.count
                    );
                    return Err(refuse("bad_json", message));
                }
            };
            used += 1;
        }
        Ok((lines, count, used))
    }

    /// Refuses an array that nothing closed.
    pub fn end(&self) -> Result<(), SourceError> {
        if self.next == Next::Nothing {
            return Ok(());
        }
        Err(refuse("truncated", format!("Le tableau JSON s'arrête après son objet n° {} : refaites l'export ou l'envoi.", self.count)))
    }
}

/// Adds the object that `bytes` starts with as a line; its length, none where it is not whole.
fn object(bytes: &[u8], lines: &mut Vec<u8>) -> Option<usize> {
    let start = lines.len();
    let (mut depth, mut at) = (0usize, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            // Inside a text only a quote ends it, and only a backslash hides one.
            b'"' => {
                lines.push(byte);
                loop {
                    let Some(found) = memchr2(b'"', b'\\', &bytes[at..]) else {
                        lines.truncate(start);
                        return None;
                    };
                    let end = at + found + if bytes[at + found] == b'\\' { 2 } else { 1 };
                    let Some(part) = bytes.get(at..end) else {
                        lines.truncate(start);
                        return None;
                    };
                    // A line break inside a text is no JSON: it stays visible as such to the reader of the line.
                    lines.extend(part.iter().map(|b| if *b == b'\n' { 0x01 } else { *b }));
                    let closes = bytes[at + found] == b'"';
                    at = end;
                    if closes {
                        break;
                    }
                }
                continue;
            }
            _ => {}
        }
        // Outside texts a line break is a blank.
        lines.push(if matches!(byte, b'\n' | b'\r') { b' ' } else { byte });
        if depth == 0 {
            lines.push(b'\n');
            return Some(at);
        }
    }
    lines.truncate(start);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(parts: &[&str]) -> Result<String, String> {
        let mut cut = ArrayCut::default();
        let (mut pending, mut lines) = (Vec::new(), Vec::new());
        for part in parts {
            pending.extend_from_slice(part.as_bytes());
            let (more, _, used) = cut.take(&pending).map_err(|e| e.code)?;
            pending.drain(..used);
            lines.extend(more);
        }
        cut.end().map_err(|e| e.code)?;
        Ok(String::from_utf8(lines).expect("text"))
    }

    #[test]
    fn an_array_is_cut_into_its_objects_wherever_it_is_split() {
        let text = "[ {\"a\": 1,\n \"b\": \"x ] } \\\" é\"},\r\n{\"a\": {\"c\": [1, 2]}} ]\n";
        let whole = cut(&[text]).expect("an array");
        assert_eq!(whole, "{\"a\": 1,  \"b\": \"x ] } \\\" é\"}\n{\"a\": {\"c\": [1, 2]}}\n");
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            assert_eq!(cut(&[&text[..at], &text[at..]]), Ok(whole.clone()), "{at}");
        }
        assert_eq!(cut(&["[]"]), Ok(String::new()));
    }

    #[test]
    fn what_is_no_array_of_objects_is_refused() {
        for (text, code) in [
            ("[{\"a\":1}", "truncated"),
            ("[{\"a\":1},", "truncated"),
            ("[{\"a\":1}{\"a\":2}]", "bad_json"),
            ("[{\"a\":1}] suite", "bad_json"),
            ("[{\"a\":1},]", "bad_json"),
            ("[{\"a\":\"x]", "truncated"),
        ] {
            assert_eq!(cut(&[text]), Err(code.to_owned()), "{text}");
        }
    }
}
