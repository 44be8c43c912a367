//! Legal holds: while one stands, nothing of what it covers is destroyed.

use serde_json::json;

use super::{absent, entry, keeps, party, reason, within};
use crate::{
    access::Actor,
    app::App,
    audit,
    convention::{register, scope::Verb},
    error::Result,
    ids::{HoldId, Siren},
    store::retention::Hold,
};

/// Every hold, newest first.
///
/// # Errors
/// Officers and data protection officers only.
pub async fn all(app: &App, actor: &Actor) -> Result<Vec<Hold>> {
    actor.require(&super::KEEPERS)?;
    actor.allows(Verb::Read)?;
    Ok(app.store.holds().await?.into_iter().filter(|h| within(actor, Verb::Read, h.site.as_ref()).is_ok()).collect())
}

/// One hold.
///
/// # Errors
/// [`Kind::NotFound`](crate::error::Kind::NotFound), alike for whoever does not watch over the data's end.
pub async fn find(app: &App, actor: &Actor, id: HoldId) -> Result<Hold> {
    if !keeps(actor) {
        return Err(absent());
    }
    let hold = app.store.holds().await?.into_iter().find(|h| h.id == id).ok_or_else(absent)?;
    within(actor, Verb::Read, hold.site.as_ref())?;
    Ok(hold)
}

/// Suspends every destruction of a convention's data, or of one of its sites'.
///
/// # Errors
/// Officers and data protection officers only; [`Kind::NotFound`](crate::error::Kind::NotFound) for a convention or a party that does
/// not exist; `reason_required`, `reason_too_long`.
pub async fn place(app: &App, actor: &Actor, convention: &str, site: Option<Siren>, why: &str) -> Result<Hold> {
    actor.require(&super::KEEPERS)?;
    let agreement = register::agreement(app, convention).await?;
    if let Some(site) = &site {
        party(&agreement, site)?;
    }
    within(actor, Verb::Write, site.as_ref())?;
    let hold = Hold {
        id: HoldId(app.clock.id()),
        convention: agreement.name,
        site,
        reason: reason(why)?,
        placed_at: app.clock.now(),
        placed_by: actor.account,
        lifted_reason: None,
        lifted_at: None,
        lifted_by: None,
    };
    let mut tx = app.store.begin().await?;
    tx.insert_hold(&hold).await?;
    let detail = json!({"convention": hold.convention, "reason": hold.reason});
    let said = entry(app, actor.in_audit(), hold.site.as_ref(), "hold.place", format!("hold/{}", hold.id), detail);
    audit::append(&mut tx, &said).await?;
    tx.commit().await?;
    Ok(hold)
}

/// Lifts a hold; the morning's round then goes on with what waited.
///
/// # Errors
/// As [`find`]; `reason_required`, `reason_too_long`; [`Kind::Conflict`](crate::error::Kind::Conflict) if it was lifted already.
pub async fn lift(app: &App, actor: &Actor, id: HoldId, why: &str) -> Result<()> {
    let hold = find(app, actor, id).await?;
    within(actor, Verb::Write, hold.site.as_ref())?;
    let why = reason(why)?;
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    tx.lift_hold(id, &why, actor.account, now).await?;
    let detail = json!({"convention": hold.convention, "reason": why});
    audit::append(&mut tx, &entry(app, actor.in_audit(), hold.site.as_ref(), "hold.lift", format!("hold/{id}"), detail)).await?;
    tx.commit().await
}
