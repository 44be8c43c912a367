//! Evaluations and reports.

use axum::{
    Json,
    extract::{Path, State as Extract},
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::Actor,
    app::App,
    evaluation,
    evaluation::result::Evaluation,
    http::{
        load,
        pages::{compare::download, evaluation::file},
        problem::{Problem, ProblemBody},
        state::Caller,
    },
    report::{self, comparison::Form},
};

/// One snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnapshotBody {
    /// From 1.
    number: i64,
    /// Whether the data are locked and conclusions drawn.
    is_final: bool,
    /// When it was computed.
    computed_at: DateTime<Utc>,
    /// The same document as `retex evaluate`.
    evaluation: Evaluation,
}

/// The latest evaluation of a convention, as far as the caller may see it.
#[utoipa::path(get, path = "/conventions/{id}/evaluations/latest", tag = "évaluations", params(("id" = String, Path, description = "`id` of the document")),
    responses((status = 200, body = SnapshotBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn latest(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<SnapshotBody>, Problem> {
    load::convention(&app, &actor, &id).await?;
    let s = evaluation::latest(&app, &actor, &id).await?.ok_or_else(load::absent)?;
    Ok(Json(SnapshotBody { number: s.head.number, is_final: s.head.is_final, computed_at: s.head.created_at, evaluation: s.evaluation }))
}

/// The comparison of sites as a table, one row per site and indicator and one for all sites; or a script that computes it again.
#[utoipa::path(get, path = "/conventions/{id}/comparison/{form}", tag = "évaluations", params(("id" = String, Path), ("form" = String, Path, description = "`csv`, `csv-fr`, `xlsx`, `parquet`, `json`, `r` or `python`")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn comparison(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path((id, form)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let form = Form::named(&form).filter(|f| f.name() == form).ok_or_else(load::absent)?;
    Ok(download(&app, &actor, &id, form).await?)
}

async fn build(app: &App, actor: &Actor, id: &str, kind: report::Format) -> Result<Response, Problem> {
    load::convention(app, actor, id).await?;
    if !load::evaluates(actor) {
        return Err(load::absent().into());
    }
    Ok(file(kind, report::build(app, actor, id, kind).await?))
}

/// The evaluation report, as PDF/UA-1.
#[utoipa::path(get, path = "/conventions/{id}/report.pdf", tag = "évaluations", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn pdf(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    build(&app, &actor, &id, report::Format::Pdf).await
}

/// The evaluation report, as one self-contained HTML file.
#[utoipa::path(get, path = "/conventions/{id}/report.html", tag = "évaluations", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn html(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    build(&app, &actor, &id, report::Format::Html).await
}
