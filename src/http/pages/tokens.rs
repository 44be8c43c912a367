//! The tokens.

use askama::Template;

use crate::http::view::{Markup, Page, State, Tab};

/// The page.
#[derive(Template)]
#[template(path = "tokens.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Tokens {
    pub page: Page,
    pub tabs: Vec<Tab>,
    pub fresh: Option<String>,
    pub csrf: String,
    pub accounts: Vec<(String, String)>,
    pub tokens: Vec<TokenRow>,
}

/// One token.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    pub account: String,
    pub created: String,
    pub used: String,
    pub badge: Markup,
    pub live: bool,
}
