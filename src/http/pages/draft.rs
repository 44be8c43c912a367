//! The editor of a draft: a step at the left, its fields, the document beside.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{
    access::Actor,
    app::App,
    convention::{difference, draft},
    error::{Error, Fault, Kind, Result},
    http::{
        editor::{self, Section, acts},
        failure::{PageResult, html},
        load,
        state::{Fields, Posted, Signed, percent, who},
        view::{Markup, Notice, Page, State},
        words,
    },
    ids::DraftId,
    report::describe,
    store::drafts::Draft,
};

/// The page of a step.
#[derive(Template)]
#[template(path = "draft.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DraftPage {
    pub page: Page,
    pub frame: Frame,
    pub heading: String,
    pub lead: String,
    pub notice: Option<Notice>,
    pub changes: Vec<difference::Change>,
    pub note: String,
    pub form: Markup,
    pub action: String,
    pub csrf: String,
    pub revision: i64,
    pub writes: bool,
    pub panel: Panel,
    pub directory: Vec<String>,
    pub datasets: Option<Vec<DatasetRow>>,
    pub dataset: Option<String>,
    pub planning: Option<super::planning::Planning>,
}

/// What every page of a draft shows around.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Frame {
    pub title: String,
    pub badge: Markup,
    pub base: String,
    pub steps: Vec<Step>,
    pub saved: String,
    pub comments: usize,
}

/// One step at the left.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Step {
    pub title: String,
    pub href: String,
    pub here: bool,
    pub faults: usize,
}

/// The check and the document beside the form.
#[derive(Template)]
#[template(path = "part_check.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Panel {
    pub badge: Markup,
    pub faults: Vec<FaultLine>,
    pub yaml: String,
    pub base: String,
}

/// One fault of the summary.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct FaultLine {
    pub href: String,
    pub id: String,
    pub section: String,
    pub message: String,
    pub beside: String,
}

/// One dataset of the list.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DatasetRow {
    pub name: String,
    pub title: String,
    pub href: String,
    pub columns: String,
    pub rhythm: String,
    pub badge: Markup,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// What was just done.
    #[serde(default)]
    pub fait: String,
    /// Columns of an example that were set aside.
    #[serde(default)]
    pub ecartees: String,
}

/// A draft and where in it the person stands.
pub(super) struct Open {
    pub draft: Draft,
    pub document: Json,
    pub faults: Vec<Fault>,
}

/// The draft of an address; an address that is not one is that of none.
pub(super) fn id(text: &str) -> Result<DraftId> {
    text.parse().map_err(|_| load::absent())
}

pub(super) async fn open(app: &App, actor: &Actor, text: &str) -> Result<Open> {
    let draft = draft::find(app, actor, id(text)?).await?;
    let document = draft::document(&draft)?;
    let faults = check(document.clone()).await?;
    Ok(Open { draft, document, faults })
}

/// Every fault of a document; off the threads that answer requests, for expressions are compiled.
pub async fn check(document: Json) -> Result<Vec<Fault>> {
    tokio::task::spawn_blocking(move || crate::convention::draft_faults(&document)).await.map_err(Error::internal)
}

pub(super) fn base(draft: &Draft) -> String {
    format!("/conventions/brouillons/{}", draft.id)
}

/// The page of a step; `jeux/{name}` is a dataset's.
fn href(base: &str, section: Section, dataset: Option<&str>) -> String {
    match dataset {
        Some(name) => format!("{base}/jeux/{}", percent(&name.replace('/', "%2F"))),
        None => format!("{base}/{}", section.slug()),
    }
}

/// State of a draft, in words.
pub(super) fn badge(state: &str) -> Markup {
    match state {
        draft::DRAFT => State::Open.badge("Brouillon"),
        draft::IN_REVIEW => State::Todo.badge("En relecture"),
        draft::OPENED => State::Ok.badge("Ouvert à la signature"),
        _ => State::No.badge("Abandonné"),
    }
}

/// The title, or that there is none yet.
pub(super) fn title(draft: &Draft) -> String {
    if draft.title.trim().is_empty() { "Convention sans titre".to_owned() } else { draft.title.clone() }
}

pub(super) async fn frame(app: &App, actor: &Actor, open: &Open, here: &str) -> Result<Frame> {
    let base = base(&open.draft);
    let count = |section: Section| open.faults.iter().filter(|f| Section::of(&f.pointer).0 == section).count();
    let mut steps: Vec<Step> = editor::SECTIONS
        .into_iter()
        .map(|s| Step { title: s.title().to_owned(), href: href(&base, s, None), here: s.slug() == here, faults: count(s) })
        .collect();
    let mut more = vec![("relecture", "Relecture et signature")];
    if draft::writes(actor) {
        more.push(("document", "Document (expert)"));
    }
    steps.extend(more.into_iter().map(|(slug, title)| Step {
        title: title.to_owned(),
        href: format!("{base}/{slug}"),
        here: slug == here,
        faults: 0,
    }));
    let by = app.store.account(open.draft.updated_by).await?.map(|a| a.name).unwrap_or_default();
    let comments = app.store.draft_comments(open.draft.id).await?.iter().filter(|c| c.resolved_at.is_none()).count();
    Ok(Frame {
        title: title(&open.draft),
        badge: badge(&open.draft.state),
        base,
        steps,
        saved: format!("Enregistré le {} par {by}.", words::moment(open.draft.updated_at)),
        comments,
    })
}

/// Each fault with the page and the field where it is mended.
pub(super) fn panel(document: &Json, faults: &[Fault], base: &str) -> Panel {
    type Place = (Section, Option<String>);
    let mut forms: Vec<(Place, Vec<editor::Node>)> = Vec::new();
    let mut lines = Vec::new();
    for fault in faults {
        let at = Section::of(&fault.pointer);
        if !forms.iter().any(|(a, _)| *a == at) {
            forms.push((at.clone(), editor::form(document, at.0, at.1.as_deref())));
        }
        let nodes = forms.iter().find(|(a, _)| *a == at).map(|(_, n)| n.as_slice()).unwrap_or_default();
        let located = editor::locate(nodes, &fault.pointer);
        let (id, label) = located.unwrap_or_default();
        let known = at.1.as_deref().is_none_or(|name| document["datasets"].get(name).is_some());
        let page = href(base, at.0, at.1.as_deref().filter(|_| known));
        let named = if label.is_empty() { fault.pointer.rsplit('/').next().unwrap_or_default().to_owned() } else { label.clone() };
        let required = fault.code == "required";
        let message = match (required, label.is_empty()) {
            (true, _) => format!("{}\u{a0}: à compléter.", words::sentence(&named)),
            (false, true) => fault.message.clone(),
            (false, false) => format!("{label}\u{a0}: {}", fault.message),
        };
        lines.push(FaultLine {
            href: if id.is_empty() { page } else { format!("{page}#{id}") },
            id,
            section: at.1.map_or_else(|| at.0.title().to_owned(), |name| format!("Jeu «\u{a0}{name}\u{a0}»")),
            message,
            beside: if required { "À compléter.".to_owned() } else { fault.message.clone() },
        });
    }
    let badge = match lines.len() {
        0 => State::Ok.badge("Rien à corriger"),
        n => State::Todo.badge(&words::plural(n as u64, "point à corriger", "points à corriger")),
    };
    Panel { badge, faults: lines, yaml: describe::yaml(document), base: base.to_owned() }
}

pub(super) fn page(actor: &Actor, open: &Open, heading: &str) -> Page {
    Page::new(heading, who(actor), "conventions").under("Conventions", "/conventions").under(title(&open.draft), base(&open.draft))
}

/// Renders a step. `typed` is a document that is not saved.
#[expect(clippy::too_many_arguments, reason = "the parts of one page, from one handler or another")]
pub(super) async fn draw(
    app: &App,
    actor: &Actor,
    mut open: Open,
    section: Section,
    dataset: Option<&str>,
    typed: Option<Json>,
    notice: Option<Notice>,
    changes: Vec<difference::Change>,
    assumed: &Fields,
) -> PageResult {
    if let Some(typed) = typed {
        open.faults = check(typed.clone()).await?;
        open.document = typed;
    }
    if dataset.is_some_and(|name| open.document["datasets"].get(name).is_none()) {
        return Err(load::absent().into());
    }
    let writes = draft::writes(actor) && draft::is_open(&open.draft);
    let frame = frame(app, actor, &open, section.slug()).await?;
    let base = frame.base.clone();
    let nodes = editor::form(&open.document, section, dataset);
    let datasets = (section == Section::Datasets && dataset.is_none()).then(|| rows(&open, &base));
    let heading = dataset.map_or_else(|| section.title().to_owned(), |name| format!("Jeu «\u{a0}{name}\u{a0}»"));
    html(DraftPage {
        page: page(actor, &open, &heading),
        lead: if dataset.is_some() { String::new() } else { section.lead().to_owned() },
        heading,
        notice,
        changes,
        note: if section == Section::General { length(&open.document) } else { String::new() },
        form: editor::render(&nodes, &open.faults, writes),
        action: href(&base, section, dataset),
        csrf: actor.csrf.clone(),
        revision: open.draft.revision,
        writes,
        panel: panel(&open.document, &open.faults, &base),
        directory: if section == Section::Parties { editor::directory() } else { Vec::new() },
        datasets,
        dataset: dataset.map(str::to_owned),
        planning: (section == Section::Plan).then(|| super::planning::planning(&open.document, assumed)),
        frame,
    })
}

/// How long the experiment lasts, in words.
fn length(document: &Json) -> String {
    let day = |key: &str| document["period"][key].as_str().and_then(|d| d.parse::<chrono::NaiveDate>().ok());
    let (Some(start), Some(end)) = (day("start"), day("end")) else { return String::new() };
    let Some(after) = end.succ_opt().filter(|after| *after > start) else { return String::new() };
    let mut months = 0u32;
    while start.checked_add_months(chrono::Months::new(months + 1)).is_some_and(|d| d <= after) && months < 1200 {
        months += 1;
    }
    let days = start.checked_add_months(chrono::Months::new(months)).map_or(0, |d| (after - d).num_days());
    let rest = if days > 0 { format!(" et {}", words::plural(days, "jour", "jours")) } else { String::new() };
    format!("Ces dates font {months}\u{a0}mois{rest}.")
}

fn rows(open: &Open, base: &str) -> Vec<DatasetRow> {
    let datasets = open.document["datasets"].as_object();
    let row = |(name, value): (&String, &Json)| {
        let schema = &value["schema"];
        let columns = schema["fields"].as_array().map(Vec::len).or_else(|| schema["properties"].as_object().map(|p| p.len())).unwrap_or(0);
        let dataset = serde_json::from_value::<crate::convention::document::Dataset>(value.clone());
        let faults = open.faults.iter().filter(|f| Section::of(&f.pointer).1.as_deref() == Some(name)).count();
        DatasetRow {
            name: name.clone(),
            title: value["title"].as_str().filter(|t| !t.is_empty()).unwrap_or(name).to_owned(),
            href: href(base, Section::Datasets, Some(name)),
            columns: words::plural(columns as u64, "colonne", "colonnes"),
            rhythm: dataset.map(|d| describe::rhythm(&d)).unwrap_or_default(),
            badge: if faults > 0 {
                State::Todo.badge(&words::plural(faults as u64, "point", "points"))
            } else {
                State::Ok.badge("rien à corriger")
            },
        }
    };
    datasets.into_iter().flatten().map(row).collect()
}

pub(super) fn done(what: &str) -> Option<Notice> {
    let (title, line) = match what {
        "cree" => ("Brouillon créé", "Suivez les étapes à gauche. Tout s'enregistre étape par étape, même incomplet."),
        "enregistre" => ("Modifications enregistrées", "Le contrôle est à jour."),
        "retire" => ("Jeu de données retiré", "Vérifiez les usages et les indicateurs qui s'en servaient."),
        "ajoute" => ("Jeu de données ajouté", "Relisez chaque colonne\u{a0}: ne gardez que ce qui sert à l'évaluation."),
        _ => return None,
    };
    Some(Notice::new(State::Ok, title, vec![line.to_owned()]))
}

/// `GET /conventions/brouillons/{id}`.
pub async fn first(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let open = open(&app, &actor, &id).await?;
    let step = if draft::writes(&actor) { Section::General.slug() } else { "relecture" };
    Ok(Redirect::to(&format!("{}/{step}", base(&open.draft))).into_response())
}

/// `GET /conventions/brouillons/{id}/{step}`.
pub async fn step(
    Extract(app): Extract<App>,
    Signed(actor): Signed,
    Path((id, step)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    Query(assumed): Query<Vec<(String, String)>>,
) -> PageResult {
    let section = Section::parse(&step).ok_or_else(load::absent)?;
    let open = open(&app, &actor, &id).await?;
    draw(&app, &actor, open, section, None, None, done(&asked.fait), Vec::new(), &Fields(assumed)).await
}

/// `GET /conventions/brouillons/{id}/jeux/{name}`.
pub async fn dataset(
    Extract(app): Extract<App>,
    Signed(actor): Signed,
    Path((id, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let open = open(&app, &actor, &id).await?;
    let mut notice = done(&asked.fait);
    if let Some(notice) = notice.as_mut().filter(|_| !asked.ecartees.is_empty()) {
        notice.state = State::Todo;
        notice.lines.push(format!(
            "À ne pas collecter, et donc écartées\u{a0}: {}. Ajoutez-en une seulement si l'évaluation l'exige.",
            asked.ecartees
        ));
    }
    draw(&app, &actor, open, Section::Datasets, Some(&name), None, notice, Vec::new(), &Fields::default()).await
}

/// `POST /conventions/brouillons/{id}/{step}`.
pub async fn save_step(Extract(app): Extract<App>, Path((id, step)): Path<(String, String)>, Posted(actor, fields): Posted) -> PageResult {
    let section = Section::parse(&step).ok_or_else(load::absent)?;
    save(&app, &actor, &id, section, None, fields).await
}

/// `POST /conventions/brouillons/{id}/jeux/{name}`.
pub async fn save_dataset(
    Extract(app): Extract<App>,
    Path((id, name)): Path<(String, String)>,
    Posted(actor, fields): Posted,
) -> PageResult {
    save(&app, &actor, &id, Section::Datasets, Some(&name), fields).await
}

/// Saves what the form says, or shows it again where somebody else wrote meanwhile: nothing that was typed is lost.
async fn save(app: &App, actor: &Actor, id: &str, section: Section, dataset: Option<&str>, fields: Fields) -> PageResult {
    let open = open(app, actor, id).await?;
    actor.require(&[crate::convention::perimeter::Role::Officer])?;
    if dataset.is_some_and(|name| open.document["datasets"].get(name).is_none()) {
        return Err(load::absent().into());
    }
    let act = fields.get("act").to_owned();
    let mut typed = editor::apply(&open.document, section, dataset, &fields.0);
    let mut name = dataset.map(str::to_owned);
    if act == "check" {
        let notice = Notice::new(
            State::Todo,
            "Contrôle sans enregistrer",
            vec!["Vos modifications sont dans le formulaire\u{a0}: pensez à les enregistrer.".to_owned()],
        );
        return draw(app, actor, open, section, dataset, Some(typed), Some(notice), Vec::new(), &Fields::default()).await;
    }
    let new_name = fields.get("nom").trim();
    if let Some(old) = dataset
        && !new_name.is_empty()
        && new_name != old
    {
        if !acts::rename_dataset(&mut typed, old, new_name) {
            let lines = vec![format!("Un autre jeu s'appelle déjà «\u{a0}{new_name}\u{a0}»\u{a0}: choisissez un autre nom.")];
            let notice = Notice::new(State::No, "Ce nom est pris", lines);
            return draw(app, actor, open, section, dataset, Some(typed), Some(notice), Vec::new(), &Fields::default()).await;
        }
        name = Some(new_name.to_owned());
    }
    let expected = fields.get("revision").parse().unwrap_or(0);
    let anchor = match act.split_once(':') {
        Some(("add" | "column" | "object" | "text" | "own" | "default", pointer)) => anchor(&typed, section, name.as_deref(), pointer),
        _ => String::new(),
    };
    match draft::save(app, actor, open.draft.id, expected, typed.clone()).await {
        Ok(saved) => {
            let to = href(&base(&saved), section, name.as_deref());
            let said = if anchor.is_empty() { "?fait=enregistre" } else { "" };
            Ok(Redirect::to(&format!("{to}{said}{anchor}")).into_response())
        }
        Err(error) if error.code == "edited_meanwhile" => {
            let changes = draft::since(app, &open.draft, expected).await?.unwrap_or_default();
            let lines = vec!["Vos réponses sont dans le formulaire, à votre manière\u{a0}; le reste est comme on vient de l'écrire. Reportez ce que vous voulez garder, puis enregistrez.".to_owned()];
            let notice = Notice::new(State::No, error.message, lines);
            let page = draw(app, actor, open, section, dataset, Some(typed), Some(notice), changes, &Fields::default()).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(error) if error.kind == Kind::TooLarge => {
            let notice = Notice::new(State::No, error.message, Vec::new());
            draw(app, actor, open, section, dataset, Some(typed), Some(notice), Vec::new(), &Fields::default()).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Where the page should open after a button: at the last item of the list that grew.
fn anchor(document: &Json, section: Section, dataset: Option<&str>, pointer: &str) -> String {
    let shaped = editor::grid::shape(document);
    let place = match shaped.pointer(pointer) {
        Some(Json::Array(list)) if !list.is_empty() => format!("{pointer}/{}/x", list.len() - 1),
        _ => format!("{pointer}/x"),
    };
    let nodes = editor::form(document, section, dataset);
    editor::locate(&nodes, &place).map(|(id, _)| format!("#{id}")).unwrap_or_default()
}

/// `POST /conventions/brouillons/{id}/controle/{step}`: the check of what is typed, for the script.
pub async fn live(Extract(app): Extract<App>, Path((id, step)): Path<(String, String)>, Posted(actor, fields): Posted) -> PageResult {
    let draft = draft::find(&app, &actor, self::id(&id)?).await?;
    let (section, dataset) = match Section::parse(&step) {
        Some(section) => (section, None),
        None => (Section::Datasets, step.strip_prefix("jeu.")),
    };
    let stored = draft::document(&draft)?;
    if Section::parse(&step).is_none() && dataset.is_none_or(|name| stored["datasets"].get(name).is_none()) {
        return Err(load::absent().into());
    }
    let posted: Vec<(String, String)> = fields.0.into_iter().filter(|(n, _)| n != "act").collect();
    let typed = editor::apply(&stored, section, dataset, &posted);
    let faults = check(typed.clone()).await?;
    html(panel(&typed, &faults, &base(&draft)))
}
