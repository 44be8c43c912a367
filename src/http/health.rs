//! Probes: whether the process lives, and whether what it needs answers.

use axum::{extract::State as Extract, http::StatusCode};

use crate::app::App;

/// `GET /livez`.
pub async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database and the files answer.
pub async fn ready(Extract(app): Extract<App>) -> (StatusCode, &'static str) {
    let (store, lake) = tokio::join!(app.store.ping(), app.lake.ping());
    match (store, lake) {
        (Ok(()), Ok(())) => (StatusCode::OK, "ok\n"),
        (Err(_), _) => (StatusCode::SERVICE_UNAVAILABLE, "store\n"),
        (_, Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "lake\n"),
    }
}
