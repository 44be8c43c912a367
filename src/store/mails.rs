//! Letters waiting for delivery, and those delivered.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Page, Store, Tx};
use crate::{
    error::{Error, Result},
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
    /// Whether it waits for the week's one letter.
    pub weekly: bool,
}

impl Mail {
    /// Whether it is neither sent nor given up.
    pub fn waits(&self) -> bool {
        self.sent_at.is_none() && self.failed_at.is_none()
    }

    /// What it says; nothing is left of it once it is sent.
    pub fn letter<L: serde::de::DeserializeOwned>(&self) -> Result<L> {
        serde_json::from_str(&self.letter).map_err(Error::internal)
    }
}

/// When a person wants a kind of letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    Immediate,
    /// With the others of the week.
    Weekly,
    /// Not at all.
    Never,
}

impl Delivery {
    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Weekly => "weekly",
            Self::Never => "never",
        }
    }
}

impl std::str::FromStr for Delivery {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        [Self::Immediate, Self::Weekly, Self::Never]
            .into_iter()
            .find(|d| d.name() == s)
            .ok_or_else(|| Error::invalid("mail_delivery", "Choisissez quand vous recevez ces courriels, dans la liste."))
    }
}

/// How many letters stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct MailCounts {
    /// To be sent.
    pub waiting: i64,
    /// Taken by the server.
    pub sent: i64,
    /// Given up.
    pub failed: i64,
}

impl Store {
    /// One letter.
    pub async fn mail(&self, id: MailId) -> Result<Option<Mail>> {
        const SQL: &str = "SELECT * FROM mails WHERE id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// How many letters wait, were sent, were given up.
    pub async fn mail_counts(&self) -> Result<MailCounts> {
        const SQL: &str = "SELECT COUNT(CASE WHEN sent_at IS NULL AND failed_at IS NULL THEN 1 END) AS waiting, COUNT(sent_at) AS sent,
              COUNT(failed_at) AS failed FROM mails";
        Ok(on_db!(self, |db| query_as(SQL).fetch_one(db).await)?)
    }

    /// The letters to send at once that are not sent, oldest first.
    pub async fn waiting_mails(&self) -> Result<Vec<MailId>> {
        const SQL: &str = "SELECT id FROM mails WHERE sent_at IS NULL AND failed_at IS NULL AND NOT weekly ORDER BY created_at, id";
        Ok(on_db!(self, |db| query_scalar(SQL).fetch_all(db).await)?)
    }

    /// The letters asked for before `before` that wait for the week's one, by account, oldest first.
    pub async fn weekly_mails(&self, before: DateTime<Utc>) -> Result<Vec<Mail>> {
        const SQL: &str = "SELECT * FROM mails WHERE sent_at IS NULL AND failed_at IS NULL AND weekly AND created_at < $1
            ORDER BY account_id, created_at, id";
        Ok(on_db!(self, |db| query_as(SQL).bind(before).fetch_all(db).await)?)
    }

    /// What a person chose: kind and delivery.
    pub async fn mail_preferences(&self, account: AccountId) -> Result<Vec<(String, String)>> {
        const SQL: &str = "SELECT kind, delivery FROM mail_preferences WHERE account_id = $1 ORDER BY kind";
        Ok(on_db!(self, |db| query_as(SQL).bind(account).fetch_all(db).await)?)
    }

    /// Forgets the letters sent or given up before `before`.
    pub async fn sweep_mails(&self, before: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "DELETE FROM mails WHERE created_at < $1 AND (sent_at IS NOT NULL OR failed_at IS NOT NULL)";
        on_db!(self, |db| query(SQL).bind(before).execute(db).await.map(drop))?;
        Ok(())
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
        const SQL: &str = "INSERT INTO mails (id, account_id, address, kind, letter, unique_key, created_at, weekly)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (unique_key) DO NOTHING";
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
                .bind(m.weekly)
                .execute(db)
                .await
                .map(|done| done.rows_affected() == 1)
        })?)
    }

    /// Notes that a letter is with the server (or in the week's one), and forgets what it said.
    pub async fn mail_sent(&mut self, id: MailId, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE mails SET sent_at = $2, letter = '{}' WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL";
        on_tx!(self, |db| query(SQL).bind(id).bind(now).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Notes that a letter is given up, and forgets what it said.
    pub async fn mail_failed(&mut self, id: MailId, reason: &str, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str =
            "UPDATE mails SET failed_at = $2, error = $3, letter = '{}' WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL";
        let reason = reason.to_owned();
        on_tx!(self, |db| query(SQL).bind(id).bind(now).bind(reason).execute(db).await.map(drop))?;
        Ok(())
    }

    /// What a person chose for a kind of letter.
    pub async fn mail_preference(&mut self, account: AccountId, kind: &str) -> Result<Option<String>> {
        const SQL: &str = "SELECT delivery FROM mail_preferences WHERE account_id = $1 AND kind = $2";
        let kind = kind.to_owned();
        Ok(on_tx!(self, |db| query_scalar(SQL).bind(account).bind(kind).fetch_optional(db).await)?)
    }

    /// Keeps what a person chose for a kind of letter.
    pub async fn set_mail_preference(&mut self, account: AccountId, kind: &str, delivery: Delivery) -> Result<()> {
        const SQL: &str = "INSERT INTO mail_preferences (account_id, kind, delivery) VALUES ($1, $2, $3)
            ON CONFLICT (account_id, kind) DO UPDATE SET delivery = excluded.delivery";
        let kind = kind.to_owned();
        on_tx!(self, |db| query(SQL).bind(account).bind(kind).bind(delivery.name()).execute(db).await.map(drop))?;
        Ok(())
    }
}
