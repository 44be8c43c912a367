//! Whose account an identity provider vouches for.
//!
//! A person is known by the provider's subject; the first time, by their address and their employer, who must both be those of an account
//! that is there already: the provider opens no account and gives no right.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{
    Actor, factor, nothing, record,
    session::{self, Opening, Origin, SignIn},
    sha256, throttle,
};
use crate::{
    app::App,
    error::{Error, Kind, Result},
    ids::Siren,
    openid::{Identity, Kept, Provider},
    store::{access::Pass, accounts::Account},
    territory,
};

/// How long the person may stay at the provider.
const LIFE: TimeDelta = TimeDelta::minutes(10);
/// Sign-ins begun from one address per window.
const PER_ADDRESS: i64 = 60;
const PURPOSE: &str = "openid";
/// The Métropole du Grand Paris, whose people have no site.
const METROPOLE: &str = "200054781";

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// Value of the cookie that binds the answer to this browser.
    pub cookie: String,
}

#[derive(Serialize, Deserialize)]
struct Detail {
    kept: Kept,
    next: String,
}

fn provider(app: &App) -> Result<&Provider> {
    app.openid.as_deref().ok_or_else(|| Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou ne vous est pas ouverte."))
}

/// Begins a sign-in at the provider, to go on to `next`.
pub async fn begin(app: &App, origin: &Origin, next: &str) -> Result<Begun> {
    let provider = provider(app)?;
    throttle(app, &format!("openid/{}", origin.address), PER_ADDRESS).await?;
    let random = || hex::encode(app.clock.random::<32>());
    let (started, cookie, now) = (provider.start(random).await?, random(), app.clock.now());
    let next: String = next.chars().take(1000).collect();
    let mut tx = app.store.begin().await?;
    tx.insert_pass(&Pass {
        sha256: bound(&started.state, &cookie),
        purpose: PURPOSE.to_owned(),
        account_id: None,
        detail: serde_json::to_string(&Detail { kept: started.kept, next }).map_err(Error::internal)?,
        tries: 0,
        created_at: now,
        expires_at: now + LIFE,
    })
    .await?;
    tx.commit().await?;
    Ok(Begun { url: started.url, cookie })
}

/// Only the browser that began has both.
fn bound(state: &str, cookie: &str) -> String {
    sha256(&format!("{state}/{cookie}"))
}

/// Ends a sign-in with what the provider sent back; gives where to go on to.
///
/// # Errors
/// `openid_state` for an answer that this browser did not ask for, or that came before; what [`Provider::finish`] and [`account`] refuse.
/// The cause goes to the log here.
pub async fn finish(app: &App, state: &str, cookie: &str, code: Option<&str>, origin: Origin) -> Result<(SignIn, String)> {
    let finished = complete(app, state, cookie, code, origin).await;
    if let Err(error) = &finished {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        tracing::warn!(code = error.code, cause, "a sign-in through the identity provider was refused");
    }
    finished
}

async fn complete(app: &App, state: &str, cookie: &str, code: Option<&str>, origin: Origin) -> Result<(SignIn, String)> {
    let provider = provider(app)?;
    let unknown = || Error::new(Kind::Unauthenticated, "openid_state", "Cette identification a expiré ou a déjà servi. Recommencez.");
    let mut tx = app.store.begin().await?;
    let pass = tx.take_pass(&bound(state, cookie), PURPOSE, app.clock.now()).await?.ok_or_else(unknown)?;
    tx.commit().await?;
    let Detail { kept, next } = serde_json::from_str(&pass.detail).map_err(Error::internal)?;
    let given_up =
        || Error::new(Kind::Unauthenticated, "openid_given_up", "L'identification n'a pas abouti. Recommencez quand vous voulez.");
    let identity = provider.finish(code.ok_or_else(given_up)?, kept, app.clock.shared()).await?;
    let account = account(app, &identity).await?;
    let vouched = identity.second_factor.then_some(factor::PROVIDER);
    if vouched.is_none() && factor::counts(app, account.id).await? {
        return Ok((session::ask_code(app, account.id, Some(identity.id_token)).await?, next));
    }
    let opening = Opening { second_factor: vouched, id_token: Some(identity.id_token) };
    Ok((SignIn::Opened(Box::new(session::open(app, account, origin, opening).await?)), next))
}

/// The account of an identity.
///
/// # Errors
/// `openid_organisation` for an employer that is not of the Métropole, or not the account's; `openid_disabled`; `openid_email` for an address
/// that the provider does not vouch for; `openid_unknown` where there is no such account; `openid_other` where the account is already
/// somebody else's at this provider. Each says what to do.
async fn account(app: &App, identity: &Identity) -> Result<Account> {
    let refuse = |code, message: &str| Err(Error::new(Kind::Forbidden, code, message));
    let siren: Option<Siren> = identity.siret.as_deref().filter(|s| s.len() == 14).and_then(|s| s.get(..9)?.parse().ok());
    let Some(siren) = siren.filter(|s| territory::by_siren(s).is_some()) else {
        return refuse(
            "openid_organisation",
            "Votre employeur n'est pas une collectivité de la Métropole. Choisissez votre collectivité chez votre fournisseur d'identité, ou écrivez à votre chargé de mission.",
        );
    };
    let known = app.store.account_by_identity(&identity.issuer, &identity.subject).await?;
    let first_time = known.is_none();
    let account = match known {
        Some(account) => account,
        None if identity.email_verified == Some(false) => {
            return refuse(
                "openid_email",
                "Votre fournisseur d'identité n'a pas vérifié votre adresse électronique. Vérifiez-la chez lui, puis recommencez.",
            );
        }
        None => match by_email(app, identity).await? {
            Some(account) => account,
            None => {
                return refuse(
                    "openid_unknown",
                    "Aucun compte n'a votre adresse électronique. Demandez à votre chargé de mission à la Métropole de vous inviter à cette adresse.",
                );
            }
        },
    };
    if account.disabled_at.is_some() {
        return refuse("openid_disabled", "Votre compte est fermé. Écrivez à votre chargé de mission à la Métropole.");
    }
    let employer = account.organisation.as_ref().map_or(METROPOLE, Siren::as_str);
    if employer != siren.as_str() {
        return refuse(
            "openid_organisation",
            "Votre compte est celui d'une autre collectivité que votre employeur. Écrivez à votre chargé de mission à la Métropole.",
        );
    }
    if first_time {
        if app.store.has_identity(&identity.issuer, account.id).await? {
            return refuse(
                "openid_other",
                "Ce compte est déjà celui d'une autre personne chez votre fournisseur d'identité. Écrivez à un administrateur.",
            );
        }
        let mut tx = app.store.begin().await?;
        tx.insert_identity(&identity.issuer, &identity.subject, account.id, app.clock.now()).await?;
        tx.void_passes(account.id, &["invitation"]).await?;
        let by = Actor::new(account.clone())?;
        record(app, &mut tx, Some(&by), "identity.link", (account.id, account.organisation.clone()), nothing()).await?;
        tx.commit().await?;
    }
    Ok(account)
}

async fn by_email(app: &App, identity: &Identity) -> Result<Option<Account>> {
    match identity.email.as_deref().filter(|e| !e.contains('\0')) {
        Some(email) => app.store.account_by_email(email.trim()).await,
        None => Ok(None),
    }
}

/// Ends the session of this cookie; gives where the browser ends it at the provider too, if that opened it.
pub async fn sign_out(app: &App, cookie: &str) -> Result<Option<String>> {
    let found = app.store.session(&sha256(cookie), app.clock.now()).await?;
    session::sign_out(app, cookie).await?;
    match (found.and_then(|(session, _)| session.id_token), &app.openid) {
        (Some(id_token), Some(provider)) => Ok(provider.end(&id_token, &hex::encode(app.clock.random::<32>())).await),
        _ => Ok(None),
    }
}
