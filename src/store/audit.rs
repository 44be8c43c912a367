//! The rows of the audit trail. What they say and how they are chained is in `crate::audit`.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Page, Store, Tx};
use crate::error::Result;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, serde::Serialize, utoipa::ToSchema)]
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
    /// By one of these actors, each after a `|`: `|0198…|0199…|`.
    pub actors: Option<String>,
    /// Of this act.
    pub act: Option<String>,
    /// To this object.
    pub object: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// At this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// With this in its object, its act or its detail, whatever the case.
    pub search: Option<String>,
    /// In which order.
    pub order: AuditOrder,
}

impl AuditFilter {
    /// Of these actors.
    pub fn by<A: ToString>(actors: impl IntoIterator<Item = A>) -> Option<String> {
        Some(actors.into_iter().fold("|".to_owned(), |all, a| all + &a.to_string() + "|"))
    }

    /// What is searched, as a pattern of LIKE.
    fn pattern(&self) -> Option<String> {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        self.search.as_deref().map(|text| format!("%{}%", escaped(&text.to_lowercase())))
    }
}

/// In which order a list shows entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuditOrder {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
    /// By act, then newest first.
    Act,
    /// By actor, then newest first.
    Actor,
    /// By organisation, then newest first.
    Organisation,
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

macro_rules! matching {
    ($what:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM audit WHERE ($1 IS NULL OR organisation = $1) AND ($2 IS NULL OR $2 LIKE '%|' || actor || '|%')
               AND ($3 IS NULL OR act = $3) AND ($4 IS NULL OR object = $4) AND ($5 IS NULL OR outcome = $5)
               AND ($6 IS NULL OR at >= $6) AND ($7 IS NULL OR at < $7)
               AND ($8 IS NULL OR LOWER(object || ' ' || act || ' ' || detail) LIKE $8 ESCAPE '\\')",
            $rest
        )
    };
}

/// Binds the places that [`matching`] leaves.
macro_rules! bound {
    ($query:expr, $filter:expr) => {
        $query
            .bind($filter.organisation.clone())
            .bind($filter.actors.clone())
            .bind($filter.act.clone())
            .bind($filter.object.clone())
            .bind($filter.outcome.clone())
            .bind($filter.since)
            .bind($filter.until)
            .bind($filter.pattern())
    };
}

impl Store {
    /// A page of entries, and how many there are in all.
    pub async fn audit(&self, filter: &AuditFilter, page: Page) -> Result<(Vec<AuditRow>, i64)> {
        const NEWEST: &str = matching!("*", " ORDER BY at DESC, organisation, seq DESC LIMIT $9 OFFSET $10");
        const OLDEST: &str = matching!("*", " ORDER BY at, organisation, seq LIMIT $9 OFFSET $10");
        const ACT: &str = matching!("*", " ORDER BY act, at DESC, organisation, seq DESC LIMIT $9 OFFSET $10");
        const ACTOR: &str = matching!("*", " ORDER BY actor, at DESC, organisation, seq DESC LIMIT $9 OFFSET $10");
        const ORGANISATION: &str = matching!("*", " ORDER BY organisation, at DESC, seq DESC LIMIT $9 OFFSET $10");
        const COUNT: &str = matching!("COUNT(*)", "");
        let rows = match filter.order {
            AuditOrder::Newest => NEWEST,
            AuditOrder::Oldest => OLDEST,
            AuditOrder::Act => ACT,
            AuditOrder::Actor => ACTOR,
            AuditOrder::Organisation => ORGANISATION,
        };
        let rows = on_db!(self, |db| bound!(query_as(rows), filter).bind(page.limit).bind(page.offset).fetch_all(db).await)?;
        let count = on_db!(self, |db| bound!(query_scalar(COUNT), filter).fetch_one(db).await)?;
        Ok((rows, count))
    }

    /// Entries that answer a filter, oldest first, after the one at `after` (its time, its chain, its place there).
    pub async fn audit_after(&self, filter: &AuditFilter, after: (DateTime<Utc>, &str, i64), limit: i64) -> Result<Vec<AuditRow>> {
        const SQL: &str = matching!("*", " AND (at, organisation, seq) > ($9, $10, $11) ORDER BY at, organisation, seq LIMIT $12");
        let (at, organisation, seq) = (after.0, after.1.to_owned(), after.2);
        Ok(on_db!(self, |db| { bound!(query_as(SQL), filter).bind(at).bind(organisation).bind(seq).bind(limit).fetch_all(db).await })?)
    }

    /// One entry.
    pub async fn audit_entry(&self, organisation: &str, seq: i64) -> Result<Option<AuditRow>> {
        const SQL: &str = "SELECT * FROM audit WHERE organisation = $1 AND seq = $2";
        let organisation = organisation.to_owned();
        Ok(on_db!(self, |db| query_as(SQL).bind(organisation).bind(seq).fetch_optional(db).await)?)
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
