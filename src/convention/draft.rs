//! Drawing up a convention: officers write a draft, the parties read it and comment, and it is opened for signature as a version.
//!
//! A draft need not be valid while it is written. Each writing says which revision it was made from: whoever writes over somebody
//! else's change is told what that change was, and loses nothing.

use serde_json::{Value as Json, json};

use super::{
    difference::{Change, difference},
    model,
    perimeter::{self, Role, Use},
    register,
    scope::Verb,
};
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    error::{Error, Fault, Kind, Result},
    ids::{CommentId, ConventionId, DraftId, Siren},
    mail::{self, Letter},
    store::{
        Tx,
        accounts::Account,
        conventions::ConventionHead,
        drafts::{Comment, Draft},
    },
};

/// Being written by officers; nobody else knows of it.
pub const DRAFT: &str = "draft";
/// Open to the remarks of the parties that it names.
pub const IN_REVIEW: &str = "in_review";
/// Became a version.
pub const OPENED: &str = "opened";
/// Given up.
pub const DISCARDED: &str = "discarded";

/// Bytes of a draft's document.
const MAX_BYTES: usize = 2 << 20;
/// Characters of a remark.
const MAX_COMMENT: usize = 10_000;

/// What a draft starts from.
#[derive(Debug, Clone)]
pub enum Start {
    /// The convention type, under a title.
    Model {
        /// Title of the experiment.
        title: String,
    },
    /// Next to nothing, under a title.
    Empty {
        /// Title of the experiment.
        title: String,
    },
    /// A convention of the register, for another experiment.
    Copy {
        /// Its name.
        name: String,
    },
    /// A convention of the register, to amend it.
    Amendment {
        /// Its name.
        name: String,
    },
    /// A document that comes from elsewhere.
    Document(Json),
}

/// Begins a draft.
///
/// # Errors
/// [`Kind::Forbidden`] but for officers; `amendment_exists` where another draft already amends the convention.
pub async fn create(app: &App, actor: &Actor, start: Start) -> Result<Draft> {
    officer(actor)?;
    let (document, based_on) = match start {
        Start::Model { title } => (titled(model::document(), &title)?, None),
        Start::Empty { title } => (titled(model::empty(), &title)?, None),
        Start::Document(document) => (document, None),
        Start::Copy { name } => {
            let mut document = register::find(app, &name).await?.convention.json.clone();
            if let Some(object) = document.as_object_mut() {
                object.shift_remove("period");
                let title = object.get("title").and_then(Json::as_str).unwrap_or_default();
                let title = Json::String(format!("{title} (nouvelle expérimentation)"));
                object.insert("title".to_owned(), title);
                object.insert("id".to_owned(), Json::String(format!("{name}-suite")));
            }
            (document, None)
        }
        Start::Amendment { name } => {
            let agreement = register::agreement(app, &name).await?;
            let version = agreement.reference(app.clock.today());
            (version.convention.json.clone(), Some((version.head.id, name)))
        }
    };
    let (name, title, text) = head(&document)?;
    let (id, now) = (DraftId(app.clock.id()), app.clock.now());
    let mut tx = app.store.begin().await?;
    if let Some((_, name)) = &based_on
        && let Some(other) = tx.amendment_of(name).await?
    {
        let message = "Un autre brouillon modifie déjà cette convention : poursuivez-le, ou abandonnez-le d'abord.";
        return Err(Error::new(Kind::Conflict, "amendment_exists", message).with_faults(vec![Fault::new(
            "",
            "draft",
            format!("/conventions/brouillons/{other}"),
        )]));
    }
    let draft = Draft {
        id,
        name,
        title,
        document: text,
        revision: 1,
        state: DRAFT.to_owned(),
        based_on: based_on.map(|(id, _)| id),
        opened_as: None,
        created_at: now,
        created_by: actor.account,
        updated_at: now,
        updated_by: actor.account,
    };
    tx.insert_draft(&draft).await?;
    record(app, &mut tx, actor, "draft.create", &draft, json!({"name": draft.name, "based_on": draft.based_on})).await?;
    tx.commit().await?;
    Ok(draft)
}

fn titled(mut document: Json, title: &str) -> Result<Json> {
    let title: String = title.trim().chars().filter(|c| !c.is_control()).take(300).collect();
    let slug = model::slug(&title);
    if slug.is_empty() {
        return Err(Error::invalid("draft_title", "Donnez un titre à l'expérimentation."));
    }
    document["title"] = Json::String(title);
    document["id"] = Json::String(slug);
    Ok(document)
}

/// Name, title and text of a document.
fn head(document: &Json) -> Result<(String, String, String)> {
    if !document.is_object() {
        return Err(Error::invalid(
            "draft_not_an_object",
            "Une convention est un objet : des clés et leurs valeurs. Vérifiez le document.",
        ));
    }
    let word = |key: &str| -> String { document[key].as_str().unwrap_or_default().chars().filter(|c| !c.is_control()).take(300).collect() };
    let text = document.to_string();
    if text.len() > MAX_BYTES {
        return Err(Error::new(Kind::TooLarge, "convention_too_large", "Ce document dépasse 2 Mio : allégez-le."));
    }
    Ok((word("id"), word("title"), text))
}

/// Whether two documents say the same. The order of keys says nothing, but for that of datasets and of their columns, which is the one that
/// people read them in.
fn same(a: &Json, b: &Json, ordered: bool) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && (!ordered || a.keys().eq(b.keys()))
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other, key == "datasets" || key == "properties")))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, false)),
        _ => a == b,
    }
}

/// One draft, if this person may read it: a foreign one answers exactly like an absent one.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn find(app: &App, actor: &Actor, id: DraftId) -> Result<Draft> {
    app.store.draft(id).await?.filter(|d| reads(actor, d)).ok_or_else(absent)
}

/// The drafts that this person may read, last written first.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Draft>> {
    Ok(app.store.drafts().await?.into_iter().filter(|d| reads(actor, d)).collect())
}

/// Whether a person writes conventions.
pub fn writes(actor: &Actor) -> bool {
    actor.role == Role::Officer && actor.site.is_none()
}

/// Whether the draft may still change.
pub fn is_open(draft: &Draft) -> bool {
    draft.state == DRAFT || draft.state == IN_REVIEW
}

/// The document of a draft.
pub fn document(draft: &Draft) -> Result<Json> {
    serde_json::from_str(&draft.document).map_err(Error::internal)
}

/// Officers read every draft; those of the parties that it names, while it is in review.
fn reads(actor: &Actor, draft: &Draft) -> bool {
    perimeter::may_draft(&actor.person(), &sites(draft), draft.state == IN_REVIEW, Use::ReadDraft).is_ok()
}

/// The sites that a draft names.
fn sites(draft: &Draft) -> Vec<Siren> {
    let document: Json = serde_json::from_str(&draft.document).unwrap_or_default();
    let sites = document["parties"]["sites"].as_array();
    sites.into_iter().flatten().filter_map(|s| s["siren"].as_str()?.parse().ok()).collect()
}

fn officer(actor: &Actor) -> Result<()> {
    actor.require(&[Role::Officer])?;
    perimeter::may_draft(&actor.person(), &[], false, Use::Draft)
}

fn absent() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou ne vous est pas ouverte.")
}

/// A draft that an officer may change now.
async fn to_change(app: &App, actor: &Actor, id: DraftId) -> Result<Draft> {
    let draft = find(app, actor, id).await?;
    officer(actor)?;
    if !is_open(&draft) {
        return Err(closed(&draft));
    }
    Ok(draft)
}

fn closed(draft: &Draft) -> Error {
    let message = if draft.state == OPENED {
        "Ce brouillon est ouvert à la signature : il ne change plus. Pour le modifier, préparez un avenant."
    } else {
        "Ce brouillon est abandonné : il ne change plus."
    };
    Error::new(Kind::Conflict, "draft_closed", message)
}

/// Writes a draft; gives it back. `expected` is the revision that the writing was made from.
///
/// # Errors
/// `edited_meanwhile` ([`Kind::Conflict`]), whose faults are what the others changed since, in words; `draft_closed`.
pub async fn save(app: &App, actor: &Actor, id: DraftId, expected: i64, document: Json) -> Result<Draft> {
    let draft = to_change(app, actor, id).await?;
    if draft.revision != expected {
        return Err(meanwhile(app, &draft, expected).await?);
    }
    let (name, title, text) = head(&document)?;
    if same(&document, &self::document(&draft)?, false) {
        return Ok(draft);
    }
    let saved = Draft {
        name,
        title,
        document: text,
        revision: draft.revision + 1,
        updated_at: app.clock.now(),
        updated_by: actor.account,
        ..draft
    };
    let mut tx = app.store.begin().await?;
    if !tx.save_draft(&saved).await? {
        drop(tx);
        let now = find(app, actor, id).await?;
        return Err(if is_open(&now) { meanwhile(app, &now, expected).await? } else { closed(&now) });
    }
    record(app, &mut tx, actor, "draft.save", &saved, json!({"revision": saved.revision})).await?;
    tx.commit().await?;
    Ok(saved)
}

/// What others changed in a draft since a revision; none if that revision is no longer kept.
pub async fn since(app: &App, draft: &Draft, revision: i64) -> Result<Option<Vec<Change>>> {
    let Some(base) = app.store.draft_revision(draft.id, revision).await? else { return Ok(None) };
    let before: Json = serde_json::from_str(&base.document).map_err(Error::internal)?;
    Ok(Some(difference(&before, &document(draft)?)))
}

async fn meanwhile(app: &App, draft: &Draft, expected: i64) -> Result<Error> {
    let who = app.store.account(draft.updated_by).await?.map_or_else(|| "Quelqu'un".to_owned(), |a| a.name);
    let changes = since(app, draft, expected).await?.unwrap_or_default();
    let faults = changes.into_iter().map(|c| Fault::new(c.pointer, "edited", c.sentence)).collect();
    let message = format!("{who} a modifié ce brouillon pendant que vous y travailliez. Rien n'est perdu : comparez, puis enregistrez.");
    Ok(Error::new(Kind::Conflict, "edited_meanwhile", message).with_faults(faults))
}

/// Opens a draft to the remarks of its parties, who are written to.
///
/// # Errors
/// `no_parties` where no site is named; `edited_meanwhile`; `draft_state`.
pub async fn send_to_review(app: &App, actor: &Actor, id: DraftId, revision: i64) -> Result<Draft> {
    let draft = to_change(app, actor, id).await?;
    let sites = sites(&draft);
    if sites.is_empty() {
        return Err(Error::invalid("no_parties", "Nommez d'abord les structures : ce sont elles qui relisent."));
    }
    let people = people(app, &sites, |role| matches!(role, Role::Signatory | Role::Contributor)).await?;
    let letter = Letter::ReviewRequested { convention: shown(&draft), path: path(&draft) };
    let mut tx = app.store.begin().await?;
    moved(app, actor, &mut tx, &draft, (DRAFT, IN_REVIEW), revision, None).await?;
    for account in people.iter().filter(|a| a.id != actor.account) {
        let key = format!("draft.review/{id}/{revision}");
        mail::queue(app, &mut tx, account, &letter, Some(key)).await?;
    }
    record(app, &mut tx, actor, "draft.review", &draft, json!({"revision": revision, "letters": people.len()})).await?;
    tx.commit().await?;
    find(app, actor, id).await
}

/// Takes a draft back from review.
///
/// # Errors
/// `edited_meanwhile`; `draft_state`.
pub async fn back_to_draft(app: &App, actor: &Actor, id: DraftId, revision: i64) -> Result<Draft> {
    let draft = to_change(app, actor, id).await?;
    let mut tx = app.store.begin().await?;
    moved(app, actor, &mut tx, &draft, (IN_REVIEW, DRAFT), revision, None).await?;
    record(app, &mut tx, actor, "draft.back", &draft, json!({"revision": revision})).await?;
    tx.commit().await?;
    find(app, actor, id).await
}

/// Gives a draft up; it stays in the trail, and nobody works on it any more.
///
/// # Errors
/// `edited_meanwhile`; `draft_closed`.
pub async fn discard(app: &App, actor: &Actor, id: DraftId, revision: i64) -> Result<()> {
    let draft = to_change(app, actor, id).await?;
    let mut tx = app.store.begin().await?;
    moved(app, actor, &mut tx, &draft, (&draft.state, DISCARDED), revision, None).await?;
    record(app, &mut tx, actor, "draft.discard", &draft, json!({"revision": revision, "name": draft.name})).await?;
    tx.commit().await
}

/// Opens a draft for signature: it becomes the next version of its convention, and does not change any more.
///
/// # Errors
/// The document's faults, located; `edited_meanwhile`; `draft_closed`.
pub async fn open(app: &App, actor: &Actor, id: DraftId, revision: i64) -> Result<ConventionHead> {
    let draft = to_change(app, actor, id).await?;
    if draft.revision != revision {
        return Err(meanwhile(app, &draft, revision).await?);
    }
    let document = document(&draft)?;
    if let Some(version) = draft.based_on {
        let name = register::version(app, version).await?.head.name;
        if document["id"] != Json::String(name.clone()) {
            let message = format!("Un avenant garde le nom court de sa convention : écrivez « {name} ».");
            return Err(Error::invalid("amendment_name", message.clone()).with_faults(vec![Fault::new("/id", "amendment_name", message)]));
        }
    } else if let Some(name) = document["id"].as_str().filter(|n| !n.contains('\0'))
        && app.store.convention_by_name(name).await?.is_some()
    {
        let message = format!("Une convention « {name} » existe déjà : choisissez un autre nom court, ou préparez un avenant.");
        return Err(Error::invalid("name_taken", message.clone()).with_faults(vec![Fault::new("/id", "name_taken", message)]));
    }
    let head = register::open(app, actor, document).await?;
    let mut tx = app.store.begin().await?;
    moved(app, actor, &mut tx, &draft, (&draft.state, OPENED), revision, Some(head.id)).await?;
    record(app, &mut tx, actor, "draft.open", &draft, json!({"revision": revision, "convention": head.id, "version": head.version}))
        .await?;
    tx.commit().await?;
    Ok(head)
}

async fn moved(
    app: &App,
    actor: &Actor,
    tx: &mut Tx,
    draft: &Draft,
    (from, to): (&str, &str),
    revision: i64,
    opened_as: Option<ConventionId>,
) -> Result<()> {
    if tx.move_draft(draft.id, (from, to), revision, opened_as).await? {
        return Ok(());
    }
    // The draft was read outside the transaction: whatever stands now says why.
    if draft.revision != revision {
        return Err(meanwhile(app, draft, revision).await?);
    }
    let now = app.store.draft(draft.id).await?.filter(|d| reads(actor, d)).ok_or_else(absent)?;
    if now.revision != revision {
        return Err(meanwhile(app, &now, revision).await?);
    }
    Err(Error::new(Kind::Conflict, "draft_state", "Ce brouillon n'est plus dans l'état que vous voyiez : rechargez la page."))
}

/// What a person says of a draft.
#[derive(Debug, Clone)]
pub struct Remark {
    /// JSON Pointer of the place that it is about.
    pub pointer: Option<String>,
    /// Whether a change is asked for.
    pub change: bool,
    /// What they say.
    pub text: String,
}

/// Adds a remark to a draft; its officers are written to.
///
/// # Errors
/// `comment_empty`, `comment_too_long`; `draft_closed`.
pub async fn comment(app: &App, actor: &Actor, id: DraftId, remark: Remark) -> Result<Comment> {
    let draft = find(app, actor, id).await?;
    if !is_open(&draft) {
        return Err(closed(&draft));
    }
    actor.allows(Verb::Write)?;
    let text = remark.text.trim().replace("\r\n", "\n");
    if text.is_empty() {
        return Err(Error::invalid("comment_empty", "Écrivez votre remarque."));
    }
    if text.chars().count() > MAX_COMMENT || text.contains('\0') {
        return Err(Error::invalid("comment_too_long", "Cette remarque dépasse 10 000 caractères : raccourcissez-la."));
    }
    let pointer = remark.pointer.filter(|p| p.starts_with('/') && p.len() <= 500 && !p.contains('\0'));
    let comment = Comment {
        id: CommentId(app.clock.id()),
        draft_id: id,
        at: app.clock.now(),
        author: actor.account,
        organisation: actor.site.clone(),
        pointer,
        kind: if remark.change { "change_request" } else { "comment" }.to_owned(),
        text,
        resolved_at: None,
        resolved_by: None,
    };
    let letter = Letter::Commented {
        convention: shown(&draft),
        author: actor.name.clone(),
        text: comment.text.chars().take(2000).collect(),
        path: format!("{}/relecture", path(&draft)),
    };
    let mut tx = app.store.begin().await?;
    tx.insert_draft_comment(&comment).await?;
    let mut officers = vec![draft.created_by, draft.updated_by];
    officers.sort();
    officers.dedup();
    for officer in officers.into_iter().filter(|o| *o != actor.account) {
        if let Some(account) = app.store.account(officer).await?.filter(|a| a.disabled_at.is_none()) {
            mail::queue(app, &mut tx, &account, &letter, Some(format!("draft.comment/{}", comment.id))).await?;
        }
    }
    record(app, &mut tx, actor, "draft.comment", &draft, json!({"comment": comment.id, "kind": comment.kind})).await?;
    tx.commit().await?;
    Ok(comment)
}

/// Settles a remark: its author may, and officers.
///
/// # Errors
/// [`Kind::NotFound`] for a remark that is not the draft's, or is settled.
pub async fn resolve(app: &App, actor: &Actor, id: DraftId, comment: CommentId) -> Result<()> {
    let draft = find(app, actor, id).await?;
    actor.allows(Verb::Write)?;
    let remarks = app.store.draft_comments(id).await?;
    let remark = remarks.iter().find(|c| c.id == comment).ok_or_else(absent)?;
    if !writes(actor) && remark.author != actor.account {
        officer(actor)?;
    }
    let mut tx = app.store.begin().await?;
    if !tx.resolve_draft_comment(id, comment, app.clock.now(), actor.account).await? {
        return Err(Error::new(Kind::Conflict, "comment_resolved", "Cette remarque est déjà réglée."));
    }
    record(app, &mut tx, actor, "draft.resolve", &draft, json!({"comment": comment})).await?;
    tx.commit().await
}

/// The people of these sites and of the Métropole who have such a role.
async fn people(app: &App, sites: &[Siren], wanted: impl Fn(Role) -> bool) -> Result<Vec<Account>> {
    let is_wanted = |a: &Account| {
        a.disabled_at.is_none() && a.role.parse().is_ok_and(&wanted) && a.organisation.as_ref().is_none_or(|o| sites.contains(o))
    };
    Ok(app.store.accounts().await?.into_iter().filter(is_wanted).collect())
}

/// The title, or that there is none yet.
fn shown(draft: &Draft) -> String {
    if draft.title.is_empty() { "Convention sans titre".to_owned() } else { draft.title.clone() }
}

fn path(draft: &Draft) -> String {
    format!("/conventions/brouillons/{}", draft.id)
}

async fn record(app: &App, tx: &mut Tx, actor: &Actor, act: &'static str, draft: &Draft, detail: Json) -> Result<()> {
    let entry = Entry {
        at: app.clock.now(),
        actor: actor.in_audit(),
        organisation: None,
        act,
        object: format!("draft/{}", draft.id),
        outcome: "ok",
        detail,
    };
    audit::append(tx, &entry).await
}
