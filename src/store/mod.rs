//! The only SQL. Each statement is written once, as a constant with `$1…`, and runs on both engines through `on_db!` (reads,
//! on [`Store`]) or `on_tx!` (writes, on [`Tx`]); what differs is in `dialect`. One file per aggregate adds its methods
//! to [`Store`] and [`Tx`].
//!
//! Reads on [`Store`] see what is committed. Writes that belong together (a row, its audit entry, its job) go through one
//! [`Tx`]. Times and identifiers come from the caller's [`crate::clock::Clock`].

/// Runs one expression over the pool of whichever engine is open.
macro_rules! on_db {
    ($store:expr, |$db:ident| $run:expr) => {
        match &$store.pool {
            $crate::store::Pool::Sqlite($db) => $run,
            $crate::store::Pool::Postgres($db) => $run,
        }
    };
}

/// Runs one expression over the connection of an open transaction.
macro_rules! on_tx {
    ($tx:expr, |$db:ident| $run:expr) => {
        match &mut $tx.open {
            $crate::store::Open::Sqlite(t) => {
                let $db = &mut **t;
                $run
            }
            $crate::store::Open::Postgres(t) => {
                let $db = &mut **t;
                $run
            }
        }
    };
}

/// Keeps a type that is written with `Display` and read with `FromStr` in a text column.
macro_rules! text_column {
    ($type:ty) => {
        impl<DB: sqlx::Database> sqlx::Type<DB> for $type
        where
            String: sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <String as sqlx::Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <String as sqlx::Type<DB>>::compatible(ty)
            }
        }

        impl<'q, DB: sqlx::Database> sqlx::Encode<'q, DB> for $type
        where
            String: sqlx::Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buf: &mut DB::ArgumentBuffer) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                sqlx::Encode::<DB>::encode(self.to_string(), buf)
            }
        }

        impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for $type
        where
            String: sqlx::Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<String as sqlx::Decode<DB>>::decode(value)?.parse::<$type>()?)
            }
        }
    };
}

pub mod access;
pub mod accounts;
pub mod audit;
pub mod backup;
pub mod conventions;
pub mod deposits;
mod dialect;
pub mod drafts;
pub mod evaluations;
pub mod jobs;
pub mod mails;
pub mod released;
pub mod retention;
pub mod rex;
pub mod signatures;
pub mod uploads;

use std::{
    fs,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::Notify;

use crate::{
    config::{Config, private_folder},
    error::{Error, Kind, Result},
};

text_column!(crate::ids::Period);

/// The database.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    /// Wakes this process's workers when a transaction that added a job is committed.
    wake: Arc<Notify>,
}

/// The connections of one engine.
#[derive(Clone)]
enum Pool {
    /// Embedded.
    Sqlite(SqlitePool),
    /// Server.
    Postgres(PgPool),
}

/// An open transaction; dropped without [`Tx::commit`], it leaves nothing.
pub struct Tx {
    open: Open,
    /// Whether a job was added, and whom to wake for it.
    enqueued: bool,
    wake: Arc<Notify>,
}

enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A part of a long list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Rows to skip.
    pub offset: i64,
    /// Rows at most.
    pub limit: i64,
}

impl Page {
    /// Everything, for lists known to be short.
    pub const ALL: Self = Self { offset: 0, limit: i64::MAX };
}

/// How long a writer waits for another one on SQLite, and a request for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the database that the settings name, creating a SQLite file where there is none, and brings its tables up to date.
    pub async fn open(config: &Config) -> Result<Self> {
        let url = config.database_url();
        let url = url.reveal();
        let pool = if let Some(path) = url.strip_prefix("sqlite:") {
            Pool::Sqlite(open_sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))).await?)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Pool::Postgres(open_postgres(url).await?)
        } else {
            return Err(Error::invalid(
                "database_url",
                "L'adresse de la base de données doit commencer par « sqlite: » ou « postgres:// ».",
            ));
        };
        Ok(Self { pool, wake: Arc::new(Notify::new()) })
    }

    /// Begins a transaction that will write. On SQLite it waits its turn here, so that it cannot fail later for want of the lock.
    pub async fn begin(&self) -> Result<Tx> {
        self.begin_as("BEGIN IMMEDIATE", "BEGIN").await
    }

    /// Begins a transaction that reads one moment of the whole database.
    pub(crate) async fn snapshot(&self) -> Result<Tx> {
        self.begin_as("BEGIN DEFERRED", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    async fn begin_as(&self, sqlite: &'static str, postgres: &'static str) -> Result<Tx> {
        let open = match &self.pool {
            Pool::Sqlite(pool) => Open::Sqlite(pool.begin_with(sqlite).await?),
            Pool::Postgres(pool) => Open::Postgres(pool.begin_with(postgres).await?),
        };
        Ok(Tx { open, enqueued: false, wake: self.wake.clone() })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        on_db!(self, |db| sqlx::query("SELECT 1").execute(db).await.map(drop))?;
        Ok(())
    }

    /// Closes the connections once their work is done; SQLite then folds its journal into the file.
    pub async fn close(&self) {
        on_db!(self, |db| db.close().await);
    }

    /// Resolves when this process commits a job.
    pub fn job_committed(&self) -> tokio::sync::futures::OwnedNotified {
        self.wake.clone().notified_owned()
    }
}

impl Tx {
    /// Makes the changes durable and visible, and wakes this process's workers if there is a job among them.
    pub async fn commit(self) -> Result<()> {
        match self.open {
            Open::Sqlite(t) => t.commit().await?,
            Open::Postgres(t) => t.commit().await?,
        }
        if self.enqueued {
            self.wake.notify_waiters();
        }
        Ok(())
    }

    /// The next value of a counter, from 1; its row stays locked until the end, so numbers have no holes.
    async fn next(&mut self, counter: String) -> Result<i64> {
        const SQL: &str = "INSERT INTO counters (name, value) VALUES ($1, 1)
            ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value";
        Ok(on_tx!(self, |db| sqlx::query_scalar::<_, i64>(SQL).bind(counter).fetch_one(db).await)?)
    }

    /// Undoes [`Tx::next`] for a number that turned out not to be needed.
    async fn give_back(&mut self, counter: String) -> Result<()> {
        const SQL: &str = "UPDATE counters SET value = value - 1 WHERE name = $1";
        on_tx!(self, |db| sqlx::query(SQL).bind(counter).execute(db).await.map(drop))?;
        Ok(())
    }
}

async fn open_sqlite(path: PathBuf) -> Result<SqlitePool> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        private_folder(folder)?;
    }
    // Nobody else reads it; SQLite gives its journal the same mode.
    let file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // Keeps the planner's statistics fresh, as SQLite advises.
        .optimize_on_close(true, None);
    // Two processes that start together must not both migrate: SQLite, unlike PostgreSQL, gives sqlx no lock for this.
    let lock = fs::File::create(path.with_added_extension("migration"))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.map_err(Error::internal)??;
    let pool = SqlitePoolOptions::new().max_connections(8).acquire_timeout(PATIENCE).connect_with(options).await?;
    sqlx::migrate!("migrations/sqlite").run(&pool).await.map_err(not_migrated)?;
    drop(lock);
    Ok(pool)
}

async fn open_postgres(url: &str) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?.application_name("retex");
    let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(PATIENCE).connect_with(options).await?;
    sqlx::migrate!("migrations/postgres").run(&pool).await.map_err(not_migrated)?;
    Ok(pool)
}

fn not_migrated(error: sqlx::migrate::MigrateError) -> Error {
    Error::new(
        Kind::Internal,
        "migration",
        "La base de données n'a pas pu être mise au format de cette version. Vérifiez qu'une version plus récente ne l'a pas déjà ouverte.",
    )
    .with_source(error)
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let (kind, code, message) = match &error {
            E::RowNotFound => (Kind::NotFound, "not_found", "Cette page n'existe pas."),
            E::PoolTimedOut | E::PoolClosed | E::Io(_) | E::Tls(_) => {
                (Kind::Unavailable, "database_unavailable", "La base de données ne répond pas. Réessayez dans un instant.")
            }
            E::Database(e) if e.is_unique_violation() => (Kind::Conflict, "already_exists", "Cela existe déjà."),
            E::Database(e) if e.is_foreign_key_violation() => {
                (Kind::Conflict, "in_use", "Cet élément dépend d'un autre qui n'existe pas ou sert encore.")
            }
            // PostgreSQL keeps no U+0000 in a text.
            E::Database(e) if e.code().as_deref() == Some("22021") => {
                (Kind::Invalid, "unreadable_text", "Ce texte contient des caractères qui ne se gardent pas. Corrigez-le et réessayez.")
            }
            // Two PostgreSQL transactions that cannot both go on.
            E::Database(e) if matches!(e.code().as_deref(), Some("40001" | "40P01")) => {
                (Kind::Conflict, "concurrent_change", "Une autre modification a eu lieu en même temps. Réessayez.")
            }
            _ => return Error::internal(error),
        };
        Error::new(kind, code, message).with_source(error)
    }
}
