//! Files made to exhaust or to mislead a reader: each is refused with its code, within 512 MB and 10 s of a process of its own. What other
//! tests of `check.rs` make (two corners, a part of 256 MiB, protected workbooks) is not made again here.

use std::{
    fs::{self, File},
    io::{BufWriter, Cursor, Write},
    path::{Path, PathBuf},
};

use retex::convention::{Convention, rules::Rules};
use serde_json::{Map, Value as Json, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    bounds::{self, Ended, MEMORY, TIME},
    mutations::corpus,
};

/// The code with which the command refuses a file; all else it says is as it must be.
fn code(file: &Path, schema: &Path) -> String {
    let ended = bounds::check(file, schema);
    within_bounds(&ended, file);
    assert_eq!(ended.status.code(), Some(2), "{}: {} {}", file.display(), ended.stdout, ended.stderr);
    let said: Json = serde_json::from_str(&ended.stdout).expect("JSON alone on stdout");
    assert_eq!(said["valid"], false);
    assert!(said["source_error"]["message"].as_str().is_some_and(|m| m.len() > 20), "{said}");
    said["source_error"]["code"].as_str().expect("a code").to_owned()
}

fn within_bounds(ended: &Ended, what: &Path) {
    assert!(!ended.stderr.contains("panicked"), "{}: {}", what.display(), ended.stderr);
    assert!(ended.memory <= MEMORY, "{} took {} MB", what.display(), ended.memory / 1024);
    assert!(ended.elapsed <= TIME, "{} took {:?}", what.display(), ended.elapsed);
}

fn refused(folder: &Path, name: &str, bytes: &[u8], expected: &[&str]) {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("written");
    let code = code(&path, &corpus("row.schema.json"));
    assert!(expected.contains(&code.as_str()), "{name}: {code}, not one of {expected:?}");
}

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        out.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).expect("in memory");
        out.write_all(content).expect("in memory");
    }
    out.finish().expect("in memory").into_inner()
}

/// A workbook of one sheet, whose XML is given, and its shared strings.
fn workbook(sheet: &str, strings: &str) -> Vec<u8> {
    let types = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;
    let root = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    let book = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Feuille" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    let relations = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;
    archive(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

const NO_STRINGS: &str = r#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>"#;

fn sheet(rows: &str) -> String {
    format!(r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#)
}

/// A sheet of OpenDocument, whose rows are given.
fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="Feuille">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    let manifest = r#"<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>"#;
    archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest.as_bytes()),
        ("content.xml", content.as_bytes()),
    ])
}

/// A sheet that is as the others here, and good: what is refused below is refused for what it does.
#[test]
fn a_plain_workbook_of_this_make_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let cell = |text: &str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
    let rows = format!("<row>{}</row><row>{}</row>", cell("id"), cell("D000001"));
    let cells = |texts: [&str; 1]| {
        texts.map(|t| format!(r#"<table:table-cell office:value-type="string"><text:p>{t}</text:p></table:table-cell>"#)).concat()
    };
    let lines = format!("<table:table-row>{}</table:table-row><table:table-row>{}</table:table-row>", cells(["id"]), cells(["D000001"]));
    for (name, bytes) in [("a.xlsx", workbook(&sheet(&rows), NO_STRINGS)), ("a.ods", ods(&lines))] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        let said: Json = serde_json::from_str(&bounds::check(&path, &corpus("row.schema.json")).stdout).expect("JSON");
        assert_eq!((&said["stats"]["rows"], &said["source_error"]), (&json!(1), &Json::Null), "{name}: {said}");
    }
}

#[test]
fn bombs_of_xml_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let laughs = r#"<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;">]>"#;
    let outside = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#;
    let refusals = ["malformed", "empty_file", "too_large", "no_header"];
    for (name, doctype, entity) in [("laughs", laughs, "&h;"), ("outside", outside, "&a;")] {
        let strings = format!(
            r#"<?xml version="1.0"?>{doctype}<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{entity}</t></si></sst>"#
        );
        let path = folder.path().join(name);
        fs::write(&path, workbook(&sheet(r#"<row><c t="s"><v>0</v></c></row>"#), &strings)).expect("written");
        let ended = bounds::check(&path, &corpus("row.schema.json"));
        within_bounds(&ended, &path);
        // An entity that a document declares is never replaced: neither by a gigabyte nor by a file of this machine.
        assert!(!ended.stdout.contains("root:") && ended.stdout.len() < 100_000, "{}", ended.stdout);
        assert_ne!(ended.status.code(), Some(0), "{name}");
    }
    let deep = format!("{}{}", "<a>".repeat(1_000_000), "</a>".repeat(1_000_000));
    refused(folder.path(), "deep.xlsx", &workbook(&sheet(&deep), NO_STRINGS), &refusals);
    refused(folder.path(), "deep.ods", &ods(&deep), &refusals);
    let cell =
        r#"<table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>id</text:p></table:table-cell>"#;
    refused(folder.path(), "wide.ods", &ods(&format!("<table:table-row>{cell}</table:table-row>")), &["too_wide", "too_large"]);
    let row = format!(r#"<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>"#);
    refused(folder.path(), "square.ods", &ods(&row), &["too_wide", "too_large", "malformed"]);
    let high = row.replace("16384", "1000");
    refused(folder.path(), "high.ods", &ods(&high), &["too_large", "malformed"]);
    let beyond = row.replace("16384", "4294967295").replace("1048576", "18446744073709551615");
    refused(folder.path(), "beyond.ods", &ods(&beyond), &["too_wide", "too_large", "malformed"]);
}

/// So many bytes of zeros, deflated, under a directory that says that they are a thousand.
fn liar(part: &str, others: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in others {
        out.start_file(*name, options).expect("in memory");
        out.write_all(content).expect("in memory");
    }
    out.start_file(part, options).expect("in memory");
    let block = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        out.write_all(&block).expect("in memory");
    }
    let mut bytes = out.finish().expect("in memory").into_inner();
    let real = (1u32 << 30).to_le_bytes();
    let places: Vec<usize> = bytes.windows(4).enumerate().filter(|(_, w)| *w == real).map(|(i, _)| i).collect();
    assert!(!places.is_empty(), "the size stands in the directory");
    for at in places {
        bytes[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
    }
    bytes
}

#[test]
fn a_directory_that_lies_on_sizes_is_not_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let book: &[u8] = b"<workbook/>";
    refused(folder.path(), "liar.xlsx", &liar("xl/sharedStrings.xml", &[("xl/workbook.xml", book)]), &["malformed", "too_large"]);
    let kind: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
    refused(folder.path(), "liar.ods", &liar("content.xml", &[("mimetype", kind)]), &["malformed", "too_large"]);
    refused(folder.path(), "liar.zip", &liar("export.csv", &[]), &["malformed", "too_large"]);
}

/// A gigabyte of one line, compressed.
fn inflating(into: &mut dyn Write) {
    let block = vec![b'a'; 1 << 20];
    for _ in 0..1024 {
        into.write_all(&block).expect("written");
    }
}

#[test]
fn compressed_bombs_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    inflating(&mut gz);
    let gz = gz.finish().expect("in memory");
    refused(folder.path(), "bomb.csv.gz", &gz, &["too_large"]);
    // Wrapped once more: what is inside is no table, and is not opened again.
    let mut twice = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    twice.write_all(&gz).expect("in memory");
    refused(folder.path(), "twice.csv.gz.gz", &twice.finish().expect("in memory"), &["nested_archive"]);
    let mut zst = zstd::Encoder::new(Vec::new(), 1).expect("in memory");
    inflating(&mut zst);
    refused(folder.path(), "bomb.csv.zst", &zst.finish().expect("in memory"), &["too_large"]);
    // A frame that asks for a window of 2 GB.
    let window = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00];
    refused(folder.path(), "window.csv.zst", &window, &["too_large", "malformed"]);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("export.csv", SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).expect("in memory");
    inflating(&mut zip);
    refused(folder.path(), "bomb.zip", &zip.finish().expect("in memory").into_inner(), &["too_large"]);
    // One file in an archive is read; two, a folder, a way out of it or a password are refused.
    let csv = fs::read(corpus("comma.csv")).expect("a seed");
    let two = archive(&[("a.csv", &csv), ("b.csv", &csv)]);
    refused(folder.path(), "two.zip", &two, &["unknown_format", "several_files"]);
    refused(folder.path(), "none.zip", &archive(&[]), &["unknown_format", "malformed", "empty_file"]);
    let mut locked = archive(&[("a.csv", &csv)]);
    for (magic, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = locked.windows(4).position(|w| w == magic).expect("a header");
        locked[at + flags] |= 1;
    }
    refused(folder.path(), "locked.zip", &locked, &["encrypted"]);
}

#[test]
fn a_truncated_file_is_refused_wherever_it_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = |name: &str, codes: &[&str]| {
        let whole = fs::read(corpus(name)).expect("a seed");
        for sixteenth in 1..16 {
            let mut part = whole[..whole.len() * sixteenth / 16].to_vec();
            refused(folder.path(), name, &part, codes);
            // The end of another file in place of its own.
            part.extend_from_slice(&whole[whole.len() - 8..]);
            if name.ends_with("parquet") {
                refused(folder.path(), name, &part, codes);
            }
        }
    };
    cut("zstd.parquet", &["malformed"]);
    cut("types.parquet", &["malformed"]);
    cut("book.xlsx", &["malformed"]);
    cut("comma.csv.gz", &["truncated", "malformed"]);
    cut("comma.csv.zst", &["truncated", "malformed"]);
    cut("file.arrow", &["truncated", "malformed"]);
    cut("array.json", &["truncated", "malformed", "bad_line", "bad_json"]);
}

/// Four hundred kilobytes of rows, with a NUL at each of these places.
fn with_nul(places: &[usize]) {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = fs::read(corpus("bench.csv")).expect("a seed");
    let long: Vec<u8> = csv.iter().copied().cycle().take(400_000).collect();
    for at in places {
        let mut bytes = long.clone();
        bytes[*at] = 0;
        refused(folder.path(), "nul.csv", &bytes, &["binary"]);
    }
}

#[test]
fn nul_bytes_are_refused() {
    with_nul(&[0, 1, 5_000, 65_000]);
}

#[test]
fn nul_bytes_are_refused_beyond_the_first_block() {
    with_nul(&[70_000, 200_000, 399_999]);
}

fn gigabyte(path: &Path, start: &str, filler: &[u8], end: &str) {
    let mut file = BufWriter::new(File::create(path).expect("created"));
    file.write_all(start.as_bytes()).expect("written");
    let block = filler.repeat((1 << 20) / filler.len());
    for _ in 0..1024 {
        file.write_all(&block).expect("written");
    }
    file.write_all(end.as_bytes()).and_then(|()| file.flush()).expect("written");
}

/// One after the other, for each takes a gigabyte of the disk.
#[test]
fn a_line_of_a_gigabyte_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ligne");
    let schema = corpus("row.schema.json");
    let long: &[&str] = &["too_large", "too_wide"];
    for (name, start, filler, end, expected) in [
        ("a cell", "id;bras\r\n", "a", "\r\n", long),
        ("a quote left open", "id;bras\r\nD000001;\"", "a;b\r\n  ", "", &["too_large", "truncated"][..]),
        ("delimiters", "id;bras\r\n", ";", "\r\n", long),
        ("a header", "id;bras", ";colonne", "\r\n", long),
        ("an object", "{\"id\": \"", "a", "\"}\n", &["too_large"][..]),
        ("blanks", "id;bras\r\nD000001;temoin\r\n", " ", "\r\n", &["too_large"][..]),
    ] {
        gigabyte(&path, start, filler.as_bytes(), end);
        let code = code(&path, &schema);
        assert!(expected.contains(&code.as_str()), "{name}: {code}");
    }
    // Nothing but a hole: no byte of it is on the disk.
    File::create(&path).and_then(|f| f.set_len(1 << 30)).expect("a hole");
    assert_eq!(code(&path, &schema), "binary");
}

#[test]
fn a_hundred_thousand_columns_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let names: Vec<String> = (0..100_000).map(|i| format!("c{i}")).collect();
    let wide = ["too_wide"];
    for delimiter in [";", ",", "\t"] {
        let text = format!("id{delimiter}{}\n{}\n", names.join(delimiter), vec!["1"; 100_001].join(delimiter));
        refused(folder.path(), "wide.csv", text.as_bytes(), &wide);
    }
    // Under a header that is not too wide, a row that is: its end is said, cell by cell it is not read.
    let ragged = format!("id;bras\nD000001;temoin\n{}\n", vec!["1"; 100_000].join(";"));
    let path = folder.path().join("ragged.csv");
    fs::write(&path, ragged).expect("written");
    let ended = bounds::check(&path, &corpus("row.schema.json"));
    within_bounds(&ended, &path);
    assert!(matches!(ended.status.code(), Some(1 | 2)) && ended.stdout.len() < 100_000);
    let object: Map<String, Json> = names.iter().map(|n| (n.clone(), json!(1))).collect();
    let object = Json::Object(object).to_string();
    refused(folder.path(), "wide.jsonl", format!("{object}\n").as_bytes(), &wide);
    refused(folder.path(), "wide.json", format!("[{object}]").as_bytes(), &wide);
    let each: String = names.iter().map(|n| format!("{{\"{n}\": 1}}\n")).collect();
    refused(folder.path(), "each.jsonl", each.as_bytes(), &wide);
    // One beyond the last column that a spreadsheet has, and beyond what is read.
    for (place, codes) in [("ZZZ1", &["too_wide", "malformed"][..]), ("BZZ1", &["too_wide"][..])] {
        let rows =
            format!(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="{place}" t="inlineStr"><is><t>x</t></is></c></row>"#);
        refused(folder.path(), "wide.xlsx", &workbook(&sheet(&rows), NO_STRINGS), codes);
    }
    let columns = names
        .iter()
        .take(20_000)
        .map(|n| polars::prelude::Column::full_null(n.as_str().into(), 1, &polars::prelude::DataType::Int64))
        .collect();
    let path = folder.path().join("wide.parquet");
    crate::parquet::write(&path, polars::prelude::DataFrame::new(1, columns).expect("a table"), &[]).expect("written");
    assert_eq!(code(&path, &corpus("row.schema.json")), "too_wide");
}

/// A schema given to the command: the codes of its faults, or how the file fared under it.
fn with_schema(folder: &Path, schema: &str) -> Result<Option<i32>, Vec<String>> {
    let path: PathBuf = folder.join("schema.json");
    fs::write(&path, schema).expect("written");
    let ended = bounds::check(&corpus("comma.csv"), &path);
    within_bounds(&ended, &path);
    let said: Json = serde_json::from_str(&ended.stdout).expect("JSON alone on stdout");
    match said["schema_errors"].as_array() {
        Some(faults) => {
            assert_eq!(ended.status.code(), Some(2));
            Err(faults.iter().map(|f| f["code"].as_str().expect("a code").to_owned()).collect())
        }
        None => Ok(ended.status.code()),
    }
}

#[test]
fn a_schema_made_to_exhaust_is_refused_or_linear() {
    let folder = tempfile::tempdir().expect("a folder");
    let property = |schema: Json| json!({ "properties": { "remarque": schema, "id": {} } }).to_string();
    let refused = |schema: &str, code: &str| {
        assert_eq!(with_schema(folder.path(), schema).map_err(|c| c[0].clone()), Err(code.to_owned()), "{:.100}", schema)
    };
    for depth in [200, 10_000, 1_000_000] {
        refused(&format!("{}{}{}", "{\"not\":".repeat(depth), "{}", "}".repeat(depth)), "schema_json");
        refused(&format!("{{\"properties\": {}1{}}}", "[".repeat(depth), "]".repeat(depth)), "schema_json");
    }
    let nested = (0..100).fold(json!({}), |inner, _| json!({ "not": inner }));
    refused(&property(nested), "too_deep");
    refused(&property(json!({ "type": "string", "pattern": "(\\w{1000}){1000}" })), "pattern_too_big");
    refused(&property(json!({ "type": "string", "pattern": "(?=a)+" })), "pattern");
    refused(&property(json!({ "type": "string", "pattern": "(".repeat(100_000) })), "pattern");
    refused(&property(json!({ "type": "string", "pattern": format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000)) })), "pattern");
    let many: Map<String, Json> = (0..100_000).map(|i| (format!("c{i}"), json!({}))).collect();
    refused(&json!({ "properties": many }).to_string(), "too_many_columns");
    refused(&json!({ "$ref": "#" }).to_string(), "no_columns");

    // Patterns that take other engines an age: this one is linear, and the file is checked.
    let rows = format!("id;remarque\n1;{}b\n", "a".repeat(50_000));
    let slow = folder.path().join("slow.csv");
    fs::write(&slow, rows).expect("written");
    for pattern in ["^(a+)+$", "^(a|aa)*$", "(.*)*x", "^(a?){200}a{200}$", "(x+x+)+y"] {
        for schema in [
            json!({ "type": "string", "pattern": pattern }),
            json!({ "anyOf": [{ "type": "string", "pattern": pattern }, { "const": "" }] }),
        ] {
            let path = folder.path().join("schema.json");
            fs::write(&path, property(schema)).expect("written");
            let ended = bounds::check(&slow, &path);
            within_bounds(&ended, &path);
            assert_eq!(ended.status.code(), Some(1), "{pattern}: {}", ended.stdout);
        }
    }
    // References that go round, and branches that double at each level.
    for schema in [
        json!({ "properties": { "id": { "$ref": "#/properties/id" } } }),
        json!({ "properties": { "id": { "$ref": "#/$defs/a" } }, "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
        json!({ "properties": { "id": {} }, "allOf": [{ "$ref": "#" }] }),
        doubling(6),
    ] {
        assert!(with_schema(folder.path(), &schema.to_string()).is_ok(), "{schema}");
    }
    for levels in [20, 200, 10_000] {
        refused(&doubling(levels).to_string(), "too_complex");
    }
}

/// Each definition names the one below twice: two to the power of `levels` paths.
fn doubling(levels: usize) -> Json {
    let branch = |i: usize| json!({ "$ref": format!("#/$defs/d{i}") });
    let mut definitions: Map<String, Json> =
        (1..=levels).map(|i| (format!("d{i}"), json!({ "anyOf": [branch(i - 1), branch(i - 1)] }))).collect();
    definitions.insert("d0".into(), json!({ "type": "string", "const": "jamais" }));
    json!({ "properties": { "id": branch(levels) }, "$defs": definitions })
}

/// As many patterns as columns, each just within what one may take.
#[test]
fn many_large_patterns_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let properties: Map<String, Json> =
        (0..2000).map(|i| (format!("c{i}"), json!({ "type": "string", "pattern": format!("^{i}\\w{{40}}[a-z]{{1,999}}$") }))).collect();
    let outcome = with_schema(folder.path(), &json!({ "properties": properties }).to_string());
    assert_eq!(outcome, Err(vec!["pattern_too_big".to_owned()]));
}

/// The same through the library, which no parser of JSON protects.
#[test]
fn a_schema_of_depth_ten_thousand_is_refused_without_a_parser_before_it() {
    // Built and dropped on a stack of its own: a tree this deep is dropped by recursion.
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(|| {
        // Moved from level to level: the macro would copy all that is below each.
        let above = |inner: Json, _| Json::Object(Map::from_iter([("allOf".to_owned(), Json::Array(vec![inner]))]));
        let deep = (0..10_000).fold(json!({ "type": "string" }), above);
        for schema in [json!({ "properties": { "id": deep.clone() } }), json!({ "properties": {"id": {}}, "if": deep })] {
            let faults = Rules::from_schema(&schema).err().expect("refused");
            assert_eq!(faults[0].code, "too_deep");
        }
    });
    thread.expect("started").join().expect("no panic");
}

#[test]
fn a_convention_made_to_exhaust_is_refused() {
    let deep = |depth: usize| format!("a: {}1{}", "[".repeat(depth), "]".repeat(depth));
    let aliases = (1..=9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, i| {
        text + &format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "))
    });
    let block = (0..10_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("brackets", deep(10_000)),
        ("aliases", aliases),
        ("blocks", block),
        ("json", format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000))),
    ] {
        let path = folder.path().join("convention.yaml");
        fs::write(&path, text).expect("written");
        let ended = bounds::run(std::process::Command::new(env!("CARGO_BIN_EXE_retex")).args(["convention", "check"]).arg(&path));
        within_bounds(&ended, &path);
        assert!(matches!(ended.status.code(), Some(1 | 2)), "{name}: {:?} {}", ended.status, ended.stderr);
        let text = fs::read_to_string(&path).expect("written");
        let error = Convention::parse(&text).and_then(Convention::from_json).err().expect("refused");
        assert!(!error.message.is_empty() && !error.code.is_empty(), "{name}");
    }
}
