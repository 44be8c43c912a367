//! Leaves an entry in the audit trail for each request that reads data, or is refused. It takes what the perimeter answered
//! ([`crate::convention::witness`]), so that no handler has to think of it.

use std::{cell::RefCell, collections::BTreeSet};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};
use serde_json::json;

use crate::{
    access,
    app::App,
    audit::{Actor, Entry},
    convention::witness::{Answer, witness},
    ids::Siren,
};

tokio::task_local! {
    static WHO: RefCell<Option<(Actor, Option<Siren>)>>;
}

/// Notes who makes this request.
pub fn signed(actor: &access::Actor) {
    let _ = WHO.try_with(|who| *who.borrow_mut() = Some((actor.in_audit(), actor.site.clone())));
}

/// The layer around every route.
pub async fn record(State(app): State<App>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map(|m| m.as_str().to_owned());
    let ((response, answers), who) = WHO
        .scope(RefCell::default(), async {
            let seen = witness(next.run(request)).await;
            (seen, WHO.with(|who| who.take()))
        })
        .await;
    let Some((actor, own)) = who else { return response };
    let Some((outcome, told)) = outcome(response.status(), answers) else { return response };
    // A path that the perimeter was not asked about may hold a secret: then its pattern is enough.
    let object = if told.is_empty() { route.unwrap_or_default() } else { path };
    app.reads.note(Entry {
        at: app.clock.now(),
        actor,
        organisation: chain(&told, own),
        act: if matches!(method, Method::GET | Method::HEAD) { "data.read" } else { "data.write" },
        object: object.chars().take(300).collect(),
        outcome,
        detail: json!({"status": response.status().as_u16(), "reads": told}),
    });
    response
}

/// What is told of a request, if anything.
fn outcome(status: StatusCode, mut answers: Vec<Answer>) -> Option<(&'static str, Vec<Answer>)> {
    if status == StatusCode::FORBIDDEN || status == StatusCode::NOT_FOUND || status == StatusCode::CONFLICT {
        answers.retain(|a| a.refused.is_some());
        // Without an answer a page is not there, and nothing was refused; but a role may be.
        return (!answers.is_empty() || status == StatusCode::FORBIDDEN).then_some(("denied", answers));
    }
    // What was refused on the way to a page that is shown was left out of it, or was a button.
    answers.retain(|a| a.refused.is_none() && a.asked.reads);
    let outcome = if status.is_server_error() { "failed" } else { "ok" };
    (!answers.is_empty() && !status.is_client_error()).then_some((outcome, answers))
}

/// The chain of the one organisation whose data were read, else the reader's own, else the hub's.
fn chain(told: &[Answer], own: Option<Siren>) -> Option<Siren> {
    let sites: BTreeSet<_> = told.iter().filter_map(|a| a.site.clone()).collect();
    if sites.len() == 1 { sites.into_iter().next() } else { own }
}
