//! The stylesheet, the scripts and the icon, part of the program.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

const FILES: [(&str, &str, &str); 4] = [
    ("retex.css", "text/css; charset=utf-8", include_str!("assets/retex.css")),
    ("retex.js", "text/javascript; charset=utf-8", include_str!("assets/retex.js")),
    ("upload.js", "text/javascript; charset=utf-8", include_str!("assets/upload.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    FILES.iter().for_each(|(_, _, body)| hash.update(body));
    hex::encode(&hash.finalize()[..6])
});

/// Changes when an asset does, so that browsers may keep them for a year.
pub fn digest() -> &'static str {
    &DIGEST
}

/// `/assets/{name}`.
pub async fn serve(Path(name): Path<String>) -> Response {
    let Some((_, kind, body)) = FILES.iter().find(|(n, _, _)| *n == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, *body).into_response()
}
