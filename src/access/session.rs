//! Signing in, in one step or two, and the session that it opens.

use chrono::TimeDelta;

use super::{Actor, factor, nothing, password, record, sha256, throttle, too_many, window_start};
use crate::{
    app::App,
    convention::{perimeter::Role, scope::Verb},
    error::{Error, Kind, Result},
    ids::AccountId,
    store::{
        access::Pass,
        accounts::{Account, Session},
    },
};

/// How long a session lives without a request.
pub const SESSION: TimeDelta = TimeDelta::hours(12);
/// How long the second step may take.
const SECOND_STEP: TimeDelta = TimeDelta::minutes(10);
/// Failed sign-ins of one account from one address per window. The pair is counted, not the account alone: nobody can lock a
/// colleague out from elsewhere.
const PER_PAIR: i64 = 10;
/// Failed sign-ins from one address per window, whatever the accounts.
const PER_ADDRESS: i64 = 100;
/// Second steps of one account per window, from wherever: only who holds the password gets there, and six digits must not be guessed.
const PER_ACCOUNT: i64 = 50;
/// Wrong codes after which the password is asked again.
const PER_PASS: i64 = 5;
/// The purpose of the pass between the two steps.
const PURPOSE: &str = "sign_in";

/// Where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Address.
    pub address: String,
    /// What the browser says it is, in a few words.
    pub device: Option<String>,
}

impl From<&str> for Origin {
    fn from(address: &str) -> Self {
        Self { address: address.to_owned(), device: None }
    }
}

/// What a right password opens.
#[derive(Debug)]
pub enum SignIn {
    /// A session.
    Opened(Box<SignedIn>),
    /// The second step, for who presents this pass and a code.
    SecondStep {
        /// For [`second_step`].
        pass: String,
    },
}

impl SignIn {
    /// The session, unless a second step is left.
    pub fn opened(self) -> Option<SignedIn> {
        match self {
            Self::Opened(signed) => Some(*signed),
            Self::SecondStep { .. } => None,
        }
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

/// Checks an address and a password; opens a session, or the second step where the account has a second factor.
///
/// # Errors
/// `sign_in` for a wrong address or password, said alike; [`Kind::TooMany`] after too many failures.
pub async fn sign_in(app: &App, email: &str, password: &str, origin: impl Into<Origin>) -> Result<SignIn> {
    let (email, now, origin) = (email.trim().to_lowercase(), app.clock.now(), origin.into());
    let window = window_start(now);
    let (pair, from) = (format!("sign-in/{}/{}", sha256(&email), origin.address), format!("sign-in/{}", origin.address));
    if app.store.attempts(&from, window).await? >= PER_ADDRESS {
        return Err(too_many());
    }
    throttle(app, &pair, PER_PAIR).await?;
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
    if !factor::counts(app, account.id).await? {
        return Ok(SignIn::Opened(Box::new(open(app, account, origin, Opening::default()).await?)));
    }
    ask_code(app, account.id, None).await
}

/// Leaves the second step to do.
pub(super) async fn ask_code(app: &App, account: AccountId, id_token: Option<String>) -> Result<SignIn> {
    let (pass, now) = (hex::encode(app.clock.random::<32>()), app.clock.now());
    let mut tx = app.store.begin().await?;
    tx.insert_pass(&Pass {
        sha256: sha256(&pass),
        purpose: PURPOSE.to_owned(),
        account_id: Some(account),
        detail: id_token.unwrap_or_default(),
        tries: 0,
        created_at: now,
        expires_at: now + SECOND_STEP,
    })
    .await?;
    tx.commit().await?;
    Ok(SignIn::SecondStep { pass })
}

/// Opens a session for the pass of a right password and a code of the second factor.
///
/// # Errors
/// `sign_in_expired` for a pass that is not or no longer good, `second_factor_code` for a wrong code, [`Kind::TooMany`].
pub async fn second_step(app: &App, pass: &str, code: &str, origin: impl Into<Origin>) -> Result<SignedIn> {
    let (pass, origin) = (sha256(pass), origin.into());
    let expired = || Error::new(Kind::Unauthenticated, "sign_in_expired", "Cette connexion a expiré. Recommencez par votre mot de passe.");
    let found = app.store.pass(&pass, PURPOSE, app.clock.now()).await?.ok_or_else(expired)?;
    let id = found.account_id.ok_or_else(expired)?;
    let (pair, all) = (format!("second-step/{id}/{}", origin.address), format!("second-step/{id}"));
    throttle(app, &pair, PER_PAIR).await?;
    throttle(app, &all, PER_ACCOUNT).await?;
    // Counted before the code is verified, for many may come at once.
    if app.store.count_pass_try(&pass).await?.is_none_or(|tries| tries > PER_PASS) {
        return Err(expired());
    }
    let account = app.store.account(id).await?.filter(|a| a.disabled_at.is_none()).ok_or_else(expired)?;
    let wrong = || Error::new(Kind::Unauthenticated, "second_factor_code", factor::WRONG);
    let means = factor::verify(app, id, code).await?.ok_or_else(wrong)?;
    let mut tx = app.store.begin().await?;
    let pass = tx.take_pass(&pass, PURPOSE, app.clock.now()).await?.ok_or_else(expired)?;
    tx.commit().await?;
    app.store.forget_attempts(&pair).await?;
    app.store.forget_attempts(&all).await?;
    open(app, account, origin, Opening { second_factor: Some(means), id_token: Some(pass.detail).filter(|t| !t.is_empty()) }).await
}

/// How a session was opened.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// The second factor that was passed.
    pub second_factor: Option<&'static str>,
    /// What the provider wants back at the end.
    pub id_token: Option<String>,
}

pub(super) async fn open(app: &App, account: Account, origin: Origin, how: Opening) -> Result<SignedIn> {
    let (now, token, csrf) = (app.clock.now(), hex::encode(app.clock.random::<32>()), hex::encode(app.clock.random::<32>()));
    let mut tx = app.store.begin().await?;
    let session = Session {
        token_sha256: sha256(&token),
        account_id: account.id,
        csrf,
        created_at: now,
        expires_at: now + SESSION,
        last_seen_at: now,
        second_factor: how.second_factor.map(str::to_owned),
        device: origin.device,
        id_token: how.id_token,
    };
    tx.insert_session(&session).await?;
    let actor = actor(session, account)?;
    let detail = serde_json::json!({ "second_factor": actor.second_factor });
    record(app, &mut tx, Some(&actor), "session.open", (actor.account, actor.site.clone()), detail).await?;
    tx.commit().await?;
    Ok(SignedIn { token, actor })
}

fn actor(session: Session, account: Account) -> Result<Actor> {
    let second_factor = session.second_factor.as_deref().and_then(factor::means);
    Ok(Actor { csrf: session.csrf, session: Some(session.token_sha256), second_factor, ..Actor::new(account)? })
}

/// Who holds this session cookie, if it is alive. A session in use lives on.
pub async fn session(app: &App, cookie: &str) -> Result<Option<Actor>> {
    let (token_sha256, now) = (sha256(cookie), app.clock.now());
    let Some((session, account)) = app.store.session(&token_sha256, now).await? else { return Ok(None) };
    // Once a minute is enough, and spares a write per request.
    if now - session.last_seen_at > TimeDelta::minutes(1) {
        app.store.touch_session(&token_sha256, now, now + SESSION).await?;
    }
    actor(session, account).map(Some)
}

/// Ends the session of this cookie.
pub async fn sign_out(app: &App, cookie: &str) -> Result<()> {
    let mut tx = app.store.begin().await?;
    tx.delete_session(&sha256(cookie)).await?;
    tx.commit().await
}

/// The sessions of an account that are alive: one's own, or anybody's for an administrator.
///
/// # Errors
/// [`Kind::Forbidden`] for those of others.
pub async fn list(app: &App, actor: &Actor, of: AccountId) -> Result<Vec<Session>> {
    allowed(actor, of)?;
    app.store.sessions(of, app.clock.now()).await
}

/// Ends one session of an account, which its hash names, or all of them but the one that asks; `by` is none on the command line.
///
/// # Errors
/// [`Kind::Forbidden`] for those of others, [`Kind::NotFound`] for one that is not there.
pub async fn revoke(app: &App, by: Option<&Actor>, of: AccountId, session: Option<&str>) -> Result<()> {
    by.map_or(Ok(()), |actor| allowed(actor, of))?;
    let account = super::find(app, of).await?;
    let mut tx = app.store.begin().await?;
    match session {
        Some(hash) if !tx.revoke_session(of, hash).await? => {
            return Err(Error::new(Kind::NotFound, "not_found", "Cette session n'existe pas ou est déjà fermée."));
        }
        Some(_) => {}
        None => tx.delete_other_sessions(of, by.and_then(|a| a.session.as_deref()).unwrap_or_default()).await?,
    }
    let detail = session.map_or_else(|| serde_json::json!({"all": true}), |_| nothing());
    record(app, &mut tx, by, "session.revoke", (of, account.organisation), detail).await?;
    tx.commit().await
}

fn allowed(actor: &Actor, of: AccountId) -> Result<()> {
    if actor.account == of {
        return actor.in_person();
    }
    actor.require(&[Role::Administrator])?;
    actor.allows(Verb::Manage)
}
