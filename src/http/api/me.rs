//! Who calls.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    convention::scope::Scope,
    http::{
        load,
        problem::ProblemBody,
        state::{Caller, role_code},
    },
};

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// Name of the person or service.
    name: String,
    /// E-mail address.
    email: String,
    /// `contributor`, `signatory`, `analyst`, `officer`, `data_protection_officer`, `administrator`.
    role: &'static str,
    /// The site that the caller is bound to, if any.
    site: Option<OwnSite>,
    /// What the token that calls is limited to; null for all that the account may do.
    scope: Option<Scope>,
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnSite {
    /// SIREN.
    siren: String,
    /// Official name.
    name: String,
}

/// Who is calling, and for which site.
#[utoipa::path(get, path = "/me", tag = "compte", responses((status = 200, body = Me), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
pub(super) async fn read(Caller(actor): Caller) -> Json<Me> {
    let site = actor.site.as_ref().map(|s| OwnSite { siren: s.to_string(), name: load::organisation(s) });
    Json(Me { name: actor.name, email: actor.email, role: role_code(actor.role), site, scope: actor.scope })
}
