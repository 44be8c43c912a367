//! Deposits and checks.

use axum::{
    Json,
    body::{Body, BodyDataStream, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Query, Request, State as Extract},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::agreements::{ReasonBody, json};
use crate::{
    access::Actor,
    app::App,
    convention::document::Reading,
    deposit,
    deposit::report::CheckReport,
    error::{Error, Result},
    http::{
        load,
        pages::convention_acts::{XLSX, attachment},
        problem::{Problem, ProblemBody},
        state::{Caller, too_large},
    },
    store::{
        Page as Slice,
        deposits::{Deposit, DepositFilter, DepositState},
    },
};

/// A deposit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DepositBody {
    /// Which.
    id: String,
    /// Number of its receipt.
    number: String,
    /// `id` of the convention.
    convention: String,
    /// SIREN of the site.
    site: String,
    /// Name of the dataset.
    dataset: String,
    /// `2026-03`, if it has one.
    period: Option<String>,
    /// As the depositor named it.
    file_name: String,
    /// Size of the file as sent.
    bytes: i64,
    /// SHA-256 of the file as sent.
    sha256: String,
    /// Where it stands.
    state: DepositState,
    /// Rows that count, or were read.
    rows: Option<i64>,
    /// When it was received.
    received_at: DateTime<Utc>,
    /// When it was accepted, refused or withdrawn.
    decided_at: Option<DateTime<Utc>>,
    /// Why it was withdrawn.
    reason: Option<String>,
    /// How its depositor said that it is to be read; absent where nothing was imposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
    /// The refused deposit whose file the hub corrected into this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected_from: Option<String>,
}

impl From<Deposit> for DepositBody {
    fn from(d: Deposit) -> Self {
        // What is kept was written by this program; what it could not read is as if nothing were said.
        let reading = deposit::reading::imposed(&d).unwrap_or_default();
        Self {
            id: d.id.to_string(),
            number: d.number,
            convention: d.convention,
            site: d.site.to_string(),
            dataset: d.dataset,
            period: d.period.map(|p| p.to_string()),
            file_name: d.file_name,
            bytes: d.bytes,
            sha256: d.sha256,
            state: d.state,
            rows: d.rows,
            received_at: d.created_at,
            decided_at: d.decided_at,
            reason: d.reason,
            reading,
            corrected_from: d.corrected_from.map(|id| id.to_string()),
        }
    }
}

/// One page of deposits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DepositList {
    /// All that answer the filters.
    count: i64,
    /// Newest first.
    deposits: Vec<DepositBody>,
}

/// Filters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `id` of a convention.
    convention: Option<String>,
    /// SIREN of a site.
    site: Option<String>,
    /// Name of a dataset.
    dataset: Option<String>,
    /// `received`, `checking`, `awaiting_confirmation`, `accepted`, `rejected`, `superseded`, `withdrawn`, `purged`.
    state: Option<String>,
    /// Rows to skip.
    offset: Option<i64>,
    /// Rows at most: 100 when absent, 1000 at most.
    limit: Option<i64>,
}

/// The deposits that the caller may see.
#[utoipa::path(get, path = "/deposits", tag = "dépôts", params(ListQuery), responses((status = 200, body = DepositList), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
    (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn list(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Query(q): Query<ListQuery>,
) -> Result<Json<DepositList>, Problem> {
    if !load::sees_deposits(&actor) {
        return Ok(Json(DepositList { count: 0, deposits: Vec::new() }));
    }
    let convention = match &q.convention {
        Some(name) => Some(load::convention(&app, &actor, name).await?.head.id),
        None => None,
    };
    let (mut wanted, mut dataset) = (q.site.map(|s| s.parse()).transpose()?, q.dataset);
    if let Some(scope) = &actor.scope {
        (wanted, dataset) = scope.narrow(wanted, dataset)?;
    }
    let state = q.state.map(|s| s.parse()).transpose()?;
    let filter = DepositFilter { convention, site: actor.site.clone().or(wanted), dataset, state };
    let slice = Slice { offset: q.offset.unwrap_or(0).max(0), limit: q.limit.unwrap_or(100).clamp(0, 1000) };
    let (found, count) = deposit::list(&app, &actor, &filter, slice).await?;
    Ok(Json(DepositList { count, deposits: found.into_iter().map(DepositBody::from).collect() }))
}

/// One deposit.
#[utoipa::path(get, path = "/deposits/{id}", tag = "dépôts", params(("id" = String, Path)), responses((status = 200, body = DepositBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn read(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<Json<DepositBody>, Problem> {
    Ok(Json(load::deposit(&app, &actor, &id).await?.into()))
}

/// What the check of a deposit said; 404 until it is decided.
#[utoipa::path(get, path = "/deposits/{id}/report", tag = "dépôts", params(("id" = String, Path)), responses((status = 200, body = CheckReport), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn report(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<CheckReport>, Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    Ok(Json(deposit::report(&app, &actor, found.id).await?.ok_or_else(load::absent)?))
}

/// The same as a table, one line per fault, as a French spreadsheet opens it; 404 until it is decided.
#[utoipa::path(get, path = "/deposits/{id}/report.csv", tag = "dépôts", params(("id" = String, Path)), responses((status = 200, content_type = "text/csv", body = String), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn report_csv(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    let report = deposit::report(&app, &actor, found.id).await?.ok_or_else(load::absent)?;
    Ok(attachment(&format!("{}-rapport", found.number), "csv", "text/csv; charset=utf-8", deposit::export::csv(&report)))
}

/// The file as a workbook, its faults coloured and noted; 409 before it is checked, once it is gone, or where no table could be read.
#[utoipa::path(get, path = "/deposits/{id}/annotated.xlsx", tag = "dépôts", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", body = Vec<u8>), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn annotated(Extract(app): Extract<App>, Caller(actor): Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    let (found, bytes) = deposit::annotated::annotated(&app, &actor, found.id).await?;
    Ok(attachment(&format!("{}-annote", found.number), "xlsx", XLSX, bytes))
}

/// Says, with a reason, that what looks like personal data in a deposit that waits is none; its check then runs to its end.
#[utoipa::path(post, path = "/deposits/{id}/confirmation", tag = "dépôts", params(("id" = String, Path)), request_body = ReasonBody,
    responses((status = 202, body = DepositBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn confirm(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    sent: Bytes,
) -> Result<(StatusCode, Json<DepositBody>), Problem> {
    let found = load::deposit(&app, &actor, &id).await?;
    let ReasonBody { reason } = json(&sent)?;
    deposit::confirm(&app, &actor, found.id, &reason).await?;
    Ok((StatusCode::ACCEPTED, Json(load::deposit(&app, &actor, &id).await?.into())))
}

/// What a file is for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SendQuery {
    /// `id` of the convention.
    convention: String,
    /// Name of the dataset.
    dataset: String,
    /// `2026-03`; absent where one file serves the whole time.
    period: Option<String>,
    /// SIREN of the site; a contributor's own when absent.
    site: Option<String>,
    /// Name of the file, with its extension; the multipart file's own when absent.
    name: Option<String>,
    /// How the file is to be read, over what is detected: its encoding (`utf-8`, `windows-1252` …).
    encoding: Option<String>,
    /// `;`, `,`, `|` or `tab`.
    delimiter: Option<String>,
    /// `,` or `.`.
    decimal: Option<String>,
    /// `iso`, `dd/mm/yyyy`, `dd/mm/yy`, separated by commas where there are several.
    dates: Option<String>,
    /// Name of the sheet of a workbook.
    sheet: Option<String>,
    /// Row of the header, from 1.
    header_row: Option<u64>,
    /// What surrounds texts: `"`, `'` or `none`.
    quote: Option<String>,
    /// What separates thousands, beside blanks: `.`, `,` or `'`.
    thousands: Option<String>,
    /// What `95 %` is: `share` (0.95) or `number` (95).
    percent: Option<String>,
    /// Words of an empty cell, separated by semicolons.
    missing: Option<String>,
    /// Words of true, likewise, with `no`.
    yes: Option<String>,
    /// Words of false, likewise, with `yes`.
    no: Option<String>,
}

impl SendQuery {
    fn file(self, of_multipart: Option<&str>) -> Result<deposit::Sending> {
        let name = self.name.as_deref().or(of_multipart).filter(|n| !n.is_empty());
        let missing = || Error::invalid("file_name", "Donnez le nom du fichier avec son extension, dans le paramètre «\u{a0}name\u{a0}».");
        let slot = deposit::Slot {
            file_name: name.ok_or_else(missing)?.to_owned(),
            convention: self.convention,
            dataset: self.dataset,
            period: self.period.filter(|p| !p.is_empty()).map(|p| p.parse()).transpose()?,
            site: self.site.filter(|s| !s.is_empty()).map(|s| s.parse()).transpose()?,
        };
        let words = |said: Option<String>| said.iter().flat_map(|d| d.split(';')).map(str::to_owned).collect();
        let reading = Reading {
            encoding: self.encoding,
            delimiter: self.delimiter,
            decimal: self.decimal,
            dates: self.dates.iter().flat_map(|d| d.split(',')).map(str::to_owned).collect(),
            sheet: self.sheet,
            header_row: self.header_row,
            quote: self.quote,
            thousands: self.thousands,
            percent: self.percent,
            missing: words(self.missing),
            yes: words(self.yes),
            no: words(self.no),
        };
        Ok(deposit::Sending { slot, reading: Some(reading), correction: None })
    }
}

/// The file of a request: its whole body, or the part called `file` of a multipart form.
enum Upload {
    Raw(BodyDataStream),
    Form(Multipart),
}

async fn upload(app: &App, mut request: Request) -> Result<Upload, Response> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    // The form's own fields and boundaries are small beside the file.
    if length.is_some_and(|l| l > app.config.max_upload.saturating_add(64 * 1024)) {
        return Err(Problem(too_large(app.config.max_upload)).into_response());
    }
    if !is_form(request.headers()) {
        return Ok(Upload::Raw(request.into_body().into_data_stream()));
    }
    DefaultBodyLimit::disable().apply(&mut request);
    Multipart::from_request(request, &()).await.map(Upload::Form).map_err(IntoResponse::into_response)
}

fn is_form(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"multipart/form-data"))
}

fn no_file() -> Problem {
    Problem(Error::invalid("no_file", "La première partie du formulaire doit être le fichier, sous le nom «\u{a0}file\u{a0}»."))
}

/// Sends a file: the raw body, or the part `file` of a multipart form. The check then runs; follow the deposit's `state`.
/// The same bytes for the same site, dataset and period, to be read in the same way, answer with the first receipt (200).
#[utoipa::path(post, path = "/deposits", tag = "dépôts", params(SendQuery), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 202, body = DepositBody), (status = 200, body = DepositBody), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn send(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Query(query): Query<SendQuery>,
    request: Request<Body>,
) -> Result<Response, Response> {
    let accepted = match upload(&app, request).await? {
        Upload::Raw(stream) => {
            let new = query.file(None).map_err(answer)?;
            deposit::accept(&app, &actor, new, stream).await
        }
        Upload::Form(mut form) => {
            let field = file_part(&mut form).await?;
            let new = query.file(field.file_name()).map_err(answer)?;
            deposit::accept(&app, &actor, new, field).await
        }
    };
    accepted.map(received).map_err(answer)
}

/// 202 and its address for a new deposit, 200 for one that was there.
pub(super) fn received(accepted: deposit::Accepted) -> Response {
    let status = if accepted.already { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/api/v1/deposits/{}", accepted.deposit.id);
    (status, [(header::LOCATION, location)], Json(DepositBody::from(accepted.deposit))).into_response()
}

/// Checks a file without keeping it.
#[utoipa::path(post, path = "/checks", tag = "dépôts", params(SendQuery), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = CheckReport), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn check(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    Query(query): Query<SendQuery>,
    request: Request<Body>,
) -> Result<Json<CheckReport>, Response> {
    let report = match upload(&app, request).await? {
        Upload::Raw(stream) => check_one(&app, &actor, query.file(None), stream).await,
        Upload::Form(mut form) => {
            let field = file_part(&mut form).await?;
            let new = query.file(field.file_name());
            check_one(&app, &actor, new, field).await
        }
    };
    report.map(Json).map_err(answer)
}

async fn check_one<S, E>(app: &App, actor: &Actor, new: Result<deposit::Sending>, body: S) -> Result<CheckReport>
where
    S: futures::Stream<Item = Result<bytes::Bytes, E>> + Send,
    E: Into<axum::BoxError> + Send,
{
    deposit::check_only(app, actor, new?, body).await
}

/// The first part, which has to be the file: all else is in the query.
async fn file_part(form: &mut Multipart) -> Result<axum::extract::multipart::Field<'_>, Response> {
    match form.next_field().await {
        Ok(Some(field)) if field.name() == Some("file") => Ok(field),
        Ok(_) => Err(no_file().into_response()),
        Err(error) => Err(error.into_response()),
    }
}

fn answer(error: Error) -> Response {
    Problem(error).into_response()
}
