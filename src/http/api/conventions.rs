//! Conventions.

use axum::{
    Json,
    extract::{Path, State as Extract},
    http::StatusCode,
    response::Response,
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    convention::{
        agreement::State as Life,
        register,
    },
    http::{
        load::{self, Loaded},
        pages::{
            convention_acts::{paper_of, version_of},
            standing,
        },
        problem::{Problem, ProblemBody},
        state::Caller,
    },
    report::paper::Copy,
    store::signatures::Means,
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

/// A version and who signed it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionBody {
    /// From 1.
    version: i64,
    /// SHA-256 of what parties sign.
    sha256: String,
    /// Where it stands.
    state: Life,
    /// First day.
    starts_on: NaiveDate,
    /// Last day.
    ends_on: NaiveDate,
    /// The Métropole, then the sites.
    parties: Vec<PartyBody>,
}

/// A party of a version.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartyBody {
    /// SIREN.
    siren: String,
    /// Name in the convention.
    name: String,
    /// When it signed.
    signed_at: Option<DateTime<Utc>>,
    /// How, where it signed in the hub or an officer recorded it.
    means: Option<Means>,
    /// Who signed.
    signatory: Option<String>,
    /// As what.
    quality: Option<String>,
    /// Reference of the délibération or delegation.
    deed_reference: Option<String>,
    /// Its date.
    deed_date: Option<NaiveDate>,
}

/// Every version of a convention that the caller may know of, newest first, with its signatures.
#[utoipa::path(get, path = "/conventions/{id}/versions", tag = "conventions", params(("id" = String, Path, description = "`id` of the document")),
    responses((status = 200, body = Vec<VersionBody>), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn versions(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<Vec<VersionBody>>, Problem> {
    let loaded = load::convention(&app, &actor, &id).await?;
    let signatures = app.store.signatures(&id).await?;
    let known = loaded.agreement.versions().iter().rev().filter(|v| actor.site.as_ref().is_none_or(|site| v.names(site)));
    let body = known.map(|v| VersionBody {
        version: v.head.version,
        sha256: v.head.sha256.clone(),
        state: loaded.agreement.version_state(v, load::today(&app)),
        starts_on: v.head.starts_on,
        ends_on: v.head.ends_on,
        parties: v
            .parties()
            .map(|p| {
                let given = signatures.iter().find(|s| s.convention_id == v.head.id && s.party == *p);
                PartyBody {
                    siren: p.to_string(),
                    name: v.convention.site_name(p),
                    signed_at: v.signed.get(p).copied(),
                    means: given.map(|s| s.means),
                    signatory: given.map(|s| s.name.clone()),
                    quality: given.map(|s| s.quality.clone()),
                    deed_reference: given.map(|s| s.deed_reference.clone()),
                    deed_date: given.map(|s| s.deed_date),
                }
            })
            .collect(),
    });
    Ok(Json(body.collect()))
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

/// Why a version is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WithdrawalBody {
    /// Kept with the version.
    reason: String,
}

/// Takes back a version that binds nobody yet.
#[utoipa::path(post, path = "/conventions/{id}/versions/{version}/withdrawal", tag = "conventions", request_body = WithdrawalBody,
    params(("id" = String, Path, description = "`id` of the document"), ("version" = i64, Path, description = "From 1")),
    responses((status = 204), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn withdraw(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path((id, version)): Path<(String, String)>,
    Json(body): Json<WithdrawalBody>,
) -> Result<StatusCode, Problem> {
    let loaded = load::convention(&app, &actor, &id).await?;
    let version = version_of(&loaded, &actor, version.parse().map_err(|_| load::absent())?)?;
    register::withdraw(&app, &actor, version.head.id, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An early end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TerminationBody {
    /// Last day in force.
    on: NaiveDate,
    /// What the parties are told.
    reason: String,
}

/// Ends a convention before its last day.
#[utoipa::path(post, path = "/conventions/{id}/termination", tag = "conventions", request_body = TerminationBody,
    params(("id" = String, Path, description = "`id` of the document")),
    responses((status = 204), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn terminate(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(body): Json<TerminationBody>,
) -> Result<StatusCode, Problem> {
    let loaded = load::convention(&app, &actor, &id).await?;
    register::terminate(&app, &actor, &loaded.agreement.name, body.on, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
