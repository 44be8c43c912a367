//! Letters waiting for delivery, and those delivered.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as};

use super::{Page, Store, Tx};
use crate::{
    error::Result,
    ids::{AccountId, MailId},
};

/// One letter.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Mail {
    /// Which.
    pub id: MailId,
    /// Whose account, if the address is an account's.
    pub account_id: Option<AccountId>,
    /// Where it goes.
    pub address: String,
    /// The letter's kind.
    pub kind: String,
    /// The letter as JSON.
    pub letter: String,
    /// Two letters with the same key are one: a reminder is not sent twice.
    pub unique_key: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When the server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub failed_at: Option<DateTime<Utc>>,
    /// Why, for the administrator.
    pub error: Option<String>,
}

impl Store {
    /// One letter.
    pub async fn mail(&self, id: MailId) -> Result<Option<Mail>> {
        const SQL: &str = "SELECT * FROM mails WHERE id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// Letters, newest first.
    pub async fn mails(&self, page: Page) -> Result<Vec<Mail>> {
        const SQL: &str = "SELECT * FROM mails ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2";
        Ok(on_db!(self, |db| query_as(SQL).bind(page.limit).bind(page.offset).fetch_all(db).await)?)
    }
}

impl Tx {
    /// Adds a letter; false if one with its key is there already.
    pub async fn insert_mail(&mut self, mail: &Mail) -> Result<bool> {
        const SQL: &str = "INSERT INTO mails (id, account_id, address, kind, letter, unique_key, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (unique_key) DO NOTHING";
        let m = mail.clone();
        Ok(on_tx!(self, |db| {
            query(SQL)
                .bind(m.id)
                .bind(m.account_id)
                .bind(m.address)
                .bind(m.kind)
                .bind(m.letter)
                .bind(m.unique_key)
                .bind(m.created_at)
                .execute(db)
                .await
                .map(|done| done.rows_affected() == 1)
        })?)
    }
}
