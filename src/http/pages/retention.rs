//! The end of the data, for those who watch over it: what ends when, lists of elimination, holds, requests.

use askama::Template;
use axum::extract::State as Extract;

use crate::{
    app::App,
    http::{
        failure::{PageResult, html},
        load,
        state::{Signed, who},
        view::{Markup, Page, State},
        words,
    },
    ids::Siren,
    retention::{self, Term, holds, list, removals},
    store::retention::{Hold, Purge, PurgeState, Removal},
};

/// The page.
#[derive(Template)]
#[template(path = "retention.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Overview {
    pub page: Page,
    pub terms: Vec<TermRow>,
    pub purges: Vec<PurgeRow>,
    pub holds: Vec<HoldRow>,
    pub removals: Vec<RemovalRow>,
}

/// When the data of a convention end.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct TermRow {
    pub title: String,
    pub href: String,
    pub last_day: String,
    pub months: String,
    pub until: String,
    pub badge: Markup,
}

/// One list of elimination.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct PurgeRow {
    pub number: String,
    pub href: String,
    pub title: String,
    pub scope: String,
    pub made: String,
    pub due: String,
    pub badge: Markup,
}

/// One hold.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct HoldRow {
    pub title: String,
    pub scope: String,
    pub reason: String,
    pub placed: String,
    pub lifted: String,
    pub lift: Option<String>,
    pub badge: Markup,
}

/// One request.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct RemovalRow {
    pub title: String,
    pub site: String,
    pub href: String,
    pub asked: String,
    pub badge: Markup,
}

/// Where a list stands, in words.
pub fn purge_badge(purge: &Purge) -> Markup {
    match purge.state {
        PurgeState::Proposed => State::Todo.badge("Attend le visa des archives"),
        PurgeState::VisaGiven => State::Todo.badge("Visa donné, élimination à venir"),
        PurgeState::Refused => State::No.badge("Visa refusé"),
        PurgeState::Exported => State::Todo.badge("Versé aux archives, élimination à venir"),
        PurgeState::Done => State::Ok.badge("Éliminé"),
    }
}

/// Where a request stands, in words.
pub fn removal_badge(removal: &Removal) -> Markup {
    match removal.granted {
        None => State::Todo.badge("Attend une réponse"),
        Some(true) => State::Ok.badge("Accordée"),
        Some(false) => State::No.badge("Refusée"),
    }
}

/// The title of a convention among these terms.
fn title(terms: &[Term], name: &str) -> String {
    terms.iter().find(|t| t.registered.head.name == name).map_or_else(|| name.to_owned(), |t| t.registered.head.title.clone())
}

/// A site in words; all of them if none.
pub fn scope(site: Option<&Siren>) -> String {
    site.map_or_else(|| "toutes les structures".to_owned(), load::organisation)
}

/// `GET /conservation`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    let purges = list::all(&app, &actor).await?;
    let holds = holds::all(&app, &actor).await?;
    let removals = removals::all(&app, &actor).await?;
    let terms = retention::terms(&app).await?;
    let today = app.clock.today();
    html(Overview {
        page: Page::new("Conservation des données", who(&actor), "retention"),
        purges: purges.iter().map(|p| purge_row(p, &terms)).collect(),
        holds: holds.iter().map(|h| hold_row(h, &terms)).collect(),
        removals: removals
            .iter()
            .map(|r| RemovalRow {
                title: title(&terms, &r.convention),
                site: load::organisation(&r.site),
                href: format!("/conservation/demandes/{}", r.id),
                asked: words::moment(r.asked_at),
                badge: removal_badge(r),
            })
            .collect(),
        terms: terms.iter().map(|t| term_row(t, &purges, today)).collect(),
    })
}

fn term_row(term: &Term, purges: &[Purge], today: chrono::NaiveDate) -> TermRow {
    let head = &term.registered.head;
    let purge = purges.iter().find(|p| p.convention == head.name && p.site.is_none());
    let badge = match purge {
        Some(purge) => purge_badge(purge),
        None if today > term.until => State::Todo.badge("Durée passée"),
        None if today > term.last_day => State::Open.badge(&format!("Conservées, fin {}", words::distance(term.until, today))),
        None => State::Ok.badge("Expérimentation en cours"),
    };
    TermRow {
        title: head.title.clone(),
        href: format!("/experimentations/{}", head.name),
        last_day: words::day(term.last_day),
        months: format!("{}\u{a0}mois", term.registered.convention.document.retention.months),
        until: words::day(term.until),
        badge,
    }
}

fn purge_row(purge: &Purge, terms: &[Term]) -> PurgeRow {
    PurgeRow {
        number: purge.number.clone(),
        href: format!("/conservation/{}", purge.id),
        title: title(terms, &purge.convention),
        scope: scope(purge.site.as_ref()),
        made: words::moment(purge.made_at),
        due: words::day(purge.due_on),
        badge: purge_badge(purge),
    }
}

fn hold_row(hold: &Hold, terms: &[Term]) -> HoldRow {
    let stands = hold.lifted_at.is_none();
    let lifted = hold.lifted_at.map(words::moment).zip(hold.lifted_reason.as_ref()).map(|(at, why)| format!("{at}\u{a0}: {why}"));
    HoldRow {
        title: title(terms, &hold.convention),
        scope: scope(hold.site.as_ref()),
        reason: hold.reason.clone(),
        placed: words::moment(hold.placed_at),
        lifted: lifted.unwrap_or_else(|| "–".to_owned()),
        lift: stands.then(|| format!("/conservation/suspensions/{}/levee", hold.id)),
        badge: if stands { State::Todo.badge("Suspend l'élimination") } else { State::Open.badge("Levée") },
    }
}
