//! Both engines have the same columns, and a backup copies them all.

use retex::store::backup::{ColumnKind, TABLES};

use crate::ground::Ground;

/// Table, column, and what it holds in SQLite's words.
type Column = (String, String, String, bool);

fn described() -> Vec<(String, String, ColumnKind)> {
    let mut columns: Vec<_> =
        TABLES.iter().flat_map(|t| t.columns.iter().map(|(name, kind)| (t.name.to_owned(), (*name).to_owned(), *kind))).collect();
    columns.sort_by(|a, b| a.0.cmp(&b.0));
    columns
}

fn compare(found: Vec<Column>, type_name: fn(ColumnKind) -> &'static str) {
    let expected: Vec<_> = described().into_iter().map(|(table, column, kind)| (table, column, type_name(kind).to_owned())).collect();
    let found: Vec<_> = found.into_iter().map(|(table, column, kind, _)| (table, column, kind)).collect();
    assert_eq!(found, expected);
}

fn in_sqlite(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Uuid => "BLOB",
        ColumnKind::Text | ColumnKind::Date | ColumnKind::Time => "TEXT",
        ColumnKind::Integer | ColumnKind::Boolean => "INTEGER",
    }
}

fn in_postgres(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Uuid => "uuid",
        ColumnKind::Text => "text",
        ColumnKind::Integer => "bigint",
        ColumnKind::Boolean => "boolean",
        ColumnKind::Date => "date",
        ColumnKind::Time => "timestamp with time zone",
    }
}

#[tokio::test]
async fn a_backup_knows_every_column_of_sqlite() {
    let ground = Ground::sqlite().await;
    compare(ground.columns().await, in_sqlite);
}

#[tokio::test]
async fn a_backup_knows_every_column_of_postgres() {
    let Some(ground) = Ground::postgres().await else { return };
    compare(ground.columns().await, in_postgres);
    ground.close().await;
}

#[tokio::test]
async fn both_engines_have_the_same_columns() {
    let Some(postgres) = Ground::postgres().await else { return };
    let sqlite = Ground::sqlite().await;
    let plain = |columns: Vec<Column>| columns.into_iter().map(|(t, c, _, nullable)| (t, c, nullable)).collect::<Vec<_>>();
    assert_eq!(plain(sqlite.columns().await), plain(postgres.columns().await));
    postgres.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_twice_at_once_migrates_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("neuf.db").display());
    let config = retex::config::Config {
        database: Some(retex::config::Secret::from(url.as_str())),
        ..retex::config::Config::clone(&Ground::sqlite().await.app.config)
    };
    let opened = futures::future::join_all((0..4).map(|_| retex::store::Store::open(&config))).await;
    for store in opened {
        store.unwrap().ping().await.unwrap();
    }
}
