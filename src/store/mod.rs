//! The only SQL.

use crate::{config::Config, error::Result};

/// The database.
#[derive(Clone)]
pub enum Store {
    /// Embedded.
    Sqlite(sqlx::SqlitePool),
    /// Server.
    Postgres(sqlx::PgPool),
}

impl Store {
    /// Opens and migrates.
    pub async fn open(_config: &Config) -> Result<Self> {
        todo!()
    }
}
