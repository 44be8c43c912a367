//! Typed tables in Parquet: read back as written, the same bytes for the same table.

use polars::prelude::*;
use retex::deposit::{
    check::{Output, check_file_into},
    parquet,
};

fn table() -> DataFrame {
    df!(
        "texte" => [Some("é"), None, Some("")],
        "entier" => [Some(1i64), None, Some(-3)],
        "nombre" => [Some(0.5), None, Some(1e-9)],
        "vrai" => [Some(true), None, Some(false)],
        "jour" => Series::new("jour".into(), [Some(20_524i32), None, Some(-1)]).cast(&DataType::Date).expect("days"),
        "instant" => Series::new("instant".into(), [Some(1_773_324_300_000_000i64), None, Some(0)]).cast(&DataType::Datetime(TimeUnit::Microseconds, None)).expect("instants"),
    )
    .expect("a table")
}

/// Writes a table as the check does.
pub fn write(path: &std::path::Path, table: DataFrame, metadata: &[(&str, String)]) -> retex::error::Result<()> {
    let writer = parquet::Writer::create(path, table.schema())?;
    writer.group(0, table)?;
    writer.finish(metadata)
}

#[test]
fn a_table_comes_back_as_written_and_bytes_repeat() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("1.parquet"), folder.path().join("2.parquet"));
    let metadata = [("retex.deposit", "0198".to_owned()), ("retex.sha256", "ab".to_owned())];
    write(&first, table(), &metadata).expect("written");
    // The same rows in two chunks are the same table.
    let chunked = table().slice(0, 1).vstack(&table().slice(1, 2)).expect("stacked");
    write(&second, chunked, &metadata).expect("written");
    assert_eq!(std::fs::read(&first).expect("bytes"), std::fs::read(&second).expect("bytes"));
    assert!(parquet::read(&first, None).expect("a table").equals_missing(&table()));
    assert_eq!(parquet::metadata(&first).expect("a footer"), metadata.map(|(k, v)| (k.to_owned(), v)));
    let some = parquet::read(&first, Some(&["jour".to_owned(), "texte".to_owned()])).expect("columns");
    assert_eq!(some.width(), 2);
    let empty = folder.path().join("empty.parquet");
    write(&empty, table().slice(0, 0), &[]).expect("written");
    assert_eq!(parquet::read(&empty, None).expect("a table").dtypes(), table().dtypes());
}

#[test]
fn a_broken_file_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.parquet");
    std::fs::write(&path, b"PAR1 rien PAR1").expect("written");
    assert_eq!(parquet::read(&path, None).map(|_| ()).map_err(|e| e.code), Err("parquet"));
}

#[test]
fn a_parquet_file_is_checked_as_any_other() {
    let schema = serde_json::json!({ "required": ["entier"], "properties": {
        "texte": { "type": ["string", "null"] }, "entier": { "type": "integer", "minimum": 0 }, "nombre": { "type": ["number", "null"] },
        "vrai": { "type": ["boolean", "null"] }, "jour": { "type": ["string", "null"], "format": "date" }, "instant": { "type": ["string", "null"], "format": "date-time" },
    } });
    let rules = retex::convention::rules::Rules::from_schema(&schema).expect("a schema");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.parquet");
    write(&path, table(), &[]).expect("written");
    let typed = folder.path().join("typed.parquet");
    let output = Output { path: &typed, metadata: &|_| Vec::new() };
    let checked = check_file_into(&path, "f.parquet", &rules, 10, Some(&output), &mut |_| {});
    let found: Vec<_> = checked.report.errors.iter().map(|e| (e.code.as_str(), e.row, e.column.as_deref())).collect();
    assert_eq!(found, [("required", Some(2), Some("entier")), ("minimum", Some(3), Some("entier"))]);
    assert_eq!(checked.table.expect("written"), Some(1));
    let kept = parquet::read(&typed, None).expect("a table");
    assert!(kept.equals_missing(&table().slice(0, 1)), "{kept}");
}

#[test]
fn row_groups_stand_in_their_order_whoever_is_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.parquet");
    let part = |from: i64| df!("n" => (from..from + 1000).collect::<Vec<_>>()).expect("a table");
    let writer = parquet::Writer::create(&path, part(0).schema()).expect("created");
    for index in [2, 0, 3, 1] {
        writer.group(index, part(index as i64 * 1000)).expect("written");
    }
    assert!(!path.exists(), "not in its place before it is whole");
    writer.finish(&[]).expect("finished");
    let read = parquet::read(&path, None).expect("a table");
    assert!(read.column("n").and_then(|n| n.i64().map(|n| n.into_no_null_iter().eq(0..4000))).expect("numbers"));
}
