//! Tokens: what a program presents.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Actor, note, nothing, one_line, sha256};
use crate::{
    app::App,
    audit,
    convention::scope::Scope,
    error::{Error, Kind, Result},
    ids::{AccountId, TokenId},
    store::accounts::{Account, Token},
};

/// The longest life of a token.
pub const LONGEST: TimeDelta = TimeDelta::days(366);

/// Who speaks through this bearer token.
///
/// # Errors
/// [`Kind::Unauthenticated`] for one that is unknown, ended or revoked, said alike.
pub async fn bearer(app: &App, secret: &str) -> Result<Actor> {
    let now = app.clock.now();
    let unknown = || Error::new(Kind::Unauthenticated, "token", "Ce jeton d'accès n'est pas ou plus valable.");
    let (token, account) = app.store.token(&sha256(secret), now).await?.ok_or_else(unknown)?;
    if token.last_used_at.is_none_or(|at| now - at > TimeDelta::minutes(1)) {
        app.store.touch_token(token.id, now).await?;
    }
    let scope = token.scope.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?;
    Ok(Actor { token: Some(token.id), scope, ..Actor::new(account)? })
}

/// What makes a token.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// Until when: a year if not said, which is also the longest.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it may be used for; all that the account may do if not said.
    pub scope: Option<Scope>,
    /// Whether a machine of the organisation speaks, not the person.
    pub service: bool,
}

/// Makes a token for an account; its secret is given once and kept nowhere.
pub async fn create_token(app: &App, by: Option<&Actor>, account: &Account, new: NewToken) -> Result<(TokenId, String)> {
    let name = one_line(&new.name);
    if name.is_empty() {
        return Err(Error::invalid("token_name", "Donnez un nom au jeton : à quoi il sert."));
    }
    let (id, now, secret) = (TokenId(app.clock.id()), app.clock.now(), format!("retex_{}", hex::encode(app.clock.random::<32>())));
    let expires_at = new.expires_at.unwrap_or(now + TimeDelta::days(365));
    if expires_at <= now || expires_at > now + LONGEST {
        return Err(Error::invalid("token_expiry", "Un jeton dure un an au plus : choisissez une fin entre demain et dans un an."));
    }
    let scope = new.scope.map(|s| serde_json::to_string(&s)).transpose().map_err(Error::internal)?;
    let token = Token {
        id,
        account_id: account.id,
        name,
        sha256: sha256(&secret),
        created_at: now,
        expires_at: Some(expires_at),
        last_used_at: None,
        revoked_at: None,
        scope,
        service: new.service,
        created_by: by.map(|b| b.account),
    };
    let mut tx = app.store.begin().await?;
    tx.insert_token(&token).await?;
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    let detail = json!({"name": token.name, "service": token.service, "scope": token.scope, "expires_at": token.expires_at});
    note(app, &mut tx, actor, "token.create", account.organisation.clone(), format!("token/{id}"), detail).await?;
    tx.commit().await?;
    Ok((id, secret))
}

/// Revokes one of the account's tokens.
///
/// # Errors
/// [`Kind::NotFound`] for a token that is not the account's, or is revoked.
pub async fn revoke_token(app: &App, by: Option<&Actor>, account: AccountId, id: TokenId) -> Result<()> {
    let mut tx = app.store.begin().await?;
    if !tx.revoke_token(account, id, app.clock.now()).await? {
        return Err(Error::new(Kind::NotFound, "not_found", "Ce jeton n'existe pas ou est déjà révoqué."));
    }
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    note(app, &mut tx, actor, "token.revoke", by.and_then(|a| a.site.clone()), format!("token/{id}"), nothing()).await?;
    tx.commit().await
}
