//! Accounts: opened, changed, closed.

use serde_json::json;

use super::{Actor, find, nothing, one_line, password, record};
use crate::{
    app::App,
    convention::perimeter::Role,
    error::{Error, Kind, Result},
    ids::{AccountId, Siren},
    store::accounts::Account,
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
    let id = AccountId(app.clock.id());
    let account = Account {
        id,
        email,
        name: one_line(&new.name),
        role: new.role.to_string(),
        organisation: new.site.clone(),
        password_hash,
        created_at: app.clock.now(),
        disabled_at: None,
    };
    let mut tx = app.store.begin().await?;
    tx.insert_account(&account).await.map_err(|e| match e.code {
        "already_exists" => Error::new(Kind::Conflict, "email_taken", format!("Un compte existe déjà pour {}.", account.email)),
        _ => e,
    })?;
    record(app, &mut tx, by, "account.create", (id, new.site), json!({"role": account.role})).await?;
    tx.commit().await?;
    Ok(id)
}

/// Disables an account (its sessions and tokens stop at once) or enables it again.
pub async fn set_disabled(app: &App, by: Option<&Actor>, id: AccountId, disabled: bool) -> Result<()> {
    let mut account = find(app, id).await?;
    account.disabled_at = disabled.then_some(app.clock.now());
    let mut tx = app.store.begin().await?;
    tx.update_account(&account).await?;
    if disabled {
        tx.delete_sessions_of(id).await?;
    }
    let act = if disabled { "account.disable" } else { "account.enable" };
    record(app, &mut tx, by, act, (id, account.organisation), nothing()).await?;
    tx.commit().await
}

/// Changes a password and ends the account's sessions.
pub async fn set_password(app: &App, by: Option<&Actor>, id: AccountId, password: &str) -> Result<()> {
    let mut account = find(app, id).await?;
    account.password_hash = Some(password::hash(&app.clock, password).await?);
    let mut tx = app.store.begin().await?;
    tx.update_account(&account).await?;
    tx.delete_sessions_of(id).await?;
    record(app, &mut tx, by, "account.password", (id, account.organisation), nothing()).await?;
    tx.commit().await
}
