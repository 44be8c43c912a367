//! Tokens: one's own, and for administrators those of services.

use axum::{
    Json,
    extract::{Path, Query, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{self, NewToken, token},
    app::App,
    convention::scope::Scope,
    error::Result,
    http::{
        load,
        problem::{Problem, ProblemBody},
        state::Caller,
    },
    ids::{AccountId, TokenId},
};

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenBody {
    /// Which.
    id: String,
    /// What it is for.
    name: String,
    /// Whose account.
    account: String,
    /// Whether a machine speaks, not the person.
    service: bool,
    /// What it is limited to; null for all that the account may do.
    scope: Option<Scope>,
    /// Since when.
    created_at: DateTime<Utc>,
    /// Until when.
    expires_at: Option<DateTime<Utc>>,
    /// Last use noted.
    last_used_at: Option<DateTime<Utc>>,
    /// Since when it is void.
    revoked_at: Option<DateTime<Utc>>,
}

impl From<token::Listed> for TokenBody {
    fn from(l: token::Listed) -> Self {
        Self {
            id: l.token.id.to_string(),
            name: l.token.name,
            account: l.account.id.to_string(),
            service: l.token.service,
            scope: l.scope,
            created_at: l.token.created_at,
            expires_at: l.token.expires_at,
            last_used_at: l.token.last_used_at,
            revoked_at: l.token.revoked_at,
        }
    }
}

/// A service's token to make.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewTokenBody {
    /// Whose account: a contributor's or an analyst's.
    account: String,
    /// What it is for.
    name: String,
    /// Until when: a year at most.
    expires_at: DateTime<Utc>,
    /// What it is limited to.
    scope: Scope,
}

/// A token just made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshToken {
    /// Which.
    id: String,
    /// The secret, given this once.
    token: String,
}

/// Whose tokens.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TokensQuery {
    /// Everybody's, for an administrator; one's own when absent.
    #[serde(default)]
    all: bool,
}

/// The caller's tokens, or everybody's.
#[utoipa::path(get, path = "/tokens", tag = "comptes", params(TokensQuery), responses((status = 200, body = Vec<TokenBody>), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody)))]
pub(super) async fn list(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Query(query): Query<TokensQuery>,
) -> Result<Json<Vec<TokenBody>>, Problem> {
    Ok(Json(token::list(&app, &actor, query.all).await?.into_iter().map(TokenBody::from).collect()))
}

/// Makes a service's token; a person makes their own in the pages.
#[utoipa::path(post, path = "/tokens", tag = "comptes", request_body = NewTokenBody, responses((status = 201, body = FreshToken), (status = 400, body = ProblemBody),
    (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn create(Extract(app): Extract<App>, Caller(actor): Caller, Json(body): Json<NewTokenBody>) -> Result<Response, Problem> {
    actor.require(&[crate::convention::perimeter::Role::Administrator])?;
    let account: AccountId = body.account.parse().map_err(|_| load::absent())?;
    let account = app.store.account(account).await?.ok_or_else(load::absent)?;
    let new = NewToken { name: body.name, expires_at: Some(body.expires_at), scope: Some(body.scope), service: true };
    let (id, token) = access::create_token(&app, Some(&actor), &account, new).await?;
    let location = [(header::LOCATION, format!("/api/v1/tokens/{id}"))];
    Ok((StatusCode::CREATED, location, Json(FreshToken { id: id.to_string(), token })).into_response())
}

/// Revokes a token: one's own, or anybody's for an administrator.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "comptes", params(("id" = String, Path)), responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
    (status = 404, body = ProblemBody)))]
pub(super) async fn revoke(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id: TokenId = id.parse().map_err(|_| load::absent())?;
    token::revoke(&app, &actor, id).await.map_err(|e| if e.status() == 404 { load::absent() } else { e })?;
    Ok(StatusCode::NO_CONTENT)
}
