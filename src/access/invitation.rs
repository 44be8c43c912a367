//! Letters with a link where the person chooses their password: an invitation, a forgotten password. A link is good once and not for
//! long; only its hash is kept.

use chrono::TimeDelta;
use serde_json::json;

use super::{
    Actor, account,
    account::{Profile, about, manages},
    find, note, nothing, password, record, sha256, throttle, window_start,
};
use crate::{
    app::App,
    audit,
    error::{Error, Kind, Result},
    ids::AccountId,
    mail::{self, Letter},
    store::{Tx, access::Pass, accounts::Account},
};

/// How long an invitation is good.
pub const INVITATION: TimeDelta = TimeDelta::hours(72);
/// How long the link to a new password is good.
pub const RESET: TimeDelta = TimeDelta::hours(1);
/// Requests of one address for one account per window, and letters to one account per window.
const PER_PAIR: i64 = 3;
/// Requests of one address per window.
const PER_ADDRESS: i64 = 30;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The first password.
    Invitation,
    /// Another one.
    Reset,
}

impl Link {
    const ALL: [&'static str; 2] = ["invitation", "password_reset"];

    fn purpose(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "password_reset",
        }
    }

    fn life(self) -> TimeDelta {
        match self {
            Self::Invitation => INVITATION,
            Self::Reset => RESET,
        }
    }
}

/// Opens an account without a password and writes to its owner where to choose one. An officer invites the people of sites, an
/// administrator everybody; `by` is none on the command line.
///
/// # Errors
/// What [`account::create_account`] refuses; [`Kind::Forbidden`].
pub async fn invite(app: &App, by: Option<&Actor>, profile: Profile) -> Result<AccountId> {
    manages(by, profile.role, profile.site.as_ref())?;
    let account = account::opened(app, profile)?;
    let mut tx = app.store.begin().await?;
    account::insert(&mut tx, &account).await?;
    record(app, &mut tx, by, "account.invite", (account.id, account.organisation.clone()), json!({"role": account.role})).await?;
    send(app, &mut tx, &account, Link::Invitation).await?;
    tx.commit().await?;
    Ok(account.id)
}

/// Writes again to somebody who has not chosen a password yet; the link sent before is void.
///
/// # Errors
/// `already_entered` for whoever has a password, `account_disabled`.
pub async fn invite_again(app: &App, by: Option<&Actor>, id: AccountId) -> Result<()> {
    let account = find(app, id).await?;
    manages(by, account.role.parse()?, account.organisation.as_ref())?;
    if account.password_hash.is_some() {
        let message =
            "Cette personne a déjà choisi son mot de passe. Si elle l'a oublié, elle en demande un autre sur la page de connexion.";
        return Err(Error::new(Kind::Conflict, "already_entered", message));
    }
    if account.disabled_at.is_some() {
        return Err(Error::new(Kind::Conflict, "account_disabled", "Ce compte est fermé. Rouvrez-le avant d'inviter la personne."));
    }
    let mut tx = app.store.begin().await?;
    record(app, &mut tx, by, "account.invite", (id, account.organisation.clone()), json!({"again": true})).await?;
    send(app, &mut tx, &account, Link::Invitation).await?;
    tx.commit().await
}

/// Writes to the owner of an address where to choose another password, if there is such an account. What the caller is told must not
/// depend on it: the page answers before this runs.
///
/// # Errors
/// [`Kind::TooMany`] for an address (of the network) that asks too often.
pub async fn forgot(app: &App, email: &str, address: &str) -> Result<()> {
    let email = email.trim().to_lowercase();
    throttle(app, &format!("forgot/{address}"), PER_ADDRESS).await?;
    throttle(app, &format!("forgot/{}/{address}", sha256(&email)), PER_PAIR).await?;
    let found = if email.contains('\0') { None } else { app.store.account_by_email(&email).await? };
    let Some(account) = found.filter(|a| a.disabled_at.is_none()) else { return Ok(()) };
    // A mailbox is not flooded from many addresses; its owner has the links of the letters before.
    let letters = app.store.count_attempt(&format!("forgot/{}", account.id), window_start(app.clock.now())).await?;
    if letters > PER_PAIR {
        return Ok(());
    }
    let mut tx = app.store.begin().await?;
    let actor = audit::Actor::System;
    note(app, &mut tx, actor, "account.forgot", account.organisation.clone(), format!("account/{}", account.id), nothing()).await?;
    send(app, &mut tx, &account, Link::Reset).await?;
    tx.commit().await
}

/// Queues the letter with a new link. An invitation takes the place of the one before; a reset stands beside, for whoever asked first may
/// not be the one who asks again.
async fn send(app: &App, tx: &mut Tx, account: &Account, link: Link) -> Result<()> {
    let (secret, now) = (hex::encode(app.clock.random::<32>()), app.clock.now());
    if link == Link::Invitation {
        tx.void_passes(account.id, &[link.purpose()]).await?;
    }
    let expires_at = now + link.life();
    tx.insert_pass(&Pass {
        sha256: sha256(&secret),
        purpose: link.purpose().to_owned(),
        account_id: Some(account.id),
        detail: String::new(),
        tries: 0,
        created_at: now,
        expires_at,
    })
    .await?;
    let letter = match link {
        Link::Invitation => Letter::Invitation { path: format!("/invitation/{secret}"), expires_at },
        Link::Reset => Letter::PasswordReset { path: format!("/mot-de-passe/{secret}"), expires_at },
    };
    mail::queue(app, tx, account, &letter, None).await
}

/// Whose link it is, if it is good.
///
/// # Errors
/// `link_expired` for one that never was, was used, or is too old, said alike.
pub async fn whose(app: &App, link: Link, secret: &str) -> Result<Account> {
    let pass = app.store.pass(&sha256(secret), link.purpose(), app.clock.now()).await?.ok_or_else(|| expired(link))?;
    let account = app.store.account(pass.account_id.ok_or_else(|| expired(link))?).await?;
    account.filter(|a| a.disabled_at.is_none()).ok_or_else(|| expired(link))
}

fn expired(link: Link) -> Error {
    let message = match link {
        Link::Invitation => {
            "Ce lien d'invitation a expiré ou a déjà servi. Demandez à votre chargé de mission de vous en envoyer un autre."
        }
        Link::Reset => "Ce lien a expiré ou a déjà servi. Demandez-en un autre depuis la page de connexion.",
    };
    Error::new(Kind::NotFound, "link_expired", message)
}

/// Sets the password that the person chose. Their sessions end and their other links are void; the second factor stays.
///
/// # Errors
/// `link_expired`; what [`password::check`] refuses, and the link stays good.
pub async fn choose(app: &App, link: Link, secret: &str, chosen: &str) -> Result<()> {
    let mut account = whose(app, link, secret).await?;
    password::check(chosen, &about(&account))?;
    account.password_hash = Some(password::hash(&app.clock, chosen).await?);
    let mut tx = app.store.begin().await?;
    tx.take_pass(&sha256(secret), link.purpose(), app.clock.now()).await?.ok_or_else(|| expired(link))?;
    tx.set_password(account.id, account.password_hash.as_deref()).await?;
    tx.void_passes(account.id, &Link::ALL).await?;
    tx.delete_sessions_of(account.id).await?;
    let by = Actor::new(account.clone())?;
    record(app, &mut tx, Some(&by), "account.password", (account.id, account.organisation), json!({"link": link.purpose()})).await?;
    tx.commit().await
}
