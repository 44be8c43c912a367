//! The API: `/api/v1`, JSON, described by its own OpenAPI 3.1 document.

mod accounts;
mod audit;
mod conventions;
mod deposits;
mod drafts;
mod evaluations;
mod me;
mod retention;
mod tokens;

use axum::{Json, Router, http::StatusCode, middleware::map_response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::problem;
use crate::app::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Retex",
        description = "Partage des données et évaluation des expérimentations du programme «\u{a0}Appropriation Métropolitaine\u{a0}». Toute erreur est un `application/problem+json` (RFC 9457) avec un code stable.",
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
    ),
    servers((url = "/api/v1")),
    security(("token" = [])),
    components(schemas(problem::ProblemBody, crate::deposit::report::CheckReport)),
    modifiers(&Bearer),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// Every route of the API, with its description.
pub fn router() -> Router<App> {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(me::read))
        .routes(routes!(accounts::list, accounts::invite))
        .routes(routes!(accounts::read))
        .routes(routes!(accounts::invite_again))
        .routes(routes!(accounts::role))
        .routes(routes!(accounts::disabled))
        .routes(routes!(accounts::sign_out))
        .routes(routes!(accounts::reset_factor))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(conventions::list))
        .routes(routes!(conventions::read))
        .routes(routes!(drafts::list, drafts::create))
        .routes(routes!(drafts::read, drafts::save, drafts::discard))
        .routes(routes!(drafts::check))
        .routes(routes!(drafts::review, drafts::back))
        .routes(routes!(drafts::open))
        .routes(routes!(drafts::comments, drafts::comment))
        .routes(routes!(drafts::resolve))
        .routes(routes!(drafts::differences))
        .routes(routes!(deposits::list))
        .routes(routes!(deposits::send))
        .routes(routes!(deposits::read))
        .routes(routes!(deposits::report))
        .routes(routes!(deposits::check))
        .routes(routes!(evaluations::latest))
        .routes(routes!(evaluations::pdf))
        .routes(routes!(evaluations::html))
        .routes(routes!(retention::list))
        .routes(routes!(retention::read))
        .routes(routes!(retention::visa))
        .routes(routes!(retention::refuse))
        .routes(routes!(retention::package))
        .routes(routes!(retention::transfer))
        .routes(routes!(retention::pdf))
        .routes(routes!(retention::holds, retention::hold))
        .routes(routes!(retention::lift))
        .routes(routes!(retention::removals, retention::ask))
        .routes(routes!(retention::answer))
        .routes(routes!(audit::list))
        .routes(routes!(audit::heads))
        .routes(routes!(audit::register))
        .split_for_parts();
    router
        .route("/openapi.json", axum::routing::get(|| async move { Json(document) }))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(map_response(problem::shape))
        .layer(CatchPanicLayer::custom(problem::panicked))
}
