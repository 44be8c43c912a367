//! Accounts, roles, sessions, tokens: who is asking.
//!
//! A browser holds a session cookie, a program a bearer token; both are random and only their SHA-256 is kept. Passwords are
//! [`password`]'s business. What the person may then do is [`crate::convention::perimeter`]'s.

pub mod password;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    audit::{self, Entry},
    convention::perimeter::{Person, Role},
    error::{Error, Kind, Result},
    ids::{AccountId, Siren, TokenId},
    store::accounts::{Account, Session, Token},
    territory,
};

/// How long a session lives without a request.
pub const SESSION: TimeDelta = TimeDelta::hours(12);
/// Length of the window in which failed sign-ins are counted.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// Failed sign-ins of one account from one address per window. The pair is counted, not the account alone: nobody can lock a
/// colleague out from elsewhere.
const PER_PAIR: i64 = 10;
/// Failed sign-ins from one address per window, whatever the accounts.
const PER_ADDRESS: i64 = 100;

/// Who is asking, after the session or the token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Whose account.
    pub account: AccountId,
    /// As pages show it.
    pub name: String,
    /// Address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// The site that they are bound to; none for the Métropole's people.
    pub site: Option<Siren>,
    /// What forms must send back; empty for a token.
    pub csrf: String,
    /// The token that speaks, if it is one.
    pub token: Option<TokenId>,
}

impl Actor {
    fn new(account: Account) -> Result<Self> {
        Ok(Self {
            account: account.id,
            name: account.name,
            email: account.email,
            role: account.role.parse()?,
            site: account.organisation,
            csrf: String::new(),
            token: None,
        })
    }

    /// As the perimeter asks for them.
    pub fn person(&self) -> Person {
        Person { role: self.role, site: self.site.clone() }
    }

    /// As the audit trail names them.
    pub fn in_audit(&self) -> audit::Actor {
        self.token.map_or(audit::Actor::Account(self.account), audit::Actor::Token)
    }

    /// Refuses whoever has none of these roles.
    ///
    /// # Errors
    /// [`Kind::Forbidden`].
    pub fn require(&self, roles: &[Role]) -> Result<()> {
        if roles.contains(&self.role) {
            return Ok(());
        }
        Err(Error::new(Kind::Forbidden, "role", "Votre compte ne permet pas cette action. Adressez-vous à la Métropole."))
    }
}

/// A new session: its cookie's value, and who it is.
#[derive(Debug)]
pub struct SignedIn {
    /// Value of the cookie.
    pub token: String,
    /// Who.
    pub actor: Actor,
}

fn sha256(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// Opens a session for an address and a password.
///
/// # Errors
/// `sign_in` for a wrong address or password, said alike; [`Kind::TooMany`] after too many failures.
pub async fn sign_in(app: &App, email: &str, password: &str, address: &str) -> Result<SignedIn> {
    let (email, now) = (email.trim().to_lowercase(), app.clock.now());
    let window = window_start(now);
    let (pair, from) = (format!("sign-in/{}/{address}", sha256(&email)), format!("sign-in/{address}"));
    // Counted before the password is verified: tries sent all at once are counted too.
    if app.store.attempts(&from, window).await? >= PER_ADDRESS || app.store.count_attempt(&pair, window).await? > PER_PAIR {
        return Err(Error::new(Kind::TooMany, "sign_in_attempts", "Trop d'essais. Attendez un quart d'heure avant de réessayer."));
    }
    // No account has such an address, and PostgreSQL does not take the question.
    let found = if email.contains('\0') { None } else { app.store.account_by_email(&email).await? };
    let account = found.filter(|a| a.disabled_at.is_none());
    let hash = account.as_ref().and_then(|a| a.password_hash.as_deref());
    let verified = password::verify(hash, password).await?;
    let Some(account) = account.filter(|_| verified) else {
        app.store.count_attempt(&from, window).await?;
        return Err(Error::new(Kind::Unauthenticated, "sign_in", "Adresse ou mot de passe inconnu. Vérifiez-les et réessayez."));
    };
    app.store.forget_attempts(&pair).await?;
    open_session(app, account).await
}

fn window_start(now: DateTime<Utc>) -> DateTime<Utc> {
    let step = WINDOW.num_seconds();
    Utc.timestamp_opt(now.timestamp() / step * step, 0).single().unwrap_or(now)
}

async fn open_session(app: &App, account: Account) -> Result<SignedIn> {
    let (now, token, csrf) = (app.clock.now(), hex::encode(app.clock.random::<32>()), hex::encode(app.clock.random::<32>()));
    let mut tx = app.store.begin().await?;
    let (token_sha256, account_id) = (sha256(&token), account.id);
    tx.insert_session(&Session {
        token_sha256,
        account_id,
        csrf: csrf.clone(),
        created_at: now,
        expires_at: now + SESSION,
        last_seen_at: now,
    })
    .await?;
    let actor = Actor { csrf, ..Actor::new(account)? };
    record(&mut tx, now, actor.in_audit(), actor.site.clone(), "session.open", format!("account/{account_id}"), json!(null)).await?;
    tx.commit().await?;
    Ok(SignedIn { token, actor })
}

/// Who holds this session cookie, if it is alive. A session in use lives on.
pub async fn session(app: &App, cookie: &str) -> Result<Option<Actor>> {
    let (token_sha256, now) = (sha256(cookie), app.clock.now());
    let Some((session, account)) = app.store.session(&token_sha256, now).await? else { return Ok(None) };
    // Once a minute is enough, and spares a write per request.
    if now - session.last_seen_at > TimeDelta::minutes(1) {
        app.store.touch_session(&token_sha256, now, now + SESSION).await?;
    }
    Ok(Some(Actor { csrf: session.csrf, ..Actor::new(account)? }))
}

/// Ends the session of this cookie.
pub async fn sign_out(app: &App, cookie: &str) -> Result<()> {
    let mut tx = app.store.begin().await?;
    tx.delete_session(&sha256(cookie)).await?;
    tx.commit().await
}

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
    Ok(Actor { token: Some(token.id), ..Actor::new(account)? })
}

/// What opens an account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Address.
    pub email: String,
    /// As pages show it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// SIREN of the site, for a contributor or a signatory of a site.
    pub site: Option<Siren>,
    /// First password.
    pub password: String,
}

/// Opens an account; `by` is none on the command line.
///
/// # Errors
/// A malformed address, an organisation that is not in the territory, a contributor without one, someone of the Métropole with one, a
/// short password, an address that is taken.
pub async fn create_account(app: &App, by: Option<&Actor>, new: NewAccount) -> Result<AccountId> {
    let email = new.email.trim().to_lowercase();
    let shaped = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        && email.len() <= 254
        && !email.contains(|c: char| c.is_whitespace() || c.is_control());
    if !shaped {
        let email: String = email.chars().filter(|c| !c.is_control()).take(254).collect();
        return Err(Error::invalid("email", format!("« {email} » n'est pas une adresse électronique, par exemple prenom.nom@commune.fr.")));
    }
    if new.role == Role::Contributor && new.site.is_none() {
        return Err(Error::invalid("site_required", "Indiquez la collectivité pour laquelle cette personne dépose."));
    }
    if new.site.is_some() && !matches!(new.role, Role::Contributor | Role::Signatory) {
        return Err(Error::invalid("site_not_expected", "Ce rôle est de la Métropole : n'indiquez pas de collectivité."));
    }
    if let Some(siren) = new.site.as_ref().filter(|s| territory::by_siren(s).is_none()) {
        return Err(Error::invalid("unknown_site", format!("Aucune collectivité de la Métropole n'a le SIREN {siren}.")));
    }
    let password_hash = Some(password::hash(&app.clock, &new.password).await?);
    let (id, now) = (AccountId(app.clock.id()), app.clock.now());
    let account = Account {
        id,
        email,
        name: one_line(&new.name),
        role: new.role.to_string(),
        organisation: new.site.clone(),
        password_hash,
        created_at: now,
        disabled_at: None,
    };
    let mut tx = app.store.begin().await?;
    tx.insert_account(&account).await.map_err(|e| match e.code {
        "already_exists" => Error::new(Kind::Conflict, "email_taken", format!("Un compte existe déjà pour {}.", account.email)),
        _ => e,
    })?;
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    record(&mut tx, now, actor, new.site, "account.create", format!("account/{id}"), json!({"role": account.role})).await?;
    tx.commit().await?;
    Ok(id)
}

/// Disables an account (its sessions and tokens stop at once) or enables it again.
pub async fn set_disabled(app: &App, by: Option<&Actor>, id: AccountId, disabled: bool) -> Result<()> {
    let mut account = app.store.account(id).await?.ok_or_else(|| Error::new(Kind::NotFound, "not_found", "Ce compte n'existe pas."))?;
    let now = app.clock.now();
    account.disabled_at = disabled.then_some(now);
    let mut tx = app.store.begin().await?;
    tx.update_account(&account).await?;
    if disabled {
        tx.delete_sessions_of(id).await?;
    }
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    let act = if disabled { "account.disable" } else { "account.enable" };
    record(&mut tx, now, actor, account.organisation, act, format!("account/{id}"), json!(null)).await?;
    tx.commit().await
}

/// Changes a password and ends the account's sessions.
pub async fn set_password(app: &App, by: Option<&Actor>, id: AccountId, password: &str) -> Result<()> {
    let mut account = app.store.account(id).await?.ok_or_else(|| Error::new(Kind::NotFound, "not_found", "Ce compte n'existe pas."))?;
    account.password_hash = Some(password::hash(&app.clock, password).await?);
    let mut tx = app.store.begin().await?;
    tx.update_account(&account).await?;
    tx.delete_sessions_of(id).await?;
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    record(&mut tx, app.clock.now(), actor, account.organisation, "account.password", format!("account/{id}"), json!(null)).await?;
    tx.commit().await
}

/// Makes a token for an account, good until `expires_at`; its secret is given once and kept nowhere.
pub async fn create_token(
    app: &App,
    by: Option<&Actor>,
    account: &Account,
    name: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(TokenId, String)> {
    let name = one_line(name);
    if name.is_empty() {
        return Err(Error::invalid("token_name", "Donnez un nom au jeton : à quoi il sert."));
    }
    let (id, now, secret) = (TokenId(app.clock.id()), app.clock.now(), format!("retex_{}", hex::encode(app.clock.random::<32>())));
    let token = Token {
        id,
        account_id: account.id,
        name,
        sha256: sha256(&secret),
        created_at: now,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    let mut tx = app.store.begin().await?;
    tx.insert_token(&token).await?;
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    record(&mut tx, now, actor, account.organisation.clone(), "token.create", format!("token/{id}"), json!({"name": token.name})).await?;
    tx.commit().await?;
    Ok((id, secret))
}

/// Revokes one of the account's tokens.
///
/// # Errors
/// [`Kind::NotFound`] for a token that is not the account's, or is revoked.
pub async fn revoke_token(app: &App, by: Option<&Actor>, account: AccountId, id: TokenId) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    if !tx.revoke_token(account, id, now).await? {
        return Err(Error::new(Kind::NotFound, "not_found", "Ce jeton n'existe pas ou est déjà révoqué."));
    }
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    record(&mut tx, now, actor, by.and_then(|a| a.site.clone()), "token.revoke", format!("token/{id}"), json!(null)).await?;
    tx.commit().await
}

/// A name on one line, without what databases or pages do not take, 200 characters at most.
fn one_line(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

async fn record(
    tx: &mut crate::store::Tx,
    at: DateTime<Utc>,
    actor: audit::Actor,
    organisation: Option<Siren>,
    act: &'static str,
    object: String,
    detail: serde_json::Value,
) -> Result<()> {
    audit::append(tx, &Entry { at, actor, organisation, act, object, outcome: "ok", detail }).await
}
