//! Resumable uploads: the tus protocol 1.0.0, its core and its extensions creation, expiration, checksum and termination.

use axum::{
    body::Body,
    extract::{Path, Request, State as Extract},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    app::App,
    deposit::{
        self,
        upload::{self, Algorithm, Appended, Checksum, Piece},
    },
    error::{Error, Result},
    http::{
        problem::{self, Problem, ProblemBody},
        state::Sender,
    },
    ids::UploadId,
    store::uploads::Upload,
};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,expiration,checksum,termination";
/// Longest metadata, in bytes.
const METADATA: usize = 4096;

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
/// What a whole file became: the protocol says nothing of it.
const DEPOSIT: HeaderName = HeaderName::from_static("retex-deposit");
const ALREADY: HeaderName = HeaderName::from_static("retex-already-deposited");

/// The layer around these routes: the version that both sides speak, in every request and every answer.
pub(super) async fn protocol(request: Request, next: Next) -> Response {
    let speaks = *request.method() == Method::OPTIONS || request.headers().get(TUS_RESUMABLE).is_some_and(|v| v == VERSION);
    let mut response = if speaks {
        next.run(request).await
    } else {
        let detail = "Cette adresse parle le protocole tus, version 1.0.0\u{a0}: dites-le par «\u{a0}Tus-Resumable: 1.0.0\u{a0}».";
        let mut refused = problem::answer(StatusCode::PRECONDITION_FAILED, "tus_version", detail, Vec::new());
        refused.headers_mut().insert(TUS_VERSION, HeaderValue::from_static(VERSION));
        refused
    };
    response.headers_mut().insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    response
}

/// What this server speaks.
#[utoipa::path(options, path = "/uploads", tag = "envois", security(()), responses((status = 204, description = "Versions, extensions, limits", headers(
    ("Tus-Version" = String), ("Tus-Extension" = String), ("Tus-Max-Size" = i64), ("Tus-Checksum-Algorithm" = String)))))]
pub(super) async fn options(Extract(app): Extract<App>) -> Response {
    let headers = [
        (TUS_VERSION, HeaderValue::from_static(VERSION)),
        (TUS_EXTENSION, HeaderValue::from_static(EXTENSIONS)),
        (TUS_MAX_SIZE, HeaderValue::from(app.config.max_upload)),
        (TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static("sha1,sha256")),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Begins an upload. `Upload-Metadata` says what the file is for: `convention`, `dataset`, `period`, `site`, `filename`, each in base64.
#[utoipa::path(post, path = "/uploads", tag = "envois",
    params(("Tus-Resumable" = String, Header, example = "1.0.0"), ("Upload-Length" = i64, Header, description = "Size of the file, in bytes"),
        ("Upload-Metadata" = String, Header, description = "`convention`, `dataset`, `period`, `site`, `filename`, each followed by its base64, separated by commas")),
    responses((status = 201, description = "Begun", headers(("Location" = String), ("Upload-Expires" = String))), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(super) async fn create(Extract(app): Extract<App>, Sender(actor): Sender, headers: HeaderMap) -> Result<Response, Response> {
    let length = number(&headers, &UPLOAD_LENGTH)
        .map_err(|r| *r)?
        .ok_or_else(|| malformed("Dites la taille du fichier par «\u{a0}Upload-Length\u{a0}»."))?;
    let metadata = headers.get(UPLOAD_METADATA).map_or(Some(""), |v| v.to_str().ok()).filter(|m| m.len() <= METADATA);
    let metadata = metadata.ok_or_else(|| malformed("«\u{a0}Upload-Metadata\u{a0}» ne se lit pas, ou est trop long."))?;
    let slot = slot(metadata).map_err(refusal)?;
    let upload = upload::open(&app, &actor, &slot, length, metadata).await.map_err(refusal)?;
    let location = format!("/api/v1/uploads/{}", upload.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location), (UPLOAD_EXPIRES, expires(&upload))]).into_response())
}

/// How far an upload is.
#[utoipa::path(head, path = "/uploads/{id}", tag = "envois", params(("id" = String, Path), ("Tus-Resumable" = String, Header, example = "1.0.0")),
    responses((status = 200, description = "Where it stands", headers(("Upload-Offset" = i64), ("Upload-Length" = i64), ("Upload-Expires" = String),
        ("Upload-Metadata" = String))), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 410, body = ProblemBody), (status = 412, body = ProblemBody)))]
pub(super) async fn stand(Extract(app): Extract<App>, Sender(actor): Sender, Path(id): Path<String>) -> Result<Response, Response> {
    let upload = upload::find(&app, &actor, parse(&id).map_err(|r| *r)?).await.map_err(refusal)?;
    let mut response = standing(StatusCode::OK, &upload);
    let headers = response.headers_mut();
    headers.insert(UPLOAD_LENGTH, HeaderValue::from(upload.length));
    if let Some(metadata) = HeaderValue::from_str(&upload.metadata).ok().filter(|m| !m.is_empty()) {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Sends the next bytes. With the last one the file is deposited: `Retex-Deposit` says which deposit it became, and its check then runs.
#[utoipa::path(patch, path = "/uploads/{id}", tag = "envois",
    params(("id" = String, Path), ("Tus-Resumable" = String, Header, example = "1.0.0"), ("Upload-Offset" = i64, Header, description = "Where these bytes begin"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256` and the hash of these bytes in base64")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "Taken in", headers(("Upload-Offset" = i64), ("Upload-Expires" = String), ("Retex-Deposit" = String))),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 410, body = ProblemBody), (status = 412, body = ProblemBody), (status = 413, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 460, body = ProblemBody)))]
pub(super) async fn send(
    Extract(app): Extract<App>,
    Sender(actor): Sender,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Response> {
    let headers = request.headers();
    if headers.get(header::CONTENT_TYPE).is_none_or(|v| v != "application/offset+octet-stream") {
        let detail = "Envoyez ces octets avec «\u{a0}Content-Type: application/offset+octet-stream\u{a0}».";
        return Err(problem::answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail, Vec::new()));
    }
    let piece = Piece {
        offset: number(headers, &UPLOAD_OFFSET)
            .map_err(|r| *r)?
            .ok_or_else(|| malformed("Dites où ces octets commencent par «\u{a0}Upload-Offset\u{a0}»."))?,
        announced: number(headers, &header::CONTENT_LENGTH).map_err(|r| *r)?,
        checksum: headers.get(UPLOAD_CHECKSUM).map(checksum).transpose().map_err(|r| *r)?,
    };
    let body = request.into_body().into_data_stream();
    let Appended { upload, already } = upload::append(&app, &actor, parse(&id).map_err(|r| *r)?, piece, body).await.map_err(refusal)?;
    let mut response = standing(StatusCode::NO_CONTENT, &upload);
    if already {
        response.headers_mut().insert(ALREADY, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Gives an upload up: nothing of it stays.
#[utoipa::path(delete, path = "/uploads/{id}", tag = "envois", params(("id" = String, Path), ("Tus-Resumable" = String, Header, example = "1.0.0")),
    responses((status = 204, description = "Given up"), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 410, body = ProblemBody), (status = 412, body = ProblemBody)))]
pub(super) async fn cancel(Extract(app): Extract<App>, Sender(actor): Sender, Path(id): Path<String>) -> Result<Response, Response> {
    upload::cancel(&app, &actor, parse(&id).map_err(|r| *r)?).await.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The same acts for programs that can only `POST`: `X-HTTP-Method-Override` says `PATCH`, `DELETE` or `HEAD`.
#[utoipa::path(post, path = "/uploads/{id}", tag = "envois",
    params(("id" = String, Path), ("Tus-Resumable" = String, Header, example = "1.0.0"), ("X-HTTP-Method-Override" = String, Header, example = "PATCH"),
        ("Upload-Offset" = Option<i64>, Header)),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 200, description = "As for `HEAD`"), (status = 204, description = "As for `PATCH` and `DELETE`"), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 405, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 410, body = ProblemBody), (status = 412, body = ProblemBody), (status = 413, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 460, body = ProblemBody)))]
pub(super) async fn otherwise(app: Extract<App>, sender: Sender, path: Path<String>, request: Request<Body>) -> Result<Response, Response> {
    match request.headers().get(METHOD_OVERRIDE).map(HeaderValue::as_bytes) {
        Some(b"PATCH") => send(app, sender, path, request).await,
        Some(b"DELETE") => cancel(app, sender, path).await,
        Some(b"HEAD") => stand(app, sender, path).await,
        _ => {
            let (code, detail) = problem::framework(StatusCode::METHOD_NOT_ALLOWED);
            Err(problem::answer(StatusCode::METHOD_NOT_ALLOWED, code, detail, Vec::new()))
        }
    }
}

fn standing(status: StatusCode, upload: &Upload) -> Response {
    let mut response = (status, [(UPLOAD_EXPIRES, expires(upload))]).into_response();
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(upload.received));
    if let Some(value) = upload.deposit_id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
        headers.insert(DEPOSIT, value);
    }
    response
}

/// As HTTP writes dates.
fn expires(upload: &Upload) -> String {
    upload.expires_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn parse(id: &str) -> Result<UploadId, Box<Response>> {
    id.parse().map_err(|e| Box::new(refusal(e)))
}

/// The statuses that the protocol gives to what the domain refuses.
fn refusal(error: Error) -> Response {
    let status = match error.code {
        "upload_expired" => StatusCode::GONE,
        // «Checksum Mismatch», the protocol's own.
        "upload_checksum" => StatusCode::from_u16(460).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
        // A bad identifier and another account's upload are answered alike.
        "not_found" => {
            let (code, detail) = problem::framework(StatusCode::NOT_FOUND);
            return problem::answer(StatusCode::NOT_FOUND, code, detail, Vec::new());
        }
        _ => return Problem(error).into_response(),
    };
    problem::answer(status, error.code, &error.message, Vec::new())
}

fn malformed(detail: &str) -> Response {
    problem::answer(StatusCode::BAD_REQUEST, "bad_request", detail, Vec::new())
}

/// A whole number in a header, if it is there.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Box<Response>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|v| v.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|v| v.parse().ok());
    number.map(Some).ok_or_else(|| Box::new(malformed(&format!("«\u{a0}{name}\u{a0}» doit être un nombre entier d'octets."))))
}

/// What the metadata say that the file is for.
fn slot(metadata: &str) -> Result<deposit::Slot> {
    let bad = || {
        let message =
            "«\u{a0}Upload-Metadata\u{a0}» doit être une liste de noms, chacun suivi de sa valeur en base64, séparés par des virgules.";
        Error::invalid("upload_metadata", message)
    };
    let mut pairs = Vec::new();
    for pair in metadata.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = base64(value.trim()).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(bad)?;
        pairs.push((name, value));
    }
    let mut take = |name: &str| {
        let at = pairs.iter().position(|(n, v)| *n == name && !v.is_empty())?;
        Some(pairs.swap_remove(at).1)
    };
    let mut must = |name: &str| {
        let message = format!("Donnez «\u{a0}{name}\u{a0}» dans «\u{a0}Upload-Metadata\u{a0}».");
        take(name).ok_or_else(|| Error::invalid("upload_metadata", message))
    };
    let (convention, dataset, file_name) = (must("convention")?, must("dataset")?, must("filename")?);
    Ok(deposit::Slot {
        convention,
        dataset,
        file_name,
        period: take("period").map(|p| p.parse()).transpose()?,
        site: take("site").map(|s| s.parse()).transpose()?,
    })
}

/// `sha1 BASE64`.
fn checksum(value: &HeaderValue) -> Result<Checksum, Box<Response>> {
    let bad = || {
        let form = "«\u{a0}Upload-Checksum\u{a0}» doit être «\u{a0}sha1\u{a0}» ou «\u{a0}sha256\u{a0}», puis l'empreinte en base64.";
        Box::new(malformed(form))
    };
    let (name, digest) = value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or_else(bad)?;
    let algorithm = match name {
        "sha1" => Algorithm::Sha1,
        "sha256" => Algorithm::Sha256,
        _ => return Err(bad()),
    };
    Ok(Checksum { algorithm, digest: base64(digest.trim()).ok_or_else(bad)? })
}

/// RFC 4648, section 4, with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_is_read_as_the_rfc_writes_it() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        for bad in ["Z", "Zg", "Zg=", "Z===", "====", "Zm9v====", "Zm 9", "Zm9_", "é"] {
            assert_eq!(base64(bad), None, "{bad}");
        }
    }

    #[test]
    fn metadata_say_what_a_file_is_for() {
        let good = "convention Y2hhdWZmYWdlLTIwMjY=, dataset cmVsZXZlcw==,filename cmVsZXbDqXMuY3N2,period MjAyNi0wMg==,filetype dGV4dC9jc3Y=,flag";
        let slot = slot(good).unwrap();
        assert_eq!(
            (slot.convention.as_str(), slot.dataset.as_str(), slot.file_name.as_str()),
            ("chauffage-2026", "releves", "relevés.csv")
        );
        assert_eq!((slot.period.map(|p| p.to_string()).as_deref(), slot.site), (Some("2026-02"), None));
        for (bad, code) in [("", "upload_metadata"), ("convention !", "upload_metadata"), ("filename /w==", "upload_metadata")] {
            assert_eq!(super::slot(bad).unwrap_err().code, code, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_header_never_panics(text in ".{0,60}") {
            let _ = base64(&text);
            let _ = slot(&text);
        }
    }
}
