//! The audit trail.

use askama::Template;
use axum::extract::{Query, State as Extract};
use serde::Deserialize;

use super::accounts::tabs;
use crate::{
    app::App,
    convention::perimeter::Role,
    error::{Error, Kind},
    http::{
        failure::{PageResult, html},
        load,
        state::{Signed, who},
        view::{Page, Tab},
        words,
    },
    ids::Siren,
    store::{Page as Slice, audit::AuditFilter},
};

/// The page.
#[derive(Template)]
#[template(path = "audit.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Audit {
    pub page: Page,
    pub tabs: Vec<Tab>,
    pub count: String,
    pub entries: Vec<EntryRow>,
    pub pages: i64,
    pub current: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// One entry.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct EntryRow {
    pub at: String,
    pub who: String,
    pub organisation: String,
    pub action: String,
    pub object: String,
    pub outcome: String,
    pub detail: String,
}

/// Entries on one page.
const PER_PAGE: i64 = 100;

/// The filters, as the address carries them.
#[derive(Debug, Default, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    page: i64,
}

/// `GET /administration/journal`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    if !matches!(actor.role, Role::Administrator | Role::DataProtectionOfficer) {
        return Err(Error::new(
            Kind::Forbidden,
            "role",
            "Cette page est réservée aux administrateurs et aux délégués à la protection des données.",
        )
        .into());
    }
    let current = chosen.page.max(1);
    let slice = Slice { offset: (current - 1).saturating_mul(PER_PAGE), limit: PER_PAGE };
    let (rows, count) = app.store.audit(&AuditFilter::default(), slice).await?;
    let accounts = app.store.accounts().await?;
    let pages = (count + PER_PAGE - 1) / PER_PAGE;
    let name = |who: &str| accounts.iter().find(|a| a.id.to_string() == who).map_or_else(|| who.to_owned(), |a| a.name.clone());
    let organisation = |siren: &str| siren.parse::<Siren>().map_or_else(|_| "Retex".to_owned(), |s| load::organisation(&s));
    let href = |page: i64| format!("/administration/journal?page={page}");
    html(Audit {
        page: Page::new("Journal", who(&actor), "admin"),
        tabs: tabs(&actor, "journal"),
        count: words::plural(count, "ligne", "lignes"),
        entries: rows
            .into_iter()
            .map(|r| EntryRow {
                at: words::moment(r.at),
                who: name(&r.actor),
                organisation: organisation(&r.organisation),
                action: r.act,
                object: r.object,
                outcome: outcome(&r.outcome).to_owned(),
                detail: if r.detail == "null" { String::new() } else { r.detail },
            })
            .collect(),
        pages,
        current,
        previous: (current > 1).then(|| href(current - 1)),
        next: (current < pages).then(|| href(current + 1)),
    })
}

fn outcome(code: &str) -> &str {
    match code {
        "ok" => "fait",
        "denied" => "refusé",
        "failed" => "échoué",
        other => other,
    }
}
