//! Second factors, secrets that are good once, and the identities that a provider vouches for.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Store, Tx, accounts::Account};
use crate::{error::Result, ids::AccountId};

/// The second factor of an account.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Factor {
    /// Whose.
    pub account_id: AccountId,
    /// Shared with the person's device, in base 32.
    pub secret: String,
    /// The newest time step whose code was accepted.
    pub last_step: i64,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Since when it counts.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// A secret that is good once and not for long.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Pass {
    /// SHA-256 of the secret.
    pub sha256: String,
    /// What it opens.
    pub purpose: String,
    /// Whose, where it is somebody's already.
    pub account_id: Option<AccountId>,
    /// The rest, as its purpose needs it.
    pub detail: String,
    /// Failures so far.
    pub tries: i64,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl Store {
    /// The second factor of an account, confirmed or not.
    pub async fn factor(&self, account: AccountId) -> Result<Option<Factor>> {
        const SQL: &str = "SELECT * FROM factors WHERE account_id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(account).fetch_optional(db).await)?)
    }

    /// The accounts whose second factor counts.
    pub async fn accounts_with_factor(&self) -> Result<Vec<AccountId>> {
        const SQL: &str = "SELECT account_id FROM factors WHERE confirmed_at IS NOT NULL";
        Ok(on_db!(self, |db| query_scalar(SQL).fetch_all(db).await)?)
    }

    /// How many recovery codes an account has left.
    pub async fn recovery_codes_left(&self, account: AccountId) -> Result<i64> {
        const SQL: &str = "SELECT COUNT(*) FROM recovery_codes WHERE account_id = $1 AND used_at IS NULL";
        Ok(on_db!(self, |db| query_scalar(SQL).bind(account).fetch_one(db).await)?)
    }

    /// A pass that is good at `now`.
    pub async fn pass(&self, sha256: &str, purpose: &str, now: DateTime<Utc>) -> Result<Option<Pass>> {
        const SQL: &str = "SELECT * FROM passes WHERE sha256 = $1 AND purpose = $2 AND expires_at > $3";
        Ok(on_db!(self, |db| query_as(SQL).bind(sha256).bind(purpose).bind(now).fetch_optional(db).await)?)
    }

    /// Counts one more failure of a pass; gives the count with it, none if the pass is gone.
    pub async fn count_pass_try(&self, sha256: &str) -> Result<Option<i64>> {
        const SQL: &str = "UPDATE passes SET tries = tries + 1 WHERE sha256 = $1 RETURNING tries";
        Ok(on_db!(self, |db| query_scalar(SQL).bind(sha256).fetch_optional(db).await)?)
    }

    /// The invitations that wait at `now`: whose, and until when.
    pub async fn waiting_invitations(&self, now: DateTime<Utc>) -> Result<Vec<(AccountId, DateTime<Utc>)>> {
        const SQL: &str = "SELECT account_id, MAX(expires_at) FROM passes
            WHERE purpose = 'invitation' AND account_id IS NOT NULL AND expires_at > $1 GROUP BY account_id";
        Ok(on_db!(self, |db| query_as(SQL).bind(now).fetch_all(db).await)?)
    }

    /// The account that a provider's subject is.
    pub async fn account_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Account>> {
        const SQL: &str = "SELECT a.* FROM identities i JOIN accounts a ON a.id = i.account_id WHERE i.issuer = $1 AND i.subject = $2";
        Ok(on_db!(self, |db| query_as(SQL).bind(issuer).bind(subject).fetch_optional(db).await)?)
    }

    /// Whether a provider already vouches for an account under some subject.
    pub async fn has_identity(&self, issuer: &str, account: AccountId) -> Result<bool> {
        const SQL: &str = "SELECT COUNT(*) FROM identities WHERE issuer = $1 AND account_id = $2";
        let count: i64 = on_db!(self, |db| query_scalar(SQL).bind(issuer).bind(account).fetch_one(db).await)?;
        Ok(count > 0)
    }
}

impl Tx {
    /// Keeps a second factor that waits for its first code, in the place of one that waited; whether none counts already.
    pub async fn begin_factor(&mut self, account: AccountId, secret: &str, now: DateTime<Utc>) -> Result<bool> {
        const SQL: &str = "INSERT INTO factors (account_id, secret, last_step, created_at) VALUES ($1, $2, 0, $3)
            ON CONFLICT (account_id) DO UPDATE SET secret = $2, last_step = 0, created_at = $3 WHERE factors.confirmed_at IS NULL";
        let secret = secret.to_owned();
        Ok(on_tx!(self, |db| query(SQL).bind(account).bind(secret).bind(now).execute(db).await.map(|done| done.rows_affected() > 0))?)
    }

    /// Notes that the code of a time step was accepted; false if it, or a newer one, was before.
    pub async fn take_step(&mut self, account: AccountId, step: i64) -> Result<bool> {
        const SQL: &str = "UPDATE factors SET last_step = $2 WHERE account_id = $1 AND last_step < $2";
        Ok(on_tx!(self, |db| query(SQL).bind(account).bind(step).execute(db).await.map(|done| done.rows_affected() > 0))?)
    }

    /// Makes a second factor count; false if it did already.
    pub async fn confirm_factor(&mut self, account: AccountId, now: DateTime<Utc>) -> Result<bool> {
        const SQL: &str = "UPDATE factors SET confirmed_at = $2 WHERE account_id = $1 AND confirmed_at IS NULL";
        Ok(on_tx!(self, |db| query(SQL).bind(account).bind(now).execute(db).await.map(|done| done.rows_affected() > 0))?)
    }

    /// Removes a second factor and its recovery codes; whether there was one.
    pub async fn delete_factor(&mut self, account: AccountId) -> Result<bool> {
        const CODES: &str = "DELETE FROM recovery_codes WHERE account_id = $1";
        const FACTOR: &str = "DELETE FROM factors WHERE account_id = $1";
        on_tx!(self, |db| query(CODES).bind(account).execute(db).await.map(drop))?;
        Ok(on_tx!(self, |db| query(FACTOR).bind(account).execute(db).await.map(|done| done.rows_affected() > 0))?)
    }

    /// Gives an account these recovery codes and no others.
    pub async fn set_recovery_codes(&mut self, account: AccountId, hashes: &[String]) -> Result<()> {
        const CLEAR: &str = "DELETE FROM recovery_codes WHERE account_id = $1";
        const ADD: &str = "INSERT INTO recovery_codes (account_id, sha256) VALUES ($1, $2)";
        on_tx!(self, |db| query(CLEAR).bind(account).execute(db).await.map(drop))?;
        for hash in hashes.iter().cloned() {
            on_tx!(self, |db| query(ADD).bind(account).bind(hash).execute(db).await.map(drop))?;
        }
        Ok(())
    }

    /// Uses a recovery code; false if it is not the account's, or was used.
    pub async fn take_recovery_code(&mut self, account: AccountId, sha256: &str, now: DateTime<Utc>) -> Result<bool> {
        const SQL: &str = "UPDATE recovery_codes SET used_at = $3 WHERE account_id = $1 AND sha256 = $2 AND used_at IS NULL";
        let sha256 = sha256.to_owned();
        Ok(on_tx!(self, |db| query(SQL).bind(account).bind(sha256).bind(now).execute(db).await.map(|done| done.rows_affected() > 0))?)
    }

    /// Keeps a new pass.
    pub async fn insert_pass(&mut self, pass: &Pass) -> Result<()> {
        const SQL: &str = "INSERT INTO passes (sha256, purpose, account_id, detail, tries, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let p = pass.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(p.sha256)
                .bind(p.purpose)
                .bind(p.account_id)
                .bind(p.detail)
                .bind(p.tries)
                .bind(p.created_at)
                .bind(p.expires_at)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Takes a pass that is good at `now`: only one of two who come at once gets it.
    pub async fn take_pass(&mut self, sha256: &str, purpose: &str, now: DateTime<Utc>) -> Result<Option<Pass>> {
        const SQL: &str = "DELETE FROM passes WHERE sha256 = $1 AND purpose = $2 AND expires_at > $3 RETURNING *";
        let (sha256, purpose) = (sha256.to_owned(), purpose.to_owned());
        Ok(on_tx!(self, |db| query_as(SQL).bind(sha256).bind(purpose).bind(now).fetch_optional(db).await)?)
    }

    /// Voids every pass of an account that has one of these purposes.
    pub async fn void_passes(&mut self, account: AccountId, purposes: &[&str]) -> Result<()> {
        const SQL: &str = "DELETE FROM passes WHERE account_id = $1 AND purpose = $2";
        for purpose in purposes {
            let purpose = (*purpose).to_owned();
            on_tx!(self, |db| query(SQL).bind(account).bind(purpose).execute(db).await.map(drop))?;
        }
        Ok(())
    }

    /// Notes that a provider's subject is an account.
    pub async fn insert_identity(&mut self, issuer: &str, subject: &str, account: AccountId, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "INSERT INTO identities (issuer, subject, account_id, created_at) VALUES ($1, $2, $3, $4)";
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        on_tx!(self, |db| query(SQL).bind(issuer).bind(subject).bind(account).bind(now).execute(db).await.map(drop))?;
        Ok(())
    }
}
