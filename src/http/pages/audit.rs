//! The audit trail: its list, one entry, its exports.

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State as Extract},
    http::header,
    response::{IntoResponse, Response},
};
use chrono::DateTime;
use futures::{Stream, stream};
use serde_json::json;

use super::accounts::tabs;
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    error::Result,
    http::{
        failure::{PageError, PageResult, html},
        load,
        state::{Signed, who},
        trail::{self, ACTS, Chosen, Names, ORDERS, OUTCOMES},
        view::{Fact, Markup, Page, State, Tab},
        words,
    },
    store::{
        Page as Slice, Store,
        audit::{AuditFilter, AuditRow},
    },
};

/// The list.
#[derive(Template)]
#[template(path = "audit.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Audit {
    pub page: Page,
    pub tabs: Vec<Tab>,
    pub chosen: Chosen,
    pub query: String,
    pub people: Vec<Choice>,
    pub organisations: Vec<Choice>,
    pub acts: Vec<Choice>,
    pub outcomes: Vec<Choice>,
    pub orders: Vec<Choice>,
    pub count: String,
    pub entries: Vec<EntryRow>,
    pub pages: i64,
    pub current: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// Value, words, whether it is chosen.
pub type Choice = (String, String, bool);

/// One entry of the list.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct EntryRow {
    pub href: String,
    pub at: String,
    pub who: String,
    pub organisation: String,
    pub action: String,
    pub object: String,
    pub outcome: Markup,
    pub detail: String,
}

/// One entry.
#[derive(Template)]
#[template(path = "audit_entry.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct EntryPage {
    pub page: Page,
    pub lead: String,
    pub badge: Markup,
    pub facts: Vec<Fact>,
    pub reads: Vec<String>,
    pub chain: Vec<Fact>,
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// Entries on one page.
const PER_PAGE: i64 = 50;
/// Entries read at once for an export.
const BATCH: i64 = 1000;

fn choices<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>, chosen: &str) -> Vec<Choice> {
    all.into_iter().map(|(value, label)| (value.to_owned(), label.to_owned(), value == chosen)).collect()
}

fn badge(outcome: &str) -> Markup {
    let state = match outcome {
        "ok" => State::Ok,
        "denied" => State::No,
        _ => State::Todo,
    };
    state.badge(trail::outcome(outcome))
}

fn entry_href(organisation: &str, seq: i64) -> String {
    format!("/administration/journal/{}/{seq}", if organisation.is_empty() { "retex" } else { organisation })
}

/// `GET /administration/journal`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    trail::reader(&actor)?;
    let current = chosen.page.max(1);
    let slice = Slice { offset: (current - 1).saturating_mul(PER_PAGE), limit: PER_PAGE };
    let (rows, count) = app.store.audit(&chosen.filter(&app).await?, slice).await?;
    let names = Names::load(&app).await?;
    let pages = (count + PER_PAGE - 1) / PER_PAGE;
    let query = chosen.query();
    let href = |page: i64| format!("/administration/journal?{query}{}page={page}", if query.is_empty() { "" } else { "&" });
    let heads = app.store.audit_heads().await?;
    let mut people: Vec<Choice> = vec![("système".to_owned(), "Retex".to_owned(), chosen.personne == "système")];
    people.extend(app.store.accounts().await?.into_iter().map(|a| {
        let id = a.id.to_string();
        let here = id == chosen.personne;
        (id, format!("{} ({})", a.name, a.email), here)
    }));
    html(Audit {
        page: Page::new("Journal", who(&actor), "admin"),
        tabs: tabs(&actor, "journal"),
        people,
        organisations: heads
            .iter()
            .map(|h| {
                let value = if h.organisation.is_empty() { "retex".to_owned() } else { h.organisation.clone() };
                let here = value == chosen.structure;
                (value, trail::organisation(&h.organisation), here)
            })
            .collect(),
        acts: choices(ACTS, &chosen.action),
        outcomes: choices(OUTCOMES, &chosen.issue),
        orders: choices(ORDERS.map(|(value, label, _)| (value, label)), &chosen.tri),
        count: words::plural(count, "ligne", "lignes"),
        entries: rows.into_iter().map(|r| row(&names, r)).collect(),
        pages,
        current,
        previous: (current > 1).then(|| href(current - 1)),
        next: (current < pages).then(|| href(current + 1)),
        query,
        chosen,
    })
}

fn row(names: &Names, r: AuditRow) -> EntryRow {
    let said = trail::said(&r);
    EntryRow {
        href: entry_href(&r.organisation, r.seq),
        at: words::moment(r.at),
        who: names.actor(&r.actor),
        organisation: trail::organisation(&r.organisation),
        action: trail::act(&r.act).to_owned(),
        object: names.object(&r.object, &said),
        outcome: badge(&r.outcome),
        detail: trail::detail(&said),
    }
}

/// `GET /administration/journal/{organisation}/{seq}`.
pub async fn entry(Extract(app): Extract<App>, Signed(actor): Signed, Path((organisation, seq)): Path<(String, String)>) -> PageResult {
    trail::reader(&actor)?;
    let organisation = if organisation == "retex" { String::new() } else { organisation };
    let seq: i64 = seq.parse().map_err(|_| load::absent())?;
    let found = if organisation.contains('\0') { None } else { app.store.audit_entry(&organisation, seq).await? };
    let r = found.ok_or_else(load::absent)?;
    let head = app.store.audit_heads().await?.into_iter().find(|h| h.organisation == organisation).map_or(0, |h| h.seq);
    let (names, said) = (Names::load(&app).await?, trail::said(&r));
    let mut facts = vec![
        ("Date".to_owned(), words::moment(r.at)),
        ("Qui".to_owned(), names.actor(&r.actor)),
        ("Pour".to_owned(), trail::organisation(&r.organisation)),
        ("Objet".to_owned(), names.object(&r.object, &said)),
        ("Identifiant".to_owned(), r.object.clone()),
    ];
    facts.extend(
        trail::facts(&said, false)
            .into_iter()
            .map(|(name, value)| (words::sentence(if name.is_empty() { "précision" } else { &name }), value)),
    );
    let holds = if audit::is_intact(&r) { "telle qu'elle a été écrite" } else { "modifiée depuis qu'elle a été écrite" };
    let chain = vec![
        ("Place".to_owned(), format!("ligne {} sur {}", words::count(seq), words::count(head))),
        ("Cette ligne est".to_owned(), holds.to_owned()),
        ("Empreinte".to_owned(), r.hash.clone()),
        ("Empreinte de la précédente".to_owned(), r.prev_hash.clone()),
    ];
    html(EntryPage {
        page: Page::new(trail::act(&r.act), who(&actor), "admin").under("Journal", "/administration/journal"),
        lead: format!("{} · {}", names.actor(&r.actor), words::moment(r.at)),
        badge: badge(&r.outcome),
        facts,
        reads: said["reads"].as_array().map(|reads| reads.iter().map(trail::read).collect()).unwrap_or_default(),
        chain,
        previous: (seq > 1).then(|| entry_href(&organisation, seq - 1)),
        next: (seq < head).then(|| entry_href(&organisation, seq + 1)),
    })
}

/// Records that the trail, or its end, leaves the hub.
pub async fn exported(app: &App, actor: &Actor, act: &'static str, object: &str, filter: &str) -> Result<()> {
    let mut tx = app.store.begin().await?;
    let entry = Entry {
        at: app.clock.now(),
        actor: actor.in_audit(),
        organisation: None,
        act,
        object: object.to_owned(),
        outcome: "ok",
        detail: json!({"filter": Some(filter).filter(|f| !f.is_empty())}),
    };
    audit::append(&mut tx, &entry).await?;
    tx.commit().await
}

/// Every entry that answers the filter, oldest first, a batch at a time; the trail may be longer than memory.
fn batches(store: Store, filter: AuditFilter) -> impl Stream<Item = Result<Vec<AuditRow>>> {
    let start = Some((DateTime::UNIX_EPOCH, String::new(), 0));
    stream::unfold((store, filter, start), |(store, filter, after)| async {
        let (at, organisation, seq) = after?;
        let rows = match store.audit_after(&filter, (at, &organisation, seq), BATCH).await {
            Ok(rows) => rows,
            Err(error) => return Some((Err(error), (store, filter, None))),
        };
        let last = rows.last().map(|r| (r.at, r.organisation.clone(), r.seq))?;
        Some((Ok(rows), (store, filter, Some(last))))
    })
}

fn attachment(kind: &'static str, name: &str, body: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], Body::from_stream(body)).into_response()
}

/// `GET /administration/journal.csv`: the filtered trail, as it is, with its words beside.
pub async fn csv(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    use futures::StreamExt;
    trail::reader(&actor)?;
    let (filter, names) = (chosen.filter(&app).await?, Names::load(&app).await?);
    exported(&app, &actor, "audit.export", "audit/csv", &chosen.query()).await?;
    let header = "\u{feff}Structure;Ligne;Date;Auteur;Identifiant de l'auteur;Action;Action (code);Objet;Issue;Détail;Empreinte\r\n";
    let lines = batches(app.store.clone(), filter)
        .map(move |rows| rows.map(|rows| Bytes::from(rows.iter().map(|r| line(&names, r)).collect::<String>())));
    let body = stream::iter([Ok(Bytes::from(header))]).chain(lines);
    Ok(attachment("text/csv; charset=utf-8", "journal.csv", body))
}

fn line(names: &Names, r: &AuditRow) -> String {
    let (seq, at) = (r.seq.to_string(), r.at.to_rfc3339());
    let (organisation, actor) = (trail::organisation(&r.organisation), names.actor(&r.actor));
    let cells = [
        organisation.as_str(),
        &seq,
        &at,
        &actor,
        &r.actor,
        trail::act(&r.act),
        &r.act,
        &r.object,
        trail::outcome(&r.outcome),
        &r.detail,
        &r.hash,
    ];
    cells.map(words::csv_cell).join(";") + "\r\n"
}

/// `GET /administration/journal.json`: the filtered trail, one entry a line (JSON Lines), with all that its hash covers.
pub async fn json_lines(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    use futures::StreamExt;
    trail::reader(&actor)?;
    let filter = chosen.filter(&app).await?;
    exported(&app, &actor, "audit.export", "audit/json", &chosen.query()).await?;
    let lines = batches(app.store.clone(), filter).map(|rows| {
        let line = |r: AuditRow| serde_json::to_string(&r).map(|text| text + "\n");
        let text = rows?.into_iter().map(line).collect::<Result<String, _>>();
        text.map(Bytes::from).map_err(crate::error::Error::internal)
    });
    Ok(attachment("application/jsonl", "journal.jsonl", lines))
}

/// `GET /administration/journal/tete.json`: the ends of the chains, to keep elsewhere.
pub async fn head(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    trail::reader(&actor)?;
    exported(&app, &actor, "audit.head", "audit/heads", "").await?;
    let now = app.clock.now();
    let text = audit::heads::read(&app.store, now).await.map_err(PageError)?.to_json()?;
    let name = format!("attachment; filename=\"tete-du-journal-{}.json\"", load::today(&app));
    Ok(([(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)], text).into_response())
}
