//! The audit trail and the register of processing, for administrators and data protection officers.

use axum::{
    Json,
    extract::{Query, State as Extract},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    audit::{self, Heads},
    convention::processing::Processing,
    http::{
        pages::{audit::exported, register::records},
        problem::{Problem, ProblemBody},
        state::Caller,
        trail::{self, Chosen},
    },
    store::{Page as Slice, audit::AuditRow},
};

/// Filters of the trail.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TrailQuery {
    /// First day, `2026-03-12`, in Paris.
    since: Option<String>,
    /// Last day.
    until: Option<String>,
    /// Id of an account (its tokens are counted with it), or `système`.
    actor: Option<String>,
    /// SIREN of a chain; `retex` for the hub's own.
    organisation: Option<String>,
    /// `deposit.receive`, `data.read` …
    act: Option<String>,
    /// Whole object: `deposit/0198…`.
    object: Option<String>,
    /// `ok`, `denied`, `failed`.
    outcome: Option<String>,
    /// Words to find.
    search: Option<String>,
    /// Rows to skip.
    offset: Option<i64>,
    /// Rows at most: 100 when absent, 1000 at most.
    limit: Option<i64>,
}

/// One page of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Trail {
    /// All that answer the filters.
    count: i64,
    /// Newest first, with all that their hashes cover.
    entries: Vec<AuditRow>,
}

/// The trail of acts and reads. Administrators and data protection officers.
#[utoipa::path(get, path = "/audit", tag = "journal", params(TrailQuery), responses((status = 200, body = Trail), (status = 400, body = ProblemBody),
    (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn list(Extract(app): Extract<App>, Caller(actor): Caller, Query(q): Query<TrailQuery>) -> Result<Json<Trail>, Problem> {
    trail::reader(&actor)?;
    let text = Option::unwrap_or_default;
    let chosen = Chosen {
        du: text(q.since),
        au: text(q.until),
        personne: text(q.actor),
        structure: text(q.organisation),
        action: text(q.act),
        objet: text(q.object),
        issue: text(q.outcome),
        recherche: text(q.search),
        ..Chosen::default()
    };
    let slice = Slice { offset: q.offset.unwrap_or(0).max(0), limit: q.limit.unwrap_or(100).clamp(0, 1000) };
    let (entries, count) = app.store.audit(&chosen.filter(&app).await?, slice).await?;
    Ok(Json(Trail { count, entries }))
}

/// The end of every chain, to keep elsewhere: `retex admin verify --head` compares the trail with it. Administrators and data protection officers.
#[utoipa::path(get, path = "/audit/heads", tag = "journal", responses((status = 200, body = Heads), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody)))]
pub(super) async fn heads(Extract(app): Extract<App>, Caller(actor): Caller) -> Result<Json<Heads>, Problem> {
    trail::reader(&actor)?;
    exported(&app, &actor, "audit.head", "audit/heads", "").await?;
    Ok(Json(audit::heads::read(&app.store, app.clock.now()).await?))
}

/// The register of processing (RGPD, article 30), from the conventions. Administrators and data protection officers.
#[utoipa::path(get, path = "/register", tag = "journal", responses((status = 200, body = Vec<Processing>), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody)))]
pub(super) async fn register(Extract(app): Extract<App>, Caller(actor): Caller) -> Result<Json<Vec<Processing>>, Problem> {
    trail::reader(&actor)?;
    Ok(Json(records(&app).await?))
}
