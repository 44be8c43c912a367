//! The evaluation, for the officer.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

use super::confirm::Confirm;
use crate::{
    access::Actor,
    app::App,
    convention::perimeter::Role,
    deposit::calendar::Standing,
    error::{Error, Kind, Result},
    evaluation,
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        present,
        security::REPORT_CSP,
        state::{Posted, Signed, who},
        view::{Fact, Notice, Page, RexRow, State, Tab, VerdictRow},
        words,
    },
    report::{self, agreed},
};

/// The page.
#[derive(Template)]
#[template(path = "evaluation.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct EvaluationPage {
    pub page: Page,
    pub lead: String,
    pub base: String,
    pub tabs: Vec<Tab>,
    pub may_lock: bool,
    pub has_report: bool,
    pub notice: Option<Notice>,
    pub verdicts: Vec<VerdictRow>,
    pub rex: Vec<RexRow>,
    pub missing: Vec<String>,
    pub plan: Vec<Fact>,
}

/// `GET /experimentations/{name}/evaluation`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = evaluated(&app, &actor, &name).await?;
    let today = load::today(&app);
    let received = load::deposits_of(&app, &actor, &loaded).await?;
    let lines = load::coverage(&loaded, &actor, &received, today);
    let snapshot = load::snapshot(&app, &actor, &loaded).await?;
    let stored = evaluation::answers::rows(&app, &actor, &loaded.agreement).await?;
    let is_final = snapshot.as_ref().is_some_and(|s| s.head.is_final);
    html(EvaluationPage {
        page: Page::new("Évaluation", who(&actor), "experiments")
            .under("Expérimentations", "/experimentations")
            .under(&loaded.document.title, loaded.base()),
        lead: loaded.document.title.clone(),
        base: loaded.base(),
        tabs: present::tabs(&loaded, &actor, "evaluation"),
        may_lock: may_lock(&loaded, &actor, today) && snapshot.is_some() && !is_final,
        has_report: snapshot.is_some(),
        notice: snapshot.as_ref().map(|s| notice(&loaded, s, today)),
        verdicts: snapshot
            .as_ref()
            .map(|s| present::verdict_rows(&loaded.base(), &s.evaluation, &loaded.document, None))
            .unwrap_or_default(),
        rex: present::rex_rows(&loaded, &actor, &stored, today),
        missing: missing(&loaded, &lines, stored.iter().filter(|r| r.submitted_at.is_some()).count()),
        plan: present::facts(&agreed::plan(&loaded.document)),
    })
}

/// The convention, for those of the Métropole who evaluate it; for anybody else it has no such page.
async fn evaluated(app: &App, actor: &Actor, name: &str) -> Result<Loaded> {
    if load::evaluates(actor) { load::convention(app, actor, name).await } else { Err(load::absent()) }
}

fn may_lock(loaded: &Loaded, actor: &Actor, today: chrono::NaiveDate) -> bool {
    actor.role == Role::Officer && loaded.is_over(today)
}

fn notice(loaded: &Loaded, snapshot: &evaluation::Snapshot, today: chrono::NaiveDate) -> Notice {
    let when = words::moment(snapshot.head.created_at);
    if snapshot.head.is_final {
        let line = "Les données sont arrêtées\u{a0}: les conclusions ci-dessous sont celles que le plan prévoyait.".to_owned();
        return Notice::new(State::Ok, format!("Évaluation définitive, arrêtée le {when}"), vec![line]);
    }
    let next = if loaded.is_over(today) {
        "L'expérimentation est terminée\u{a0}: vous pouvez arrêter l'évaluation définitive quand tous les dépôts attendus sont là."
            .to_owned()
    } else {
        let end = loaded.last_day();
        format!(
            "L'évaluation définitive s'arrête après la fin de l'expérimentation, le {} ({}).",
            words::day(end),
            words::distance(end, today)
        )
    };
    let note =
        format!("Calcul n°\u{a0}{} du {when}. Aucune conclusion n'est tirée avant que les données soient arrêtées.", snapshot.head.number);
    Notice::new(State::Open, "Évaluation provisoire", vec![note, next])
}

fn missing(loaded: &Loaded, lines: &[load::Line], rex: usize) -> Vec<String> {
    let count = |wanted: fn(&Standing) -> bool| lines.iter().filter(|l| wanted(&l.standing)).count() as u64;
    let mut all = Vec::new();
    let mut add = |n: u64, one: &str, many: &str| {
        if n > 0 {
            all.push(words::plural(n, one, many));
        }
    };
    add(count(|s| matches!(s, Standing::Late)), "dépôt en retard", "dépôts en retard");
    add(count(|s| matches!(s, Standing::Refused(_))), "dépôt refusé, à corriger", "dépôts refusés, à corriger");
    add(count(|s| matches!(s, Standing::Due)), "dépôt attendu", "dépôts attendus");
    add(count(|s| matches!(s, Standing::Later)), "dépôt à venir", "dépôts à venir");
    if loaded.document.rex.is_some() {
        let left = loaded.document.parties.sites.len().saturating_sub(rex) as u64;
        add(left, "retour d'expérience non remis", "retours d'expérience non remis");
    }
    all
}

/// `GET /experimentations/{name}/evaluation/arreter`.
pub async fn confirm(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = lockable(&app, &actor, &name).await?;
    let href = format!("{}/evaluation", loaded.base());
    html(Confirm {
        page: Page::new("Arrêter l'évaluation définitive", who(&actor), "experiments")
            .under(&loaded.document.title, loaded.base())
            .under("Évaluation", &href),
        consequences: vec![
            "Les dépôts acceptés à cet instant sont ceux qui comptent, et les conclusions sont calculées une fois pour toutes.".to_owned(),
            "Une évaluation arrêtée ne se modifie plus. Un dépôt accepté plus tard n'y entre pas.".to_owned(),
        ],
        action: format!("{href}/arreter"),
        csrf: actor.csrf.clone(),
        reason: None,
        style: "main",
        act: "Arrêter l'évaluation définitive".to_owned(),
        back: href,
    })
}

async fn lockable(app: &App, actor: &Actor, name: &str) -> Result<Loaded> {
    let loaded = evaluated(app, actor, name).await?;
    if actor.role != Role::Officer {
        return Err(Error::new(Kind::Forbidden, "role", "Seul un chargé de mission arrête une évaluation."));
    }
    if !loaded.is_over(load::today(app)) {
        let end = words::day(loaded.last_day());
        return Err(Error::new(
            Kind::Conflict,
            "not_over",
            format!("L'expérimentation dure jusqu'au {end}\u{a0}: l'évaluation s'arrête après."),
        ));
    }
    Ok(loaded)
}

/// `POST /experimentations/{name}/evaluation/arreter`.
pub async fn lock(Extract(app): Extract<App>, Path(name): Path<String>, Posted(actor, _): Posted) -> PageResult {
    let loaded = lockable(&app, &actor, &name).await?;
    evaluation::lock(&app, &actor, &name).await?;
    Ok(Redirect::to(&format!("{}/evaluation", loaded.base())).into_response())
}

/// `GET /experimentations/{name}/rapport.pdf`.
pub async fn pdf(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    evaluated(&app, &actor, &name).await?;
    Ok(file(report::Format::Pdf, report::build(&app, &actor, &name, report::Format::Pdf).await?))
}

/// `GET /experimentations/{name}/rapport.html`.
pub async fn report_html(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    evaluated(&app, &actor, &name).await?;
    Ok(file(report::Format::Html, report::build(&app, &actor, &name, report::Format::Html).await?))
}

/// A report on its way out: the PDF to keep, the HTML to read, which carries its own style and runs nothing.
pub fn file(kind: report::Format, report::Built { file_name, bytes }: report::Built) -> Response {
    match kind {
        report::Format::Pdf => {
            let disposition = format!("attachment; filename=\"{file_name}\"");
            ([(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response()
        }
        report::Format::Html => {
            let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], bytes).into_response();
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(REPORT_CSP));
            response
        }
    }
}
