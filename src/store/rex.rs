//! The sites' answers to the REX questionnaire.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query_as, query_scalar};

use super::{Store, Tx};
use crate::{
    error::{Error, Kind, Result},
    ids::{AccountId, ConventionId, Siren},
};

/// One site's answers.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RexRow {
    /// The convention's name.
    pub convention: String,
    /// Who answers.
    pub site: Siren,
    /// JSON object: question → answer.
    pub answers: String,
    /// Rises by one with every writing.
    pub version: i64,
    /// Last writing.
    pub updated_at: DateTime<Utc>,
    /// Who wrote.
    pub updated_by: AccountId,
    /// When they were declared complete, if they are.
    pub submitted_at: Option<DateTime<Utc>>,
}

/// What a site writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RexAnswers {
    /// JSON object: question → answer.
    pub answers: String,
    /// The version that the person saw; 0 where there was none.
    pub seen: i64,
    /// Now.
    pub updated_at: DateTime<Utc>,
    /// Who.
    pub updated_by: AccountId,
    /// When they were declared complete, if they are.
    pub submitted_at: Option<DateTime<Utc>>,
}

impl Store {
    /// The answers of a site.
    pub async fn rex(&self, convention: ConventionId, site: &Siren) -> Result<Option<RexRow>> {
        const SQL: &str = "SELECT * FROM rex WHERE convention = (SELECT name FROM conventions WHERE id = $1) AND site = $2";
        let site = site.clone();
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).bind(site).fetch_optional(db).await)?)
    }

    /// The answers of every site of a convention.
    pub async fn rex_of(&self, convention: ConventionId) -> Result<Vec<RexRow>> {
        const SQL: &str = "SELECT * FROM rex WHERE convention = (SELECT name FROM conventions WHERE id = $1) ORDER BY site";
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).fetch_all(db).await)?)
    }
}

impl Tx {
    /// Writes a site's answers; gives their new version. [`Kind::Conflict`] if someone wrote since `seen`.
    pub async fn put_rex(&mut self, convention: ConventionId, site: &Siren, new: &RexAnswers) -> Result<i64> {
        const SQL: &str = "INSERT INTO rex (convention, site, answers, version, updated_at, updated_by, submitted_at)
            SELECT name, $2, $3, 1, $5, $6, $7 FROM conventions WHERE id = $1 AND $4 >= 0
            ON CONFLICT (convention, site) DO UPDATE SET answers = excluded.answers, version = rex.version + 1,
              updated_at = excluded.updated_at, updated_by = excluded.updated_by, submitted_at = excluded.submitted_at
              WHERE rex.version = $4
            RETURNING version";
        let (site, n) = (site.clone(), new.clone());
        let version: Option<i64> = on_tx!(self, |db| {
            query_scalar(SQL)
                .bind(convention)
                .bind(site)
                .bind(n.answers)
                .bind(n.seen)
                .bind(n.updated_at)
                .bind(n.updated_by)
                .bind(n.submitted_at)
                .fetch_optional(db)
                .await
        })?;
        version.filter(|v| *v == new.seen + 1).ok_or_else(|| {
            Error::new(
                Kind::Conflict,
                "rex_changed",
                "Quelqu'un a modifié ces réponses entre-temps. Rechargez la page, puis reportez les vôtres.",
            )
        })
    }
}
