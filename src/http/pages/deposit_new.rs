//! The form that sends a file.

use std::{future::Future, pin::Pin};

use askama::Template;
use axum::{
    extract::{Multipart, Query, State as Extract, multipart::Field},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use crate::{
    access::Actor,
    app::App,
    deposit,
    deposit::calendar::Standing,
    error::{Error, Kind, Result},
    http::{
        failure::{PageError, PageResult, html},
        load::{self, Line, Loaded},
        present,
        state::{Fields, Signed, check_csrf, too_large, who},
        view::{Page, State},
        words,
    },
    report::describe::{self, ColumnView},
};

/// Larger files, in bytes, go up in pieces, which a cut does not undo.
const RESUMABLE_ABOVE: u64 = 50_000_000;
/// Size of such a piece.
const CHUNK: u64 = 8 * 1024 * 1024;

/// The page.
#[derive(Template)]
#[template(path = "deposit_new.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct NewDepositPage {
    pub page: Page,
    pub experiment: String,
    pub error: Option<String>,
    pub csrf: String,
    pub choices: Vec<(String, Vec<Choice>)>,
    pub max: String,
    pub resumable_above: u64,
    pub chunk: u64,
    pub expected: String,
    pub columns: Vec<ColumnView>,
    pub dataset_href: String,
}

/// A dataset and period that may be sent.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// What the address preselects.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    cible: String,
}

/// `GET /depots/nouveau`.
pub async fn form(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    draw(&app, &actor, &chosen, None).await
}

async fn draw(app: &App, actor: &Actor, chosen: &Chosen, error: Option<String>) -> PageResult {
    if !load::deposits(actor) {
        return Err(Error::new(Kind::Forbidden, "may_not_deposit", "Votre rôle ne permet pas de déposer de fichier.").into());
    }
    let conventions = load::conventions(app, actor).await?;
    let today = load::today(app);
    let mut groups = Vec::new();
    let mut first: Option<(String, &Loaded, String)> = None;
    for loaded in &conventions {
        let received = load::deposits_of(app, actor, loaded).await?;
        let mut lines = load::coverage(loaded, actor, &received, today);
        lines.sort_by_key(|l| (urgency(&l.standing), l.expected.due));
        let mut choices = Vec::new();
        for line in &lines {
            let value = present::target(loaded, &line.expected.dataset, line.expected.period);
            let selected = value == chosen.cible || (first.is_none() && chosen.cible == format!("{}//", loaded.head.name));
            if selected || first.is_none() && chosen.cible.is_empty() {
                first = Some((value.clone(), loaded, line.expected.dataset.clone()));
            }
            choices.push(Choice { label: label(loaded, line, today), value, selected: false });
        }
        groups.push((loaded.document.title.clone(), choices));
    }
    groups.retain(|(_, choices)| !choices.is_empty());
    let (value, loaded, dataset) = match first {
        Some((value, loaded, dataset)) => (value, Some(loaded), dataset),
        None => (String::new(), None, String::new()),
    };
    groups.iter_mut().flat_map(|(_, choices)| choices).for_each(|c| c.selected = c.value == value);
    let schema = loaded.and_then(|l| l.document.datasets.get(&dataset));
    let columns = schema.map(describe::columns).unwrap_or_default();
    html(NewDepositPage {
        page: Page::new("Déposer un fichier", who(actor), "new"),
        experiment: loaded.map(|l| l.document.title.clone()).unwrap_or_default(),
        error,
        csrf: actor.csrf.clone(),
        choices: groups,
        max: words::bytes(app.config.max_upload),
        resumable_above: RESUMABLE_ABOVE,
        chunk: CHUNK,
        expected: schema
            .map(|s| format!("{}, {}. {}", s.title, words::plural(columns.len() as u64, "colonne", "colonnes"), describe::rhythm(s)))
            .unwrap_or_default(),
        columns,
        dataset_href: loaded.map(|l| format!("{}/jeux/{dataset}", l.base())).unwrap_or_default(),
    })
}

/// What presses comes first.
fn urgency(standing: &Standing) -> u8 {
    match standing {
        Standing::Refused(_) => 0,
        Standing::Late => 1,
        Standing::Due => 2,
        Standing::Later => 3,
        Standing::Running(_) => 4,
        Standing::Accepted(_) => 5,
    }
}

fn label(loaded: &Loaded, line: &Line, today: chrono::NaiveDate) -> String {
    let period = line.expected.period.map(|p| format!(", {}", p.in_french())).unwrap_or_default();
    let state = match &line.standing {
        Standing::Accepted(_) => "déjà déposé, à remplacer".to_owned(),
        Standing::Running(_) => "en contrôle".to_owned(),
        Standing::Refused(_) => "à corriger".to_owned(),
        Standing::Late | Standing::Due | Standing::Later => words::distance(line.expected.due, today),
    };
    format!("{}{period} ({state})", loaded.dataset_title(&line.expected.dataset))
}

/// What a person's form says of the file that follows.
fn parse(fields: &Fields, file_name: &str) -> Result<deposit::Slot> {
    let lost = || Error::invalid("target", "Choisissez le jeu de données et la période de votre fichier.");
    let mut parts = fields.get("target").splitn(3, '/');
    let (convention, dataset, period) = (parts.next().unwrap_or(""), parts.next().ok_or_else(lost)?, parts.next().unwrap_or(""));
    Ok(deposit::Slot {
        convention: convention.to_owned(),
        dataset: dataset.to_owned(),
        period: (!period.is_empty()).then(|| period.parse()).transpose()?,
        site: None,
        file_name: file_name.to_owned(),
    })
}

type Handled<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// Reads the fields, which stand before the file, checks that this session drew the form, and hands the file over as it comes.
async fn with_file<F>(
    app: &App,
    actor: &Actor,
    headers: &HeaderMap,
    mut form: Multipart,
    act: F,
) -> Result<(Response, Chosen), (PageError, Chosen)>
where
    F: for<'a> FnOnce(&'a App, &'a Actor, deposit::Slot, Field<'a>) -> Handled<'a>,
{
    let mut fields = Fields::default();
    let mut chosen = Chosen::default();
    let broken = |e: axum::extract::multipart::MultipartError| {
        Error::invalid("upload_interrupted", "L'envoi s'est interrompu avant la fin. Rien n'a été gardé\u{a0}: recommencez.").with_source(e)
    };
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    // The form's own fields and boundaries are small beside the file.
    if length.is_some_and(|l| l > app.config.max_upload.saturating_add(64 * 1024)) {
        return Err((too_large(app.config.max_upload).into(), chosen));
    }
    let result = async {
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name != "file" {
                let value = small_text(field).await?;
                fields.0.push((name, value));
                continue;
            }
            chosen = Chosen { cible: fields.get("target").to_owned() };
            check_csrf(actor, fields.get("csrf"))?;
            let file_name = field.file_name().unwrap_or_default().to_owned();
            if file_name.is_empty() {
                return Err(Error::invalid("no_file", "Choisissez un fichier sur votre poste, puis déposez-le."));
            }
            let new = parse(&fields, &file_name)?;
            return act(app, actor, new, field).await;
        }
        Err(Error::invalid("no_file", "Choisissez un fichier sur votre poste, puis déposez-le."))
    }
    .await;
    match result {
        Ok(response) => Ok((response, chosen)),
        Err(error) => Err((error.into(), chosen)),
    }
}

/// A field that is not the file: a few hundred characters at most.
pub(super) async fn small_text(mut field: Field<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = field.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > 4096 {
            return Err(Error::invalid("form", "Ce formulaire n'est pas le nôtre. Rechargez la page, puis recommencez."));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the person can mend is said on the form itself; the rest is an error page.
async fn answer(app: &App, actor: &Actor, result: Result<(Response, Chosen), (PageError, Chosen)>) -> PageResult {
    match result {
        Ok((response, _)) => Ok(response),
        Err((PageError(error), chosen)) if matches!(error.kind, Kind::Invalid | Kind::TooLarge | Kind::Conflict) => {
            let status = axum::http::StatusCode::from_u16(error.status()).unwrap_or_default();
            Ok((status, draw(app, actor, &chosen, Some(error.message)).await?).into_response())
        }
        Err((error, _)) => Err(error),
    }
}

/// `POST /depots`.
pub async fn send(Extract(app): Extract<App>, Signed(actor): Signed, headers: HeaderMap, form: Multipart) -> PageResult {
    let result = with_file(&app, &actor, &headers, form, |app, actor, new, field| {
        Box::pin(async move {
            let accepted = deposit::accept(app, actor, new, field).await?;
            let again = if accepted.already { "?deja=1" } else { "" };
            Ok(Redirect::to(&format!("/depots/{}{again}", accepted.deposit.id)).into_response())
        })
    })
    .await;
    answer(&app, &actor, result).await
}

/// `POST /depots/controle`: checks the file and keeps nothing.
pub async fn check(Extract(app): Extract<App>, Signed(actor): Signed, headers: HeaderMap, form: Multipart) -> PageResult {
    let result = with_file(&app, &actor, &headers, form, |app, actor, new, field| {
        Box::pin(async move {
            let back = format!(
                "/depots/nouveau?cible={}/{}/{}",
                new.convention,
                new.dataset,
                new.period.map(|p| p.to_string()).unwrap_or_default()
            );
            let loaded = load::convention(app, actor, &new.convention).await?;
            let (dataset, period) = (loaded.dataset_title(&new.dataset), words::period(new.period));
            let report = deposit::check_only(app, actor, new, field).await?;
            let page = super::deposit::checked(actor, &report, dataset, period, back);
            html(page).map_err(|e| e.0)
        })
    })
    .await;
    answer(&app, &actor, result).await
}
