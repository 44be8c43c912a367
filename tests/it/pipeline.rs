//! Files of several pieces, read by several threads: what is said of them is what would be said of the whole, and what their beginning does
//! not tell is learnt from their end. Then the formats that come compressed, in arrays or in columns.

use std::{fmt::Write as _, fs, io::Write as _, path::Path};

use polars::prelude::DataFrame;
use retex::{
    convention::rules::Rules,
    deposit::{
        check::{Output, check_file_into},
        parquet,
        report::CheckReport,
    },
};
use serde_json::{Value as Json, json};

/// The check of a file, and its typed table.
pub fn typed(content: impl AsRef<[u8]>, rules: &Rules) -> (CheckReport, Option<DataFrame>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fichier");
    fs::write(&path, content).expect("written");
    typed_at(&path, rules)
}

/// The check of the file at `path`, and its typed table.
pub fn typed_at(path: &Path, rules: &Rules) -> (CheckReport, Option<DataFrame>) {
    let folder = tempfile::tempdir().expect("a folder");
    let table = folder.path().join("table.parquet");
    let output = Output { path: &table, metadata: &|_| Vec::new() };
    let checked = check_file_into(path, "fichier", rules, 1000, Some(&output), &mut |_| {});
    let rows = checked.table.expect("written");
    let table = rows.map(|rows| {
        let table = parquet::read(&table, None).expect("a table");
        assert_eq!(table.height() as u64, rows);
        table
    });
    (checked.report, table)
}

fn rules(schema: &Json) -> Rules {
    Rules::from_schema(schema).unwrap_or_else(|f| panic!("{f:?}"))
}

fn simple() -> Rules {
    rules(&json!({ "required": ["id"], "properties": {
        "id": { "type": "integer", "minimum": 0 }, "texte": { "type": ["string", "null"] }, "nombre": { "type": ["number", "null"] },
        "jour": { "type": ["string", "null"], "format": "date" },
    }}))
}

/// Lines of about a hundred bytes, so that thirty thousand make three pieces.
fn lines(count: usize, mut line: impl FnMut(usize) -> String) -> String {
    let mut text = "id;texte;nombre;jour\n".to_owned();
    for i in 0..count {
        text += &line(i);
        text.push('\n');
    }
    text
}

const FILL: &str = "un texte qui remplit la ligne pour que le fichier ait plusieurs morceaux et que chacun soit jugé à part";

fn number(table: &DataFrame, column: &str, row: usize) -> String {
    table.column(column).and_then(|c| c.get(row).map(|v| v.to_string())).expect("a value")
}

#[test]
fn a_file_of_several_pieces_is_told_as_one() {
    let count = 40_000;
    let text = lines(count, |i| match i {
        9_999 => format!("-1;\"{FILL}\nsur deux lignes; et \"\"cité\"\"\";1.5;2026-01-31"),
        20_000 => format!("x;{FILL};1.5;2026-02-30"),
        39_999 => format!("{i};{FILL};deux;2026-01-31"),
        _ => format!("{i};{FILL};1.5;2026-01-31"),
    });
    assert!(text.len() > 4 << 20);
    let (report, table) = typed(&text, &simple());
    let faults: Vec<_> = report.errors.iter().map(|e| (e.code.as_str(), e.row, e.column.as_deref().unwrap_or_default())).collect();
    let expected = [
        ("minimum", Some(10_001), "id"),
        ("type", Some(20_002), "id"),
        ("no_such_date", Some(20_002), "jour"),
        ("type", Some(40_001), "nombre"),
    ];
    assert_eq!(faults, expected);
    assert_eq!((report.stats.rows, report.stats.rows_invalid, report.stats.errors), (count as u64, 3, 4));
    let id = report.columns.iter().find(|c| c.name == "id").expect("a column");
    assert_eq!((id.min.as_deref(), id.max.as_deref()), (Some("-1"), Some("39999")));
    let table = table.expect("the valid rows");
    assert_eq!(table.height(), count - 3);
    assert_eq!((number(&table, "id", 9_999), number(&table, "id", 39_996)), ("10000".to_owned(), "39998".to_owned()));
}

#[test]
fn the_limit_takes_the_first_faults_of_the_file() {
    let text = lines(30_000, |i| format!("{};{FILL};1.5;2026-01-31", if i % 10 == 0 { "x".to_owned() } else { i.to_string() }));
    let (report, _) = typed(&text, &simple());
    assert_eq!((report.errors.len(), report.stats.errors), (1000, 3000));
    assert!(report.errors.iter().map(|e| e.row).eq((0..1000).map(|i| Some(10 * i + 2))));
    assert_eq!(report.by_rule.iter().map(|r| (r.code.as_str(), r.count)).collect::<Vec<_>>(), [("type", 3000)]);
}

#[test]
fn what_the_beginning_does_not_tell_is_learnt_from_the_end() {
    // A decimal comma, and dates day first, that come after a megabyte that shows neither.
    let text = lines(20_000, |i| {
        format!("{i};{FILL};{};{}", if i < 15_000 { "3" } else { "2,5" }, if i < 15_000 { "01/02/2026" } else { "25/02/2026" })
    });
    let (report, table) = typed(&text, &simple());
    assert!(report.valid, "{:?}", report.errors.first());
    assert_eq!(report.file.decimal.as_deref(), Some(","));
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    assert_eq!(number(&table.expect("typed"), "nombre", 19_999), "2.5");

    // Month first, which only the end shows: no date with slashes is then sure.
    let text = lines(20_000, |i| format!("{i};{FILL};3;{}", if i < 15_000 { "01/02/2026" } else { "02/25/2026" }));
    let (report, _) = typed(&text, &simple());
    assert_eq!((report.stats.errors, report.by_rule[0].message.contains("mois d'abord")), (20_000, true), "{:?}", report.by_rule);

    // Windows-1252, whose first accent comes late.
    let ascii = lines(20_000, |i| {
        format!("{i};{};3;2026-01-31", if i < 19_000 { FILL.replace('é', "e").replace('à', "a") } else { "été".to_owned() })
    });
    let bytes = encoding_rs::WINDOWS_1252.encode(&ascii).0;
    let (report, table) = typed(&bytes, &simple());
    assert_eq!((report.valid, report.file.encoding.as_deref()), (true, Some("windows-1252")), "{:?}", report.source_error);
    assert_eq!(number(&table.expect("typed"), "texte", 19_999), "\"été\"");

    // A key of JSON that the first objects lack.
    let json: String = (0..20_000)
        .map(|i| if i < 19_000 { json!({ "id": i, "texte": FILL }) } else { json!({ "id": i, "nombre": 2.5 }) }.to_string() + "\n")
        .collect();
    let (report, table) = typed(&json, &simple());
    assert!(report.valid, "{:?}", report.errors.first());
    let table = table.expect("typed");
    assert_eq!((number(&table, "nombre", 0), number(&table, "nombre", 19_999)), ("null".to_owned(), "2.5".to_owned()));
}

#[test]
fn a_key_that_repeats_in_another_piece_is_told_with_both_rows() {
    let schema = json!({ "primaryKey": "id", "fields": [
        { "name": "id", "type": "integer" }, { "name": "texte", "type": "string" }, { "name": "nombre", "type": "number" },
        { "name": "jour", "type": "date" },
    ]});
    let text = lines(30_000, |i| format!("{};{FILL};1.5;2026-01-31", if i == 25_000 || i == 29_000 { 7 } else { i }));
    let (report, table) = typed(&text, &rules(&schema));
    let told: Vec<_> = report.errors.iter().map(|e| (e.code.as_str(), e.row, e.message.replace('\u{a0}', " "))).collect();
    let message = |row: usize| format!("Les lignes 9 et {row} ont la même clé (id : 7) : n'en gardez qu'une.");
    assert_eq!(told, [("duplicate_key", Some(25_002), message(25_002)), ("duplicate_key", Some(29_002), message(29_002))]);
    assert_eq!((report.stats.rows_invalid, report.stats.errors), (2, 2));
    assert_eq!(table.expect("the valid rows").height(), 29_998);
}

#[test]
fn the_same_file_gives_the_same_bytes_whichever_thread_is_first() {
    let text = lines(150_000, |i| format!("{i};{};{}.5;2026-01-31", i % 977, i % 13));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.csv");
    fs::write(&path, text).expect("written");
    let bytes = |name: &str| {
        let table = folder.path().join(name);
        let output = Output { path: &table, metadata: &|file| vec![("retex.sha256", file.sha256.clone())] };
        let checked = check_file_into(&path, "f.csv", &simple(), 10, Some(&output), &mut |_| {});
        assert_eq!(checked.table.expect("written"), Some(150_000));
        assert_eq!(parquet::metadata(&table).expect("a footer"), [("retex.sha256".to_owned(), checked.report.file.sha256)]);
        fs::read(&table).expect("bytes")
    };
    assert_eq!(bytes("1.parquet"), bytes("2.parquet"));
}

#[test]
fn a_json_array_is_read_as_its_objects() {
    let text = "[\n  {\"id\": 1, \"texte\": \"a, ] b\",\n   \"nombre\": 0.5},\n  {\"id\": -2, \"jour\": \"2026-01-31\"}\n]\n";
    let (report, table) = typed(text, &simple());
    assert_eq!(report.file.format.as_deref(), Some("json"));
    let faults: Vec<_> = report.errors.iter().map(|e| (e.code.as_str(), e.row)).collect();
    assert_eq!(faults, [("minimum", Some(2))]);
    assert_eq!(number(&table.expect("typed"), "texte", 0), "\"a, ] b\"");
    // Longer than a piece.
    let many: Vec<Json> = (0..30_000).map(|i| json!({ "id": i, "texte": FILL })).collect();
    let (report, table) = typed(format!("{:#}", Json::from(many)), &simple());
    assert_eq!((report.valid, table.expect("typed").height()), (true, 30_000), "{:?}", report.source_error);
}

/// What the file says without being compressed.
const PLAIN: &str = "id;texte;nombre;jour\n1;été;2,5;31/01/2026\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("started");
        archive.write_all(bytes).expect("written");
    }
    archive.finish().expect("finished").into_inner()
}

#[test]
fn a_compressed_file_is_read_as_what_it_holds() {
    let zst = zstd::encode_all(PLAIN.as_bytes(), 3).expect("compressed");
    let folder: &[u8] = b"";
    let zipped = zip(&[("dossier/", folder), ("dossier/demandes.csv", PLAIN.as_bytes()), ("__MACOSX/dossier/._demandes.csv", b"\0\0")]);
    let two = [gzip(PLAIN.as_bytes()), gzip(b"2;hiver;;\n")].concat();
    for (name, bytes, rows) in [("gz", gzip(PLAIN.as_bytes()), 1), ("gz", two, 2), ("zst", zst, 1), ("zip", zipped, 1)] {
        let (report, table) = typed(&bytes, &simple());
        assert!(report.valid, "{name} {:?} {:?}", report.source_error, report.errors);
        assert_eq!((report.file.compression.as_deref(), report.file.format.as_deref()), (Some(name), Some("csv")));
        assert_eq!(report.file.bytes, bytes.len() as u64, "the size of what was sent");
        assert_eq!(table.expect("typed").height(), rows);
    }
}

#[test]
fn what_is_compressed_otherwise_is_refused_with_its_code() {
    let code = |bytes: &[u8]| typed(bytes, &simple()).0.source_error.map(|e| e.code).unwrap_or_default();
    let packed = gzip(PLAIN.repeat(100).as_bytes());
    assert_eq!(code(&packed[..packed.len() - 9]), "malformed");
    assert_eq!(code(&gzip(&packed)), "nested_archive");
    assert_eq!(code(&zip(&[("a.csv", PLAIN.as_bytes()), ("b.csv", PLAIN.as_bytes())])), "several_files");
    assert_eq!(code(&zip(&[])), "unknown_format");
    assert_eq!(code(&gzip(b"")), "empty_file");
    assert_eq!(code(&gzip(&vec![b'1'; 80 << 20])), "too_large");
    assert_eq!(code(&zstd::encode_all(&vec![b'\n'; 80 << 20][..], 3).expect("compressed")), "too_large");
    assert_eq!(code(&zip(&[("a.csv", &vec![b';'; 80 << 20])])), "too_large");
}

#[test]
fn an_arrow_file_is_read_in_both_its_forms() {
    use polars::prelude::*;
    use polars_io::{
        SerWriter,
        ipc::{IpcStreamWriter, IpcWriter},
    };
    let mut table = df!("id" => [1i64, -2], "texte" => [Some("é"), None], "nombre" => [Some(0.5), None]).expect("a table");
    let (mut file, mut stream) = (Vec::new(), Vec::new());
    IpcWriter::new(&mut file).finish(&mut table).expect("written");
    IpcStreamWriter::new(&mut stream).finish(&mut table).expect("written");
    for bytes in [&file, &stream] {
        let (report, typed) = typed(bytes, &simple());
        assert_eq!(report.file.format.as_deref(), Some("arrow"), "{:?}", report.source_error);
        let faults: Vec<_> = report.errors.iter().map(|e| (e.code.as_str(), e.row)).collect();
        assert_eq!(faults, [("minimum", Some(2))]);
        assert_eq!(number(&typed.expect("typed"), "texte", 0), "\"é\"");
        let cut = typed_code(&bytes[..bytes.len() / 2]);
        assert_eq!(cut, "malformed");
    }
}

fn typed_code(bytes: &[u8]) -> String {
    typed(bytes, &simple()).0.source_error.map(|e| e.code).unwrap_or_default()
}

#[test]
fn hidden_rows_of_a_sheet_are_read_and_said() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0u16..).zip(["id", "texte"]) {
        sheet.write(0, column, name).expect("written");
    }
    for row in 1..4u32 {
        sheet.write(row, 0, row).expect("written");
    }
    sheet.set_row_hidden(2).expect("hidden");
    let (report, table) = typed(book.save_to_buffer().expect("a workbook"), &simple());
    assert_eq!(table.expect("typed").height(), 3);
    let told: Vec<_> = report.warnings.iter().map(|w| w.code.as_str()).collect();
    assert!(told.contains(&"hidden_rows"), "{told:?}");
}

#[test]
fn what_reads_in_two_ways_is_said_with_both() {
    let schema = rules(&json!({ "properties": {
        "montant": { "type": "number" }, "taux": { "type": "number", "minimum": 0, "maximum": 1 }, "part": { "type": "number", "maximum": 100 },
        "jour": { "type": "string", "format": "date" },
    }}));
    let (report, table) = typed("montant;taux;part;jour\n1,234 €;95\u{a0}%;95 %;12/03/26\n2,500;4 %;5;13/03/85\n", &schema);
    assert!(report.valid, "{:?}", report.errors);
    let table = table.expect("typed");
    let row: Vec<String> = ["montant", "taux", "part", "jour"].iter().map(|c| number(&table, c, 0)).collect();
    assert_eq!(row, ["1.234", "0.95", "95.0", "2026-03-12"]);
    assert_eq!(number(&table, "jour", 1), "1985-03-13");
    let mut said = String::new();
    for w in &report.warnings {
        let _ = writeln!(said, "[{}] {}{} {}", w.code, w.column_letter.as_deref().unwrap_or("-"), w.row.unwrap_or_default(), w.message);
    }
    insta::assert_snapshot!(said);
    // One number that shows its decimals settles it.
    let (report, _) = typed("montant;taux;part;jour\n1,234;0,5;95;2026-03-12\n", &schema);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn a_stretch_of_blank_rows_does_not_end_a_sheet() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0u16..).zip(["id", "texte", "nombre", "jour"]) {
        sheet.write(0, column, name).expect("written");
    }
    sheet.write(1, 0, 1).expect("written");
    // More than a piece of cells that hold nothing but a no-break space.
    for row in 2..30_000u32 {
        for column in 0..4u16 {
            sheet.write(row, column, "\u{a0}").expect("written");
        }
    }
    sheet.write(30_000, 0, -2).expect("written");
    let (report, table) = typed(book.save_to_buffer().expect("a workbook"), &simple());
    let faults: Vec<_> = report.errors.iter().map(|e| (e.code.as_str(), e.row)).collect();
    assert_eq!((faults.as_slice(), report.stats.rows), ([("minimum", Some(30_001))].as_slice(), 2));
    assert_eq!(table.expect("typed").height(), 1);
}

#[test]
fn a_thousand_blank_rows_hide_no_other_warning() {
    let text = format!("id;texte;nombre;jour\n1;a;1,234;2026-01-31\n{}2;b;2,345;2026-01-31\n", "\n".repeat(1200));
    let (report, _) = typed(text, &simple());
    assert_eq!(report.stats.warnings, 1201);
    assert_eq!(report.warnings[0].code, "ambiguous_numbers");
    assert_eq!(report.warnings.len(), 1000);
}

/// What R, pandas and databases write beside the plainest types.
#[test]
fn the_small_types_of_columns_are_read() {
    use polars::prelude::*;
    let words = Series::new("c".into(), ["a", "b"]).cast(&DataType::from_categories(Categories::global())).expect("categories");
    let money = Series::new("d".into(), ["12.50", "-0.25"]).cast(&DataType::Decimal(10, 2)).expect("decimals");
    let hour = Series::new("h".into(), [3_600_000_000_000i64, 0]).cast(&DataType::Time).expect("hours");
    let small = [DataType::Int8, DataType::UInt8, DataType::Int16, DataType::UInt16, DataType::UInt32, DataType::UInt64];
    let mut columns: Vec<_> = small
        .iter()
        .enumerate()
        .map(|(i, t)| Series::new(format!("i{i}").into(), [1i64, 2]).cast(t).expect("whole numbers").into_column())
        .collect();
    columns.extend([words.into_column(), money.into_column(), hour.into_column()]);
    let mut table = DataFrame::new(2, columns).expect("a table");
    let mut properties = serde_json::Map::new();
    (0..small.len()).for_each(|i| drop(properties.insert(format!("i{i}"), json!({"type": "integer"}))));
    properties.insert("c".to_owned(), json!({"enum": ["a", "b"]}));
    properties.insert("d".to_owned(), json!({"type": "number"}));
    properties.insert("h".to_owned(), json!({"type": "string"}));
    let rules = rules(&json!({ "properties": properties }));
    let folder = tempfile::tempdir().expect("a folder");
    let (path, mut arrow) = (folder.path().join("f.parquet"), Vec::new());
    polars_io::SerWriter::finish(&mut polars_io::ipc::IpcWriter::new(&mut arrow), &mut table).expect("written");
    crate::parquet::write(&path, table, &[]).expect("written");
    for bytes in [fs::read(&path).expect("read"), arrow] {
        let (report, typed) = typed(bytes, &rules);
        assert!(report.valid, "{:?} {:?}", report.source_error, report.errors);
        let typed = typed.expect("typed");
        let shown: Vec<String> = ["i0", "i5", "c", "d", "h"].iter().map(|name| number(&typed, name, 0)).collect();
        assert_eq!(shown, ["1", "1", "\"a\"", "12.5", "\"01:00:00\""]);
    }
}

#[test]
fn a_column_of_structures_or_bytes_is_named() {
    use polars::prelude::*;
    let table = DataFrame::new(1, vec![Series::new("octets".into(), [&b"abc"[..]]).into_column()]).expect("a table");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.parquet");
    crate::parquet::write(&path, table, &[]).expect("written");
    let error = typed_at(&path, &simple()).0.source_error.expect("refused");
    assert_eq!(error.code, "unread_type");
    assert!(error.message.contains("octets"), "{}", error.message);
}

#[test]
fn an_instant_with_a_zone_is_read_at_the_hour_of_paris() {
    use polars::prelude::*;
    let paris = TimeZone::opt_try_new(Some("Europe/Paris")).expect("a zone");
    // Half past midnight in Paris is half past ten the evening before in universal time.
    let ticks = Series::new("instant".into(), [1_788_215_400_000_000i64]);
    let instants = ticks.cast(&DataType::Datetime(TimeUnit::Microseconds, paris)).expect("instants");
    let table = DataFrame::new(1, vec![instants.into_column()]).expect("a table");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.parquet");
    crate::parquet::write(&path, table, &[]).expect("written");
    let rules = rules(&json!({ "properties": { "instant": { "type": "string", "format": "date-time" } } }));
    let (report, typed) = typed_at(&path, &rules);
    assert!(report.valid, "{:?}", report.errors);
    assert_eq!(number(&typed.expect("typed"), "instant", 0), "2026-09-01 00:30:00");
}

#[test]
fn a_suggestion_invents_nothing() {
    let rules = rules(&json!({ "properties": {
        "sens": { "enum": ["hausse", "pair", "impair", "assistant_ia", "zone 12", "Émilie"] }, "n": { "type": ["number", "null"] },
    }}));
    let (report, _) = typed("sens;n\nbaisse;7,5\nzone 11;2.500\nASSISTANT IA ;3,5\nemilie;2.5\nassistant_la;8,25\n", &rules);
    let told: Vec<_> = report.errors.iter().map(|e| (e.value.as_deref().unwrap_or_default(), e.suggestion.as_deref())).collect();
    assert!(told.contains(&("baisse", None)) && told.contains(&("zone 11", None)) && told.contains(&("2.500", None)), "{told:?}");
    assert!(told.contains(&("ASSISTANT IA ", Some("assistant_ia"))) && told.contains(&("emilie", Some("Émilie"))), "{told:?}");
    assert!(told.contains(&("assistant_la", Some("assistant_ia"))) && told.contains(&("2.5", Some("2,5"))), "{told:?}");
}
