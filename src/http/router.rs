//! Every route, on one screen.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use super::{api, assets, failure, health, pages::*, reads, security};
use crate::app::App;

/// The whole hub: pages, API, assets, probes.
pub fn router(app: App) -> Router {
    let pages = Router::new()
        .route("/", get(home::page))
        .route("/connexion", get(sign_in::form).post(sign_in::sign_in))
        .route("/connexion/code", post(sign_in::second_step))
        .route("/deconnexion", post(sign_in::sign_out))
        .route("/experimentations", get(experiments::page))
        .route("/experimentations/{name}", get(experiment::page))
        .route("/experimentations/{name}/convention", get(convention::page))
        .route("/experimentations/{name}/convention.json", get(convention::json))
        .route("/experimentations/{name}/convention.yaml", get(convention::yaml))
        .route("/experimentations/{name}/jeux/{dataset}/modele.csv", get(convention::template))
        .route("/experimentations/{name}/indicateurs/{id}", get(indicator::page))
        .route("/experimentations/{name}/comparer", get(compare::page))
        .route("/experimentations/{name}/evaluation", get(evaluation::page))
        .route("/experimentations/{name}/evaluation/arreter", get(evaluation::confirm).post(evaluation::lock))
        .route("/experimentations/{name}/rapport.pdf", get(evaluation::pdf))
        .route("/experimentations/{name}/rapport.html", get(evaluation::report_html))
        .route("/experimentations/{name}/rex/{site}", get(rex::page).post(rex::write))
        .route("/depots", get(deposits::page).post(deposit_new::send).layer(DefaultBodyLimit::disable()))
        .route("/depots.csv", get(deposits::csv))
        .route("/depots/nouveau", get(deposit_new::form))
        .route("/depots/controle", post(deposit_new::check).layer(DefaultBodyLimit::disable()))
        .route("/depots/{id}", get(deposit::page))
        .route("/depots/{id}/rapport.json", get(deposit::report))
        .route("/depots/{id}/evenements", get(deposit::events))
        .route("/depots/{id}/retrait", get(deposit::confirm).post(deposit::withdraw))
        .route("/compte/second-facteur", get(second_factor::page))
        .route("/compte/second-facteur/{act}", post(second_factor::act))
        .route("/administration/comptes", get(accounts::page))
        .route("/administration/jetons", get(tokens::page).post(tokens::create))
        .route("/administration/jetons/{id}/revocation", post(tokens::revoke))
        .route("/administration/journal", get(audit::page))
        .route("/conservation", get(retention::page))
        .route("/conservation/suspensions", post(holds::place))
        .route("/conservation/suspensions/nouvelle", get(holds::form))
        .route("/conservation/suspensions/{id}/levee", get(holds::lift_form).post(holds::lift))
        .route("/conservation/demandes/{id}", get(removal::page).post(removal::answer))
        .route("/conservation/{id}", get(purge::page))
        .route("/conservation/{id}/bordereau.csv", get(purge::csv))
        .route("/conservation/{id}/bordereau.pdf", get(purge::pdf))
        .route("/conservation/{id}/versement.zip", get(purge::package))
        .route("/conservation/{id}/visa.pdf", get(purge::scan))
        .route("/conservation/{id}/visa", get(purge::visa_form).post(purge::visa).layer(DefaultBodyLimit::max(32 << 20)))
        .route("/conservation/{id}/versement", get(purge::transfer_form).post(purge::transfer).layer(DefaultBodyLimit::max(32 << 20)))
        .route("/conservation/{id}/refus", get(purge::refuse_form).post(purge::refuse))
        .route("/mes-donnees", get(own_data::list))
        .route("/mes-donnees/{name}", get(own_data::one))
        .route("/mes-donnees/{name}/retrait", get(own_data::ask_form).post(own_data::ask))
        .route("/administration/courriels", get(mails::page))
        .route("/administration/courriels/{id}", get(mails::letter))
        .route("/administration/courriels/{id}/lettre.html", get(mails::html))
        .route("/compte/courriels", get(mail_preferences::page).post(mail_preferences::choose))
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
        .layer(from_fn_with_state(app.clone(), security::guard))
        .layer(TraceLayer::new_for_http())
        .with_state(app)
}
