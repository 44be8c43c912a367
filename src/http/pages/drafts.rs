//! Conventions: those being drawn up, those that stand, and how a new one begins.

use askama::Template;
use axum::{
    extract::{Multipart, Query, State as Extract},
    response::{IntoResponse, Redirect},
};

use super::draft::{Asked, badge, base, title};
use crate::{
    access::Actor,
    app::App,
    convention::{
        Convention,
        draft::{self, Start},
    },
    error::{Error, Kind, Result},
    http::{
        failure::{PageResult, html},
        load,
        state::{Fields, Posted, Signed, check_csrf, who},
        view::{Markup, Notice, Page, State},
        words,
    },
    report::french,
};

/// Bytes of a document or of an example that is sent.
pub const MAX_FILE: usize = 20 << 20;

/// The list.
#[derive(Template)]
#[template(path = "drafts.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DraftsPage {
    pub page: Page,
    pub writes: bool,
    pub notice: Option<Notice>,
    pub drafts: Vec<DraftRow>,
    pub conventions: Vec<ConventionRow>,
}

/// One draft.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DraftRow {
    pub href: String,
    pub title: String,
    pub name: String,
    pub kind: String,
    pub badge: Markup,
    pub saved: String,
}

/// One convention of the register.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ConventionRow {
    pub href: String,
    pub title: String,
    pub name: String,
    pub version: i64,
    pub dates: String,
}

/// `GET /conventions`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Query(asked): Query<Asked>) -> PageResult {
    let mut drafts = Vec::new();
    for d in draft::list(&app, &actor).await? {
        let by = app.store.account(d.updated_by).await?.map(|a| a.name).unwrap_or_default();
        drafts.push(DraftRow {
            href: base(&d),
            title: title(&d),
            name: d.name.clone(),
            kind: if d.based_on.is_some() { "Avenant" } else { "Nouvelle convention" }.to_owned(),
            badge: badge(&d.state),
            saved: format!("{}, par {by}", words::moment(d.updated_at)),
        });
    }
    let conventions = load::conventions(&app, &actor).await?;
    let notice = (asked.fait == "abandonne").then(|| Notice::new(State::Ok, "Brouillon abandonné", Vec::new()));
    html(DraftsPage {
        page: Page::new("Conventions", who(&actor), "conventions"),
        writes: draft::writes(&actor),
        notice,
        drafts,
        conventions: conventions
            .iter()
            .map(|l| ConventionRow {
                href: l.base(),
                title: l.document.title.clone(),
                name: l.head.name.clone(),
                version: l.head.version,
                dates: french::span(l.document.period.start, l.document.period.end),
            })
            .collect(),
    })
}

/// How a new one begins.
#[derive(Template)]
#[template(path = "draft_new.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct NewPage {
    pub page: Page,
    pub csrf: String,
    pub error: Option<String>,
    pub other: Option<String>,
    pub title: String,
    pub conventions: Vec<(String, String)>,
    pub chosen: String,
}

async fn draw(app: &App, actor: &Actor, fields: &Fields, error: Option<&Error>) -> PageResult {
    actor.require(&[crate::convention::perimeter::Role::Officer])?;
    let conventions = load::conventions(app, actor).await?;
    let faults = error.map(|e| e.faults.iter().filter(|f| f.code != "draft").map(|f| f.message.clone()).collect::<Vec<_>>().join(" "));
    html(NewPage {
        page: Page::new("Préparer une convention", who(actor), "conventions").under("Conventions", "/conventions"),
        csrf: actor.csrf.clone(),
        error: error.map(|e| format!("{} {}", e.message, faults.unwrap_or_default()).trim().to_owned()),
        other: error.and_then(|e| e.faults.iter().find(|f| f.code == "draft")).map(|f| f.message.clone()),
        title: fields.get("title").to_owned(),
        conventions: conventions.iter().map(|l| (l.head.name.clone(), l.document.title.clone())).collect(),
        chosen: fields.get("convention").to_owned(),
    })
}

/// `GET /conventions/nouvelle`.
pub async fn new(Extract(app): Extract<App>, Signed(actor): Signed, Query(fields): Query<Vec<(String, String)>>) -> PageResult {
    draw(&app, &actor, &Fields(fields), None).await
}

/// `POST /conventions/nouvelle`.
pub async fn create(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    let title = fields.get("title").to_owned();
    let name = fields.get("convention").to_owned();
    let start = match fields.get("depart") {
        "vide" => Start::Empty { title },
        "copie" => Start::Copy { name },
        "avenant" => Start::Amendment { name },
        _ => Start::Model { title },
    };
    answer(&app, &actor, &fields, begin(&app, &actor, start).await).await
}

async fn begin(app: &App, actor: &Actor, start: Start) -> Result<String> {
    if let Start::Copy { name } | Start::Amendment { name } = &start {
        load::convention(app, actor, name).await?;
    }
    let draft = draft::create(app, actor, start).await?;
    Ok(format!("{}/generalites?fait=cree", base(&draft)))
}

async fn answer(app: &App, actor: &Actor, fields: &Fields, result: Result<String>) -> PageResult {
    match result {
        Ok(to) => Ok(Redirect::to(&to).into_response()),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict | Kind::TooLarge) => {
            let status = axum::http::StatusCode::from_u16(error.status()).unwrap_or_default();
            Ok((status, draw(app, actor, fields, Some(&error)).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /conventions/importer`: a draft from a JSON or YAML file.
pub async fn import(Extract(app): Extract<App>, Signed(actor): Signed, form: Multipart) -> PageResult {
    let result = async {
        let (_, file, _) = received(&actor, form).await?;
        actor.require(&[crate::convention::perimeter::Role::Officer])?;
        let text = String::from_utf8(file).map_err(|_| {
            Error::invalid("convention_unreadable", "Ce fichier n'est pas un texte en UTF-8\u{a0}: enregistrez-le dans cet encodage.")
        })?;
        begin(&app, &actor, Start::Document(Convention::parse(&text)?)).await
    }
    .await;
    answer(&app, &actor, &Fields::default(), result).await
}

/// The fields of a form that carries a file, the file, and its name.
pub(super) async fn received(actor: &Actor, mut form: Multipart) -> Result<(Fields, Vec<u8>, String)> {
    let broken = |e: axum::extract::multipart::MultipartError| {
        let kind = if e.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE { Kind::TooLarge } else { Kind::Invalid };
        Error::new(kind, "upload_interrupted", "L'envoi n'est pas arrivé entier (20 Mo au plus). Rien n'a été gardé\u{a0}: recommencez.")
            .with_source(e)
    };
    let (mut fields, mut file, mut name) = (Fields::default(), Vec::new(), String::new());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let key = field.name().unwrap_or_default().to_owned();
        if key == "file" {
            field.file_name().unwrap_or_default().clone_into(&mut name);
            file = field.bytes().await.map_err(broken)?.to_vec();
        } else {
            fields.0.push((key, field.text().await.map_err(broken)?));
        }
    }
    check_csrf(actor, fields.get("csrf"))?;
    if file.is_empty() {
        return Err(Error::invalid("no_file", "Choisissez un fichier sur votre poste."));
    }
    Ok((fields, file, name))
}
