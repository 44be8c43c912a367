//! Accounts: opened, changed, closed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Actor, find, nothing, one_line, password, record, throttle};
use crate::{
    app::App,
    convention::{perimeter::Role, scope::Verb},
    error::{Error, Kind, Result},
    ids::{AccountId, Siren},
    store::{Tx, accounts::Account},
    territory,
};

/// Refuses what nobody does to their own account, lest nobody is left to undo it.
pub(super) fn not_oneself(by: &Actor, id: AccountId) -> Result<()> {
    if by.account != id {
        return Ok(());
    }
    Err(Error::new(
        Kind::Conflict,
        "own_account",
        "Vous ne pouvez pas faire cela à votre propre compte. Demandez-le à un autre administrateur.",
    ))
}

/// Refuses whoever does not manage accounts of this role: administrators manage all, officers those of sites' people; `by` is none on the
/// command line.
pub(super) fn manages(by: Option<&Actor>, role: Role, site: Option<&Siren>) -> Result<()> {
    let Some(by) = by else { return Ok(()) };
    by.allows(Verb::Manage)?;
    if by.role == Role::Officer && matches!(role, Role::Contributor | Role::Signatory) && site.is_some() {
        return Ok(());
    }
    by.require(&[Role::Administrator])
}

/// Who somebody is to be.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Address.
    pub email: String,
    /// As pages show it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// SIREN of the site, for a contributor or a signatory of a site.
    pub site: Option<Siren>,
}

/// What opens an account with a password.
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

/// A new account without a password, not kept yet.
///
/// # Errors
/// A malformed address, no name, and what [`fits`] refuses.
pub(super) fn opened(app: &App, profile: Profile) -> Result<Account> {
    let email = profile.email.trim().to_lowercase();
    let shaped = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        && email.len() <= 254
        && !email.contains(|c: char| c.is_whitespace() || c.is_control());
    if !shaped {
        let email: String = email.chars().filter(|c| !c.is_control()).take(254).collect();
        return Err(Error::invalid("email", format!("« {email} » n'est pas une adresse électronique, par exemple prenom.nom@commune.fr.")));
    }
    let name = one_line(&profile.name);
    if name.is_empty() {
        return Err(Error::invalid("name", "Indiquez le prénom et le nom de la personne."));
    }
    fits(profile.role, profile.site.as_ref())?;
    Ok(Account {
        id: AccountId(app.clock.id()),
        email,
        name,
        role: profile.role.to_string(),
        organisation: profile.site,
        password_hash: None,
        created_at: app.clock.now(),
        disabled_at: None,
    })
}

/// Whether a role goes with a site.
///
/// # Errors
/// `site_required`, `site_not_expected`, `unknown_site`.
fn fits(role: Role, site: Option<&Siren>) -> Result<()> {
    if role == Role::Contributor && site.is_none() {
        return Err(Error::invalid("site_required", "Indiquez la collectivité pour laquelle cette personne dépose."));
    }
    if site.is_some() && !matches!(role, Role::Contributor | Role::Signatory) {
        return Err(Error::invalid("site_not_expected", "Ce rôle est de la Métropole : n'indiquez pas de collectivité."));
    }
    if let Some(siren) = site.filter(|s| territory::by_siren(s).is_none()) {
        return Err(Error::invalid("unknown_site", format!("Aucune collectivité de la Métropole n'a le SIREN {siren}.")));
    }
    Ok(())
}

/// Keeps a new account.
///
/// # Errors
/// `email_taken`.
pub(super) async fn insert(tx: &mut Tx, account: &Account) -> Result<()> {
    tx.insert_account(account).await.map_err(|e| match e.code {
        "already_exists" => Error::new(Kind::Conflict, "email_taken", format!("Un compte existe déjà pour {}.", account.email)),
        _ => e,
    })
}

/// Opens an account with a password; `by` is none on the command line.
///
/// # Errors
/// What [`opened`], [`password::hash`] and [`insert`] refuse.
pub async fn create_account(app: &App, by: Option<&Actor>, new: NewAccount) -> Result<AccountId> {
    manages(by, new.role, new.site.as_ref())?;
    let mut account = opened(app, Profile { email: new.email, name: new.name, role: new.role, site: new.site })?;
    account.password_hash = Some(password::hash(&app.clock, &new.password).await?);
    let mut tx = app.store.begin().await?;
    insert(&mut tx, &account).await?;
    record(app, &mut tx, by, "account.create", (account.id, account.organisation), json!({"role": account.role})).await?;
    tx.commit().await?;
    Ok(account.id)
}

/// An account in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The account.
    pub account: Account,
    /// Until when its invitation is good, if one waits.
    pub invited_until: Option<DateTime<Utc>>,
    /// Whether it has a second factor.
    pub second_factor: bool,
}

impl Listed {
    /// Whether the person has not chosen a password yet.
    pub fn is_invited(&self) -> bool {
        self.account.password_hash.is_none()
    }
}

/// The accounts that the person manages: an administrator all, an officer those of sites' people.
///
/// # Errors
/// [`Kind::Forbidden`].
pub async fn list(app: &App, by: &Actor) -> Result<Vec<Listed>> {
    by.require(&[Role::Administrator, Role::Officer])?;
    by.allows(Verb::Manage)?;
    let invited: BTreeMap<_, _> = app.store.waiting_invitations(app.clock.now()).await?.into_iter().collect();
    let factors: BTreeSet<_> = app.store.accounts_with_factor().await?.into_iter().collect();
    let all = app.store.accounts().await?.into_iter();
    let seen = all.filter(|a| a.role.parse().is_ok_and(|role| manages(Some(by), role, a.organisation.as_ref()).is_ok()));
    Ok(seen
        .map(|account| Listed { invited_until: invited.get(&account.id).copied(), second_factor: factors.contains(&account.id), account })
        .collect())
}

/// One of them.
///
/// # Errors
/// [`Kind::NotFound`] for one that the person does not manage, as for one that is not there.
pub async fn managed(app: &App, by: &Actor, id: AccountId) -> Result<Listed> {
    let absent = || Error::new(Kind::NotFound, "not_found", "Ce compte n'existe pas.");
    list(app, by).await?.into_iter().find(|l| l.account.id == id).ok_or_else(absent)
}

/// Disables an account (its sessions, tokens and links stop at once) or enables it again.
///
/// # Errors
/// [`Kind::Forbidden`] but for administrators; `own_account`.
pub async fn set_disabled(app: &App, by: Option<&Actor>, id: AccountId, disabled: bool) -> Result<()> {
    let account = find(app, id).await?;
    changes(by, id)?;
    let mut tx = app.store.begin().await?;
    tx.set_disabled(id, disabled.then_some(app.clock.now())).await?;
    if disabled {
        tx.delete_sessions_of(id).await?;
        // An account that is opened again later gets tokens of its own then: those of before stay closed.
        tx.revoke_tokens_of(id, false, app.clock.now()).await?;
        tx.void_passes(id, &["invitation", "password_reset", "sign_in"]).await?;
    }
    let act = if disabled { "account.disable" } else { "account.enable" };
    record(app, &mut tx, by, act, (id, account.organisation), nothing()).await?;
    tx.commit().await
}

/// Gives an account another role, another site, or both. Its sessions end; its own tokens have the new rights at once, and those of programs,
/// which were given for what the account was, are void.
///
/// # Errors
/// What [`fits`] refuses; [`Kind::Forbidden`] but for administrators; `own_account`.
pub async fn set_role(app: &App, by: Option<&Actor>, id: AccountId, role: Role, site: Option<Siren>) -> Result<()> {
    let account = find(app, id).await?;
    changes(by, id)?;
    fits(role, site.as_ref())?;
    let mut tx = app.store.begin().await?;
    tx.set_role(id, role.name(), site.as_ref()).await?;
    tx.delete_sessions_of(id).await?;
    tx.revoke_tokens_of(id, true, app.clock.now()).await?;
    let detail = json!({"from": {"role": account.role, "site": account.organisation}, "to": {"role": role.name(), "site": site}});
    record(app, &mut tx, by, "account.role", (id, account.organisation), detail).await?;
    tx.commit().await
}

fn changes(by: Option<&Actor>, id: AccountId) -> Result<()> {
    let Some(by) = by else { return Ok(()) };
    by.require(&[Role::Administrator])?;
    by.allows(Verb::Manage)?;
    not_oneself(by, id)
}

/// Changes one's own password; the sessions end but the one that asks.
///
/// # Errors
/// `password_wrong` for the present one, [`Kind::TooMany`], what [`password::check`] refuses.
pub async fn change_password(app: &App, actor: &Actor, present: &str, chosen: &str) -> Result<()> {
    actor.in_person()?;
    let session = actor.session.as_deref().unwrap_or_default();
    throttle(app, &format!("password/{}/{session}", actor.account), 10).await?;
    let account = find(app, actor.account).await?;
    if !password::verify(account.password_hash.as_deref(), present).await? {
        return Err(Error::invalid("password_wrong", "Le mot de passe actuel n'est pas le bon."));
    }
    password::check(chosen, &about(&account))?;
    let hash = password::hash(&app.clock, chosen).await?;
    let mut tx = app.store.begin().await?;
    tx.set_password(account.id, Some(&hash)).await?;
    tx.delete_other_sessions(account.id, session).await?;
    record(app, &mut tx, Some(actor), "account.password", (account.id, account.organisation), nothing()).await?;
    tx.commit().await
}

/// What everybody knows of a person.
pub(super) fn about(account: &Account) -> Vec<&str> {
    let local = account.email.split('@').next().unwrap_or_default();
    let words = account.name.split_whitespace().chain(local.split(['.', '-', '_']));
    words.chain([account.name.as_str(), local, account.email.as_str(), "retex"]).collect()
}

/// Changes a password and ends the account's sessions.
pub async fn set_password(app: &App, by: Option<&Actor>, id: AccountId, password: &str) -> Result<()> {
    let account = find(app, id).await?;
    changes(by, id)?;
    password::check(password, &about(&account))?;
    let hash = password::hash(&app.clock, password).await?;
    let mut tx = app.store.begin().await?;
    tx.set_password(id, Some(&hash)).await?;
    tx.delete_sessions_of(id).await?;
    record(app, &mut tx, by, "account.password", (id, account.organisation), nothing()).await?;
    tx.commit().await
}
