//! Every table as lines of JSON, the same for both engines: what one wrote the other can read.

use std::io::{BufRead, Write};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use futures::TryStreamExt;
use serde_json::{Map, Value as Json};
use sqlx::{AssertSqlSafe, ColumnIndex, Database, Decode, Row, Type, query, query_scalar};
use uuid::Uuid;

use super::Tx;
use crate::error::{Error, Result};

/// What a column holds, whatever the engine calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// `uuid`, or BLOB.
    Uuid,
    /// `text`, or TEXT.
    Text,
    /// `bigint`, or INTEGER.
    Integer,
    /// `boolean`, or INTEGER.
    Boolean,
    /// `date`, or TEXT.
    Date,
    /// `timestamptz`, or TEXT.
    Time,
}

/// One table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns; the first `key` of them identify a row and order the lines.
    pub columns: &'static [(&'static str, ColumnKind)],
    key: usize,
}

use ColumnKind::{Boolean, Date, Integer, Text, Time, Uuid as Id};

/// Every table, those that others refer to first. A test compares it with the migrations.
pub const TABLES: &[Table] = &[
    Table {
        name: "accounts",
        key: 1,
        columns: &[
            ("id", Id),
            ("email", Text),
            ("name", Text),
            ("role", Text),
            ("organisation", Text),
            ("password_hash", Text),
            ("created_at", Time),
            ("disabled_at", Time),
        ],
    },
    Table {
        name: "sessions",
        key: 1,
        columns: &[
            ("token_sha256", Text),
            ("account_id", Id),
            ("csrf", Text),
            ("created_at", Time),
            ("expires_at", Time),
            ("last_seen_at", Time),
            ("second_factor", Text),
            ("device", Text),
            ("id_token", Text),
        ],
    },
    Table {
        name: "tokens",
        key: 1,
        columns: &[
            ("id", Id),
            ("account_id", Id),
            ("name", Text),
            ("sha256", Text),
            ("created_at", Time),
            ("expires_at", Time),
            ("last_used_at", Time),
            ("revoked_at", Time),
            ("scope", Text),
            ("service", Boolean),
            ("created_by", Id),
        ],
    },
    Table {
        name: "factors",
        key: 1,
        columns: &[("account_id", Id), ("secret", Text), ("last_step", Integer), ("created_at", Time), ("confirmed_at", Time)],
    },
    Table { name: "recovery_codes", key: 2, columns: &[("account_id", Id), ("sha256", Text), ("used_at", Time)] },
    Table {
        name: "passes",
        key: 1,
        columns: &[
            ("sha256", Text),
            ("purpose", Text),
            ("account_id", Id),
            ("detail", Text),
            ("tries", Integer),
            ("created_at", Time),
            ("expires_at", Time),
        ],
    },
    Table { name: "identities", key: 2, columns: &[("issuer", Text), ("subject", Text), ("account_id", Id), ("created_at", Time)] },
    Table { name: "attempts", key: 2, columns: &[("key", Text), ("window_start", Time), ("count", Integer)] },
    Table { name: "counters", key: 1, columns: &[("name", Text), ("value", Integer)] },
    Table {
        name: "conventions",
        key: 1,
        columns: &[
            ("id", Id),
            ("name", Text),
            ("version", Integer),
            ("title", Text),
            ("track", Text),
            ("document", Text),
            ("sha256", Text),
            ("starts_on", Date),
            ("ends_on", Date),
            ("created_at", Time),
            ("created_by", Id),
            ("state", Text),
            ("withdrawn_at", Time),
            ("withdrawn_reason", Text),
        ],
    },
    Table {
        name: "signatures",
        key: 1,
        columns: &[
            ("id", Id),
            ("convention_id", Id),
            ("party", Text),
            ("sha256", Text),
            ("account_id", Id),
            ("name", Text),
            ("quality", Text),
            ("deed_reference", Text),
            ("deed_date", Date),
            ("signed_at", Time),
            ("means", Text),
            ("second_factor", Text),
            ("document_key", Text),
            ("recorded_by", Id),
        ],
    },
    Table {
        name: "terminations",
        key: 1,
        columns: &[("convention", Text), ("ends_on", Date), ("reason", Text), ("created_at", Time), ("created_by", Id)],
    },
    Table {
        name: "drafts",
        key: 1,
        columns: &[
            ("id", Id),
            ("name", Text),
            ("title", Text),
            ("document", Text),
            ("revision", Integer),
            ("state", Text),
            ("based_on", Id),
            ("opened_as", Id),
            ("created_at", Time),
            ("created_by", Id),
            ("updated_at", Time),
            ("updated_by", Id),
        ],
    },
    Table {
        name: "draft_revisions",
        key: 2,
        columns: &[("draft_id", Id), ("revision", Integer), ("document", Text), ("written_at", Time), ("written_by", Id)],
    },
    Table {
        name: "draft_comments",
        key: 1,
        columns: &[
            ("id", Id),
            ("draft_id", Id),
            ("at", Time),
            ("author", Id),
            ("organisation", Text),
            ("pointer", Text),
            ("kind", Text),
            ("text", Text),
            ("resolved_at", Time),
            ("resolved_by", Id),
        ],
    },
    Table {
        name: "deposits",
        key: 1,
        columns: &[
            ("id", Id),
            ("number", Text),
            ("convention_id", Id),
            ("convention", Text),
            ("site", Text),
            ("dataset", Text),
            ("period", Text),
            ("file_name", Text),
            ("bytes", Integer),
            ("sha256", Text),
            ("state", Text),
            ("step", Text),
            ("progress", Integer),
            ("report", Text),
            ("rows", Integer),
            ("original_key", Text),
            ("table_key", Text),
            ("created_at", Time),
            ("created_by", Id),
            ("decided_at", Time),
            ("superseded_by", Id),
            ("reason", Text),
            ("confirmed_at", Time),
            ("confirmed_by", Id),
            ("reading", Text),
            ("corrected_from", Id),
            ("changes", Text),
        ],
    },
    Table {
        name: "evaluations",
        key: 1,
        columns: &[
            ("id", Id),
            ("convention_id", Id),
            ("convention", Text),
            ("number", Integer),
            ("is_final", Boolean),
            ("inputs_sha256", Text),
            ("body", Text),
            ("created_at", Time),
            ("created_by", Id),
        ],
    },
    Table {
        name: "released",
        key: 2,
        columns: &[
            ("convention", Text),
            ("viewer", Text),
            ("convention_id", Id),
            ("evaluation_id", Id),
            ("body", Text),
            ("created_at", Time),
        ],
    },
    Table {
        name: "removals",
        key: 1,
        columns: &[
            ("id", Id),
            ("convention", Text),
            ("site", Text),
            ("reason", Text),
            ("asked_at", Time),
            ("asked_by", Id),
            ("granted", Boolean),
            ("answer", Text),
            ("answered_at", Time),
            ("answered_by", Id),
        ],
    },
    Table {
        name: "holds",
        key: 1,
        columns: &[
            ("id", Id),
            ("convention", Text),
            ("site", Text),
            ("reason", Text),
            ("placed_at", Time),
            ("placed_by", Id),
            ("lifted_reason", Text),
            ("lifted_at", Time),
            ("lifted_by", Id),
        ],
    },
    Table {
        name: "purges",
        key: 1,
        columns: &[
            ("id", Id),
            ("number", Text),
            ("convention", Text),
            ("site", Text),
            ("removal_id", Id),
            ("state", Text),
            ("due_on", Date),
            ("list_sha256", Text),
            ("made_at", Time),
            ("visa_reference", Text),
            ("visa_name", Text),
            ("visa_on", Date),
            ("visa_key", Text),
            ("decided_at", Time),
            ("decided_by", Id),
            ("refusal", Text),
            ("package_sha256", Text),
            ("done_at", Time),
        ],
    },
    Table {
        name: "purge_items",
        key: 2,
        columns: &[
            ("purge_id", Id),
            ("position", Integer),
            ("deposit_id", Id),
            ("kind", Text),
            ("key", Text),
            ("bytes", Integer),
            ("sha256", Text),
            ("shared", Boolean),
            ("destroyed_at", Time),
        ],
    },
    Table {
        name: "uploads",
        key: 1,
        columns: &[
            ("id", Id),
            ("account_id", Id),
            ("convention", Text),
            ("site", Text),
            ("dataset", Text),
            ("period", Text),
            ("file_name", Text),
            ("metadata", Text),
            ("length", Integer),
            ("received", Integer),
            ("created_at", Time),
            ("expires_at", Time),
            ("deposit_id", Id),
        ],
    },
    Table { name: "upload_parts", key: 2, columns: &[("upload_id", Id), ("start", Integer), ("bytes", Integer), ("key", Text)] },
    Table { name: "summaries", key: 2, columns: &[("deposit_sha256", Text), ("indicator_sha256", Text), ("body", Text)] },
    Table {
        name: "rex",
        key: 2,
        columns: &[
            ("convention", Text),
            ("site", Text),
            ("answers", Text),
            ("version", Integer),
            ("updated_at", Time),
            ("updated_by", Id),
            ("submitted_at", Time),
        ],
    },
    Table {
        name: "jobs",
        key: 1,
        columns: &[
            ("id", Id),
            ("kind", Text),
            ("payload", Text),
            ("unique_key", Text),
            ("run_at", Time),
            ("attempts", Integer),
            ("max_attempts", Integer),
            ("leased_until", Time),
            ("leased_by", Text),
            ("created_at", Time),
            ("finished_at", Time),
            ("failed_at", Time),
            ("error", Text),
        ],
    },
    Table {
        name: "mails",
        key: 1,
        columns: &[
            ("id", Id),
            ("account_id", Id),
            ("address", Text),
            ("kind", Text),
            ("letter", Text),
            ("unique_key", Text),
            ("created_at", Time),
            ("sent_at", Time),
            ("failed_at", Time),
            ("error", Text),
            ("weekly", Boolean),
        ],
    },
    Table { name: "mail_preferences", key: 2, columns: &[("account_id", Id), ("kind", Text), ("delivery", Text)] },
    Table { name: "audit_heads", key: 1, columns: &[("organisation", Text), ("seq", Integer), ("hash", Text)] },
    Table {
        name: "audit",
        key: 2,
        columns: &[
            ("organisation", Text),
            ("seq", Integer),
            ("at", Time),
            ("actor", Text),
            ("act", Text),
            ("object", Text),
            ("outcome", Text),
            ("detail", Text),
            ("prev_hash", Text),
            ("hash", Text),
        ],
    },
];

impl Table {
    fn names(&self, count: usize) -> String {
        self.columns[..count].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn all(&self) -> String {
        self.names(self.columns.len())
    }
}

impl Tx {
    /// Writes every row of a table, one JSON object per line, in the order of its key; gives their number.
    pub async fn export(&mut self, table: &Table, out: &mut (impl Write + Send)) -> Result<u64> {
        let sql = format!("SELECT {} FROM {} ORDER BY {}", table.all(), table.name, table.names(table.key));
        let mut count = 0;
        on_tx!(self, |db| {
            let mut rows = query(AssertSqlSafe(sql)).fetch(db);
            while let Some(row) = rows.try_next().await? {
                serde_json::to_writer(&mut *out, &to_json(&row, table)?).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
                count += 1;
            }
        });
        Ok(count)
    }

    /// Adds the rows that [`Tx::export`] wrote; gives their number.
    pub async fn import(&mut self, table: &Table, lines: impl BufRead + Send) -> Result<u64> {
        let places = (1..=table.columns.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, table.all());
        let mut count = 0;
        for line in lines.lines() {
            let row: Map<String, Json> = serde_json::from_str(&line?).map_err(|e| unreadable(table.name).with_source(e))?;
            if row.len() != table.columns.len() {
                return Err(unreadable(table.name));
            }
            on_tx!(self, |db| {
                let mut insert = query(AssertSqlSafe(sql.as_str()));
                for (name, kind) in table.columns {
                    let value = row.get(*name).ok_or_else(|| unreadable(table.name))?;
                    insert = match kind {
                        Id => insert.bind(from_json::<Uuid>(table, value)?),
                        Text => insert.bind(from_json::<String>(table, value)?),
                        Integer => insert.bind(from_json::<i64>(table, value)?),
                        Boolean => insert.bind(from_json::<bool>(table, value)?),
                        Date => insert.bind(from_json::<NaiveDate>(table, value)?),
                        Time => insert.bind(from_json::<DateTime<Utc>>(table, value)?),
                    };
                }
                insert.execute(db).await?;
            });
            count += 1;
        }
        Ok(count)
    }

    /// Whether no table has a row.
    pub async fn is_empty(&mut self) -> Result<bool> {
        for table in TABLES {
            let sql = format!("SELECT COUNT(*) FROM {}", table.name);
            let count: i64 = on_tx!(self, |db| query_scalar(AssertSqlSafe(sql)).fetch_one(db).await)?;
            if count > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn to_json<R: Row>(row: &R, table: &Table) -> Result<Json>
where
    usize: ColumnIndex<R>,
    for<'r> Uuid: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> NaiveDate: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> DateTime<Utc>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn cell<T, R: Row>(row: &R, at: usize, json: impl Fn(T) -> Json) -> Result<Json>
    where
        usize: ColumnIndex<R>,
        T: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        R::Database: Database,
    {
        Ok(row.try_get::<Option<T>, _>(at)?.map_or(Json::Null, json))
    }
    let mut line = Map::new();
    for (at, (name, kind)) in table.columns.iter().enumerate() {
        let value = match kind {
            Id => cell(row, at, |v: Uuid| v.to_string().into())?,
            Text => cell(row, at, |v: String| v.into())?,
            Integer => cell(row, at, |v: i64| v.into())?,
            Boolean => cell(row, at, |v: bool| v.into())?,
            Date => cell(row, at, |v: NaiveDate| v.to_string().into())?,
            Time => cell(row, at, |v: DateTime<Utc>| v.to_rfc3339_opts(SecondsFormat::Micros, true).into())?,
        };
        line.insert((*name).to_owned(), value);
    }
    Ok(Json::Object(line))
}

fn from_json<T: serde::de::DeserializeOwned>(table: &Table, value: &Json) -> Result<Option<T>> {
    serde_json::from_value(value.clone()).map_err(|e| unreadable(table.name).with_source(e))
}

fn unreadable(table: &str) -> Error {
    Error::invalid(
        "backup_unreadable",
        format!("La sauvegarde est illisible\u{a0}: sa partie «\u{a0}{table}\u{a0}» n'est pas celle de cette version."),
    )
}
