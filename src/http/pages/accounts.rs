//! The accounts.

use askama::Template;

use crate::http::view::{Markup, Page, Tab};

/// The page.
#[derive(Template)]
#[template(path = "accounts.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Accounts {
    pub page: Page,
    pub count: String,
    pub tabs: Vec<Tab>,
    pub accounts: Vec<AccountRow>,
}

/// One account.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct AccountRow {
    pub name: String,
    pub email: String,
    pub role: String,
    pub site: String,
    pub badge: Markup,
}
