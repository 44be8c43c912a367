//! Drafts of conventions, and what changes between versions.

use axum::{
    Json,
    extract::{Path, State as Extract},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::conventions::ConventionBody;
use crate::{
    app::App,
    convention::{
        difference::Change,
        draft::{self, Remark, Start},
    },
    error::Error,
    http::{
        load, pages,
        problem::{FaultBody, Problem, ProblemBody},
        state::Caller,
    },
    ids::DraftId,
    store::drafts::{Comment, Draft},
};

/// A draft, without its document.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DraftHead {
    /// Which.
    id: String,
    /// The document's `id` as far as it has one.
    name: String,
    /// Its title as far as it has one.
    title: String,
    /// Rises by one with every writing; `If-Match` names it.
    revision: i64,
    /// `draft`, `in_review`, `opened` or `discarded`.
    state: String,
    /// Whether it amends a convention.
    amendment: bool,
    /// Last writing.
    updated_at: DateTime<Utc>,
}

/// A draft, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DraftBody {
    #[serde(flatten)]
    head: DraftHead,
    /// The document as it stands.
    document: Value,
}

impl From<&Draft> for DraftHead {
    fn from(d: &Draft) -> Self {
        Self {
            id: d.id.to_string(),
            name: d.name.clone(),
            title: d.title.clone(),
            revision: d.revision,
            state: d.state.clone(),
            amendment: d.based_on.is_some(),
            updated_at: d.updated_at,
        }
    }
}

fn whole(draft: &Draft) -> Result<Response, Problem> {
    let body = DraftBody { head: draft.into(), document: draft::document(draft)? };
    Ok(([(header::ETAG, format!("\"{}\"", draft.revision))], Json(body)).into_response())
}

fn id(text: &str) -> Result<DraftId, Problem> {
    Ok(text.parse().map_err(|_| load::absent())?)
}

/// The revision that a caller saw.
fn seen(headers: &HeaderMap) -> Result<i64, Problem> {
    let text = headers.get(header::IF_MATCH).and_then(|v| v.to_str().ok());
    let revision = text.and_then(|t| t.trim().trim_start_matches("W/").trim_matches('"').parse().ok());
    Ok(revision.ok_or_else(|| {
        Error::invalid("if_match", "Dites dans l'en-tête «\u{a0}If-Match\u{a0}» la révision que vous avez lue, par exemple \"3\".")
    })?)
}

/// The drafts that the caller may read, last written first.
#[utoipa::path(get, path = "/drafts", tag = "conventions", responses((status = 200, body = Vec<DraftHead>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
pub(super) async fn list(Extract(app): Extract<App>, Caller(actor): Caller) -> Result<Json<Vec<DraftHead>>, Problem> {
    Ok(Json(draft::list(&app, &actor).await?.iter().map(DraftHead::from).collect()))
}

/// What begins a draft: one of the four.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum NewDraft {
    /// Title of an experiment that starts from the programme's model.
    Model(String),
    /// `id` of a convention to copy into a new one.
    Copy(String),
    /// `id` of a convention to amend.
    Amendment(String),
    /// A document; it need not be complete.
    Document(Value),
}

/// Begins a draft.
#[utoipa::path(post, path = "/drafts", tag = "conventions", request_body = NewDraft,
    responses((status = 201, body = DraftBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn create(Extract(app): Extract<App>, Caller(actor): Caller, Json(new): Json<NewDraft>) -> Result<Response, Problem> {
    let start = match new {
        NewDraft::Model(title) => Start::Model { title },
        NewDraft::Copy(name) => Start::Copy { name },
        NewDraft::Amendment(name) => Start::Amendment { name },
        NewDraft::Document(document) => Start::Document(document),
    };
    if let Start::Copy { name } | Start::Amendment { name } = &start {
        load::convention(&app, &actor, name).await?;
    }
    let draft = draft::create(&app, &actor, start).await?;
    Ok((StatusCode::CREATED, whole(&draft)?).into_response())
}

/// One draft.
#[utoipa::path(get, path = "/drafts/{id}", tag = "conventions", params(("id" = String, Path)),
    responses((status = 200, body = DraftBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn read(Extract(app): Extract<App>, Caller(actor): Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    whole(&draft::find(&app, &actor, id(&text)?).await?)
}

/// Writes a draft over the revision of `If-Match`; 409 with what the others changed where it is no longer the newest.
#[utoipa::path(put, path = "/drafts/{id}", tag = "conventions", params(("id" = String, Path), ("If-Match" = String, Header, description = "Revision that was read")), request_body = Value,
    responses((status = 200, body = DraftBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn save(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(text): Path<String>,
    headers: HeaderMap,
    Json(document): Json<Value>,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    draft::find(&app, &actor, id).await?;
    whole(&draft::save(&app, &actor, id, seen(&headers)?, document).await?)
}

/// What a draft's document lacks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckBody {
    /// Whether it may be opened for signature.
    valid: bool,
    /// Every fault that can be seen.
    faults: Vec<FaultBody>,
}

/// Every fault of a draft.
#[utoipa::path(get, path = "/drafts/{id}/check", tag = "conventions", params(("id" = String, Path)),
    responses((status = 200, body = CheckBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn check(Extract(app): Extract<App>, Caller(actor): Caller, Path(text): Path<String>) -> Result<Json<CheckBody>, Problem> {
    let draft = draft::find(&app, &actor, id(&text)?).await?;
    let faults = pages::draft::check(draft::document(&draft)?).await?;
    let faults: Vec<FaultBody> = faults.into_iter().map(|f| FaultBody { pointer: f.pointer, code: f.code, message: f.message }).collect();
    Ok(Json(CheckBody { valid: faults.is_empty(), faults }))
}

/// Opens a draft to the remarks of its parties.
#[utoipa::path(post, path = "/drafts/{id}/review", tag = "conventions", params(("id" = String, Path), ("If-Match" = String, Header, description = "Revision that was read")),
    responses((status = 200, body = DraftBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn review(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    draft::find(&app, &actor, id).await?;
    whole(&draft::send_to_review(&app, &actor, id, seen(&headers)?).await?)
}

/// Takes a draft back from review.
#[utoipa::path(delete, path = "/drafts/{id}/review", tag = "conventions", params(("id" = String, Path), ("If-Match" = String, Header, description = "Revision that was read")),
    responses((status = 200, body = DraftBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn back(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    draft::find(&app, &actor, id).await?;
    whole(&draft::back_to_draft(&app, &actor, id, seen(&headers)?).await?)
}

/// Opens a draft for signature: it becomes the next version of its convention.
#[utoipa::path(post, path = "/drafts/{id}/open", tag = "conventions", params(("id" = String, Path), ("If-Match" = String, Header, description = "Revision that was read")),
    responses((status = 201, body = ConventionBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn open(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    draft::find(&app, &actor, id).await?;
    let head = draft::open(&app, &actor, id, seen(&headers)?).await?;
    let loaded = load::convention(&app, &actor, &head.name).await?;
    Ok((StatusCode::CREATED, Json(ConventionBody::from(&loaded))).into_response())
}

/// Gives a draft up.
#[utoipa::path(delete, path = "/drafts/{id}", tag = "conventions", params(("id" = String, Path), ("If-Match" = String, Header, description = "Revision that was read")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn discard(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let id = id(&text)?;
    draft::find(&app, &actor, id).await?;
    draft::discard(&app, &actor, id, seen(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A remark on a draft.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CommentBody {
    /// Which.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// SIREN on whose behalf; none for the Métropole.
    organisation: Option<String>,
    /// JSON Pointer of the place that it is about.
    pointer: Option<String>,
    /// `comment` or `change_request`.
    kind: String,
    /// What it says.
    text: String,
    /// Since when it is settled.
    resolved_at: Option<DateTime<Utc>>,
}

impl From<Comment> for CommentBody {
    fn from(c: Comment) -> Self {
        Self {
            id: c.id.to_string(),
            at: c.at,
            organisation: c.organisation.map(|o| o.to_string()),
            pointer: c.pointer,
            kind: c.kind,
            text: c.text,
            resolved_at: c.resolved_at,
        }
    }
}

/// The remarks on a draft, oldest first.
#[utoipa::path(get, path = "/drafts/{id}/comments", tag = "conventions", params(("id" = String, Path)),
    responses((status = 200, body = Vec<CommentBody>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn comments(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(text): Path<String>,
) -> Result<Json<Vec<CommentBody>>, Problem> {
    let draft = draft::find(&app, &actor, id(&text)?).await?;
    Ok(Json(app.store.draft_comments(draft.id).await?.into_iter().map(CommentBody::from).collect()))
}

/// What is said of a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewComment {
    /// JSON Pointer of the place that it is about.
    #[serde(default)]
    pointer: Option<String>,
    /// Whether a change is asked for.
    #[serde(default)]
    change_request: bool,
    /// What it says.
    text: String,
}

/// Adds a remark to a draft.
#[utoipa::path(post, path = "/drafts/{id}/comments", tag = "conventions", params(("id" = String, Path)), request_body = NewComment,
    responses((status = 201, body = CommentBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn comment(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(text): Path<String>,
    Json(new): Json<NewComment>,
) -> Result<Response, Problem> {
    let remark = Remark { pointer: new.pointer, change: new.change_request, text: new.text };
    let comment = draft::comment(&app, &actor, id(&text)?, remark).await?;
    Ok((StatusCode::CREATED, Json(CommentBody::from(comment))).into_response())
}

/// Settles a remark.
#[utoipa::path(post, path = "/drafts/{id}/comments/{comment}/resolve", tag = "conventions", params(("id" = String, Path), ("comment" = String, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn resolve(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path((text, comment)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let comment = comment.parse().map_err(|_| load::absent())?;
    draft::resolve(&app, &actor, id(&text)?, comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a version of a convention changed from the one before it, in words.
#[utoipa::path(get, path = "/conventions/{id}/versions/{version}/differences", tag = "conventions",
    params(("id" = String, Path, description = "`id` of the document"), ("version" = String, Path, description = "Number of the version")),
    responses((status = 200, body = Vec<Change>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn differences(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<Vec<Change>>, Problem> {
    let version: i64 = version.parse().map_err(|_| load::absent())?;
    Ok(Json(pages::versions::differences_of(&app, &actor, &name, version).await?.2))
}
