//! Conventions.

use axum::{
    Json,
    extract::{Path, State as Extract},
};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    http::{
        load::{self, Loaded},
        problem::{Problem, ProblemBody},
        state::Caller,
    },
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
