//! The rows of the audit trail. What they say and how they are chained is in `crate::audit`.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Page, Store, Tx};
use crate::error::Result;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AuditRow {
    /// Whose chain: a SIREN, or empty for the hub's own.
    pub organisation: String,
    /// From 1 in each chain.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: an account's or a token's id, or `système`.
    pub actor: String,
    /// What was done, `deposit.withdraw`.
    pub act: String,
    /// To what, `deposit/0198…`.
    pub object: String,
    /// `ok`, `denied`, `failed`.
    pub outcome: String,
    /// JSON of the rest.
    pub detail: String,
    /// Hash of the entry before it.
    pub prev_hash: String,
    /// Hash of this entry and of the one before it.
    pub hash: String,
}

/// Which entries a list shows; what is `None` does not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this chain.
    pub organisation: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this act.
    pub act: Option<String>,
    /// To this object.
    pub object: Option<String>,
    /// At this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AuditHead {
    /// Whose chain.
    pub organisation: String,
    /// Its length.
    pub seq: i64,
    /// Hash of its last entry.
    pub hash: String,
}

impl Store {
    /// A page of entries, newest first, and how many there are in all.
    pub async fn audit(&self, filter: &AuditFilter, page: Page) -> Result<(Vec<AuditRow>, i64)> {
        macro_rules! matching {
            ($what:literal, $rest:literal) => {
                concat!(
                    "SELECT ",
                    $what,
                    " FROM audit WHERE ($1 IS NULL OR organisation = $1) AND ($2 IS NULL OR actor = $2) AND ($3 IS NULL OR act = $3)
                       AND ($4 IS NULL OR object = $4) AND ($5 IS NULL OR at >= $5) AND ($6 IS NULL OR at < $6)",
                    $rest
                )
            };
        }
        const ROWS: &str = matching!("*", " ORDER BY at DESC, organisation, seq DESC LIMIT $7 OFFSET $8");
        const COUNT: &str = matching!("COUNT(*)", "");
        let (f, g) = (filter.clone(), filter.clone());
        let rows = on_db!(self, |db| {
            query_as(ROWS)
                .bind(f.organisation)
                .bind(f.actor)
                .bind(f.act)
                .bind(f.object)
                .bind(f.since)
                .bind(f.until)
                .bind(page.limit)
                .bind(page.offset)
                .fetch_all(db)
                .await
        })?;
        let count = on_db!(self, |db| {
            query_scalar(COUNT)
                .bind(g.organisation)
                .bind(g.actor)
                .bind(g.act)
                .bind(g.object)
                .bind(g.since)
                .bind(g.until)
                .fetch_one(db)
                .await
        })?;
        Ok((rows, count))
    }

    /// The end of every chain.
    pub async fn audit_heads(&self) -> Result<Vec<AuditHead>> {
        const SQL: &str = "SELECT * FROM audit_heads ORDER BY organisation";
        Ok(on_db!(self, |db| query_as(SQL).fetch_all(db).await)?)
    }

    /// Entries of a chain after `seq`, in order, at most `limit`.
    pub async fn audit_chain(&self, organisation: &str, seq: i64, limit: i64) -> Result<Vec<AuditRow>> {
        const SQL: &str = "SELECT * FROM audit WHERE organisation = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let organisation = organisation.to_owned();
        Ok(on_db!(self, |db| query_as(SQL).bind(organisation).bind(seq).bind(limit).fetch_all(db).await)?)
    }
}

impl Tx {
    /// Takes the next place of a chain and locks its end until this transaction's: gives the new length and the hash before it.
    pub(crate) async fn extend_audit(&mut self, organisation: &str, genesis: &str) -> Result<AuditHead> {
        const SQL: &str = "INSERT INTO audit_heads (organisation, seq, hash) VALUES ($1, 1, $2)
            ON CONFLICT (organisation) DO UPDATE SET seq = audit_heads.seq + 1 RETURNING *";
        let (organisation, genesis) = (organisation.to_owned(), genesis.to_owned());
        Ok(on_tx!(self, |db| query_as(SQL).bind(organisation).bind(genesis).fetch_one(db).await)?)
    }

    /// Writes the entry whose place [`Tx::extend_audit`] took.
    pub(crate) async fn insert_audit(&mut self, row: &AuditRow) -> Result<()> {
        const ROW: &str = "INSERT INTO audit (organisation, seq, at, actor, act, object, outcome, detail, prev_hash, hash)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        const HEAD: &str = "UPDATE audit_heads SET hash = $2 WHERE organisation = $1";
        let (r, head) = (row.clone(), row.clone());
        on_tx!(self, |db| {
            query(ROW)
                .bind(r.organisation)
                .bind(r.seq)
                .bind(r.at)
                .bind(r.actor)
                .bind(r.act)
                .bind(r.object)
                .bind(r.outcome)
                .bind(r.detail)
                .bind(r.prev_hash)
                .bind(r.hash)
                .execute(db)
                .await
                .map(drop)
        })?;
        on_tx!(self, |db| query(HEAD).bind(head.organisation).bind(head.hash).execute(db).await.map(drop))?;
        Ok(())
    }
}
