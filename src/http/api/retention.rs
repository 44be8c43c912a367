//! The end of the data: lists of elimination, holds, requests for an early withdrawal.

use axum::{
    Json,
    extract::{Path, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agreements::ReasonBody;
use crate::{
    access::Actor,
    app::App,
    error::{Error, Result},
    http::{
        load,
        pages::purge::zip,
        problem::{Problem, ProblemBody},
        state::Caller,
    },
    ids::{HoldId, PurgeId, RemovalId},
    retention::{
        archives::{self, Answer},
        holds,
        list::{self, Line},
        removals,
    },
    store::retention::{Hold, Purge, PurgeState, Removal},
};

/// A list of elimination.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PurgeBody {
    /// Which.
    id: String,
    /// As people call it.
    number: String,
    /// `id` of the convention.
    convention: String,
    /// SIREN of the site whose data it names; all sites' if none.
    site: Option<String>,
    /// Where it stands.
    state: PurgeState,
    /// First day on which the data may go.
    due_on: NaiveDate,
    /// SHA-256 of the list as CSV: what the archives stamp.
    list_sha256: String,
    /// When it was made.
    made_at: DateTime<Utc>,
    /// The archives' reference.
    reference: Option<String>,
    /// Who gave it.
    name: Option<String>,
    /// Its date.
    on: Option<NaiveDate>,
    /// Why the archives refused.
    refusal: Option<String>,
    /// SHA-256 of the package made for the archives.
    package_sha256: Option<String>,
    /// When all was destroyed.
    done_at: Option<DateTime<Utc>>,
}

impl From<Purge> for PurgeBody {
    fn from(p: Purge) -> Self {
        Self {
            id: p.id.to_string(),
            number: p.number,
            convention: p.convention,
            site: p.site.map(Into::into),
            state: p.state,
            due_on: p.due_on,
            list_sha256: p.list_sha256,
            made_at: p.made_at,
            reference: p.visa_reference,
            name: p.visa_name,
            on: p.visa_on,
            refusal: p.refusal,
            package_sha256: p.package_sha256,
            done_at: p.done_at,
        }
    }
}

/// A list with what it names.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListBody {
    /// The list.
    #[serde(flatten)]
    purge: PurgeBody,
    /// One per object.
    objects: Vec<ObjectBody>,
}

/// One object of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObjectBody {
    /// From 1.
    position: i64,
    /// Number of the deposit's receipt.
    deposit: String,
    /// SIREN of the site.
    site: String,
    /// Name of the dataset.
    dataset: String,
    /// `2026-03`, if it has one.
    period: Option<String>,
    /// As the depositor named it.
    file_name: String,
    /// `original`, `rejected` or `table`.
    kind: String,
    /// Size.
    bytes: i64,
    /// Of its bytes.
    sha256: String,
    /// When it was destroyed.
    destroyed_at: Option<DateTime<Utc>>,
    /// Whether it stays, because another convention has the same file.
    shared: bool,
}

impl From<Line> for ObjectBody {
    fn from(l: Line) -> Self {
        Self {
            position: l.position,
            deposit: l.number,
            site: l.site.into(),
            dataset: l.dataset,
            period: l.period,
            file_name: l.file_name,
            kind: l.kind,
            bytes: l.bytes,
            sha256: l.sha256,
            destroyed_at: l.destroyed_at,
            shared: l.shared,
        }
    }
}

/// What the archives answered.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AnswerBody {
    /// Their reference.
    reference: String,
    /// Who gave it.
    name: String,
    /// When.
    on: NaiveDate,
}

impl From<AnswerBody> for Answer {
    fn from(a: AnswerBody) -> Self {
        Self { reference: a.reference, name: a.name, on: a.on, scan: None }
    }
}

fn id<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| load::absent())
}

/// Every list of elimination, newest first.
#[utoipa::path(get, path = "/purges", tag = "conservation", responses((status = 200, body = Vec<PurgeBody>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
pub(super) async fn list(Extract(app): Extract<App>, Caller(actor): Caller) -> Result<Json<Vec<PurgeBody>>, Problem> {
    Ok(Json(list::all(&app, &actor).await?.into_iter().map(PurgeBody::from).collect()))
}

/// One list of elimination, with what it names.
#[utoipa::path(get, path = "/purges/{id}", tag = "conservation", params(("id" = String, Path)), responses((status = 200, body = ListBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn read(Extract(app): Extract<App>, Caller(actor): Caller, Path(purge): Path<String>) -> Result<Json<ListBody>, Problem> {
    let found = find(&app, &actor, &purge).await?;
    Ok(Json(ListBody { purge: found.purge.into(), objects: found.lines.into_iter().map(ObjectBody::from).collect() }))
}

/// Records the archives' visa: what the list names is then destroyed.
#[utoipa::path(post, path = "/purges/{id}/visa", tag = "conservation", params(("id" = String, Path)), request_body = AnswerBody,
    responses((status = 200, body = PurgeBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn visa(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(purge): Path<String>,
    Json(body): Json<AnswerBody>,
) -> Result<Json<PurgeBody>, Problem> {
    let purge: PurgeId = id(&purge)?;
    Ok(Json(archives::visa(&app, &actor, purge, &body.into()).await?.into()))
}

/// Records that the archives refused: nothing is destroyed.
#[utoipa::path(post, path = "/purges/{id}/refusal", tag = "conservation", params(("id" = String, Path)), request_body = ReasonBody,
    responses((status = 200, body = PurgeBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn refuse(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(purge): Path<String>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<PurgeBody>, Problem> {
    Ok(Json(archives::refuse(&app, &actor, id(&purge)?, &body.reason).await?.into()))
}

/// The data of a list as a SEDA 2.2 transfer; officers only.
#[utoipa::path(get, path = "/purges/{id}/package", tag = "conservation", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/zip"), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn package(Extract(app): Extract<App>, Caller(actor): Caller, Path(purge): Path<String>) -> Result<Response, Problem> {
    Ok(zip(archives::package(&app, &actor, id(&purge)?).await?).await?)
}

/// Records that the archives acknowledged the package: what the list names is then destroyed.
#[utoipa::path(post, path = "/purges/{id}/transfer", tag = "conservation", params(("id" = String, Path)), request_body = AnswerBody,
    responses((status = 200, body = PurgeBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn transfer(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(purge): Path<String>,
    Json(body): Json<AnswerBody>,
) -> Result<Json<PurgeBody>, Problem> {
    Ok(Json(archives::transfer(&app, &actor, id(&purge)?, &body.into()).await?.into()))
}

/// A suspension of every destruction.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HoldBody {
    /// Which.
    id: String,
    /// `id` of the convention.
    convention: String,
    /// SIREN of the site; all if none.
    site: Option<String>,
    /// Why.
    reason: String,
    /// Since when.
    placed_at: DateTime<Utc>,
    /// When it was lifted.
    lifted_at: Option<DateTime<Utc>>,
    /// Why.
    lifted_reason: Option<String>,
}

impl From<Hold> for HoldBody {
    fn from(h: Hold) -> Self {
        Self {
            id: h.id.to_string(),
            convention: h.convention,
            site: h.site.map(Into::into),
            reason: h.reason,
            placed_at: h.placed_at,
            lifted_at: h.lifted_at,
            lifted_reason: h.lifted_reason,
        }
    }
}

/// What is suspended, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewHold {
    /// `id` of the convention.
    convention: String,
    /// SIREN of the site; all if none.
    site: Option<String>,
    /// Why.
    reason: String,
}

/// Every hold, newest first.
#[utoipa::path(get, path = "/holds", tag = "conservation", responses((status = 200, body = Vec<HoldBody>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
pub(super) async fn holds(Extract(app): Extract<App>, Caller(actor): Caller) -> Result<Json<Vec<HoldBody>>, Problem> {
    Ok(Json(holds::all(&app, &actor).await?.into_iter().map(HoldBody::from).collect()))
}

/// Suspends every destruction of a convention's data.
#[utoipa::path(post, path = "/holds", tag = "conservation", request_body = NewHold,
    responses((status = 201, body = HoldBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn hold(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Json(body): Json<NewHold>,
) -> Result<(StatusCode, Json<HoldBody>), Problem> {
    let site = body.site.map(|s| s.parse()).transpose()?;
    let hold = holds::place(&app, &actor, &body.convention, site, &body.reason).await?;
    Ok((StatusCode::CREATED, Json(hold.into())))
}

/// Lifts a hold.
#[utoipa::path(post, path = "/holds/{id}/lifting", tag = "conservation", params(("id" = String, Path)), request_body = ReasonBody,
    responses((status = 200, body = HoldBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn lift(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(hold): Path<String>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<HoldBody>, Problem> {
    let hold: HoldId = id(&hold)?;
    holds::lift(&app, &actor, hold, &body.reason).await?;
    Ok(Json(holds::find(&app, &actor, hold).await?.into()))
}

/// A site's request that its data be withdrawn before the end.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RemovalBody {
    /// Which.
    id: String,
    /// `id` of the convention.
    convention: String,
    /// SIREN of the site.
    site: String,
    /// Why.
    reason: String,
    /// When.
    asked_at: DateTime<Utc>,
    /// The answer, once there is one.
    granted: Option<bool>,
    /// Its reason.
    answer: Option<String>,
    /// When it was given.
    answered_at: Option<DateTime<Utc>>,
}

impl From<Removal> for RemovalBody {
    fn from(r: Removal) -> Self {
        Self {
            id: r.id.to_string(),
            convention: r.convention,
            site: r.site.into(),
            reason: r.reason,
            asked_at: r.asked_at,
            granted: r.granted,
            answer: r.answer,
            answered_at: r.answered_at,
        }
    }
}

/// What a site asks.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewRemoval {
    /// `id` of the convention.
    convention: String,
    /// Why.
    reason: String,
}

/// What the Métropole answers.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RemovalAnswer {
    /// Whether the data are withdrawn.
    granted: bool,
    /// Why.
    reason: String,
}

/// The requests that the caller may see, newest first: a site's own, or all.
#[utoipa::path(get, path = "/removals", tag = "conservation", responses((status = 200, body = Vec<RemovalBody>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
pub(super) async fn removals(Extract(app): Extract<App>, Caller(actor): Caller) -> Result<Json<Vec<RemovalBody>>, Problem> {
    Ok(Json(removals::all(&app, &actor).await?.into_iter().map(RemovalBody::from).collect()))
}

/// Asks for the withdrawal of the data of the caller's site; its signatory only.
#[utoipa::path(post, path = "/removals", tag = "conservation", request_body = NewRemoval,
    responses((status = 201, body = RemovalBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn ask(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Json(body): Json<NewRemoval>,
) -> Result<(StatusCode, Json<RemovalBody>), Problem> {
    let removal = removals::ask(&app, &actor, &body.convention, &body.reason).await?;
    Ok((StatusCode::CREATED, Json(removal.into())))
}

/// Grants or refuses a request; officers only.
#[utoipa::path(post, path = "/removals/{id}/answer", tag = "conservation", params(("id" = String, Path)), request_body = RemovalAnswer,
    responses((status = 200, body = RemovalBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn answer(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(removal): Path<String>,
    Json(body): Json<RemovalAnswer>,
) -> Result<Json<RemovalBody>, Problem> {
    let removal: RemovalId = id(&removal)?;
    Ok(Json(removals::answer(&app, &actor, removal, body.granted, &body.reason).await?.into()))
}

/// A list of elimination as the PDF that the archives stamp.
#[utoipa::path(get, path = "/purges/{id}/bordereau.pdf", tag = "conservation", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf"), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn pdf(Extract(app): Extract<App>, Caller(actor): Caller, Path(purge): Path<String>) -> Result<Response, Problem> {
    let found = find(&app, &actor, &purge).await?;
    let bytes = tokio::task::spawn_blocking(move || crate::report::bordereau(&found)).await.map_err(Error::internal)??;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], bytes).into_response())
}

async fn find(app: &App, actor: &Actor, purge: &str) -> Result<list::List> {
    list::find(app, actor, id(purge)?).await
}
