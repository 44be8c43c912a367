//! A draft read by its parties: remarks, what would change, and the acts that move it on.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    response::{IntoResponse, Redirect},
};
use serde::Deserialize;

use super::{
    confirm::Confirm,
    draft::{Asked, Frame, Panel, base, frame, id, open, panel, title},
    standing,
};
use crate::{
    app::App,
    convention::{
        difference::{self, difference},
        draft::{self, Remark},
        perimeter::Role,
        register,
    },
    deposit,
    error::{Error, Kind},
    http::{
        editor::Section,
        failure::{PageResult, html},
        load,
        state::{Posted, Signed, who},
        view::{Markup, Notice, Page, State, role_name},
        words,
    },
};

/// The page.
#[derive(Template)]
#[template(path = "draft_review.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ReviewPage {
    pub page: Page,
    pub frame: Frame,
    pub notice: Option<Notice>,
    pub state: String,
    pub writes: bool,
    pub is_open: bool,
    pub csrf: String,
    pub revision: i64,
    pub panel: Panel,
    pub changes: Option<Vec<difference::Change>>,
    pub foreseen: Vec<String>,
    pub comments: Vec<CommentView>,
    pub places: Vec<(String, String)>,
    pub version: Option<String>,
}

/// One remark.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CommentView {
    pub id: String,
    pub author: String,
    pub at: String,
    pub place: Option<(String, String)>,
    pub text: String,
    pub badge: Markup,
    pub settled: Option<String>,
    pub may_settle: bool,
}

/// The revision that the person saw.
#[derive(Debug, Default, Deserialize)]
pub struct Seen {
    /// Its number.
    #[serde(default)]
    pub revision: i64,
}

/// `GET /conventions/brouillons/{id}/relecture`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(text): Path<String>, Query(asked): Query<Asked>) -> PageResult {
    let open = open(&app, &actor, &text).await?;
    let notice = match asked.fait.as_str() {
        "relecture" => Some(Notice::new(
            State::Ok,
            "Brouillon envoyé en relecture",
            vec!["Les signataires et les déposants des parties sont prévenus.".to_owned()],
        )),
        "reprise" => {
            Some(Notice::new(State::Ok, "Brouillon repris", vec!["Seuls les chargés de mission le voient de nouveau.".to_owned()]))
        }
        "remarque" => Some(Notice::new(State::Ok, "Remarque enregistrée", Vec::new())),
        "reglee" => Some(Notice::new(State::Ok, "Remarque réglée", Vec::new())),
        _ => None,
    };
    draw(&app, &actor, open, notice).await
}

async fn draw(app: &App, actor: &crate::access::Actor, open: super::draft::Open, notice: Option<Notice>) -> PageResult {
    let frame = frame(app, actor, &open, "relecture").await?;
    let base = frame.base.clone();
    let changes = match open.draft.based_on {
        Some(version) => Some(difference(&register::version(app, version).await?.convention.json, &open.document)),
        None => None,
    };
    let foreseen = foreseen(app, &open).await?;
    let mut comments = Vec::new();
    for c in app.store.draft_comments(open.draft.id).await? {
        let author = app.store.account(c.author).await?;
        let organisation = c.organisation.as_ref().map_or_else(|| "Métropole du Grand Paris".to_owned(), load::organisation);
        let place = c.pointer.as_deref().map(|pointer| {
            let (section, dataset) = Section::of(pointer);
            let href = dataset.as_deref().map_or_else(|| format!("{base}/{}", section.slug()), |d| format!("{base}/jeux/{d}"));
            (dataset.unwrap_or_else(|| section.title().to_owned()), href)
        });
        let settled = match (c.resolved_at, c.resolved_by) {
            (Some(at), Some(by)) => {
                let name = app.store.account(by).await?.map(|a| a.name).unwrap_or_default();
                Some(format!("Réglée par {name}, le {}.", words::moment(at)))
            }
            _ => None,
        };
        let badge = match (settled.is_some(), c.kind.as_str()) {
            (true, _) => State::Ok.badge("Réglée"),
            (false, "change_request") => State::Todo.badge("Modification demandée"),
            (false, _) => State::Open.badge("Remarque"),
        };
        comments.push(CommentView {
            id: c.id.to_string(),
            author: author.as_ref().map_or_else(String::new, |a| format!("{}, {organisation}, {}", a.name, role_name(&a.role))),
            at: words::moment(c.at),
            place,
            text: c.text,
            badge,
            may_settle: settled.is_none() && (draft::writes(actor) || c.author == actor.account) && draft::is_open(&open.draft),
            settled,
        });
    }
    let mut places: Vec<(String, String)> = Vec::new();
    for section in crate::http::editor::SECTIONS {
        match section {
            Section::Datasets => places.extend(open.document["datasets"].as_object().into_iter().flatten().map(|(name, d)| {
                let shown = d["title"].as_str().unwrap_or(name);
                (format!("/datasets/{}", crate::http::editor::escape(name)), format!("Jeu «\u{a0}{shown}\u{a0}»"))
            })),
            Section::Indicators => places.push(("/evaluation/indicators".to_owned(), section.title().to_owned())),
            Section::Plan => places.push(("/evaluation".to_owned(), section.title().to_owned())),
            section => places.extend(
                section.roots(None).into_iter().nth(usize::from(section == Section::General)).map(|r| (r, section.title().to_owned())),
            ),
        }
    }
    let version = match open.draft.opened_as {
        Some(version) => Some(format!("/experimentations/{}/convention", register::version(app, version).await?.head.name)),
        None => None,
    };
    html(ReviewPage {
        page: Page::new("Relecture et signature", who(actor), "conventions")
            .under("Conventions", "/conventions")
            .under(title(&open.draft), base.clone()),
        notice,
        state: open.draft.state.clone(),
        writes: draft::writes(actor),
        is_open: draft::is_open(&open.draft),
        csrf: actor.csrf.clone(),
        revision: open.draft.revision,
        panel: panel(&open.document, &open.faults, &base),
        changes,
        foreseen,
        comments,
        places,
        version,
        frame,
    })
}

/// `POST /conventions/brouillons/{id}/remarques`.
pub async fn comment(Extract(app): Extract<App>, Path(text): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let pointer = fields.get("place");
    let remark = Remark {
        pointer: (!pointer.is_empty()).then(|| pointer.to_owned()),
        change: fields.get("kind") == "change_request",
        text: fields.get("text").to_owned(),
    };
    let id = id(&text)?;
    match draft::comment(&app, &actor, id, remark).await {
        Ok(_) => Ok(Redirect::to(&format!("/conventions/brouillons/{id}/relecture?fait=remarque")).into_response()),
        Err(error) if error.kind == Kind::Invalid => {
            let status = axum::http::StatusCode::from_u16(error.status()).unwrap_or_default();
            let open = open(&app, &actor, &text).await?;
            Ok((status, draw(&app, &actor, open, Some(Notice::new(State::No, error.message, Vec::new()))).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /conventions/brouillons/{id}/remarques/{comment}`: settles it.
pub async fn settle(Extract(app): Extract<App>, Path((text, comment)): Path<(String, String)>, Posted(actor, _): Posted) -> PageResult {
    let (id, comment) = (id(&text)?, comment.parse().map_err(|_| load::absent())?);
    draft::resolve(&app, &actor, id, comment).await?;
    Ok(Redirect::to(&format!("/conventions/brouillons/{id}/relecture?fait=reglee")).into_response())
}

/// What an amendment would mean for what the hub holds already: the accepted files that its schemas would refuse, and the indicators that
/// would conclude nothing.
async fn foreseen(app: &App, open: &super::draft::Open) -> Result<Vec<String>, Error> {
    let Some(based_on) = open.draft.based_on.filter(|_| open.faults.is_empty()) else { return Ok(Vec::new()) };
    let before = register::version(app, based_on).await?;
    let convention = register::compile(open.document.clone()).await?;
    let mut said = Vec::new();
    // Where no schema changes, no file needs to be read again to be told that it is still good.
    if before.convention.json["datasets"] != open.document["datasets"] || before.convention.json["parties"] != open.document["parties"] {
        said.extend(deposit::would_refuse(app, open.document.clone()).await?.in_french());
    }
    let agreement = register::agreement(app, &before.head.name).await?;
    said.extend(standing::exploratory_words(agreement.would_be_exploratory(&convention).iter().map(|i| i.title.as_str())));
    Ok(said)
}

/// `GET /conventions/brouillons/{id}/etape/{act}`: what an act would do, in words.
pub async fn confirm(Extract(app): Extract<App>, Signed(actor): Signed, Path((text, act)): Path<(String, String)>) -> PageResult {
    let open = open(&app, &actor, &text).await?;
    actor.require(&[Role::Officer])?;
    let sites = open.document["parties"]["sites"].as_array().map_or(0, Vec::len);
    let (heading, style, button, mut consequences) = match act.as_str() {
        "relecture" => (
            "Envoyer en relecture",
            "main",
            "Envoyer",
            vec![
                format!("Les signataires et les déposants de {} reçoivent un courriel, lisent ce brouillon et peuvent le commenter.", words::plural(sites as u64, "structure", "structures")),
                "Vous pouvez encore le modifier, ou le reprendre.".to_owned(),
            ],
        ),
        "reprise" => ("Reprendre le brouillon", "main", "Reprendre", vec!["Les parties ne le voient plus. Leurs remarques restent.".to_owned()]),
        "signature" => (
            "Ouvrir à la signature",
            "main",
            "Ouvrir à la signature",
            vec![
                "Le document est figé\u{a0}: chaque partie signe exactement celui-ci, par son empreinte. Pour le changer ensuite, il faut un avenant.".to_owned(),
                "Les signataires de la Métropole et des structures sont invités à signer.".to_owned(),
            ],
        ),
        "abandon" => ("Abandonner le brouillon", "danger", "Abandonner", vec!["Plus personne ne pourra le modifier ni le relire. Le journal garde la trace de son existence.".to_owned()]),
        _ => return Err(load::absent().into()),
    };
    if act == "signature" {
        consequences.extend(before_signature(&app, &open).await?);
    }
    let here = base(&open.draft);
    html(Confirm {
        page: Page::new(heading, who(&actor), "conventions").under("Conventions", "/conventions").under(title(&open.draft), here.clone()),
        consequences,
        action: format!("{here}/etape/{act}?revision={}", open.draft.revision),
        csrf: actor.csrf.clone(),
        reason: None,
        style,
        act: button.to_owned(),
        back: format!("{here}/relecture"),
    })
}

/// What an officer should know before a draft is opened for signature.
async fn before_signature(app: &App, open: &super::draft::Open) -> Result<Vec<String>, Error> {
    let mut said = foreseen(app, open).await?;
    if !open.faults.is_empty() {
        let points = words::plural(open.faults.len() as u64, "point est à corriger", "points sont à corriger");
        said.push(format!("Attention\u{a0}: {points}. La signature ne s'ouvre qu'ensuite."));
    }
    let comments = app.store.draft_comments(open.draft.id).await?;
    let asked = comments.iter().filter(|c| c.kind == "change_request" && c.resolved_at.is_none()).count();
    if asked > 0 {
        let asked = words::plural(asked as u64, "modification demandée n'est pas réglée", "modifications demandées ne sont pas réglées");
        said.push(format!("Attention\u{a0}: {asked}. Répondez aux parties avant de figer le document."));
    }
    Ok(said)
}

/// `POST /conventions/brouillons/{id}/etape/{act}`.
pub async fn act(
    Extract(app): Extract<App>,
    Path((text, act)): Path<(String, String)>,
    Query(seen): Query<Seen>,
    Posted(actor, _): Posted,
) -> PageResult {
    let id = id(&text)?;
    let here = format!("/conventions/brouillons/{id}/relecture");
    let result: Result<String, Error> = match act.as_str() {
        "relecture" => draft::send_to_review(&app, &actor, id, seen.revision).await.map(|_| format!("{here}?fait=relecture")),
        "reprise" => draft::back_to_draft(&app, &actor, id, seen.revision).await.map(|_| format!("{here}?fait=reprise")),
        "abandon" => draft::discard(&app, &actor, id, seen.revision).await.map(|()| "/conventions?fait=abandonne".to_owned()),
        "signature" => draft::open(&app, &actor, id, seen.revision).await.map(|head| format!("/experimentations/{}/convention", head.name)),
        _ => return Err(load::absent().into()),
    };
    match result {
        Ok(to) => Ok(Redirect::to(&to).into_response()),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => {
            let status = axum::http::StatusCode::from_u16(error.status()).unwrap_or_default();
            let open = open(&app, &actor, &text).await?;
            let lines = error.faults.iter().map(|f| f.message.clone()).take(20).collect();
            Ok((status, draw(&app, &actor, open, Some(Notice::new(State::No, error.message, lines))).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
