//! Every route, on one screen.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use super::{api, assets, failure, health, limits, pages::*, reads, security};
use crate::app::App;

/// The whole hub: pages, API, assets, probes.
pub fn router(app: App) -> Router {
    let pages = Router::new()
        .route("/", get(home::page))
        .route("/connexion", get(sign_in::form).post(sign_in::sign_in))
        .route("/connexion/proconnect", get(sign_in::provider))
        .route("/connexion/proconnect/retour", get(sign_in::provider_answer))
        .route("/connexion/code", post(sign_in::second_step))
        .route("/deconnexion", post(sign_in::sign_out))
        .route("/experimentations", get(experiments::page))
        .route("/experimentations/{name}", get(experiment::page))
        .route("/experimentations/{name}/convention", get(convention::page))
        .route("/experimentations/{name}/versions", get(versions::page))
        .route("/experimentations/{name}/versions/{n}/differences", get(versions::differences))
        .route("/experimentations/{name}/convention.json", get(convention::json))
        .route("/experimentations/{name}/convention.yaml", get(convention::yaml))
        .route("/experimentations/{name}/convention.pdf", get(convention_acts::newest))
        .route("/experimentations/{name}/convention/retrait", get(convention_acts::confirm_withdrawal).post(convention_acts::withdraw))
        .route("/experimentations/{name}/convention/fin", get(convention_acts::confirm_end).post(convention_acts::end))
        .route("/experimentations/{name}/versions/{version}/convention.pdf", get(convention_acts::one))
        .route("/experimentations/{name}/versions/{version}/signatures/{party}", get(convention_acts::document))
        .route("/experimentations/{name}/signature", get(signature::form).post(signature::sign))
        .route(
            "/experimentations/{name}/signature/document",
            get(signature::choose).post(signature::receive).layer(DefaultBodyLimit::disable()),
        )
        .route("/experimentations/{name}/signature/document/{means}/{sha256}", get(signature::review).post(signature::record))
        .route("/experimentations/{name}/jeux/{dataset}/modele.csv", get(convention::template))
        .route("/experimentations/{name}/indicateurs/{id}", get(indicator::page))
        .route("/experimentations/{name}/comparer", get(compare::page))
        .route("/experimentations/{name}/evaluation", get(evaluation::page))
        .route("/experimentations/{name}/evaluation/arreter", get(evaluation::confirm).post(evaluation::lock))
        .route("/experimentations/{name}/rapport.pdf", get(evaluation::pdf))
        .route("/experimentations/{name}/rapport.html", get(evaluation::report_html))
        .route("/experimentations/{name}/rex/{site}", get(rex::page).post(rex::write))
        .merge(drafting())
        .route("/depots", get(deposits::page).post(deposit_new::send).layer(DefaultBodyLimit::disable()))
        .route("/depots.csv", get(deposits::csv))
        .route("/depots/nouveau", get(deposit_new::form))
        .route("/depots/controle", post(deposit_new::check).layer(DefaultBodyLimit::disable()))
        .route("/depots/{id}", get(deposit::page))
        .route("/depots/{id}/rapport.json", get(deposit::report))
        .route("/depots/{id}/evenements", get(deposit::events))
        .route("/depots/{id}/retrait", get(deposit::confirm).post(deposit::withdraw))
        .route("/invitation/{secret}", get(links::invitation).post(links::accept))
        .route("/mot-de-passe", get(links::forgot).post(links::ask))
        .route("/mot-de-passe/{secret}", get(links::reset).post(links::renew))
        .route("/compte", get(me::page))
        .route("/compte/mot-de-passe", post(me::password))
        .route("/compte/sessions", post(me::close))
        .route("/compte/jetons", get(tokens::own).post(tokens::create_own))
        .route("/compte/jetons/{id}/revocation", post(tokens::revoke_own))
        .route("/compte/second-facteur", get(second_factor::page))
        .route("/compte/second-facteur/{act}", post(second_factor::act))
        .route("/administration/comptes", get(accounts::page).post(accounts::invite))
        .route("/administration/comptes/nouveau", get(accounts::new))
        .route("/administration/comptes/{id}", get(accounts::one))
        .route("/administration/comptes/{id}/{act}", get(accounts::confirm).post(accounts::act))
        .route("/administration/jetons", get(tokens::page).post(tokens::create_service))
        .route("/administration/jetons/{id}/revocation", post(tokens::revoke_any))
        .route("/administration/journal", get(audit::page))
        .route("/administration/journal.csv", get(audit::csv))
        .route("/administration/journal.json", get(audit::json_lines))
        .route("/administration/journal/tete.json", get(audit::head))
        .route("/administration/journal/{organisation}/{seq}", get(audit::entry))
        .route("/administration/courriels", get(mails::page))
        .route("/administration/courriels/{id}", get(mails::letter))
        .route("/administration/courriels/{id}/lettre.html", get(mails::html))
        .route("/compte/courriels", get(mail_preferences::page).post(mail_preferences::choose))
        .route("/registre-des-traitements", get(register::page))
        .route("/registre-des-traitements.csv", get(register::csv))
        .route("/reglement", get(text::rules))
        .route("/accessibilite", get(text::accessibility))
        .route("/donnees-personnelles", get(text::privacy))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn_with_state(app.clone(), failure::shape));
    Router::new()
        .nest("/api/v1", api::router())
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/assets/{name}", get(assets::serve))
        .merge(pages)
        .layer(CatchPanicLayer::custom(failure::panicked))
        .layer(from_fn_with_state(app.clone(), reads::record))
        .layer(from_fn_with_state((app.clone(), limits::Limits::default()), limits::by_address))
        .layer(from_fn_with_state(app.clone(), security::guard))
        .layer(TraceLayer::new_for_http().make_span_with(security::span))
        .with_state(app)
}

/// The pages on which a convention is drawn up; their forms hold whole documents.
fn drafting() -> Router<App> {
    Router::new()
        .route("/conventions", get(drafts::page))
        .route("/conventions/nouvelle", get(drafts::new).post(drafts::create))
        .route("/conventions/importer", post(drafts::import))
        .route("/conventions/brouillons/{id}", get(draft::first))
        .route("/conventions/brouillons/{id}/{step}", get(draft::step).post(draft::save_step))
        .route("/conventions/brouillons/{id}/document", get(draft::expert).post(draft::save_expert))
        .route("/conventions/brouillons/{id}/export/{file}", get(draft::export))
        .route("/conventions/brouillons/{id}/controle/{step}", post(draft::live))
        .route("/conventions/brouillons/{id}/jeux-nouveau", post(draft_datasets::add))
        .route("/conventions/brouillons/{id}/jeux-importer", post(draft_datasets::import))
        .route("/conventions/brouillons/{id}/jeux/{name}", get(draft::dataset).post(draft::save_dataset))
        .route("/conventions/brouillons/{id}/jeux/{name}/retrait", get(draft_datasets::confirm).post(draft_datasets::remove))
        .route("/conventions/brouillons/{id}/relecture", get(draft_review::page))
        .route("/conventions/brouillons/{id}/remarques", post(draft_review::comment))
        .route("/conventions/brouillons/{id}/remarques/{comment}", post(draft_review::settle))
        .route("/conventions/brouillons/{id}/etape/{act}", get(draft_review::confirm).post(draft_review::act))
        .layer(DefaultBodyLimit::max(drafts::MAX_FILE))
}
