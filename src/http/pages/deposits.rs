//! The list of deposits.

use askama::Template;

use crate::http::view::{DepositRow, Page};

/// The page.
#[derive(Template)]
#[template(path = "deposits.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Deposits {
    pub page: Page,
    pub lead: String,
    pub may_deposit: bool,
    pub filters: Vec<Filter>,
    pub count: String,
    pub csv_href: String,
    pub deposits: Vec<DepositRow>,
    pub show_site: bool,
    pub pages: i64,
    pub current: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// One filter: value, words, whether it is chosen.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Filter {
    pub name: &'static str,
    pub label: &'static str,
    pub options: Vec<(String, String, bool)>,
}
