//! A convention's life: its versions, their signatures, what opens, takes back and ends them. A person signs in the pages, where the
//! second factor is asked: no program signs.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::Actor,
    app::App,
    convention::{
        agreement::{AgreedVersion, State},
        perimeter::{self, Use},
        register,
    },
    deposit::{self, WouldRefuse},
    error::{Error, Result},
    http::{
        load::{self, Loaded},
        problem::{Problem, ProblemBody},
        state::Caller,
    },
    store::signatures::{Means, Signature},
};

/// A convention as its parties have signed it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgreementBody {
    /// The document's `id`.
    id: String,
    /// Where it stands as a whole.
    state: State,
    /// The version by which it is evaluated.
    reference: i64,
    /// Its last day, which may be an early one.
    last_day: NaiveDate,
    /// How the Métropole ended it early.
    terminated: Option<TerminationBody>,
    /// Where it stands for each site that the caller may know of.
    sites: Vec<SiteBody>,
    /// Oldest first.
    versions: Vec<VersionBody>,
}

/// An early end.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct TerminationBody {
    /// Last day in force.
    on: NaiveDate,
    /// Why.
    reason: String,
}

/// Where a convention stands for a site.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SiteBody {
    /// SIREN.
    site: String,
    /// Label in the convention, else official name.
    name: String,
    /// Where it stands.
    state: Option<State>,
    /// The version in force for it.
    version: Option<i64>,
}

/// One version.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionBody {
    /// Which.
    id: String,
    /// From 1.
    version: i64,
    /// SHA-256 of what parties sign.
    sha256: String,
    /// Title.
    title: String,
    /// Where it stands.
    state: State,
    /// First day.
    starts_on: NaiveDate,
    /// Last day.
    ends_on: NaiveDate,
    /// When it was opened for signature.
    opened_at: DateTime<Utc>,
    /// When it was taken back.
    withdrawn_at: Option<DateTime<Utc>>,
    /// Why.
    withdrawn_reason: Option<String>,
    /// Indicators that are not in the plan that was signed first, or not so.
    exploratory: Vec<String>,
    /// SIREN of the parties that have not signed it.
    unsigned: Vec<String>,
    /// Who signed it; empty for one that was entered as signed before the hub kept signatures.
    signatures: Vec<SignatureBody>,
}

/// One party's signature.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignatureBody {
    /// SIREN of the party.
    party: String,
    /// The hash that was signed.
    sha256: String,
    /// The signatory's name.
    name: String,
    /// In what quality.
    quality: String,
    /// Reference of the délibération or delegation.
    deed_reference: String,
    /// Its date.
    deed_date: NaiveDate,
    /// When it was signed, or recorded.
    signed_at: DateTime<Utc>,
    /// How.
    means: Means,
}

impl From<&Signature> for SignatureBody {
    fn from(s: &Signature) -> Self {
        Self {
            party: s.party.to_string(),
            sha256: s.sha256.clone(),
            name: s.name.clone(),
            quality: s.quality.clone(),
            deed_reference: s.deed_reference.clone(),
            deed_date: s.deed_date,
            signed_at: s.signed_at,
            means: s.means,
        }
    }
}

/// Whether the caller may know of a version: a site knows those that name it, once they are open.
fn knows(actor: &Actor, version: &AgreedVersion) -> bool {
    actor.site.as_ref().is_none_or(|site| version.names(site))
}

fn body(loaded: &Loaded, actor: &Actor, today: NaiveDate, signatures: &[Signature]) -> AgreementBody {
    let agreement = &loaded.agreement;
    let version = |v: &AgreedVersion| VersionBody {
        id: v.head.id.to_string(),
        version: v.head.version,
        sha256: v.head.sha256.clone(),
        title: v.head.title.clone(),
        state: agreement.version_state(v, today),
        starts_on: v.head.starts_on,
        ends_on: v.head.ends_on,
        opened_at: v.head.created_at,
        withdrawn_at: v.head.withdrawn_at,
        withdrawn_reason: v.head.withdrawn_reason.clone(),
        exploratory: agreement.exploratory(v),
        unsigned: v.parties().filter(|p| !v.signed.contains_key(*p)).map(ToString::to_string).collect(),
        signatures: signatures.iter().filter(|s| s.convention_id == v.head.id).map(SignatureBody::from).collect(),
    };
    let sites = agreement.sites().into_iter().map(|site| SiteBody {
        name: loaded.site_name(&site),
        state: agreement.state_for(&site, today),
        version: agreement.in_force_for(&site, today).map(|v| v.head.version),
        site: site.to_string(),
    });
    AgreementBody {
        id: agreement.name.clone(),
        state: agreement.state(today),
        reference: agreement.reference(today).head.version,
        last_day: agreement.last_day(),
        terminated: agreement.terminated.as_ref().map(|t| TerminationBody { on: t.on, reason: t.reason.clone() }),
        sites: sites.collect(),
        versions: agreement.versions().iter().filter(|v| knows(actor, v)).map(version).collect(),
    }
}

async fn read_one(app: &App, actor: &Actor, id: &str) -> Result<AgreementBody> {
    let loaded = load::convention(app, actor, id).await?;
    let signatures = register::signatures(app, &loaded.agreement).await?;
    Ok(body(&loaded, actor, load::today(app), &signatures))
}

/// Where a convention stands: its versions, who signed them, its end.
#[utoipa::path(get, path = "/conventions/{id}/agreement", tag = "conventions", params(("id" = String, Path, description = "`id` of the document")),
    responses((status = 200, body = AgreementBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn read(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<AgreementBody>, Problem> {
    Ok(Json(read_one(&app, &actor, &id).await?))
}

/// The version of a convention that the caller may know of.
fn version<'a>(loaded: &'a Loaded, actor: &Actor, number: &str) -> Result<&'a AgreedVersion> {
    let number: i64 = number.parse().map_err(|_| load::absent())?;
    loaded.agreement.versions().iter().find(|v| v.head.version == number && knows(actor, v)).ok_or_else(load::absent)
}

/// The document of one version.
#[utoipa::path(get, path = "/conventions/{id}/versions/{version}", tag = "conventions",
    params(("id" = String, Path, description = "`id` of the document"), ("version" = String, Path, description = "Number of the version")),
    responses((status = 200, body = serde_json::Value), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn document(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path((id, number)): Path<(String, String)>,
) -> Result<Json<serde_json::Value>, Problem> {
    let loaded = load::convention(&app, &actor, &id).await?;
    Ok(Json(version(&loaded, &actor, &number)?.convention.json.clone()))
}

/// A body of JSON, told in French where it is none.
pub(super) fn json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|e| {
        Error::invalid("json", format!("Ce qui a été envoyé n'a pas la forme attendue (ligne {}, colonne {}).", e.line(), e.column()))
    })
}

/// What checking a document before opening it says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckedBody {
    /// What its schemas would say of the files that count.
    would_refuse: WouldRefuse,
}

/// Checks a document as it would be opened: its faults (422), or how many accepted files its schemas would refuse. Nothing is kept.
#[utoipa::path(post, path = "/convention-checks", tag = "conventions", request_body = serde_json::Value,
    responses((status = 200, body = CheckedBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn check(Extract(app): Extract<App>, Caller(actor): Caller, sent: Bytes) -> Result<Json<CheckedBody>, Problem> {
    perimeter::may_draft(&actor.person(), &[], false, Use::Draft)?;
    Ok(Json(CheckedBody { would_refuse: deposit::would_refuse(&app, json(&sent)?).await? }))
}

/// Opens a document for signature, as the next version of its `id`. The very same document as the version that stands answers with it.
#[utoipa::path(post, path = "/conventions", tag = "conventions", request_body = serde_json::Value,
    responses((status = 201, body = AgreementBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn open(Extract(app): Extract<App>, Caller(actor): Caller, sent: Bytes) -> Result<Response, Problem> {
    perimeter::may_draft(&actor.person(), &[], false, Use::Draft)?;
    let head = register::open(&app, &actor, json(&sent)?).await?;
    let location = format!("/api/v1/conventions/{}/versions/{}", head.name, head.version);
    let body = read_one(&app, &actor, &head.name).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(body)).into_response())
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonBody {
    /// Kept with the decision; 2 000 characters at most.
    pub(super) reason: String,
}

/// Takes back a version that binds nobody yet.
#[utoipa::path(post, path = "/conventions/{id}/versions/{version}/withdrawal", tag = "conventions", request_body = ReasonBody,
    params(("id" = String, Path, description = "`id` of the document"), ("version" = String, Path, description = "Number of the version")),
    responses((status = 200, body = AgreementBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn withdraw(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path((id, number)): Path<(String, String)>,
    sent: Bytes,
) -> Result<Json<AgreementBody>, Problem> {
    let loaded = load::convention(&app, &actor, &id).await?;
    let head = &version(&loaded, &actor, &number)?.head;
    let ReasonBody { reason } = json(&sent)?;
    register::withdraw(&app, &actor, head.id, &reason).await?;
    Ok(Json(read_one(&app, &actor, &id).await?))
}

/// Ends a convention before its last day.
#[utoipa::path(post, path = "/conventions/{id}/termination", tag = "conventions", request_body = TerminationBody,
    params(("id" = String, Path, description = "`id` of the document")),
    responses((status = 200, body = AgreementBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn terminate(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    sent: Bytes,
) -> Result<Json<AgreementBody>, Problem> {
    load::convention(&app, &actor, &id).await?;
    let TerminationBody { on, reason } = json(&sent)?;
    register::terminate(&app, &actor, &id, on, &reason).await?;
    Ok(Json(read_one(&app, &actor, &id).await?))
}
