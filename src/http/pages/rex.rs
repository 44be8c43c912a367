//! The retour d'expérience of a site.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    response::{IntoResponse, Redirect},
};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::{
    access::Actor,
    app::App,
    convention::perimeter::Role,
    error::{Error, Kind, Result},
    evaluation::{
        answers::{self, Rex},
        rex::{Question, QuestionKind, Questionnaire},
    },
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        state::{Fields, Posted, Signed, who},
        view::{Markup, Notice, Page, State},
        words,
    },
    ids::Siren,
    store::rex::RexRow as Stored,
};

/// The page.
#[derive(Template)]
#[template(path = "rex.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct RexPage {
    pub page: Page,
    pub site: String,
    pub experiment: String,
    pub badge: Markup,
    pub notice: Option<Notice>,
    pub editable: bool,
    pub action: String,
    pub csrf: String,
    pub version: i64,
    pub sections: Vec<SectionView>,
    pub due: String,
}

/// One section.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SectionView {
    pub id: String,
    pub title: String,
    pub progress: String,
    pub questions: Vec<QuestionView>,
}

/// One question and its answer.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct QuestionView {
    pub id: String,
    pub kind: QuestionKind,
    pub label: String,
    pub required: bool,
    pub help: Option<String>,
    pub value: String,
    pub shown: String,
    pub options: Vec<(String, String, bool)>,
}

/// What was just done.
#[derive(Debug, Default, Deserialize)]
pub struct Done {
    #[serde(default)]
    fait: String,
}

/// `GET /experimentations/{name}/rex/{site}`.
pub async fn page(
    Extract(app): Extract<App>,
    Signed(actor): Signed,
    Path((name, site)): Path<(String, String)>,
    Query(done): Query<Done>,
) -> PageResult {
    let (loaded, site, rex) = open(&app, &actor, &name, &site).await?;
    let notice = match done.fait.as_str() {
        "enregistre" => Some(Notice::new(
            State::Ok,
            "Brouillon enregistré",
            vec!["Vous pouvez y revenir plus tard, ou le remettre dès qu'il est complet.".to_owned()],
        )),
        _ => None,
    };
    html(draw(&app, &actor, &loaded, &site, &rex.questionnaire, rex.row.as_ref(), &rex.answers, notice))
}

async fn open(app: &App, actor: &Actor, name: &str, site: &str) -> Result<(Loaded, Siren, Rex)> {
    let loaded = load::convention(app, actor, name).await?;
    let site: Siren = site.parse().map_err(|_| load::absent())?;
    let mine = loaded.sites_of(actor).contains(&site) && load::sees_deposits(actor);
    if !mine {
        return Err(load::absent());
    }
    let rex = answers::read(app, actor, name, &site).await.map_err(load::hidden)?;
    Ok((loaded, site, rex))
}

fn writes(actor: &Actor) -> bool {
    actor.site.is_some() && matches!(actor.role, Role::Contributor | Role::Signatory)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one page, from one handler or the other")]
fn draw(
    app: &App,
    actor: &Actor,
    loaded: &Loaded,
    site: &Siren,
    questions: &Questionnaire,
    stored: Option<&Stored>,
    answers: &Map<String, Json>,
    notice: Option<Notice>,
) -> RexPage {
    let submitted = stored.and_then(|s| s.submitted_at);
    let badge = match (submitted, stored) {
        (Some(_), _) => State::Ok.badge("Remis"),
        (None, Some(_)) => State::Todo.badge("Brouillon"),
        (None, None) => State::Open.badge("Pas commencé"),
    };
    let due = loaded
        .document
        .rex
        .as_ref()
        .and_then(|r| crate::convention::document::days(&r.due))
        .and_then(|d| loaded.last_day().checked_add_days(d));
    let due = match (submitted, due) {
        (Some(at), _) => format!("Remis le {}.", words::moment(at)),
        (None, Some(day)) => format!("À remettre avant le {} ({}).", words::day(day), words::distance(day, load::today(app))),
        (None, None) => String::new(),
    };
    let saved = stored.map(|s| format!(" Dernier enregistrement\u{a0}: {}.", words::moment(s.updated_at))).unwrap_or_default();
    RexPage {
        page: Page::new("Retour d'expérience", who(actor), "experiments")
            .under("Expérimentations", "/experimentations")
            .under(&loaded.document.title, loaded.base()),
        site: loaded.site_name(site),
        experiment: loaded.document.title.clone(),
        badge,
        notice,
        editable: writes(actor) && submitted.is_none(),
        action: format!("{}/rex/{site}", loaded.base()),
        csrf: actor.csrf.clone(),
        version: stored.map_or(0, |s| s.version),
        sections: questions.sections.iter().map(|s| section(s, answers)).collect(),
        due: due + &saved,
    }
}

fn section(section: &crate::evaluation::rex::Section, answers: &Map<String, Json>) -> SectionView {
    let questions: Vec<QuestionView> = section.questions.iter().map(|q| question(q, answers.get(&q.id))).collect();
    let done = questions.iter().filter(|q| !q.value.is_empty()).count();
    SectionView { id: section.id.clone(), title: section.title.clone(), progress: format!("{done} sur {}", questions.len()), questions }
}

fn question(q: &Question, answer: Option<&Json>) -> QuestionView {
    let value = match answer {
        Some(Json::String(s)) => s.clone(),
        Some(Json::Number(n)) if q.kind == QuestionKind::Number => n.to_string().replace('.', ","),
        Some(Json::Number(n)) => n.to_string(),
        _ => String::new(),
    };
    let names: Vec<String> = if q.kind == QuestionKind::Scale { (1..=5).map(|n| n.to_string()).collect() } else { q.choices.clone() };
    let shown = if q.kind == QuestionKind::Scale && !value.is_empty() { format!("{value} sur 5") } else { value.clone() };
    QuestionView {
        id: q.id.clone(),
        kind: q.kind,
        label: q.label.clone(),
        required: q.required,
        help: q.help.clone(),
        options: names.into_iter().map(|n| (n.clone(), n.clone(), n == value)).collect(),
        value,
        shown,
    }
}

/// What the form says, in the types of the questions; an empty field is no answer.
fn read(questions: &Questionnaire, fields: &Fields) -> Result<Map<String, Json>> {
    let mut answers = Map::new();
    for q in questions.questions() {
        let text = fields.get(&q.id).trim().replace("\r\n", "\n");
        if text.is_empty() {
            continue;
        }
        let bad = || Error::invalid("answer_type", format!("«\u{a0}{}\u{a0}»\u{a0}: écrivez un nombre, par exemple 12,5.", q.label));
        let answer = match q.kind {
            QuestionKind::Text | QuestionKind::Choice => Json::String(text),
            QuestionKind::Scale => Json::from(text.parse::<u8>().map_err(|_| bad())?),
            QuestionKind::Number => {
                let plain: String = text.replace(',', ".").chars().filter(|c| !c.is_whitespace()).collect();
                let number: f64 = plain.parse().map_err(|_| bad())?;
                serde_json::Number::from_f64(number).map(Json::Number).ok_or_else(bad)?
            }
        };
        answers.insert(q.id.clone(), answer);
    }
    Ok(answers)
}

/// `POST /experimentations/{name}/rex/{site}`: keeps the draft, or hands it in. What was written is never lost to an error.
pub async fn write(Extract(app): Extract<App>, Path((name, site)): Path<(String, String)>, Posted(actor, fields): Posted) -> PageResult {
    let (loaded, site, rex) = open(&app, &actor, &name, &site).await?;
    let questions = &rex.questionnaire;
    if !writes(&actor) {
        return Err(Error::new(Kind::Forbidden, "role", "Seule la structure remplit son retour d'expérience.").into());
    }
    let submit = fields.get("act") == "submit";
    let seen = fields.get("version").parse().unwrap_or(0);
    let result = match read(questions, &fields) {
        Ok(answers) => answers::write(&app, &actor, &name, &site, seen, answers, submit).await.map(drop),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => {
            Ok(Redirect::to(&format!("{}/rex/{site}{}", loaded.base(), if submit { "" } else { "?fait=enregistre" })).into_response())
        }
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => {
            let stored = answers::read(&app, &actor, &name, &site).await?.row;
            let written = questions.questions().map(|q| (q.id.clone(), Json::String(fields.get(&q.id).to_owned()))).collect();
            let status = axum::http::StatusCode::from_u16(error.status()).unwrap_or_default();
            let lines = error
                .faults
                .iter()
                .map(|f| f.message.clone())
                .chain(["Vos réponses sont encore dans le formulaire ci-dessous.".to_owned()])
                .collect();
            let notice = Some(Notice::new(State::No, error.message, lines));
            let page = draw(&app, &actor, &loaded, &site, questions, stored.as_ref(), &written, notice);
            Ok((status, html(page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
