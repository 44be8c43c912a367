//! Files that come in piece by piece: what each is for, how far it is, where its pieces are.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Store, Tx};
use crate::{
    error::Result,
    ids::{AccountId, DepositId, Period, Siren, UploadId},
};

/// One file on its way in, or that just came in whole.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Upload {
    /// Which.
    pub id: UploadId,
    /// Who sends it: nobody else continues it.
    pub account_id: AccountId,
    /// The convention's name.
    pub convention: String,
    /// For which site.
    pub site: Siren,
    /// Into which dataset.
    pub dataset: String,
    /// For which month.
    pub period: Option<Period>,
    /// As the sender named it.
    pub file_name: String,
    /// What the sender's program said of it, word for word.
    pub metadata: String,
    /// Size of the whole.
    pub length: i64,
    /// How much of it is here.
    pub received: i64,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it is forgotten, unless more of it comes before.
    pub expires_at: DateTime<Utc>,
    /// What it became, once whole.
    pub deposit_id: Option<DepositId>,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct UploadPart {
    /// Where in the file, in bytes.
    pub start: i64,
    /// Its size.
    pub bytes: i64,
    /// In the lake.
    pub key: String,
}

impl Store {
    /// One upload.
    pub async fn upload(&self, id: UploadId) -> Result<Option<Upload>> {
        const SQL: &str = "SELECT * FROM uploads WHERE id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// The pieces of an upload, in the order of the file.
    pub async fn upload_parts(&self, id: UploadId) -> Result<Vec<UploadPart>> {
        const SQL: &str = "SELECT start, bytes, key FROM upload_parts WHERE upload_id = $1 ORDER BY start";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_all(db).await)?)
    }

    /// The uploads whose time is over, oldest first.
    pub async fn expired_uploads(&self, now: DateTime<Utc>) -> Result<Vec<Upload>> {
        const SQL: &str = "SELECT * FROM uploads WHERE expires_at <= $1 ORDER BY expires_at, id";
        Ok(on_db!(self, |db| query_as(SQL).bind(now).fetch_all(db).await)?)
    }
}

impl Tx {
    /// Begins an upload; false if the account has `limit` unfinished ones already.
    pub async fn insert_upload(&mut self, new: &Upload, limit: i64) -> Result<bool> {
        // Two that begin at once are counted one after the other.
        const TURN: &str = "UPDATE accounts SET name = name WHERE id = $1";
        const COUNT: &str = "SELECT COUNT(*) FROM uploads WHERE account_id = $1 AND deposit_id IS NULL AND expires_at > $2";
        const SQL: &str = "INSERT INTO uploads (id, account_id, convention, site, dataset, period, file_name, metadata, length, received,
              created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let n = new.clone();
        on_tx!(self, |db| query(TURN).bind(n.account_id).execute(db).await.map(drop))?;
        let open: i64 = on_tx!(self, |db| query_scalar(COUNT).bind(n.account_id).bind(n.created_at).fetch_one(db).await)?;
        if open >= limit {
            return Ok(false);
        }
        on_tx!(self, |db| {
            query(SQL)
                .bind(n.id)
                .bind(n.account_id)
                .bind(n.convention)
                .bind(n.site)
                .bind(n.dataset)
                .bind(n.period)
                .bind(n.file_name)
                .bind(n.metadata)
                .bind(n.length)
                .bind(n.received)
                .bind(n.created_at)
                .bind(n.expires_at)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(true)
    }

    /// Adds the next piece of an upload; false, and nothing is written, unless it begins where the upload ends.
    pub async fn add_upload_part(&mut self, id: UploadId, part: &UploadPart, expires_at: DateTime<Utc>) -> Result<bool> {
        // Whoever comes first moves the end; for the others there is nothing left to change.
        const MOVE: &str = "UPDATE uploads SET received = received + $3, expires_at = $4
            WHERE id = $1 AND received = $2 AND received + $3 <= length AND deposit_id IS NULL";
        const SQL: &str = "INSERT INTO upload_parts (upload_id, start, bytes, key) VALUES ($1, $2, $3, $4)";
        let p = part.clone();
        let moved = on_tx!(self, |db| {
            query(MOVE).bind(id).bind(p.start).bind(p.bytes).bind(expires_at).execute(db).await.map(|done| done.rows_affected())
        })?;
        if moved == 0 {
            return Ok(false);
        }
        on_tx!(self, |db| query(SQL).bind(id).bind(p.start).bind(p.bytes).bind(p.key).execute(db).await.map(drop))?;
        Ok(true)
    }

    /// Notes what a whole upload became, and forgets its pieces; gives their keys. None if it is not there any more or was already noted.
    pub async fn finish_upload(&mut self, id: UploadId, deposit: DepositId, expires_at: DateTime<Utc>) -> Result<Option<Vec<String>>> {
        const SQL: &str = "UPDATE uploads SET deposit_id = $2, expires_at = $3 WHERE id = $1 AND deposit_id IS NULL AND received = length";
        let changed =
            on_tx!(self, |db| query(SQL).bind(id).bind(deposit).bind(expires_at).execute(db).await.map(|done| done.rows_affected()))?;
        if changed == 0 { Ok(None) } else { self.forget_parts(id).await.map(Some) }
    }

    /// Forgets an upload and its pieces; gives their keys. None if it is not there, became a deposit, or, where `before` is given, expires
    /// after it.
    pub async fn delete_upload(&mut self, id: UploadId, before: Option<DateTime<Utc>>) -> Result<Option<Vec<String>>> {
        // Locks the row, so that no piece is added between reading the keys and forgetting them.
        const LOCK: &str =
            "UPDATE uploads SET received = received WHERE id = $1 AND (expires_at <= $2 OR $2 IS NULL AND deposit_id IS NULL)";
        const SQL: &str = "DELETE FROM uploads WHERE id = $1";
        let there = on_tx!(self, |db| query(LOCK).bind(id).bind(before).execute(db).await.map(|done| done.rows_affected()))?;
        if there == 0 {
            return Ok(None);
        }
        let keys = self.forget_parts(id).await?;
        on_tx!(self, |db| query(SQL).bind(id).execute(db).await.map(drop))?;
        Ok(Some(keys))
    }

    async fn forget_parts(&mut self, id: UploadId) -> Result<Vec<String>> {
        const KEYS: &str = "SELECT key FROM upload_parts WHERE upload_id = $1 ORDER BY start";
        const SQL: &str = "DELETE FROM upload_parts WHERE upload_id = $1";
        let keys = on_tx!(self, |db| query_scalar(KEYS).bind(id).fetch_all(db).await)?;
        on_tx!(self, |db| query(SQL).bind(id).execute(db).await.map(drop))?;
        Ok(keys)
    }
}
