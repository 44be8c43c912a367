//! A request for an early withdrawal, for those who answer it.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect},
};

use super::retention::removal_badge;
use crate::{
    access::Actor,
    app::App,
    convention::{perimeter::Role, register},
    error::{Error, Result},
    http::{
        failure::{PageResult, html},
        load,
        state::{Posted, Signed, who},
        view::{Fact, Markup, Page, State},
        words,
    },
    ids::RemovalId,
    retention::{keeps, removals},
    store::retention::Removal,
};

/// The page.
#[derive(Template)]
#[template(path = "removal.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct RemovalPage {
    pub page: Page,
    pub lead: String,
    pub badge: Markup,
    pub facts: Vec<Fact>,
    pub consequences: Vec<String>,
    pub action: Option<String>,
    pub csrf: String,
}

async fn asked(app: &App, actor: &Actor, id: &str) -> Result<Removal> {
    let id: RemovalId = id.parse().map_err(|_| load::absent())?;
    if !keeps(actor) {
        return Err(load::absent());
    }
    removals::find(app, actor, id).await
}

/// `GET /conservation/demandes/{id}`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let removal = asked(&app, &actor, &id).await?;
    let title = register::find(&app, &removal.convention).await?.head.title;
    let name = async |id| Ok::<_, Error>(app.store.account(id).await?.map_or_else(String::new, |a| a.name));
    let mut facts = vec![
        ("Structure".to_owned(), load::organisation(&removal.site)),
        ("Demandé".to_owned(), format!("par {}, le {}", name(removal.asked_by).await?, words::moment(removal.asked_at))),
        ("Motif".to_owned(), removal.reason.clone()),
    ];
    if let (Some(by), Some(at), Some(why)) = (removal.answered_by, removal.answered_at, &removal.answer) {
        facts.push(("Réponse".to_owned(), format!("de {}, le {}", name(by).await?, words::moment(at))));
        facts.push(("Motif de la réponse".to_owned(), why.clone()));
    }
    let may = actor.role == Role::Officer && removal.granted.is_none();
    html(RemovalPage {
        page: Page::new("Demande de retrait anticipé", who(&actor), "retention").under("Conservation des données", "/conservation"),
        lead: title,
        badge: removal_badge(&removal),
        facts,
        consequences: if removal.granted.is_none() { removals::consequences() } else { Vec::new() },
        action: may.then(|| format!("/conservation/demandes/{}", removal.id)),
        csrf: actor.csrf.clone(),
    })
}

/// `POST /conservation/demandes/{id}`.
pub async fn answer(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let removal = asked(&app, &actor, &id).await?;
    let granted = match fields.get("answer") {
        "grant" => true,
        "refuse" => false,
        _ => return Err(Error::invalid("answer", "Choisissez d'accorder ou de refuser le retrait.").into()),
    };
    removals::answer(&app, &actor, removal.id, granted, fields.get("reason")).await?;
    Ok(Redirect::to(&format!("/conservation/demandes/{}", removal.id)).into_response())
}
