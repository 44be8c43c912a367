//! The API: `/api/v1`, JSON, described by its own OpenAPI 3.1 document.

mod accounts;
mod agreements;
mod audit;
mod conventions;
mod deposit_fixes;
mod deposits;
mod drafts;
mod evaluations;
mod me;
mod retention;
mod tokens;
mod uploads;

use axum::{
    Json, Router,
    http::StatusCode,
    middleware::{from_fn, map_response},
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
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

/// Says of every operation what any of them may answer, and that an error is a problem.
fn with_refusals(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    const ANY: [(&str, &str); 4] = [
        ("400", "La demande est mal formée"),
        ("401", "Il manque un jeton d'accès, ou il n'est plus valable"),
        ("403", "Le jeton ou le rôle ne permet pas cette action"),
        ("429", "Trop de demandes à la fois\u{a0}: `Retry-After` dit combien de secondes attendre"),
    ];
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.head, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        let asked = operations.into_iter().flatten().map(|operation| (operation, ANY.as_slice()));
        // What the server speaks is told to anyone, but not without end.
        let told = item.options.iter_mut().map(|operation| (operation, &ANY[3..]));
        for (responses, any) in asked.chain(told).map(|(operation, any)| (&mut operation.responses.responses, any)) {
            for &(status, words) in any {
                responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(ResponseBuilder::new().description(words).build()));
            }
            for (status, response) in responses.iter_mut() {
                if let RefOr::T(response) = response
                    && status.starts_with('4')
                {
                    let content = Content::new(Some(Ref::from_schema_name("ProblemBody")));
                    response.content = [("application/problem+json".to_owned(), RefOr::T(content))].into_iter().collect();
                }
            }
        }
    }
    document
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
        .routes(routes!(conventions::list, agreements::open))
        .routes(routes!(conventions::read))
        .routes(routes!(conventions::paper))
        .routes(routes!(conventions::given))
        .routes(routes!(conventions::version_paper))
        .routes(routes!(agreements::read))
        .routes(routes!(agreements::document))
        .routes(routes!(agreements::check))
        .routes(routes!(agreements::withdraw))
        .routes(routes!(agreements::terminate))
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
        .routes(routes!(deposits::report_csv))
        .routes(routes!(deposits::annotated))
        .routes(routes!(deposits::confirm))
        .routes(routes!(deposit_fixes::read_again))
        .routes(routes!(deposit_fixes::plan, deposit_fixes::correct))
        .routes(routes!(deposit_fixes::changes))
        .routes(routes!(deposit_fixes::differences))
        .routes(routes!(deposits::check))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(uploads::options, uploads::create))
                .routes(routes!(uploads::stand, uploads::send, uploads::cancel, uploads::otherwise))
                .layer(from_fn(uploads::protocol)),
        )
        .routes(routes!(evaluations::latest))
        .routes(routes!(evaluations::comparison))
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
    let document = with_refusals(document);
    router
        .route("/openapi.json", axum::routing::get(|| async move { Json(document) }))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(map_response(problem::shape))
        .layer(CatchPanicLayer::custom(problem::panicked))
}
