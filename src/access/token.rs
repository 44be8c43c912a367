//! Tokens: what a program presents.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Actor, note, nothing, one_line, sha256};
use crate::{
    app::App,
    audit,
    convention::{
        perimeter::Role,
        scope::{Scope, Verb},
    },
    error::{Error, Kind, Result},
    ids::{AccountId, Siren, TokenId},
    store::accounts::{Account, Token},
    territory,
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

/// Makes a token for an account; its secret is given once and kept nowhere. A person makes those that speak for them; an administrator
/// makes those of services, for accounts that deposit or analyse; `by` is none on the command line.
///
/// # Errors
/// [`Kind::Forbidden`] for a token of somebody else, `token_role` for a service of another role, what [`within`] refuses, no name, an end
/// that is past or over a year away.
pub async fn create_token(app: &App, by: Option<&Actor>, account: &Account, new: NewToken) -> Result<(TokenId, String)> {
    let role: Role = account.role.parse()?;
    if let Some(by) = by {
        if new.service {
            by.require(&[Role::Administrator])?;
            by.allows(Verb::Manage)?;
        } else {
            by.in_person()?;
            if by.account != account.id {
                return Err(Error::new(Kind::Forbidden, "role", "Chacun crée les jetons qui parlent en son nom."));
            }
        }
    }
    if new.service && !matches!(role, Role::Contributor | Role::Analyst) {
        let message = "Un jeton de service appartient à un compte de déposant ou d'analyste. Créez-en un pour la machine.";
        return Err(Error::invalid("token_role", message));
    }
    let name = one_line(&new.name);
    if name.is_empty() {
        return Err(Error::invalid("token_name", "Donnez un nom au jeton : à quoi il sert."));
    }
    let (id, now, secret) = (TokenId(app.clock.id()), app.clock.now(), format!("retex_{}", hex::encode(app.clock.random::<32>())));
    let expires_at = new.expires_at.unwrap_or(now + TimeDelta::days(365));
    if expires_at <= now || expires_at > now + LONGEST {
        return Err(Error::invalid("token_expiry", "Un jeton dure un an au plus : choisissez une fin entre demain et dans un an."));
    }
    if let Some(scope) = &new.scope {
        within(scope, role, account.organisation.as_ref())?;
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

/// The verbs that a role has.
pub fn verbs(role: Role) -> &'static [Verb] {
    match role {
        Role::Contributor => &[Verb::Read, Verb::Deposit, Verb::Write],
        Role::Signatory | Role::Analyst | Role::DataProtectionOfficer => &[Verb::Read, Verb::Write],
        Role::Officer => &[Verb::Read, Verb::Write, Verb::Manage],
        Role::Administrator => &[Verb::Read, Verb::Manage],
    }
}

/// Whether a scope is less than what the account may do.
///
/// # Errors
/// `token_verbs` for none, or one that the role lacks; `token_sites` for a site that is not the account's or not of the Métropole;
/// `token_datasets` for too many, or for what is no name.
fn within(scope: &Scope, role: Role, site: Option<&Siren>) -> Result<()> {
    if scope.verbs.is_empty() || scope.verbs.iter().any(|v| !verbs(role).contains(v)) {
        let have = verbs(role).iter().map(|v| v.in_french()).collect::<Vec<_>>().join(", ");
        let role = role.in_french();
        return Err(Error::invalid(
            "token_verbs",
            format!("Choisissez ce que le jeton permet\u{a0}; un compte de {role} peut\u{a0}: {have}."),
        ));
    }
    if scope.sites.iter().any(|s| site.is_some_and(|own| own != s) || territory::by_siren(s).is_none()) {
        return Err(Error::invalid("token_sites", "Un jeton vise des collectivités de la Métropole auxquelles son compte a accès."));
    }
    let named = |name: &String| !name.is_empty() && name.len() <= 100 && !name.contains(char::is_control);
    if scope.datasets.len() > 100 || scope.sites.len() > 200 || !scope.datasets.iter().all(named) {
        return Err(Error::invalid("token_datasets", "Écrivez le nom des jeux de données tel qu'il est dans la convention."));
    }
    Ok(())
}

/// A token in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The token.
    pub token: Token,
    /// Whose.
    pub account: Account,
    /// What it is limited to.
    pub scope: Option<Scope>,
    /// Whether it is good.
    pub live: bool,
}

/// The person's own tokens, or everybody's for an administrator.
pub async fn list(app: &App, by: &Actor, everybody: bool) -> Result<Vec<Listed>> {
    let accounts = if everybody {
        by.require(&[Role::Administrator])?;
        by.allows(Verb::Manage)?;
        app.store.accounts().await?
    } else {
        vec![super::find(app, by.account).await?]
    };
    let (now, mut all) = (app.clock.now(), Vec::new());
    for account in accounts {
        for token in app.store.tokens(account.id).await? {
            let live = token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now);
            let scope = token.scope.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?;
            all.push(Listed { token, account: account.clone(), scope, live });
        }
    }
    Ok(all)
}

/// Revokes a token: one's own, or anybody's for an administrator.
///
/// # Errors
/// [`Kind::NotFound`] for a token that is neither, or is revoked.
pub async fn revoke(app: &App, by: &Actor, id: TokenId) -> Result<()> {
    let absent = || Error::new(Kind::NotFound, "not_found", "Ce jeton n'existe pas ou est déjà révoqué.");
    let owner = app.store.token_owner(id).await?.ok_or_else(absent)?;
    let manages = by.role == Role::Administrator && by.allows(Verb::Manage).is_ok();
    // A program may give its own token back.
    if !manages && (by.account != owner || by.token.is_some_and(|own| own != id)) {
        return Err(absent());
    }
    revoke_token(app, Some(by), owner, id).await
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
