//! What the parties of a convention are told by e-mail.

use chrono::NaiveDate;

use crate::{
    app::App,
    convention::{
        agreement::{AgreedVersion, Agreement},
        perimeter::Role,
    },
    error::Result,
    ids::Siren,
    mail::{self, Letter},
    store::{Tx, accounts::Account},
};

fn path(name: &str) -> String {
    format!("/experimentations/{name}/convention")
}

/// The open accounts of the Métropole's people and of `sites`, with one of these roles.
async fn people(app: &App, roles: &[Role], sites: &[Siren]) -> Result<Vec<Account>> {
    let mut accounts = app.store.accounts().await?;
    accounts.retain(|a| {
        let has_role = a.role.parse::<Role>().is_ok_and(|role| roles.contains(&role));
        a.disabled_at.is_none() && has_role && a.organisation.as_ref().is_none_or(|o| sites.contains(o))
    });
    Ok(accounts)
}

/// Asks every signatory of the parties to sign.
pub(super) async fn to_sign(app: &App, tx: &mut Tx, version: &AgreedVersion) -> Result<()> {
    let head = &version.head;
    let sites: Vec<Siren> = version.sites().cloned().collect();
    let letter = Letter::SignatureRequested { convention: head.title.clone(), version: head.version, path: path(&head.name) };
    for account in people(app, &[Role::Signatory], &sites).await? {
        mail::queue(app, tx, &account, &letter, Some(format!("signature/{}", head.id))).await?;
    }
    Ok(())
}

/// Tells these sites and the Métropole's officers that a version is in force; once per version.
pub(super) async fn in_force(app: &App, tx: &mut Tx, version: &AgreedVersion, sites: &[Siren]) -> Result<()> {
    let head = &version.head;
    let letter = Letter::InForce { convention: head.title.clone(), version: head.version, from: head.starts_on, path: path(&head.name) };
    for account in people(app, &[Role::Contributor, Role::Signatory, Role::Officer], sites).await? {
        mail::queue(app, tx, &account, &letter, Some(format!("in_force/{}", head.id))).await?;
    }
    Ok(())
}

/// Tells every party that the convention ends on this day, and why if it is early; once per day told.
pub(super) async fn ending(app: &App, tx: &mut Tx, agreement: &Agreement, on: NaiveDate, reason: Option<String>) -> Result<()> {
    let head = &agreement.reference(app.clock.today()).head;
    let letter = Letter::ConventionEnding { convention: head.title.clone(), on, reason, path: path(&head.name) };
    let roles = [Role::Contributor, Role::Signatory, Role::Analyst, Role::Officer];
    for account in people(app, &roles, &agreement.sites()).await? {
        mail::queue(app, tx, &account, &letter, Some(format!("ending/{}/{on}", agreement.name))).await?;
    }
    Ok(())
}
