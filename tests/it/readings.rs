//! How a file is read where the parties or the depositor say it: each part of a reading, detected, said and imposed.

use retex::convention::{document::Reading, rules::Rules};
use serde_json::{Value as Json, json};

use crate::pipeline::typed;

fn rules(schema: &Json, reading: &Json) -> Rules {
    let rules = Rules::from_schema(schema).unwrap_or_else(|f| panic!("{f:?}"));
    let reading: Reading = serde_json::from_value(reading.clone()).expect("a reading");
    rules.reading_so(&reading).unwrap_or_else(|f| panic!("{f:?}"))
}

/// The only column's values as text, with the report, under a reading.
fn column(content: impl AsRef<[u8]>, kind: &Json, reading: &Json) -> (retex::deposit::report::CheckReport, Vec<String>) {
    let (report, table) = typed(content, &rules(&json!({ "properties": { "v": kind, "w": { "type": ["string", "null"] } } }), reading));
    let values = table.map_or_else(Vec::new, |t| {
        let series = t.column("v").expect("the column").clone();
        (0..series.len()).map(|i| series.get(i).expect("a value").to_string().trim_matches('"').to_owned()).collect()
    });
    (report, values)
}

#[test]
fn a_header_that_is_not_where_it_seems_is_said() {
    // The first line holds the names too, crossed out by whoever made the file.
    let text = "v;w\nancien;export\nv;w\n1;a\n2;b\n";
    let (report, values) = column(text, &json!({"type": "integer"}), &json!({}));
    assert_eq!((report.valid, report.file.header_row, values.len()), (false, Some(1), 2), "the repeated header is left out");
    let (report, values) = column(text, &json!({"type": "integer"}), &json!({"header_row": 3}));
    assert_eq!((report.valid, report.file.header_row), (true, Some(3)), "{:?}", report.errors);
    assert_eq!(values, ["1", "2"]);
    let (report, _) = column("x;y\nv;z\n1;2\n", &json!({"type": "integer"}), &json!({"header_row": 40}));
    let error = report.source_error.expect("refused");
    assert_eq!(error.code, "no_header");
    assert!(error.message.contains("La ligne 40"), "{}", error.message);
    // The hub's own template begins with its header, whatever was agreed for other files.
    let (report, values) = column("v;w\n1;a\n", &json!({"type": "integer"}), &json!({"header_row": 3}));
    assert_eq!((report.valid, report.file.header_row, values.len()), (true, Some(1), 1), "{:?}", report.source_error);
}

#[test]
fn quotes_are_detected_said_and_imposed() {
    let single = "'v','w'\n1,'l''eau, la terre'\n2,'b'\n";
    let (report, values) = column(single, &json!({"type": "integer"}), &json!({}));
    assert_eq!((report.valid, report.file.quote.as_deref(), values.len()), (true, Some("'"), 2), "{:?}", report.errors);

    // The delimiter is found beside commas in texts that single quotes surround.
    let commas: String = (1..20).map(|i| format!("'{i}','Durand, Paul, {i}'\n")).collect();
    let (report, values) = column(format!("'v','w'\n{commas}"), &json!({"type": "integer"}), &json!({}));
    assert_eq!((report.valid, report.file.delimiter.as_deref(), values.len()), (true, Some(","), 19), "{:?}", report.source_error);

    // A quote that is a character opens what nothing closes.
    let inches = "v;w\n1;\"12 pouces\n2;b\n";
    let (report, _) = column(inches, &json!({"type": "integer"}), &json!({}));
    assert_eq!(report.source_error.map(|e| e.code).as_deref(), Some("truncated"));
    let (report, values) = column(inches, &json!({"type": "integer"}), &json!({"quote": "none"}));
    assert_eq!((report.valid, report.file.quote.as_deref(), values.len()), (true, Some("none"), 2), "{:?}", report.source_error);

    let apostrophes = "v;w\n1;'a;b'\n";
    let (report, _) = column(apostrophes, &json!({"type": "integer"}), &json!({}));
    assert_eq!((report.valid, report.file.quote), (false, None), "two cells too many");
    let (report, values) = column(apostrophes, &json!({"type": "integer"}), &json!({"quote": "'"}));
    assert_eq!((report.valid, values.as_slice()), (true, ["1".to_owned()].as_slice()), "{:?}", report.errors);
}

#[test]
fn thousands_leave_the_other_sign_to_decimals() {
    let text = "v;w\n1.234;a\n1.234.567,5;b\n";
    let (_, values) = column(text, &json!({"type": "number"}), &json!({"thousands": "."}));
    assert_eq!(values, ["1234.0", "1234567.5"]);
    let (_, values) = column("v;w\n1'234.5;a\n", &json!({"type": "number"}), &json!({"thousands": "'", "decimal": "."}));
    assert_eq!(values, ["1234.5"]);
    let whole = json!({"type": "integer"});
    let (_, values) = column("v;w\n1,234;a\n", &whole, &json!({"thousands": ","}));
    assert_eq!(values, ["1234"]);
    // A point that separates thousands is none of the decimals, also where nothing else shows which sign they have.
    let (report, values) = column("v;w\n1.000;a\n1.234;b\n7;c\n", &whole, &json!({"thousands": "."}));
    assert_eq!(values, ["1000", "1234", "7"], "{:?}", report.errors);
}

#[test]
fn a_percentage_is_what_the_reading_says() {
    let text = "v;w\n95 %;a\n";
    for (kind, reading, value) in [
        (json!({"type": "number"}), json!({}), "95.0"),
        (json!({"type": "number", "maximum": 1}), json!({}), "0.95"),
        (json!({"type": "number"}), json!({"percent": "share"}), "0.95"),
        (json!({"type": "number"}), json!({"percent": "number"}), "95.0"),
    ] {
        let (report, values) = column(text, &kind, &reading);
        assert_eq!(values, [value], "{kind} {reading} {:?}", report.errors);
    }
}

#[test]
fn words_of_nothing_of_yes_and_of_no_are_those_that_were_said() {
    let (report, values) = column("v;w\n1;a\nn.d.;b\n;c\n", &json!({"type": ["integer", "null"]}), &json!({"missing": ["NA", "n.d."]}));
    assert_eq!((report.valid, values.as_slice()), (true, ["1", "null", "null"].map(str::to_owned).as_slice()), "{:?}", report.errors);
    let (report, values) = column("v;w\nfait;a\nÀ faire ;b\n", &json!({"type": "boolean"}), &json!({"yes": [" Fait"], "no": ["à faire"]}));
    assert_eq!((report.valid, values.as_slice()), (true, ["true", "false"].map(str::to_owned).as_slice()), "{:?}", report.errors);
    let (report, _) = column("v;w\noui;a\n", &json!({"type": "boolean"}), &json!({"yes": ["fait"], "no": ["à faire"]}));
    assert!(!report.valid, "the usual words are not meant any more");
}

#[test]
fn numbers_of_days_are_dates_where_that_is_said() {
    let text = "v;w\n46093;a\n";
    let date = json!({"type": "string", "format": "date"});
    assert!(!column(text, &date, &json!({})).0.valid);
    for (notation, day) in [("serial-1900", "2026-03-12"), ("serial-1904", "2030-03-13")] {
        let (report, values) = column(text, &date, &json!({"dates": [notation]}));
        assert_eq!(values, [day], "{:?}", report.errors);
        assert_eq!(report.file.dates, [notation]);
    }
}

#[test]
fn utf16_is_read_without_its_mark() {
    let text = "v;w\n1;é\n2;œuvre\n";
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
    for (bytes, name) in [(little, "utf-16le"), (big, "utf-16be")] {
        let (report, values) = column(&bytes, &json!({"type": "integer"}), &json!({}));
        assert_eq!((report.valid, report.file.encoding.as_deref()), (true, Some(name)), "{:?}", report.source_error);
        assert_eq!(values, ["1", "2"]);
    }
}

#[test]
fn a_reading_that_is_none_is_refused_with_its_place() {
    let schema = json!({"properties": {"v": {"type": "integer"}}});
    for (reading, pointer) in [
        (json!({"quote": "«"}), "/reading/quote"),
        (json!({"thousands": ";"}), "/reading/thousands"),
        (json!({"thousands": ",", "decimal": ","}), "/reading/thousands"),
        (json!({"percent": "oui"}), "/reading/percent"),
        (json!({"yes": ["oui"]}), "/reading/yes"),
        (json!({"yes": ["x"], "no": ["x"]}), "/reading/yes"),
        (json!({"header_row": 0}), "/reading/header_row"),
        (json!({"header_row": 51}), "/reading/header_row"),
        (json!({"dates": ["mm/dd/yyyy"]}), "/reading/dates/0"),
    ] {
        let said: Reading = serde_json::from_value(reading.clone()).expect("a reading");
        let faults = Rules::from_schema(&schema).expect("rules").reading_so(&said).err().unwrap_or_default();
        assert_eq!(faults.iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), [pointer], "{reading}");
    }
}
