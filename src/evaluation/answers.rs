//! A site's answers to the REX questionnaire, as the hub keeps them.

use serde_json::{Map, Value as Json, json};

use super::rex::{Answers, Questionnaire, questionnaire};
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    convention::{
        agreement::Agreement,
        perimeter::{self, Ask, Use},
        register::{self, Registered},
    },
    error::{Error, Kind, Result},
    ids::Siren,
    store::rex::{RexAnswers, RexRow},
};

/// A questionnaire and what a site has answered so far.
pub struct Rex {
    /// Of which convention.
    pub agreement: Agreement,
    /// Under which version: the one in force for the site.
    pub registered: Registered,
    /// What is asked.
    pub questionnaire: Questionnaire,
    /// What is answered.
    pub answers: Map<String, Json>,
    /// When and by whom it was last written; none before the first time.
    pub row: Option<RexRow>,
}

/// The questionnaire and the answers of a site.
///
/// # Errors
/// [`Kind::NotFound`] for a convention without questionnaire, or a site that the actor may not read.
pub async fn read(app: &App, actor: &Actor, convention: &str, site: &Siren) -> Result<Rex> {
    let (agreement, today) = (register::agreement(app, convention).await?, app.clock.today());
    perimeter::may(&agreement, &actor.person(), &Ask::of(Use::ReadRex).site(site), today)?;
    let registered = Registered::from(agreement.in_force_for(site, today).unwrap_or_else(|| agreement.reference(today)));
    let document = &registered.convention.document;
    let asked =
        document.rex.as_ref().ok_or_else(|| Error::new(Kind::NotFound, "no_rex", "Cette convention ne prévoit pas de questionnaire."))?;
    let questionnaire = questionnaire(&asked.questionnaire)?;
    let row = app.store.rex(registered.head.id, site).await?;
    let answers = row.as_ref().map(|r| serde_json::from_str(&r.answers)).transpose().map_err(Error::internal)?.unwrap_or_default();
    Ok(Rex { agreement, registered, questionnaire, answers, row })
}

/// Writes a site's answers; `submit` also declares them complete. `seen` is the version that the person saw, so that nobody's words
/// are overwritten unseen.
///
/// # Errors
/// Answers of the wrong type or, on submission, missing ones, located; [`Kind::Conflict`] if someone wrote meanwhile, or `rex_submitted`
/// for a draft over complete answers: they would silently leave the report.
pub async fn write(
    app: &App,
    actor: &Actor,
    convention: &str,
    site: &Siren,
    seen: i64,
    answers: Map<String, Json>,
    submit: bool,
) -> Result<i64> {
    let rex = read(app, actor, convention, site).await?;
    perimeter::may(&rex.agreement, &actor.person(), &Ask::of(Use::WriteRex).site(site), app.clock.today())?;
    rex.questionnaire.check(&answers, submit)?;
    if !submit && rex.row.as_ref().is_some_and(|row| row.submitted_at.is_some()) {
        return Err(Error::new(
            Kind::Conflict,
            "rex_submitted",
            "Ces réponses sont déjà remises : elles figurent au rapport. Corrigez-les, puis remettez-les à nouveau.",
        ));
    }
    let now = app.clock.now();
    let new = RexAnswers {
        answers: Json::Object(answers).to_string(),
        seen,
        updated_at: now,
        updated_by: actor.account,
        submitted_at: submit.then_some(now),
    };
    let mut tx = app.store.begin().await?;
    let version = tx.put_rex(rex.registered.head.id, site, &new).await?;
    let entry = Entry {
        at: now,
        actor: actor.in_audit(),
        organisation: Some(site.clone()),
        act: if submit { "rex.submit" } else { "rex.write" },
        object: format!("rex/{convention}/{site}"),
        outcome: "ok",
        detail: json!({"version": version}),
    };
    audit::append(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok(version)
}

/// How far each site's answers are, of those that the actor may read.
pub async fn rows(app: &App, actor: &Actor, agreement: &Agreement) -> Result<Vec<RexRow>> {
    let (person, today) = (actor.person(), app.clock.today());
    let mut rows = app.store.rex_of(agreement.versions()[0].head.id).await?;
    rows.retain(|row| perimeter::may(agreement, &person, &Ask::of(Use::ReadRex).site(&row.site), today).is_ok());
    Ok(rows)
}

/// The answers of every site that has declared them complete, as far as the actor may read them, for the report.
pub async fn submitted(app: &App, actor: &Actor, agreement: &Agreement) -> Result<Vec<Answers>> {
    let rows = rows(app, actor, agreement).await?.into_iter().filter(|row| row.submitted_at.is_some());
    rows.map(|row| Ok(Answers { site: row.site, answers: serde_json::from_str(&row.answers).map_err(Error::internal)? })).collect()
}
