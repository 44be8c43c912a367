//! Règlement, accessibility, personal data.

use std::sync::LazyLock;

use askama::Template;
use axum::extract::State as Extract;
use axum::http::HeaderMap;

use crate::{
    app::App,
    http::{
        failure::{PageResult, html},
        markdown,
        state::signed_in,
        view::Page,
    },
};

/// The page.
#[derive(Template)]
#[template(path = "text.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct TextPage {
    pub page: Page,
    pub body: String,
}

static RULES: LazyLock<String> = LazyLock::new(|| markdown::render(include_str!("../assets/reglement.txt")));
static ACCESSIBILITY: LazyLock<String> = LazyLock::new(|| markdown::render(include_str!("../assets/accessibilite.txt")));
static PRIVACY: LazyLock<String> = LazyLock::new(|| markdown::render(include_str!("../assets/donnees-personnelles.txt")));

/// `GET /reglement`.
pub async fn rules(Extract(app): Extract<App>, headers: HeaderMap) -> PageResult {
    html(TextPage { page: Page::new("Règlement du programme", signed_in(&app, &headers).await, ""), body: RULES.clone() })
}

/// `GET /accessibilite`.
pub async fn accessibility(Extract(app): Extract<App>, headers: HeaderMap) -> PageResult {
    html(TextPage { page: Page::new("Accessibilité", signed_in(&app, &headers).await, ""), body: ACCESSIBILITY.clone() })
}

/// `GET /donnees-personnelles`.
pub async fn privacy(Extract(app): Extract<App>, headers: HeaderMap) -> PageResult {
    html(TextPage { page: Page::new("Données personnelles", signed_in(&app, &headers).await, ""), body: PRIVACY.clone() })
}
