//! Typed tables in Parquet: read back as written, the same bytes for the same table.

use polars::prelude::*;
use retex::deposit::parquet;

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

#[test]
fn a_table_comes_back_as_written_and_bytes_repeat() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("1.parquet"), folder.path().join("2.parquet"));
    let metadata = [("retex.deposit", "0198".to_owned()), ("retex.sha256", "ab".to_owned())];
    parquet::write(&first, &mut table(), &metadata).expect("written");
    // The same rows in two chunks are the same table.
    let mut chunked = table().slice(0, 1).vstack(&table().slice(1, 2)).expect("stacked");
    parquet::write(&second, &mut chunked, &metadata).expect("written");
    assert_eq!(std::fs::read(&first).expect("bytes"), std::fs::read(&second).expect("bytes"));
    assert!(parquet::read(&first, None).expect("a table").equals_missing(&table()));
    assert_eq!(parquet::metadata(&first).expect("a footer"), metadata.map(|(k, v)| (k.to_owned(), v)));
    let some = parquet::read(&first, Some(&["jour".to_owned(), "texte".to_owned()])).expect("columns");
    assert_eq!(some.width(), 2);
    let empty = folder.path().join("empty.parquet");
    parquet::write(&empty, &mut table().slice(0, 0), &[]).expect("written");
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
    parquet::write(&path, &mut table(), &[]).expect("written");
    let checked = retex::deposit::check::check_file(&path, "f.parquet", &rules, 10);
    let found: Vec<_> = checked.report.errors.iter().map(|e| (e.code.as_str(), e.row, e.column.as_deref())).collect();
    assert_eq!(found, [("required", Some(2), Some("entier")), ("minimum", Some(3), Some("entier"))]);
    let kept = checked.table.expect("typed");
    assert!(kept.equals_missing(&table().slice(0, 1)), "{kept}");
}
