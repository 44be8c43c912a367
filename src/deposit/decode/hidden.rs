//! Rows of a sheet that are hidden, by hand or by a filter: they are read as the others, and said, for their owner may not know of them.

use std::{fs::File, io::Read, path::Path};

use memchr::memmem;
use regex::Regex;

/// Longest description of a workbook that is looked at.
const MAX_DESCRIPTION: u64 = 4 << 20;

/// How many rows of the sheet of this name are hidden; none where its part is not found.
pub fn rows(path: &Path, sheet: &str) -> Option<u64> {
    let mut archive = zip::ZipArchive::new(File::open(path).ok()?).ok()?;
    let mut description = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).ok()?.take(MAX_DESCRIPTION).read_to_string(&mut text).ok()?;
        Some(text)
    };
    let (workbook, relations) = (description("xl/workbook.xml")?, description("xl/_rels/workbook.xml.rels")?);
    let id = attribute_of(&workbook, "sheet", ("name", sheet), r"\w+:id")?;
    let target = attribute_of(&relations, "Relationship", ("Id", &id), "Target")?;
    let part = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
    count(archive.by_name(&part).ok()?)
}

/// The value of `wanted` in the element of this name whose attribute `key` has this value.
fn attribute_of(xml: &str, element: &str, key: (&str, &str), wanted: &str) -> Option<String> {
    let elements = Regex::new(&format!(r"<(?:\w+:)?{element}\s([^>]*)>")).ok()?;
    let value = |attributes: &str, name: &str| {
        let found = Regex::new(&format!("(?:^|\\s){name}=\"([^\"]*)\"")).ok()?.captures(attributes)?.get(1)?.as_str();
        Some(found.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&"))
    };
    elements
        .captures_iter(xml)
        .filter_map(|c| c.get(1))
        .find(|a| value(a.as_str(), key.0).as_deref() == Some(key.1))
        .and_then(|a| value(a.as_str(), wanted))
}

/// Counts the elements `row` that say `hidden`.
fn count(mut part: impl Read) -> Option<u64> {
    let (mut window, mut hidden) = (Vec::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = part.read(&mut buffer).ok()?;
        if read == 0 {
            return Some(hidden);
        }
        window.extend_from_slice(&buffer[..read]);
        let mut at = 0;
        let kept = loop {
            let Some(start) = memmem::find(&window[at..], b"<row ").map(|i| at + i) else { break window.len().saturating_sub(5).max(at) };
            let Some(end) = memchr::memchr(b'>', &window[start..]).map(|i| start + i) else { break start };
            let tag = &window[start..end];
            hidden += u64::from(memmem::find(tag, b" hidden=\"1\"").is_some() || memmem::find(tag, b" hidden=\"true\"").is_some());
            at = end;
        };
        window.drain(..kept);
        // A tag has no megabyte: a crafted one is not waited for.
        if window.len() > 1 << 20 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_rows_are_counted_wherever_the_reads_cut() {
        let xml =
            r#"<sheetData><row r="1"><c/></row><row r="2" spans="1:2" hidden="1"><c t="s"/></row><row hidden="true" r="3"/></sheetData>"#;
        assert_eq!(count(xml.as_bytes()), Some(2));
        assert_eq!(count(xml.as_bytes().chain(&b""[..])), Some(2));
        for at in 0..xml.len() {
            assert_eq!(count(xml.as_bytes()[..at].chain(&xml.as_bytes()[at..])), Some(2), "{at}");
        }
    }

    #[test]
    fn the_sheet_s_part_is_found_by_its_name() {
        let workbook =
            r#"<workbook><sheets><sheet name="A &amp; B" sheetId="1" r:id="rId7"/><sheet r:id="rId2" name="C"/></sheets></workbook>"#;
        assert_eq!(attribute_of(workbook, "sheet", ("name", "A & B"), r"\w+:id").as_deref(), Some("rId7"));
        assert_eq!(attribute_of(workbook, "sheet", ("name", "C"), r"\w+:id").as_deref(), Some("rId2"));
        assert_eq!(attribute_of(workbook, "sheet", ("name", "D"), r"\w+:id"), None);
    }
}
