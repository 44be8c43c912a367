//! The versions of a convention, and what each changed.

use askama::Template;
use axum::extract::{Path, State as Extract};

use super::standing;
use crate::{
    access::Actor,
    app::App,
    convention::{
        agreement::AgreedVersion,
        difference::{Change, difference},
        draft,
    },
    error::Result,
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        present,
        state::{Signed, who},
        view::{Page, Tab},
        words,
    },
    report::french,
    store::conventions::ConventionHead,
};

/// The list.
#[derive(Template)]
#[template(path = "versions.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct VersionsPage {
    pub page: Page,
    pub title: String,
    pub base: String,
    pub name: String,
    pub tabs: Vec<Tab>,
    pub writes: bool,
    pub versions: Vec<VersionRow>,
}

/// One version.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct VersionRow {
    pub version: i64,
    pub entered: String,
    pub state: String,
    pub dates: String,
    pub sha256: String,
    pub href: Option<String>,
}

/// `GET /experimentations/{name}/versions`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let (base, today) = (loaded.base(), load::today(&app));
    let known = known(&loaded, &actor);
    let first = known.last().map(|h| h.version);
    let row = |h: &&ConventionHead| VersionRow {
        version: h.version,
        entered: words::moment(h.created_at),
        dates: french::span(h.starts_on, h.ends_on),
        sha256: h.sha256.clone(),
        state: loaded.agreement.version(h.id).map_or("", |v| loaded.agreement.version_state(v, today).in_french()).to_owned(),
        href: (Some(h.version) != first).then(|| format!("{base}/versions/{}/differences", h.version)),
    };
    let versions = known.iter().map(row).collect();
    html(VersionsPage {
        page: Page::new("Versions", who(&actor), "experiments")
            .under("Expérimentations", "/experimentations")
            .under(&loaded.document.title, loaded.base()),
        title: loaded.document.title.clone(),
        name: loaded.head.name.clone(),
        tabs: present::tabs(&loaded, &actor, "versions"),
        writes: draft::writes(&actor) && loaded.agreement.terminated.is_none(),
        versions,
        base,
    })
}

/// The versions that this person may know of, newest first: a site's people, those that name it.
fn known<'l>(loaded: &'l Loaded, actor: &Actor) -> Vec<&'l ConventionHead> {
    let names = |v: &&AgreedVersion| actor.site.as_ref().is_none_or(|own| v.names(own));
    let mut heads: Vec<&ConventionHead> = loaded.agreement.versions().iter().filter(names).map(|v| &v.head).collect();
    heads.sort_by_key(|h| std::cmp::Reverse(h.version));
    heads
}

/// What a version changed.
#[derive(Template)]
#[template(path = "differences.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DifferencesPage {
    pub page: Page,
    pub title: String,
    pub version: i64,
    pub before: i64,
    pub changes: Vec<Change>,
    pub exploratory: Option<String>,
}

/// What version `n` of a convention changed from the one before it.
///
/// # Errors
/// [`crate::error::Kind::NotFound`] for a version that is not there, or is the first.
pub async fn differences_of(app: &App, actor: &Actor, name: &str, n: i64) -> Result<(Loaded, i64, Vec<Change>)> {
    let loaded = load::convention(app, actor, name).await?;
    let heads = known(&loaded, actor);
    let at =
        |version: i64| heads.iter().find(|h| h.version == version).and_then(|h| loaded.agreement.version(h.id)).ok_or_else(load::absent);
    let before = heads.iter().map(|h| h.version).filter(|v| *v < n).max().ok_or_else(load::absent)?;
    let changes = difference(&at(before)?.convention.json, &at(n)?.convention.json);
    Ok((loaded, before, changes))
}

/// `GET /experimentations/{name}/versions/{n}/differences`.
pub async fn differences(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, n)): Path<(String, String)>) -> PageResult {
    let version: i64 = n.parse().map_err(|_| load::absent())?;
    let (loaded, before, changes) = differences_of(&app, &actor, &name, version).await?;
    let version_of = loaded.agreement.versions().iter().find(|v| v.head.version == version).ok_or_else(load::absent)?;
    html(DifferencesPage {
        exploratory: standing::exploratory(&loaded.agreement, version_of),
        page: Page::new(format!("Ce que change la version {version}"), who(&actor), "experiments")
            .under("Expérimentations", "/experimentations")
            .under(&loaded.document.title, loaded.base())
            .under("Versions", format!("{}/versions", loaded.base())),
        title: loaded.document.title.clone(),
        version,
        before,
        changes,
    })
}
