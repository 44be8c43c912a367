//! The audit trail.

use askama::Template;

use crate::http::view::{Page, Tab};

/// The page.
#[derive(Template)]
#[template(path = "audit.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Audit {
    pub page: Page,
    pub tabs: Vec<Tab>,
    pub count: String,
    pub entries: Vec<EntryRow>,
}

/// One entry.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct EntryRow {
    pub at: String,
    pub who: String,
    pub action: String,
    pub object: String,
    pub detail: String,
}
