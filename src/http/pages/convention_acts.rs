//! What is done with a convention beside reading and signing it: its paper, the documents that were signed elsewhere, a version taken
//! back, an early end.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{confirm::Confirm, signature::day};
use crate::{
    access::Actor,
    app::App,
    convention::{
        agreement::{AgreedVersion, Agreement},
        perimeter::Role,
        register,
    },
    error::{Error, Kind, Result},
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        state::{Fields, Posted, Signed, who},
        view::{Notice, Page, State},
        words,
    },
    report::{
        paper::{self, Copy},
        signing,
    },
};

/// Which copy is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// `a-signer` for the copy without signatures.
    #[serde(default)]
    copie: String,
}

impl Asked {
    fn copy(&self) -> Copy {
        if self.copie == "a-signer" { Copy::ToSign } else { Copy::Signed }
    }
}

/// Media type of a workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A file that is saved, never shown in the hub's own pages.
pub fn attachment(name: &str, extension: &str, media_type: &'static str, body: impl IntoResponse) -> Response {
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let disposition = format!("attachment; filename=\"{name}.{extension}\"");
    ([(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

/// The paper of a version on its way out.
pub async fn paper_of(app: &App, agreement: &Agreement, version: &AgreedVersion, copy: Copy) -> Result<Response> {
    let bytes = paper::build(app, agreement, version, copy).await?;
    let end = if copy == Copy::ToSign { "-a-signer" } else { "" };
    Ok(attachment(&format!("convention-{}-v{}{end}", agreement.name, version.head.version), "pdf", "application/pdf", bytes))
}

/// A version of a convention that the person may know of; a site is shown those that name it.
pub fn version_of<'a>(loaded: &'a Loaded, actor: &Actor, version: i64) -> Result<&'a AgreedVersion> {
    let found = loaded.agreement.versions().iter().find(|v| v.head.version == version);
    found.filter(|v| actor.site.as_ref().is_none_or(|site| v.names(site))).ok_or_else(load::absent)
}

/// `GET /experimentations/{name}/convention.pdf`: the version that is being signed, else the one that holds.
pub async fn newest(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>, Query(asked): Query<Asked>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let version = super::standing::shown(&loaded, &actor, load::today(&app));
    Ok(paper_of(&app, &loaded.agreement, version, asked.copy()).await?)
}

/// `GET /experimentations/{name}/versions/{version}/convention.pdf`.
pub async fn one(
    Extract(app): Extract<App>,
    Signed(actor): Signed,
    Path((name, version)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let version = version_of(&loaded, &actor, version.parse().map_err(|_| load::absent())?)?;
    Ok(paper_of(&app, &loaded.agreement, version, asked.copy()).await?)
}

/// `GET /experimentations/{name}/versions/{version}/signatures/{party}`: what was signed outside the hub.
pub async fn document(
    Extract(app): Extract<App>,
    Signed(actor): Signed,
    Path((name, version, party)): Path<(String, String, String)>,
) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let number = version.parse().map_err(|_| load::absent())?;
    let (kind, bytes) = signing::document(&app, &actor, &loaded.agreement, number, &party).await?;
    Ok(attachment(&format!("signature-{name}-v{number}-{party}"), kind.extension(), kind.media_type(), bytes))
}

async fn officer(app: &App, actor: &Actor, name: &str) -> Result<Loaded> {
    let loaded = load::convention(app, actor, name).await?;
    if actor.role == Role::Officer {
        return Ok(loaded);
    }
    Err(Error::new(Kind::Forbidden, "role", "Seul un chargé de mission retire une version ou arrête une convention."))
}

fn page(title: &str, actor: &Actor, loaded: &Loaded) -> Page {
    Page::new(title, who(actor), "experiments")
        .under("Expérimentations", "/experimentations")
        .under(&loaded.document.title, loaded.base())
        .under("Convention", format!("{}/convention", loaded.base()))
}

/// The version that waits for signatures and binds nobody.
pub fn withdrawable(agreement: &Agreement) -> Option<&AgreedVersion> {
    agreement.open().filter(|v| v.bound().is_none())
}

fn none_to_withdraw() -> Error {
    let message =
        "Aucune version n'attend ses premières signatures : il n'y a rien à retirer. Proposez un avenant, ou arrêtez la convention.";
    Error::new(Kind::Conflict, "nothing_to_withdraw", message)
}

/// `GET /experimentations/{name}/convention/retrait`.
pub async fn confirm_withdrawal(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = officer(&app, &actor, &name).await?;
    let version = withdrawable(&loaded.agreement).ok_or_else(none_to_withdraw)?;
    let signed = version.signed.len() as u64;
    let already = match signed {
        0 => "Personne ne l'a encore signée.".to_owned(),
        1 => "La signature déjà donnée ne vaudra plus rien\u{a0}: cette partie signera la version suivante.".to_owned(),
        n => format!("Les {n} signatures déjà données ne vaudront plus rien\u{a0}: ces parties signeront la version suivante."),
    };
    html(Confirm {
        page: page("Retirer la version ouverte", &actor, &loaded),
        consequences: vec![
            format!("Vous retirez la version {}\u{a0}: elle ne se signe plus. {already}", version.head.version),
            "La version retirée reste lisible, avec votre motif. Rédigez ensuite une autre version.".to_owned(),
        ],
        action: format!("{}/convention/retrait", loaded.base()),
        csrf: actor.csrf.clone(),
        reason: Some("Motif du retrait".to_owned()),
        style: "danger",
        act: "Retirer cette version".to_owned(),
        back: format!("{}/convention", loaded.base()),
    })
}

/// `POST /experimentations/{name}/convention/retrait`.
pub async fn withdraw(Extract(app): Extract<App>, Path(name): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let loaded = officer(&app, &actor, &name).await?;
    let version = withdrawable(&loaded.agreement).ok_or_else(none_to_withdraw)?;
    register::withdraw(&app, &actor, version.head.id, fields.get("reason")).await?;
    Ok(Redirect::to(&format!("{}/convention?fait=retrait", loaded.base())).into_response())
}

/// The page where a convention is ended early.
#[derive(Template)]
#[template(path = "convention_end.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct EndPage {
    pub page: Page,
    pub base: String,
    pub csrf: String,
    pub notice: Option<Notice>,
    pub consequences: Vec<String>,
    pub earliest: String,
    pub latest: String,
    pub entered: Fields,
}

fn end_page(app: &App, actor: &Actor, loaded: &Loaded, entered: Fields, notice: Option<Notice>) -> EndPage {
    let last = loaded.agreement.last_day();
    EndPage {
        page: page("Arrêter la convention", actor, loaded),
        base: loaded.base(),
        csrf: actor.csrf.clone(),
        notice,
        consequences: vec![
            format!("La convention devait durer jusqu'au {}. Après le jour que vous indiquez, aucune structure ne dépose plus de fichier pour une période ultérieure.", words::day(last)),
            "Les données déjà déposées restent, jusqu'à la fin de leur conservation. L'évaluation se fait sur elles. Les parties reçoivent une lettre avec votre motif.".to_owned(),
            "Cet acte ne se défait pas.".to_owned(),
        ],
        earliest: load::today(app).to_string(),
        latest: last.pred_opt().unwrap_or(last).to_string(),
        entered,
    }
}

/// `GET /experimentations/{name}/convention/fin`.
pub async fn confirm_end(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = officer(&app, &actor, &name).await?;
    html(end_page(&app, &actor, &loaded, Fields::default(), None))
}

/// `POST /experimentations/{name}/convention/fin`.
pub async fn end(Extract(app): Extract<App>, Path(name): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let loaded = officer(&app, &actor, &name).await?;
    let bad = || Error::invalid("termination_date", "Indiquez le dernier jour, par exemple 12/03/2026.");
    let ended = match day(fields.get("on")) {
        Some(on) => register::terminate(&app, &actor, &name, on, fields.get("reason")).await,
        None => Err(bad()),
    };
    match ended {
        Ok(()) => Ok(Redirect::to(&format!("{}/convention?fait=fin", loaded.base())).into_response()),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            let notice = Notice::new(State::No, error.message, vec!["La convention n'est pas arrêtée.".to_owned()]);
            Ok((status, html(end_page(&app, &actor, &loaded, fields, Some(notice)))?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
