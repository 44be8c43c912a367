//! What is done with a deposit that was read wrong, refused or replaced: reading it otherwise, mending it, comparing it.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State as Extract},
    response::Response,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    agreements::json,
    deposits::{DepositBody, received},
};
use crate::{
    app::App,
    convention::document::Reading,
    deposit::{
        self,
        correct::{CorrectionPlan, CorrectionReceipt},
        differences::DepositDifferences,
    },
    http::{
        load,
        problem::{Problem, ProblemBody},
        state::Caller,
    },
};

/// Deposits the bytes of a deposit again, to be read as is said here over what was detected. What is left out is detected as before.
#[utoipa::path(post, path = "/deposits/{id}/reading", tag = "dépôts", params(("id" = String, Path)), request_body = Reading,
    responses((status = 202, body = DepositBody), (status = 200, body = DepositBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn read_again(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    sent: Bytes,
) -> Result<Response, Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    Ok(received(deposit::reading::read_again(&app, &actor, found.id, json(&sent)?).await?))
}

/// What mending a refused deposit would change: every suggestion of its report that is safe, and what stays to correct by hand.
#[utoipa::path(get, path = "/deposits/{id}/correction", tag = "dépôts", params(("id" = String, Path)), responses((status = 200, body = CorrectionPlan), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn plan(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<CorrectionPlan>, Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    Ok(Json(deposit::correct::plan(&app, &actor, found.id).await?.1))
}

/// Deposits the mended file of a refused deposit in its place.
#[utoipa::path(post, path = "/deposits/{id}/correction", tag = "dépôts", params(("id" = String, Path)),
    responses((status = 202, body = DepositBody), (status = 200, body = DepositBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn correct(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    Ok(received(deposit::correct::correct(&app, &actor, found.id).await?))
}

/// Every cell that the hub changed to make a deposit's file from a refused one; empty for a file that was sent.
#[utoipa::path(get, path = "/deposits/{id}/changes", tag = "dépôts", params(("id" = String, Path)), responses((status = 200, body = CorrectionReceipt), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn changes(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<CorrectionReceipt>, Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    Ok(Json(deposit::correct::changes(&app, &actor, found.id).await?))
}

/// Which deposit another is compared with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CompareQuery {
    /// The deposit before; the one that came before it for the same site, dataset and period when absent.
    with: Option<String>,
}

/// What differs, cell by cell, from a deposit to this one of the same site, dataset and period: values are compared as the check reads them.
#[utoipa::path(get, path = "/deposits/{id}/differences", tag = "dépôts", params(("id" = String, Path), CompareQuery), responses((status = 200, body = DepositDifferences), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn differences(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<CompareQuery>,
) -> Result<Json<DepositDifferences>, Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    let before = match query.with.filter(|w| !w.is_empty()) {
        Some(with) => Some(load::deposit(&app, &actor, &with).await?.id),
        None => None,
    };
    Ok(Json(deposit::differences::differences(&app, &actor, found.id, before).await?.2))
}
