//! Accounts, roles, sessions, tokens: who is asking.
//!
//! A browser holds a session cookie, a program a bearer token; both are random and only their SHA-256 is kept. Passwords are
//! [`password`]'s business, second factors [`factor`]'s. What the person may then do is [`crate::convention::perimeter`]'s.

pub mod account;
pub mod factor;
pub mod invitation;
pub mod openid;
pub mod password;
pub mod session;
pub mod token;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};

pub use self::{
    account::{NewAccount, Profile, create_account, set_disabled, set_password, set_role},
    factor::confirm,
    session::{Origin, SESSION, SignIn, SignedIn, session, sign_in, sign_out},
    token::{NewToken, bearer, create_token, revoke_token},
};
use crate::{
    app::App,
    audit::{self, Entry},
    convention::{
        perimeter::{Person, Role},
        scope::{Scope, Verb},
    },
    error::{Error, Kind, Result},
    ids::{AccountId, Siren, TokenId},
    store::{Tx, accounts::Account},
};

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
    /// The hash that names the session, if it is one.
    pub session: Option<String>,
    /// How the session passed a second factor, if it did: [`factor::TOTP`], [`factor::RECOVERY`] or [`factor::PROVIDER`].
    pub second_factor: Option<&'static str>,
    /// What the token that speaks is limited to, if it is.
    pub scope: Option<Scope>,
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
            session: None,
            second_factor: None,
            scope: None,
        })
    }

    /// As the perimeter asks for them.
    pub fn person(&self) -> Person {
        Person { role: self.role, site: self.site.clone(), scope: self.scope.clone() }
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

    /// Refuses a token whose scope lacks this verb, for what the perimeter is not asked about.
    ///
    /// # Errors
    /// [`Kind::Forbidden`].
    pub fn allows(&self, verb: Verb) -> Result<()> {
        self.scope.as_ref().map_or(Ok(()), |scope| scope.allows_verb(verb))
    }

    /// Refuses tokens, for what a person does themself.
    ///
    /// # Errors
    /// [`Kind::Forbidden`].
    pub fn in_person(&self) -> Result<()> {
        if self.token.is_none() {
            return Ok(());
        }
        Err(Error::new(Kind::Forbidden, "in_person", "Un jeton d'accès ne permet pas cette action\u{a0}: connectez-vous pour la faire."))
    }
}

fn sha256(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// Length of the window in which failures are counted.
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Counts one more try of `key` and refuses it over `limit` per window. Counted before anything is verified: tries sent all at once are
/// counted too. Keys name who tries as well as what is tried, so that nobody can lock a colleague out from elsewhere.
async fn throttle(app: &App, key: &str, limit: i64) -> Result<()> {
    if app.store.count_attempt(key, window_start(app.clock.now())).await? > limit {
        return Err(too_many());
    }
    Ok(())
}

fn too_many() -> Error {
    Error::new(Kind::TooMany, "sign_in_attempts", "Trop d'essais. Attendez un quart d'heure avant de réessayer.")
}

fn window_start(now: DateTime<Utc>) -> DateTime<Utc> {
    let step = WINDOW.num_seconds();
    Utc.timestamp_opt(now.timestamp() / step * step, 0).single().unwrap_or(now)
}

/// An account, whatever its state.
async fn find(app: &App, id: AccountId) -> Result<Account> {
    app.store.account(id).await?.ok_or_else(|| Error::new(Kind::NotFound, "not_found", "Ce compte n'existe pas."))
}

/// A name on one line, without what databases or pages do not take, 200 characters at most.
fn one_line(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Notes an act on an account, in the account's chain; `by` is none on the command line.
async fn record(
    app: &App,
    tx: &mut Tx,
    by: Option<&Actor>,
    act: &'static str,
    of: (AccountId, Option<Siren>),
    detail: serde_json::Value,
) -> Result<()> {
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    note(app, tx, actor, act, of.1, format!("account/{}", of.0), detail).await
}

async fn note(
    app: &App,
    tx: &mut Tx,
    actor: audit::Actor,
    act: &'static str,
    organisation: Option<Siren>,
    object: String,
    detail: serde_json::Value,
) -> Result<()> {
    audit::append(tx, &Entry { at: app.clock.now(), actor, organisation, act, object, outcome: "ok", detail }).await
}

/// What an entry says when it has nothing to add.
fn nothing() -> serde_json::Value {
    json!(null)
}
