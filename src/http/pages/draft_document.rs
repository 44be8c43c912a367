//! The document of a draft as text, to write and to take away.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect},
};

use super::draft::{Asked, Frame, Open, Panel, base, done, frame, open, page, panel};
use crate::{
    access::Actor,
    app::App,
    convention::{Convention, difference, draft, perimeter::Role, register},
    error::{Error, Kind},
    http::{
        failure::{PageResult, html},
        load,
        state::{Posted, Signed},
        view::{Notice, Page, State},
    },
    report::{describe, paper},
};

/// The document as text.
#[derive(Template)]
#[template(path = "draft_document.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DocumentPage {
    pub page: Page,
    pub frame: Frame,
    pub notice: Option<Notice>,
    pub changes: Vec<difference::Change>,
    pub text: String,
    pub theirs: Option<String>,
    pub csrf: String,
    pub revision: i64,
    pub writes: bool,
    pub panel: Panel,
}

/// `GET /conventions/brouillons/{id}/document`.
pub async fn expert(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>, Query(asked): Query<Asked>) -> PageResult {
    let open = open(&app, &actor, &id).await?;
    draw_document(&app, &actor, open, None, None, done(&asked.fait), Vec::new()).await
}

async fn draw_document(
    app: &App,
    actor: &Actor,
    open: Open,
    text: Option<String>,
    theirs: Option<String>,
    notice: Option<Notice>,
    changes: Vec<difference::Change>,
) -> PageResult {
    let frame = frame(app, actor, &open, "document").await?;
    html(DocumentPage {
        page: page(actor, &open, "Document"),
        notice,
        changes,
        text: text.unwrap_or_else(|| describe::yaml(&open.document)),
        theirs,
        csrf: actor.csrf.clone(),
        revision: open.draft.revision,
        writes: draft::writes(actor) && draft::is_open(&open.draft),
        panel: panel(&open.document, &open.faults, &frame.base),
        frame,
    })
}

/// `POST /conventions/brouillons/{id}/document`.
pub async fn save_expert(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let open = open(&app, &actor, &id).await?;
    actor.require(&[Role::Officer])?;
    let text = fields.get("document").replace("\r\n", "\n");
    let expected = fields.get("revision").parse().unwrap_or(0);
    let saved = match Convention::parse(&text) {
        Ok(document) => draft::save(&app, &actor, open.draft.id, expected, document).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(saved) => Ok(Redirect::to(&format!("{}/document?fait=enregistre", base(&saved))).into_response()),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::TooLarge) || error.code == "edited_meanwhile" => {
            let conflict = error.code == "edited_meanwhile";
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            let changes = if conflict { draft::since(&app, &open.draft, expected).await?.unwrap_or_default() } else { Vec::new() };
            let faults = error.faults.iter().filter(|f| f.code != "edited").map(|f| f.message.clone());
            let lines = faults.chain(["Votre texte est gardé ci-dessous. Rien n'est enregistré.".to_owned()]).collect();
            let theirs = conflict.then(|| describe::yaml(&open.document));
            let notice = Notice::new(State::No, error.message, lines);
            Ok((status, draw_document(&app, &actor, open, Some(text), theirs, Some(notice), changes).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /conventions/brouillons/{id}/export/convention.{json,yaml,pdf}`.
pub async fn export(Extract(app): Extract<App>, Signed(actor): Signed, Path((id, file)): Path<(String, String)>) -> PageResult {
    let draft = draft::find(&app, &actor, super::draft::id(&id)?).await?;
    let document = draft::document(&draft)?;
    let (kind, body) = match file.as_str() {
        "convention.json" => ("application/json", serde_json::to_vec_pretty(&document).map_err(Error::internal)?),
        "convention.yaml" => ("application/yaml", describe::yaml(&document).into_bytes()),
        "convention.pdf" => {
            let before = match draft.based_on {
                Some(id) => Some(register::version(&app, id).await?.convention.json.clone()),
                None => None,
            };
            ("application/pdf", paper::draft(document, before.as_ref()).await?)
        }
        _ => return Err(load::absent().into()),
    };
    let name: String = draft.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let extension = file.rsplit('.').next().unwrap_or_default();
    let disposition = format!("attachment; filename=\"{}.{extension}\"", if name.is_empty() { "convention" } else { &name });
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response())
}
