//! Accounts, their sessions and tokens, and the counting of sign-in attempts.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Store, Tx};
use crate::{
    error::Result,
    ids::{AccountId, Siren, TokenId},
};

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// In lower case; unique.
    pub email: String,
    /// As pages show it.
    pub name: String,
    /// A name of `access`'s roles.
    pub role: String,
    /// The organisation that it speaks for; none for the programme's own.
    pub organisation: Option<Siren>,
    /// PHC string; none where the account cannot sign in with a password.
    pub password_hash: Option<String>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// Since when it may not sign in.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Session {
    /// SHA-256 of the cookie's value.
    pub token_sha256: String,
    /// Whose.
    pub account_id: AccountId,
    /// What its forms must send back.
    pub csrf: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// Last request noted.
    pub last_seen_at: DateTime<Utc>,
    /// How it passed a second factor, if it did.
    pub second_factor: Option<String>,
    /// What the browser says it is, in a few words.
    pub device: Option<String>,
    /// What the provider that signed it in wants back when it ends.
    pub id_token: Option<String>,
}

/// A program's key to the API.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Token {
    /// Which.
    pub id: TokenId,
    /// On whose behalf.
    pub account_id: AccountId,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the token.
    pub sha256: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when, if it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Last use noted.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it is void.
    pub revoked_at: Option<DateTime<Utc>>,
    /// What it may be used for, as JSON; all that the account may do if none.
    pub scope: Option<String>,
    /// Whether a machine of the organisation speaks, not the person.
    pub service: bool,
    /// Who made it.
    pub created_by: Option<AccountId>,
}

impl Store {
    /// An account by its id.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>> {
        const SQL: &str = "SELECT * FROM accounts WHERE id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// An account by its address, in whatever case.
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>> {
        const SQL: &str = "SELECT * FROM accounts WHERE email = $1";
        let email = email.to_lowercase();
        Ok(on_db!(self, |db| query_as(SQL).bind(email).fetch_optional(db).await)?)
    }

    /// Every account, by name.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        const SQL: &str = "SELECT * FROM accounts ORDER BY name, id";
        Ok(on_db!(self, |db| query_as(SQL).fetch_all(db).await)?)
    }

    /// How many accounts there are: none means that the hub is not set up.
    pub async fn account_count(&self) -> Result<i64> {
        const SQL: &str = "SELECT COUNT(*) FROM accounts";
        Ok(on_db!(self, |db| query_scalar(SQL).fetch_one(db).await)?)
    }

    /// A session that is alive at `now`, and its account if that is not disabled.
    pub async fn session(&self, token_sha256: &str, now: DateTime<Utc>) -> Result<Option<(Session, Account)>> {
        const SQL: &str = "SELECT s.* FROM sessions s JOIN accounts a ON a.id = s.account_id
            WHERE s.token_sha256 = $1 AND s.expires_at > $2 AND a.disabled_at IS NULL";
        let session: Option<Session> = on_db!(self, |db| query_as(SQL).bind(token_sha256).bind(now).fetch_optional(db).await)?;
        match session {
            Some(session) => Ok(self.account(session.account_id).await?.map(|account| (session, account))),
            None => Ok(None),
        }
    }

    /// The sessions of an account that are alive at `now`, last used first.
    pub async fn sessions(&self, account: AccountId, now: DateTime<Utc>) -> Result<Vec<Session>> {
        const SQL: &str = "SELECT * FROM sessions WHERE account_id = $1 AND expires_at > $2 ORDER BY last_seen_at DESC, token_sha256";
        Ok(on_db!(self, |db| query_as(SQL).bind(account).bind(now).fetch_all(db).await)?)
    }

    /// A token that is good at `now`, and its account if that is not disabled.
    pub async fn token(&self, sha256: &str, now: DateTime<Utc>) -> Result<Option<(Token, Account)>> {
        const SQL: &str = "SELECT t.* FROM tokens t JOIN accounts a ON a.id = t.account_id
            WHERE t.sha256 = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND t.revoked_at IS NULL AND a.disabled_at IS NULL";
        let token: Option<Token> = on_db!(self, |db| query_as(SQL).bind(sha256).bind(now).fetch_optional(db).await)?;
        match token {
            Some(token) => Ok(self.account(token.account_id).await?.map(|account| (token, account))),
            None => Ok(None),
        }
    }

    /// Whose a token is.
    pub async fn token_owner(&self, id: TokenId) -> Result<Option<AccountId>> {
        const SQL: &str = "SELECT account_id FROM tokens WHERE id = $1";
        Ok(on_db!(self, |db| query_scalar(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// The tokens of an account, newest first, revoked ones too.
    pub async fn tokens(&self, account: AccountId) -> Result<Vec<Token>> {
        const SQL: &str = "SELECT * FROM tokens WHERE account_id = $1 ORDER BY created_at DESC, id DESC";
        Ok(on_db!(self, |db| query_as(SQL).bind(account).fetch_all(db).await)?)
    }

    /// Notes that a session is in use and moves its end.
    pub async fn touch_session(&self, token_sha256: &str, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE token_sha256 = $1";
        on_db!(self, |db| query(SQL).bind(token_sha256).bind(now).bind(expires_at).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Notes that a token is in use.
    pub async fn touch_token(&self, id: TokenId, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE tokens SET last_used_at = $2 WHERE id = $1";
        on_db!(self, |db| query(SQL).bind(id).bind(now).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Counts one more attempt of `key` in the window that began at `window_start`; gives the count with it.
    pub async fn count_attempt(&self, key: &str, window_start: DateTime<Utc>) -> Result<i64> {
        const SQL: &str = "INSERT INTO attempts (key, window_start, count) VALUES ($1, $2, 1)
            ON CONFLICT (key, window_start) DO UPDATE SET count = attempts.count + 1 RETURNING count";
        Ok(on_db!(self, |db| query_scalar(SQL).bind(key).bind(window_start).fetch_one(db).await)?)
    }

    /// Attempts of `key` in windows that began at `since` or later.
    pub async fn attempts(&self, key: &str, since: DateTime<Utc>) -> Result<i64> {
        const SQL: &str = "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM attempts WHERE key = $1 AND window_start >= $2";
        Ok(on_db!(self, |db| query_scalar(SQL).bind(key).bind(since).fetch_one(db).await)?)
    }

    /// Forgets the attempts of `key`, after a success.
    pub async fn forget_attempts(&self, key: &str) -> Result<()> {
        const SQL: &str = "DELETE FROM attempts WHERE key = $1";
        on_db!(self, |db| query(SQL).bind(key).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Removes sessions and passes that ended and attempts counted before `now` less `attempts_kept`.
    pub async fn sweep_access(&self, now: DateTime<Utc>, attempts_kept: chrono::TimeDelta) -> Result<()> {
        const SESSIONS: &str = "DELETE FROM sessions WHERE expires_at <= $1";
        const PASSES: &str = "DELETE FROM passes WHERE expires_at <= $1";
        const ATTEMPTS: &str = "DELETE FROM attempts WHERE window_start < $1";
        on_db!(self, |db| query(SESSIONS).bind(now).execute(db).await.map(drop))?;
        on_db!(self, |db| query(PASSES).bind(now).execute(db).await.map(drop))?;
        on_db!(self, |db| query(ATTEMPTS).bind(now - attempts_kept).execute(db).await.map(drop))?;
        Ok(())
    }
}

impl Tx {
    /// Opens an account; [`Kind::Conflict`](crate::error::Kind::Conflict) if the address is taken.
    pub async fn insert_account(&mut self, account: &Account) -> Result<()> {
        const SQL: &str = "INSERT INTO accounts (id, email, name, role, organisation, password_hash, created_at, disabled_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let a = account.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(a.id)
                .bind(a.email.to_lowercase())
                .bind(a.name)
                .bind(a.role)
                .bind(a.organisation)
                .bind(a.password_hash)
                .bind(a.created_at)
                .bind(a.disabled_at)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Writes an account's address, name, role, organisation, password and end; its id names it.
    pub async fn update_account(&mut self, account: &Account) -> Result<()> {
        const SQL: &str = "UPDATE accounts SET email = $2, name = $3, role = $4, organisation = $5, password_hash = $6, disabled_at = $7
            WHERE id = $1";
        let a = account.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(a.id)
                .bind(a.email.to_lowercase())
                .bind(a.name)
                .bind(a.role)
                .bind(a.organisation)
                .bind(a.password_hash)
                .bind(a.disabled_at)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Writes an account's password alone, so that two acts at once do not undo each other.
    pub async fn set_password(&mut self, id: AccountId, hash: Option<&str>) -> Result<()> {
        const SQL: &str = "UPDATE accounts SET password_hash = $2 WHERE id = $1";
        let hash = hash.map(str::to_owned);
        on_tx!(self, |db| query(SQL).bind(id).bind(hash).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Writes an account's end alone.
    pub async fn set_disabled(&mut self, id: AccountId, at: Option<DateTime<Utc>>) -> Result<()> {
        const SQL: &str = "UPDATE accounts SET disabled_at = $2 WHERE id = $1";
        on_tx!(self, |db| query(SQL).bind(id).bind(at).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Writes an account's role and organisation alone.
    pub async fn set_role(&mut self, id: AccountId, role: &str, organisation: Option<&Siren>) -> Result<()> {
        const SQL: &str = "UPDATE accounts SET role = $2, organisation = $3 WHERE id = $1";
        let (role, organisation) = (role.to_owned(), organisation.cloned());
        on_tx!(self, |db| query(SQL).bind(id).bind(role).bind(organisation).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Opens a session.
    pub async fn insert_session(&mut self, session: &Session) -> Result<()> {
        const SQL: &str =
            "INSERT INTO sessions (token_sha256, account_id, csrf, created_at, expires_at, last_seen_at, second_factor, device, id_token)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let s = session.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(s.token_sha256)
                .bind(s.account_id)
                .bind(s.csrf)
                .bind(s.created_at)
                .bind(s.expires_at)
                .bind(s.last_seen_at)
                .bind(s.second_factor)
                .bind(s.device)
                .bind(s.id_token)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Ends a session; nothing happens if there is none.
    pub async fn delete_session(&mut self, token_sha256: &str) -> Result<()> {
        const SQL: &str = "DELETE FROM sessions WHERE token_sha256 = $1";
        let token_sha256 = token_sha256.to_owned();
        on_tx!(self, |db| query(SQL).bind(token_sha256).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Ends every session of an account, when its password or role changes.
    pub async fn delete_sessions_of(&mut self, account: AccountId) -> Result<()> {
        const SQL: &str = "DELETE FROM sessions WHERE account_id = $1";
        on_tx!(self, |db| query(SQL).bind(account).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Ends one session of an account, which its hash names; whether there was one.
    pub async fn revoke_session(&mut self, account: AccountId, token_sha256: &str) -> Result<bool> {
        const SQL: &str = "DELETE FROM sessions WHERE account_id = $1 AND token_sha256 = $2";
        let token_sha256 = token_sha256.to_owned();
        Ok(on_tx!(self, |db| query(SQL).bind(account).bind(token_sha256).execute(db).await.map(|done| done.rows_affected() > 0))?)
    }

    /// Ends every session of an account but the one of this hash.
    pub async fn delete_other_sessions(&mut self, account: AccountId, kept: &str) -> Result<()> {
        const SQL: &str = "DELETE FROM sessions WHERE account_id = $1 AND token_sha256 <> $2";
        let kept = kept.to_owned();
        on_tx!(self, |db| query(SQL).bind(account).bind(kept).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Notes that a session has just passed a second factor.
    pub async fn set_session_factor(&mut self, token_sha256: &str, means: &str) -> Result<()> {
        const SQL: &str = "UPDATE sessions SET second_factor = $2 WHERE token_sha256 = $1";
        let (token_sha256, means) = (token_sha256.to_owned(), means.to_owned());
        on_tx!(self, |db| query(SQL).bind(token_sha256).bind(means).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Keeps a new token.
    pub async fn insert_token(&mut self, token: &Token) -> Result<()> {
        const SQL: &str = "INSERT INTO tokens (id, account_id, name, sha256, created_at, expires_at, last_used_at, revoked_at, scope, service, created_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let t = token.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(t.id)
                .bind(t.account_id)
                .bind(t.name)
                .bind(t.sha256)
                .bind(t.created_at)
                .bind(t.expires_at)
                .bind(t.last_used_at)
                .bind(t.revoked_at)
                .bind(t.scope)
                .bind(t.service)
                .bind(t.created_by)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Voids all tokens of an account, or those of its programs alone.
    pub async fn revoke_tokens_of(&mut self, account: AccountId, services_only: bool, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str =
            "UPDATE tokens SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL AND (service = $3 OR service = $4)";
        on_tx!(self, |db| query(SQL).bind(account).bind(now).bind(true).bind(services_only).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Voids a token of an account; whether there was one in force.
    pub async fn revoke_token(&mut self, account: AccountId, id: TokenId, now: DateTime<Utc>) -> Result<bool> {
        const SQL: &str = "UPDATE tokens SET revoked_at = $3 WHERE id = $2 AND account_id = $1 AND revoked_at IS NULL";
        Ok(on_tx!(self, |db| query(SQL).bind(account).bind(id).bind(now).execute(db).await.map(|done| done.rows_affected() > 0))?)
    }
}
