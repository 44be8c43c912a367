//! What was released last to each reader of an evaluation.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as};

use super::{Store, Tx};
use crate::{
    error::Result,
    ids::{ConventionId, EvaluationId},
};

/// What one reader was shown last.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ReleaseRow {
    /// The convention's name.
    pub convention: String,
    /// SIREN of a site; empty for named recipients and the public.
    pub viewer: String,
    /// The version whose uses decided.
    pub convention_id: ConventionId,
    /// Of which snapshot.
    pub evaluation_id: EvaluationId,
    /// JSON of [`Release`](crate::evaluation::disclosure::Release).
    pub body: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// What this reader was shown last.
    pub async fn release(&self, convention: &str, viewer: &str) -> Result<Option<ReleaseRow>> {
        const SQL: &str = "SELECT * FROM released WHERE convention = $1 AND viewer = $2";
        let (convention, viewer) = (convention.to_owned(), viewer.to_owned());
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).bind(viewer).fetch_optional(db).await)?)
    }

    /// What every reader of a convention was shown last.
    pub async fn releases(&self, convention: &str) -> Result<Vec<ReleaseRow>> {
        const SQL: &str = "SELECT * FROM released WHERE convention = $1 ORDER BY viewer";
        let convention = convention.to_owned();
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).fetch_all(db).await)?)
    }
}

impl Tx {
    /// Notes what a reader is shown from now on.
    pub async fn put_release(&mut self, row: &ReleaseRow) -> Result<()> {
        const SQL: &str =
            "INSERT INTO released (convention, viewer, convention_id, evaluation_id, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (convention, viewer) DO UPDATE SET convention_id = excluded.convention_id, evaluation_id = excluded.evaluation_id,
              body = excluded.body, created_at = excluded.created_at";
        let r = row.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(r.convention)
                .bind(r.viewer)
                .bind(r.convention_id)
                .bind(r.evaluation_id)
                .bind(r.body)
                .bind(r.created_at)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }
}
