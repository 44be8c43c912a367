//! A site's request that its data be withdrawn before the end, and the Métropole's answer.
//!
//! What a grant entails (article 7: each site engaged itself to share its data): the site's deposits no longer count and a new
//! snapshot is computed without them; a snapshot that was locked as final stays; the site sends nothing more; its data are listed
//! for elimination at once, and go when the archives have agreed.

use serde_json::json;

use super::{Term, absent, concerned, entry, keeps, list, path_for, reason, term, within};
use crate::{
    access::Actor,
    app::App,
    audit,
    convention::{perimeter::Role, scope::Verb},
    error::{Error, Kind, Result},
    ids::RemovalId,
    mail::{self, Letter},
    store::{
        Page, Tx,
        deposits::{DepositFilter, DepositState},
        jobs::Job,
        retention::Removal,
    },
};

/// Every request that this person may see, newest first: all for those who watch over the data's end, its own for a site.
///
/// # Errors
/// [`Kind::Forbidden`] for whoever is neither.
pub async fn all(app: &App, actor: &Actor) -> Result<Vec<Removal>> {
    if !keeps(actor) {
        actor.require(&[Role::Contributor, Role::Signatory])?;
    }
    actor.allows(Verb::Read)?;
    let own = |r: &Removal| keeps(actor) || actor.site.as_ref() == Some(&r.site);
    let seen = |r: &Removal| own(r) && within(actor, Verb::Read, Some(&r.site)).is_ok();
    Ok(app.store.removals().await?.into_iter().filter(seen).collect())
}

/// One request.
///
/// # Errors
/// [`Kind::NotFound`] for one that does not exist, and alike for another site's.
pub async fn find(app: &App, actor: &Actor, id: RemovalId) -> Result<Removal> {
    all(app, actor).await.map_err(|_| absent())?.into_iter().find(|r| r.id == id).ok_or_else(absent)
}

/// Asks for the withdrawal of the data that the actor's site sent under a convention. It engages the site: its signatory asks.
///
/// # Errors
/// [`Kind::NotFound`] for a convention that the site is no party of; [`Kind::Forbidden`] for whoever does not sign for it;
/// `reason_required`, `reason_too_long`; `already_asked` while a request waits or was granted; `nothing_kept` where there is nothing
/// to withdraw.
pub async fn ask(app: &App, actor: &Actor, convention: &str, why: &str) -> Result<Removal> {
    let term = term(app, convention).await.map_err(|_| absent())?;
    let site = actor.site.clone().ok_or_else(absent)?;
    super::party(&term.agreement, &site)?;
    if actor.role != Role::Signatory {
        return Err(Error::new(
            Kind::Forbidden,
            "signatory_only",
            "Le retrait des données engage votre collectivité\u{a0}: demandez à votre signataire d'en faire la demande.",
        ));
    }
    within(actor, Verb::Write, Some(&site))?;
    let why = reason(why)?;
    let filter = DepositFilter { convention: Some(term.registered.head.id), site: Some(site.clone()), ..DepositFilter::default() };
    let (deposits, _) = app.store.deposits(&filter, Page::ALL).await?;
    if deposits.iter().all(|d| d.state == DepositState::Purged || d.original_key.is_none() && d.table_key.is_none()) {
        return Err(Error::new(
            Kind::Conflict,
            "nothing_kept",
            "La plateforme ne garde aucun fichier de votre structure\u{a0}: il n'y a rien à retirer.",
        ));
    }
    let removal = Removal {
        id: RemovalId(app.clock.id()),
        convention: term.agreement.name.clone(),
        site: site.clone(),
        reason: why,
        asked_at: app.clock.now(),
        asked_by: actor.account,
        granted: None,
        answer: None,
        answered_at: None,
        answered_by: None,
    };
    let mut tx = app.store.begin().await?;
    if !tx.insert_removal(&removal).await? {
        return Err(Error::new(
            Kind::Conflict,
            "already_asked",
            "Une demande de retrait de votre structure attend déjà sa réponse, ou a été accordée.",
        ));
    }
    let detail = json!({"convention": removal.convention, "reason": removal.reason});
    let said = entry(app, actor.in_audit(), Some(&site), "removal.ask", format!("removal/{}", removal.id), detail);
    audit::append(&mut tx, &said).await?;
    write_to_all(app, &mut tx, &term, &removal, None, &removal.reason).await?;
    tx.commit().await?;
    Ok(removal)
}

/// Grants or refuses a request, with a reason.
///
/// # Errors
/// [`Kind::NotFound`] for a request that the actor may not see; officers only; `reason_required`, `reason_too_long`;
/// [`Kind::Conflict`] if it has its answer.
pub async fn answer(app: &App, actor: &Actor, id: RemovalId, granted: bool, why: &str) -> Result<Removal> {
    let removal = find(app, actor, id).await?;
    actor.require(&[Role::Officer])?;
    within(actor, Verb::Write, Some(&removal.site))?;
    let why = reason(why)?;
    let term = term(app, &removal.convention).await?;
    let registered = &term.registered;
    let filter = DepositFilter { convention: Some(registered.head.id), site: Some(removal.site.clone()), ..DepositFilter::default() };
    let (deposits, _) = app.store.deposits(&filter, Page::ALL).await?;
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    tx.answer_removal(id, granted, &why, actor.account, now).await?;
    let mut withdrawn = Vec::new();
    if granted {
        for deposit in deposits {
            if matches!(deposit.state, DepositState::Accepted | DepositState::Received | DepositState::Checking) {
                tx.withdraw_deposit(deposit.id, deposit.state, "Retrait anticipé des données de la structure", now).await?;
                withdrawn.push(deposit.number);
            }
        }
        // What was computed is computed again without them; a final snapshot stays.
        tx.enqueue(&app.clock, &Job::Evaluate { convention: registered.head.id }).await?;
    }
    let act = if granted { "removal.grant" } else { "removal.refuse" };
    let detail = json!({"convention": removal.convention, "reason": why, "withdrawn": withdrawn});
    let said = entry(app, actor.in_audit(), Some(&removal.site), act, format!("removal/{id}"), detail);
    audit::append(&mut tx, &said).await?;
    write_to_all(app, &mut tx, &term, &removal, Some(granted), &why).await?;
    tx.commit().await?;
    if granted {
        // If the process dies before this, the morning's round makes the list.
        list::propose(app, &term, Some(&removal.site), Some(id), app.clock.today()).await?;
    }
    find(app, actor, id).await
}

async fn write_to_all(app: &App, tx: &mut Tx, term: &Term, removal: &Removal, granted: Option<bool>, why: &str) -> Result<()> {
    for account in concerned(app, &term.agreement, Some(&removal.site)).await? {
        let path = if account.organisation.is_some() {
            path_for(&account, &removal.convention)
        } else {
            format!("/conservation/demandes/{}", removal.id)
        };
        let letter = Letter::WithdrawalAnswered { convention: term.registered.head.title.clone(), granted, reason: why.to_owned(), path };
        let step = if granted.is_some() { "answered" } else { "asked" };
        mail::queue(app, tx, &account, &letter, Some(format!("removal-{step}/{}", removal.id))).await?;
    }
    Ok(())
}

/// What a grant entails, in words, for whoever is about to ask or to grant.
pub fn consequences() -> Vec<String> {
    vec![
        "La structure s'est engagée à partager les données de l'expérimentation (article\u{a0}7 du règlement)\u{a0}: le retrait met fin à ce partage.".to_owned(),
        "Ses dépôts ne comptent plus\u{a0}: l'évaluation est recalculée sans eux. Une évaluation définitive déjà arrêtée ne change pas.".to_owned(),
        "Un bordereau d'élimination est établi aussitôt. Les fichiers sont détruits quand les archives ont donné leur visa.".to_owned(),
        "La structure ne peut plus déposer de fichier pour cette convention. Ses récépissés et leurs empreintes sont gardés.".to_owned(),
    ]
}
