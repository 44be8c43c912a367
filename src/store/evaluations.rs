//! Evaluation snapshots, and the statistics per file that they are made from.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Store, Tx};
use crate::{
    error::Result,
    ids::{AccountId, ConventionId, EvaluationId},
};

/// One snapshot, without its body.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EvaluationHead {
    /// Which.
    pub id: EvaluationId,
    /// The version of the convention that it was made under.
    pub convention_id: ConventionId,
    /// That convention's name.
    pub convention: String,
    /// From 1 in each convention.
    pub number: i64,
    /// Whether it is the locked final one.
    pub is_final: bool,
    /// SHA-256 of what it was made from.
    pub inputs_sha256: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who asked; none for the hub itself.
    pub created_by: Option<AccountId>,
}

/// One snapshot, whole.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EvaluationRow {
    /// All but the body.
    #[sqlx(flatten)]
    pub head: EvaluationHead,
    /// JSON of [`Evaluation`](crate::evaluation::result::Evaluation).
    pub body: String,
}

/// A snapshot to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvaluation {
    /// Which.
    pub id: EvaluationId,
    /// The version of the convention that it was made under.
    pub convention_id: ConventionId,
    /// Whether it is the locked final one.
    pub is_final: bool,
    /// SHA-256 of what it was made from.
    pub inputs_sha256: String,
    /// JSON of [`Evaluation`](crate::evaluation::result::Evaluation).
    pub body: String,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Who asked; none for the hub itself.
    pub created_by: Option<AccountId>,
}

/// What one file gives for one indicator.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct SummaryRow {
    /// Of the file as sent.
    pub deposit_sha256: String,
    /// Of the indicator and of all that its value depends on.
    pub indicator_sha256: String,
    /// JSON.
    pub body: String,
}

const LATEST: &str =
    "SELECT * FROM evaluations WHERE convention = (SELECT name FROM conventions WHERE id = $1) ORDER BY number DESC LIMIT 1";

impl Store {
    /// The newest snapshot of a convention.
    pub async fn latest_evaluation(&self, convention: ConventionId) -> Result<Option<EvaluationRow>> {
        Ok(on_db!(self, |db| query_as(LATEST).bind(convention).fetch_optional(db).await)?)
    }

    /// The snapshot of a convention with this number.
    pub async fn evaluation(&self, convention: ConventionId, number: i64) -> Result<Option<EvaluationRow>> {
        const SQL: &str = "SELECT * FROM evaluations WHERE convention = (SELECT name FROM conventions WHERE id = $1) AND number = $2";
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).bind(number).fetch_optional(db).await)?)
    }

    /// Every snapshot of a convention, newest first.
    pub async fn evaluations(&self, convention: ConventionId) -> Result<Vec<EvaluationHead>> {
        const SQL: &str = "SELECT id, convention_id, convention, number, is_final, inputs_sha256, created_at, created_by FROM evaluations
            WHERE convention = (SELECT name FROM conventions WHERE id = $1) ORDER BY number DESC";
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).fetch_all(db).await)?)
    }

    /// What one file gives for one indicator, if it was computed before.
    pub async fn summary(&self, deposit_sha256: &str, indicator_sha256: &str) -> Result<Option<String>> {
        const SQL: &str = "SELECT body FROM summaries WHERE deposit_sha256 = $1 AND indicator_sha256 = $2";
        let (deposit, indicator) = (deposit_sha256.to_owned(), indicator_sha256.to_owned());
        Ok(on_db!(self, |db| query_scalar(SQL).bind(deposit).bind(indicator).fetch_optional(db).await)?)
    }

    /// All that was computed before from the files of a convention that count.
    pub async fn summaries(&self, convention: ConventionId) -> Result<Vec<SummaryRow>> {
        const SQL: &str = "SELECT * FROM summaries WHERE deposit_sha256 IN (SELECT sha256 FROM deposits
              WHERE state = 'accepted' AND convention = (SELECT name FROM conventions WHERE id = $1))
            ORDER BY deposit_sha256, indicator_sha256";
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).fetch_all(db).await)?)
    }
}

impl Tx {
    /// Keeps a snapshot under the next number, unless the newest one is final or was made from the very same inputs: then that one is
    /// given.
    pub async fn insert_evaluation(&mut self, new: &NewEvaluation) -> Result<EvaluationRow> {
        const NAME: &str = "SELECT name FROM conventions WHERE id = $1";
        const SQL: &str =
            "INSERT INTO evaluations (id, convention_id, convention, number, is_final, inputs_sha256, body, created_at, created_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let convention: String = on_tx!(self, |db| query_scalar(NAME).bind(new.convention_id).fetch_one(db).await)?;
        // Taking the number first makes another writer of this convention wait, so that the newest is really the newest.
        let number = self.next(format!("evaluation/{convention}")).await?;
        let latest: Option<EvaluationRow> = on_tx!(self, |db| query_as(LATEST).bind(new.convention_id).fetch_optional(db).await)?;
        if let Some(latest) =
            latest.filter(|l| l.head.is_final || l.head.inputs_sha256 == new.inputs_sha256 && l.head.is_final == new.is_final)
        {
            self.give_back(format!("evaluation/{convention}")).await?;
            return Ok(latest);
        }
        let n = new.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(n.id)
                .bind(n.convention_id)
                .bind(convention)
                .bind(number)
                .bind(n.is_final)
                .bind(n.inputs_sha256)
                .bind(n.body)
                .bind(n.created_at)
                .bind(n.created_by)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(on_tx!(self, |db| query_as(LATEST).bind(new.convention_id).fetch_one(db).await)?)
    }

    /// Keeps what files give for indicators; what is already kept stays.
    pub async fn put_summaries(&mut self, summaries: &[SummaryRow]) -> Result<()> {
        const SQL: &str = "INSERT INTO summaries (deposit_sha256, indicator_sha256, body) VALUES ($1, $2, $3)
            ON CONFLICT (deposit_sha256, indicator_sha256) DO NOTHING";
        for summary in summaries {
            let s = summary.clone();
            on_tx!(self, |db| query(SQL).bind(s.deposit_sha256).bind(s.indicator_sha256).bind(s.body).execute(db).await.map(drop))?;
        }
        Ok(())
    }
}
