//! Conventions.

use axum::{
    Json,
    extract::{Path, State as Extract},
    response::Response,
};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    http::{
        load::{self, Loaded},
        pages::{
            convention,
            convention_acts::{paper_of, version_of},
            standing,
        },
        problem::{Problem, ProblemBody},
        state::Caller,
    },
    report::paper::Copy,
};

/// A convention in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConventionBody {
    /// The document's `id`.
    id: String,
    /// Newest version.
    version: i64,
    /// Title.
    title: String,
    /// Track.
    track: String,
    /// SHA-256 of what parties sign.
    sha256: String,
    /// First day.
    starts_on: NaiveDate,
    /// Last day.
    ends_on: NaiveDate,
    /// SIREN of the sites.
    sites: Vec<String>,
    /// Names of the datasets.
    datasets: Vec<String>,
}

impl From<&Loaded> for ConventionBody {
    fn from(l: &Loaded) -> Self {
        Self {
            id: l.head.name.clone(),
            version: l.head.version,
            title: l.head.title.clone(),
            track: l.head.track.clone(),
            sha256: l.head.sha256.clone(),
            starts_on: l.head.starts_on,
            ends_on: l.head.ends_on,
            sites: l.document.parties.sites.iter().map(|p| p.siren.to_string()).collect(),
            datasets: l.document.datasets.keys().cloned().collect(),
        }
    }
}

/// The conventions that the caller may know of.
#[utoipa::path(get, path = "/conventions", tag = "conventions", responses((status = 200, body = Vec<ConventionBody>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
pub(super) async fn list(Extract(app): Extract<App>, Caller(actor): Caller) -> Result<Json<Vec<ConventionBody>>, Problem> {
    Ok(Json(load::conventions(&app, &actor).await?.iter().map(ConventionBody::from).collect()))
}

/// The document of a convention, newest version.
#[utoipa::path(get, path = "/conventions/{id}", tag = "conventions", params(("id" = String, Path, description = "`id` of the document")),
    responses((status = 200, body = serde_json::Value), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn read(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    Ok(Json(load::convention(&app, &actor, &id).await?.json))
}

/// The paper of a convention, as PDF/UA-1: the version that is being signed, else the one that holds.
#[utoipa::path(get, path = "/conventions/{id}/convention.pdf", tag = "conventions", params(("id" = String, Path, description = "`id` of the document")),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn paper(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let loaded = load::convention(&app, &actor, &id).await?;
    let version = standing::shown(&loaded, &actor, load::today(&app));
    Ok(paper_of(&app, &loaded.agreement, version, Copy::Signed).await?)
}

/// The paper of one version, as PDF/UA-1.
#[utoipa::path(get, path = "/conventions/{id}/versions/{version}/convention.pdf", tag = "conventions",
    params(("id" = String, Path, description = "`id` of the document"), ("version" = i64, Path, description = "From 1")),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn version_paper(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path((id, version)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let loaded = load::convention(&app, &actor, &id).await?;
    let version = version_of(&loaded, &actor, version.parse().map_err(|_| load::absent())?)?;
    Ok(paper_of(&app, &loaded.agreement, version, Copy::Signed).await?)
}

/// What a dataset's depositors are given: `template.xlsx` and `template.csv` to fill in, `dictionary.md`, `table-schema.json` and
/// `schema.json` to read.
#[utoipa::path(get, path = "/conventions/{id}/datasets/{dataset}/{file}", tag = "conventions",
    params(("id" = String, Path, description = "`id` of the document"), ("dataset" = String, Path, description = "Name of the dataset"),
        ("file" = String, Path, description = "`template.xlsx`, `template.csv`, `dictionary.md`, `table-schema.json` or `schema.json`")),
    responses((status = 200, content((Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "text/csv"), (String = "text/markdown"),
            (serde_json::Value = "application/json"), (serde_json::Value = "application/schema+json"))),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn given(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path((id, dataset, file)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let form = file.parse().map_err(load::hidden);
    // Whoever may not know of the convention does not learn which files there would be.
    load::convention(&app, &actor, &id).await?;
    Ok(convention::given(&app, &actor, &id, &dataset, form?).await?)
}
