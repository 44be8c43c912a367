//! Suspensions of a destruction: placed and lifted with a reason.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect},
};

use super::{confirm::Confirm, retention::scope};
use crate::{
    app::App,
    http::{
        failure::{PageResult, html},
        load,
        state::{Posted, Signed, who},
        view::{Page, State},
    },
    ids::{HoldId, Siren},
    retention::{holds, terms},
};

/// The form.
#[derive(Template)]
#[template(path = "hold_new.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct NewHold {
    pub page: Page,
    pub csrf: String,
    pub choices: Vec<(String, Vec<(String, String)>)>,
}

/// `GET /conservation/suspensions/nouvelle`.
pub async fn form(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    holds::all(&app, &actor).await?;
    let mut choices = Vec::new();
    for term in terms(&app).await? {
        let head = &term.registered.head;
        let mut targets = vec![(format!("{}/", head.name), format!("{} – {}", head.title, scope(None)))];
        for party in &term.registered.convention.document.parties.sites {
            targets.push((format!("{}/{}", head.name, party.siren), format!("{} – {}", head.title, load::organisation(&party.siren))));
        }
        choices.push((head.title.clone(), targets));
    }
    html(NewHold {
        page: Page::new("Suspendre une élimination", who(&actor), "retention").under("Conservation des données", "/conservation"),
        csrf: actor.csrf.clone(),
        choices,
    })
}

/// `POST /conservation/suspensions`.
pub async fn place(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    let (convention, site) = fields.get("target").split_once('/').ok_or_else(load::absent)?;
    let site: Option<Siren> = if site.is_empty() { None } else { Some(site.parse()?) };
    holds::place(&app, &actor, convention, site, fields.get("reason")).await?;
    Ok(Redirect::to("/conservation").into_response())
}

/// `GET /conservation/suspensions/{id}/levee`.
pub async fn lift_form(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let id: HoldId = id.parse().map_err(|_| load::absent())?;
    let hold = holds::find(&app, &actor, id).await?;
    html(Confirm {
        page: Page::new("Lever une suspension", who(&actor), "retention").under("Conservation des données", "/conservation"),
        consequences: vec![
            format!("La suspension avait pour motif\u{a0}: {}", hold.reason),
            "Les bordereaux déjà visés par les archives reprennent\u{a0}: leurs données sont détruites dès le prochain passage du matin."
                .to_owned(),
        ],
        action: format!("/conservation/suspensions/{id}/levee"),
        csrf: actor.csrf.clone(),
        reason: Some("Motif de la levée".to_owned()),
        style: "danger",
        act: "Lever la suspension".to_owned(),
        back: "/conservation".to_owned(),
    })
}

/// `POST /conservation/suspensions/{id}/levee`.
pub async fn lift(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let id: HoldId = id.parse().map_err(|_| load::absent())?;
    holds::lift(&app, &actor, id, fields.get("reason")).await?;
    Ok(Redirect::to("/conservation").into_response())
}
