//! Accounts, for those who manage them.

use axum::{
    Json,
    extract::{Path, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{
        self, Actor, Profile,
        account::{self, Listed},
        factor, invitation, session,
    },
    app::App,
    error::Result,
    http::{
        load,
        problem::{Problem, ProblemBody},
        state::Caller,
    },
    ids::AccountId,
};

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountBody {
    /// Which.
    id: String,
    /// Address.
    email: String,
    /// As pages show it.
    name: String,
    /// `contributor`, `signatory`, `analyst`, `officer`, `data_protection_officer`, `administrator`.
    role: String,
    /// SIREN of the site; null for the Métropole's people.
    site: Option<String>,
    /// Whether it may not enter.
    disabled: bool,
    /// Until when the link to its first password is good, if one waits.
    invited_until: Option<DateTime<Utc>>,
    /// Whether it has a second factor.
    second_factor: bool,
    /// Since when.
    created_at: DateTime<Utc>,
}

impl From<Listed> for AccountBody {
    fn from(l: Listed) -> Self {
        let a = l.account;
        Self {
            id: a.id.to_string(),
            email: a.email,
            name: a.name,
            role: a.role,
            site: a.organisation.map(|s| s.to_string()),
            disabled: a.disabled_at.is_some(),
            invited_until: l.invited_until,
            second_factor: l.second_factor,
            created_at: a.created_at,
        }
    }
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct InviteBody {
    /// Address.
    email: String,
    /// As pages show it.
    name: String,
    /// `contributor`, `signatory`, `analyst`, `officer`, `data_protection_officer`, `administrator`.
    role: String,
    /// SIREN of the site, for someone of a site.
    site: Option<String>,
}

/// A role.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RoleBody {
    /// `contributor`, `signatory`, `analyst`, `officer`, `data_protection_officer`, `administrator`.
    role: String,
    /// SIREN of the site, for someone of a site.
    site: Option<String>,
}

/// Whether it may enter.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct DisabledBody {
    /// True to close the account, false to open it again.
    disabled: bool,
}

/// The accounts that the caller manages: an administrator all, an officer those of sites' people.
#[utoipa::path(get, path = "/accounts", tag = "comptes", responses((status = 200, body = Vec<AccountBody>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
pub(super) async fn list(Extract(app): Extract<App>, Caller(actor): Caller) -> Result<Json<Vec<AccountBody>>, Problem> {
    Ok(Json(account::list(&app, &actor).await?.into_iter().map(AccountBody::from).collect()))
}

/// Invites a person: they get a link by e-mail and choose their password.
#[utoipa::path(post, path = "/accounts", tag = "comptes", request_body = InviteBody, responses((status = 201, body = AccountBody), (status = 400, body = ProblemBody),
    (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn invite(Extract(app): Extract<App>, Caller(actor): Caller, Json(body): Json<InviteBody>) -> Result<Response, Problem> {
    let site = body.site.map(|s| s.parse()).transpose()?;
    let profile = Profile { email: body.email, name: body.name, role: body.role.parse()?, site };
    let id = invitation::invite(&app, Some(&actor), profile).await?;
    let account = AccountBody::from(account::managed(&app, &actor, id).await?);
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/api/v1/accounts/{id}"))], Json(account)).into_response())
}

/// One account.
#[utoipa::path(get, path = "/accounts/{id}", tag = "comptes", params(("id" = String, Path)), responses((status = 200, body = AccountBody), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn read(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<Json<AccountBody>, Problem> {
    Ok(Json(managed(&app, &actor, &id).await?.into()))
}

/// An account that the caller manages; a foreign one is answered like an absent one.
async fn managed(app: &App, actor: &Actor, id: &str) -> Result<Listed> {
    // Whoever manages none learns it before anything of an id.
    account::list(app, actor).await?;
    let id: AccountId = id.parse().map_err(|_| load::absent())?;
    account::managed(app, actor, id).await.map_err(|e| if e.status() == 404 { load::absent() } else { e })
}

/// Writes again to a person who has not chosen a password; the link sent before is void.
#[utoipa::path(post, path = "/accounts/{id}/invitation", tag = "comptes", params(("id" = String, Path)), responses((status = 204), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn invite_again(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = managed(&app, &actor, &id).await?.account.id;
    invitation::invite_again(&app, Some(&actor), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives an account another role or site; its sessions end.
#[utoipa::path(put, path = "/accounts/{id}/role", tag = "comptes", params(("id" = String, Path)), request_body = RoleBody, responses((status = 204), (status = 400, body = ProblemBody),
    (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody),
    (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn role(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(body): Json<RoleBody>,
) -> Result<StatusCode, Problem> {
    let id = managed(&app, &actor, &id).await?.account.id;
    let site = body.site.map(|s| s.parse()).transpose()?;
    access::set_role(&app, Some(&actor), id, body.role.parse()?, site).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes an account, whose sessions and tokens end at once, or opens it again.
#[utoipa::path(put, path = "/accounts/{id}/disabled", tag = "comptes", params(("id" = String, Path)), request_body = DisabledBody, responses((status = 204), (status = 400, body = ProblemBody),
    (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody),
    (status = 415, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn disabled(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(body): Json<DisabledBody>,
) -> Result<StatusCode, Problem> {
    let id = managed(&app, &actor, &id).await?.account.id;
    access::set_disabled(&app, Some(&actor), id, body.disabled).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of an account.
#[utoipa::path(delete, path = "/accounts/{id}/sessions", tag = "comptes", params(("id" = String, Path)), responses((status = 204), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn sign_out(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = managed(&app, &actor, &id).await?.account.id;
    session::revoke(&app, Some(&actor), id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the second factor of a person who lost their device.
#[utoipa::path(delete, path = "/accounts/{id}/second-factor", tag = "comptes", params(("id" = String, Path)), responses((status = 204), (status = 401, body = ProblemBody),
    (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn reset_factor(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = managed(&app, &actor, &id).await?.account.id;
    factor::reset(&app, Some(&actor), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
