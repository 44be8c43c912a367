//! The second factor: codes of a device (TOTP, RFC 6238: SHA-1, six digits, 30 seconds, as every such application knows them), and
//! recovery codes for when the device is lost.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::{Actor, find, nothing, record, sha256, throttle};
use crate::{
    app::App,
    convention::perimeter::Role,
    error::{Error, Kind, Result},
    ids::AccountId,
    mail::{self, Letter},
};

/// A code of the person's device.
pub const TOTP: &str = "totp";
/// A recovery code.
pub const RECOVERY: &str = "recovery_code";
/// The provider that signed the session in vouches for it.
pub const PROVIDER: &str = "provider";

/// Wrong codes of one session per window.
const PER_SESSION: i64 = 10;
/// How long what the provider vouched for is «the moment of signing».
const FRESH: TimeDelta = TimeDelta::minutes(15);
/// Recovery codes given at a time.
const CODES: usize = 10;
/// What a device shows beside the code.
const ISSUER: &str = "Retex";

/// The stable name of a means, as kept with a session.
pub(super) fn means(name: &str) -> Option<&'static str> {
    [TOTP, RECOVERY, PROVIDER].into_iter().find(|m| *m == name)
}

/// Where an account's second factor stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// None.
    Absent,
    /// Shown to the person, and waiting for its first code.
    Waiting(Enrolment),
    /// It counts.
    Active {
        /// Since when.
        since: DateTime<Utc>,
        /// How many recovery codes are left.
        codes_left: i64,
    },
}

/// What a device is told to make codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The secret in base 32, to type.
    pub secret: String,
    /// The same and the rest as an `otpauth:` address, to scan.
    pub address: String,
}

/// The role that acts only with a second factor: a signature binds an organisation.
pub fn required(role: Role) -> bool {
    role == Role::Signatory
}

fn totp(secret: &str, account: &str) -> Result<Totp> {
    let secret = Secret::try_from_base32(secret).map_err(|e| Error::internal(e.to_string()))?;
    // A colon would end the name in the address.
    let account = account.replace(':', " ");
    Builder::new()
        .with_secret(secret)
        .with_skew(1)
        .with_issuer(Some(ISSUER))
        .with_account_name(account)
        .build()
        .map_err(|e| Error::internal(e.to_string()))
}

/// Whether an account has a second factor that counts.
pub(super) async fn counts(app: &App, account: AccountId) -> Result<bool> {
    Ok(app.store.factor(account).await?.is_some_and(|f| f.confirmed_at.is_some()))
}

/// What is said of a code that does not open.
pub(super) const WRONG: &str = "Ce code n'est pas le bon, ou il a déjà servi. Attendez le suivant et recopiez-le.";

fn wrong() -> Error {
    Error::invalid("second_factor_code", WRONG)
}

/// How this code opens, if it does: it is then used up.
pub(super) async fn verify(app: &App, account: AccountId, code: &str) -> Result<Option<&'static str>> {
    let Some(factor) = app.store.factor(account).await?.filter(|f| f.confirmed_at.is_some()) else { return Ok(None) };
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').flat_map(char::to_lowercase).take(40).collect();
    let now = app.clock.now();
    if let Some(step) = step_of(&factor.secret, &code, app.clock.shared())? {
        let mut tx = app.store.begin().await?;
        let taken = tx.take_step(account, step).await?;
        tx.commit().await?;
        return Ok(taken.then_some(TOTP));
    }
    let mut tx = app.store.begin().await?;
    if !tx.take_recovery_code(account, &sha256(&code), now).await? {
        return Ok(None);
    }
    let of = find(app, account).await?;
    let by = Actor::new(of.clone())?;
    record(app, &mut tx, Some(&by), "factor.recovery_code", (account, of.organisation), nothing()).await?;
    tx.commit().await?;
    Ok(Some(RECOVERY))
}

/// The time step that this code belongs to, among those of now, of 30 seconds ago and of in 30 seconds.
fn step_of(secret: &str, code: &str, now: DateTime<Utc>) -> Result<Option<i64>> {
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let time = u64::try_from(now.timestamp()).unwrap_or(0);
    Ok(totp(secret, ISSUER)?.check(code, time).and_then(|step| i64::try_from(step).ok()))
}

/// Verifies a code at the moment of an act that binds, such as a signature; gives how it was confirmed.
///
/// # Errors
/// `in_person` for a token, `second_factor_missing` where the account has none, `second_factor_stale` where the provider vouched for it
/// too long ago, `second_factor_code` for a wrong code, [`Kind::TooMany`] after too many of them.
pub async fn confirm(app: &App, actor: &Actor, code: &str) -> Result<&'static str> {
    actor.in_person()?;
    if !counts(app, actor.account).await? {
        return vouched_for(app, actor).await;
    }
    let key = format!("confirm/{}/{}", actor.account, actor.session.as_deref().unwrap_or_default());
    throttle(app, &key, PER_SESSION).await?;
    let means = verify(app, actor.account, code).await?.ok_or_else(wrong)?;
    app.store.forget_attempts(&key).await?;
    if let Some(session) = &actor.session {
        let mut tx = app.store.begin().await?;
        tx.set_session_factor(session, means).await?;
        tx.commit().await?;
    }
    Ok(means)
}

/// The provider that signed the session in asked for a second factor, just now.
async fn vouched_for(app: &App, actor: &Actor) -> Result<&'static str> {
    let missing = "Cette action demande un second facteur. Activez-le d'abord dans «\u{a0}Mon compte\u{a0}», puis recommencez.";
    let (Some(PROVIDER), Some(session)) = (actor.second_factor, &actor.session) else {
        return Err(Error::new(Kind::Forbidden, "second_factor_missing", missing));
    };
    let now = app.clock.now();
    if app.store.session(session, now).await?.is_some_and(|(s, _)| now - s.created_at <= FRESH) {
        return Ok(PROVIDER);
    }
    let stale = "Votre identification date de plus d'un quart d'heure. Déconnectez-vous, identifiez-vous de nouveau, puis recommencez.";
    Err(Error::new(Kind::Forbidden, "second_factor_stale", stale))
}

/// Where the person's own second factor stands.
pub async fn standing(app: &App, actor: &Actor) -> Result<Standing> {
    actor.in_person()?;
    Ok(match app.store.factor(actor.account).await? {
        None => Standing::Absent,
        Some(f) => match f.confirmed_at {
            Some(since) => Standing::Active { since, codes_left: app.store.recovery_codes_left(actor.account).await? },
            None => Standing::Waiting(enrolment(f.secret, &actor.email)?),
        },
    })
}

fn enrolment(secret: String, email: &str) -> Result<Enrolment> {
    let address = totp(&secret, email)?.to_url().map_err(|e| Error::internal(e.to_string()))?;
    Ok(Enrolment { secret, address })
}

/// Draws a secret for the person's device; it counts once [`finish`] has seen a code.
///
/// # Errors
/// `second_factor_active` where one counts already.
pub async fn begin(app: &App, actor: &Actor) -> Result<Enrolment> {
    actor.in_person()?;
    let secret = Secret::new(Box::new(app.clock.random::<20>())).to_base32();
    let mut tx = app.store.begin().await?;
    if !tx.begin_factor(actor.account, &secret, app.clock.now()).await? {
        return Err(active());
    }
    tx.commit().await?;
    enrolment(secret, &actor.email)
}

fn active() -> Error {
    Error::new(Kind::Conflict, "second_factor_active", "Votre second facteur est déjà actif. Retirez-le avant d'en activer un autre.")
}

/// Makes the second factor count, if the device shows the right code; gives the recovery codes, shown once. The account's other sessions
/// end: they passed none.
///
/// # Errors
/// `second_factor_code`, [`Kind::Conflict`] where there is nothing to finish, [`Kind::TooMany`].
pub async fn finish(app: &App, actor: &Actor, code: &str) -> Result<Vec<String>> {
    actor.in_person()?;
    let session = actor.session.as_deref().unwrap_or_default();
    throttle(app, &format!("enrol/{}/{session}", actor.account), PER_SESSION).await?;
    let begun = || Error::new(Kind::Conflict, "second_factor_not_begun", "Commencez par afficher le code à scanner.");
    let factor = app.store.factor(actor.account).await?.ok_or_else(begun)?;
    if factor.confirmed_at.is_some() {
        return Err(active());
    }
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let now = app.clock.now();
    let step = step_of(&factor.secret, &code, app.clock.shared())?.ok_or_else(wrong)?;
    let codes = draw(app);
    let mut tx = app.store.begin().await?;
    if !tx.take_step(actor.account, step).await? || !tx.confirm_factor(actor.account, now).await? {
        return Err(active());
    }
    tx.set_recovery_codes(actor.account, &hashes(&codes)).await?;
    tx.set_session_factor(session, TOTP).await?;
    tx.delete_other_sessions(actor.account, session).await?;
    record(app, &mut tx, Some(actor), "factor.enrol", (actor.account, actor.site.clone()), nothing()).await?;
    tx.commit().await?;
    Ok(codes)
}

/// New recovery codes in the place of those left, shown once; a code of the device says that it is the person.
pub async fn renew_codes(app: &App, actor: &Actor, code: &str) -> Result<Vec<String>> {
    own(app, actor, code).await?;
    let codes = draw(app);
    let mut tx = app.store.begin().await?;
    tx.set_recovery_codes(actor.account, &hashes(&codes)).await?;
    record(app, &mut tx, Some(actor), "factor.codes", (actor.account, actor.site.clone()), nothing()).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Removes the person's own second factor; a code says that it is them.
pub async fn remove(app: &App, actor: &Actor, code: &str) -> Result<()> {
    own(app, actor, code).await?;
    let mut tx = app.store.begin().await?;
    tx.delete_factor(actor.account).await?;
    record(app, &mut tx, Some(actor), "factor.remove", (actor.account, actor.site.clone()), nothing()).await?;
    tx.commit().await
}

/// The person, by a code of their own second factor.
async fn own(app: &App, actor: &Actor, code: &str) -> Result<()> {
    if !counts(app, actor.account).await? {
        return Err(Error::new(Kind::Conflict, "second_factor_absent", "Aucun second facteur n'est actif sur votre compte."));
    }
    confirm(app, actor, code).await.map(drop)
}

/// Removes the second factor of somebody who lost their device; `by` is none on the command line. Their sessions end and a letter tells
/// them.
///
/// # Errors
/// [`Kind::Forbidden`] for whoever is no administrator, or for oneself: one's own goes with a code.
pub async fn reset(app: &App, by: Option<&Actor>, id: AccountId) -> Result<()> {
    if let Some(by) = by {
        by.require(&[Role::Administrator])?;
        by.allows(crate::convention::scope::Verb::Manage)?;
        super::account::not_oneself(by, id)?;
    }
    let account = find(app, id).await?;
    let mut tx = app.store.begin().await?;
    if !tx.delete_factor(id).await? {
        return Err(Error::new(Kind::Conflict, "second_factor_absent", "Aucun second facteur n'est actif sur ce compte."));
    }
    tx.delete_sessions_of(id).await?;
    record(app, &mut tx, by, "factor.reset", (id, account.organisation.clone()), json!(null)).await?;
    let letter = Letter::SecondFactorReset { at: app.clock.now(), path: "/compte/second-facteur".to_owned() };
    mail::queue(app, &mut tx, &account, &letter, None).await?;
    tx.commit().await
}

/// Codes of sixty random bits, in three groups that are easy to copy.
fn draw(app: &App) -> Vec<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let one = || {
        let text: Vec<u8> = app.clock.random::<12>().iter().map(|b| LETTERS[usize::from(b % 32)]).collect();
        text.chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
    };
    std::iter::repeat_with(one).take(CODES).collect()
}

fn hashes(codes: &[String]) -> Vec<String> {
    codes.iter().map(|code| sha256(&code.replace('-', ""))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, for SHA-1: eight digits there, of which six are the last ones.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        let secret = Secret::new(Box::new(*b"12345678901234567890")).to_base32();
        let vectors = [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ];
        for (time, code) in vectors {
            let at = DateTime::from_timestamp(time, 0).expect("a time");
            assert_eq!(step_of(&secret, &code[2..], at).expect("checked"), Some(time / 30), "{time}");
            let later = at + TimeDelta::seconds(60);
            assert_eq!(step_of(&secret, &code[2..], later).expect("checked"), None, "{time}: two steps later it is too late");
        }
        for wrong in ["", "28708", "2870822", "28708a", "٢٨٧٠٨٢"] {
            assert_eq!(step_of(&secret, wrong, DateTime::from_timestamp(59, 0).expect("a time")).expect("checked"), None, "{wrong}");
        }
    }
}
