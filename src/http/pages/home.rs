//! «À faire»: what is due, when, and one click to do it.

use askama::Template;
use axum::{
    extract::State as Extract,
    response::{IntoResponse, Redirect},
};
use chrono::{Days, NaiveDate};

use super::standing;
use crate::{
    access::Actor,
    app::App,
    convention::perimeter::Role,
    deposit::calendar::Standing,
    evaluation::answers,
    http::{
        failure::{PageResult, html},
        load::{self, Line, Loaded},
        present,
        state::{Signed, who},
        view::{DepositRow, ExperimentRow, Markup, Page, State},
        words,
    },
    report::french,
};

/// The page.
#[derive(Template)]
#[template(path = "home.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Home {
    pub page: Page,
    pub lead: String,
    pub act: Option<String>,
    pub figures: Vec<(String, String)>,
    pub tasks: Vec<Task>,
    pub tasks_more: usize,
    pub nothing: String,
    pub experiments: Vec<ExperimentRow>,
    pub contributor: bool,
    pub deposits: Vec<DepositRow>,
    pub show_site: bool,
}

/// One thing to do.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Task {
    pub what: String,
    pub context: String,
    pub badge: Markup,
    pub date: String,
    pub href: String,
    pub act: String,
}

/// Tasks shown at most.
const SHOWN: usize = 12;

/// `GET /`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    match actor.role {
        Role::Administrator => return Ok(Redirect::to("/administration/comptes").into_response()),
        Role::DataProtectionOfficer => return Ok(Redirect::to("/administration/journal").into_response()),
        _ => {}
    }
    let today = load::today(&app);
    let mut tasks: Vec<(NaiveDate, Task)> = Vec::new();
    let (mut experiments, mut deposits, mut late, mut accepted) = (Vec::new(), Vec::new(), 0, 0);
    for loaded in load::conventions(&app, &actor).await? {
        let received = load::deposits_of(&app, &actor, &loaded).await?;
        let lines = load::coverage(&loaded, &actor, &received, today);
        tasks.extend(lines.iter().filter_map(|line| file_task(&loaded, line, &actor, today)));
        tasks.extend(signature_task(&loaded, &actor, today));
        tasks.extend(rex_task(&app, &loaded, &actor, today).await?);
        late += lines.iter().filter(|l| matches!(l.standing, Standing::Late)).count();
        accepted += present::counts(&lines).0;
        deposits.extend(received.iter().map(|d| (d.created_at, present::deposit_row(d, &loaded, true))));
        experiments.push(present::experiment_row(&loaded, &lines, today));
    }
    tasks.sort_by_key(|(due, _)| *due);
    deposits.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let contributor = actor.site.is_some();
    let figures = [
        ("Expérimentations".to_owned(), words::count(experiments.len() as u64)),
        ("Dépôts acceptés".to_owned(), words::count(accepted)),
        ("Dépôts en retard".to_owned(), words::count(late as u64)),
    ];
    html(Home {
        page: Page::new("À faire", who(&actor), "home"),
        lead: lead(&actor, tasks.len()),
        act: (contributor && load::deposits(&actor)).then(|| "/depots/nouveau".to_owned()),
        figures: if contributor { Vec::new() } else { figures.to_vec() },
        tasks_more: tasks.len().saturating_sub(SHOWN),
        tasks: tasks.into_iter().take(SHOWN).map(|(_, task)| task).collect(),
        nothing: "Rien n'est attendu pour le moment.".to_owned(),
        experiments,
        contributor,
        deposits: deposits.into_iter().take(8).map(|(_, row)| row).collect(),
        show_site: !contributor,
    })
}

fn lead(actor: &Actor, tasks: usize) -> String {
    let waiting = match tasks {
        0 => "rien ne vous attend.".to_owned(),
        n => format!("{} à suivre.", words::plural(n as u64, "échéance", "échéances")),
    };
    format!("Bonjour {}, {waiting}", actor.name)
}

/// What an expected file asks: of a site, to send or to mend it; of the Métropole, to know which are late.
fn file_task(loaded: &Loaded, line: &Line, actor: &Actor, today: NaiveDate) -> Option<(NaiveDate, Task)> {
    let due = line.expected.due;
    let mine = load::deposits(actor);
    let soon = today.checked_add_days(Days::new(45))? >= due;
    let distance = words::distance(due, today);
    let (badge, href, act) = match &line.standing {
        Standing::Refused(d) => (State::No.badge("à corriger"), format!("/depots/{}", d.id), "Voir ce qui ne va pas"),
        Standing::Late if mine => (State::No.badge(&distance), present::form_href(loaded, line), "Déposer"),
        Standing::Late => (State::Todo.badge(&distance), format!("{}#couverture", loaded.base()), "Voir"),
        Standing::Due if mine => (State::Todo.badge(&distance), present::form_href(loaded, line), "Déposer"),
        Standing::Later if mine && soon => (State::Open.badge(&distance), present::form_href(loaded, line), "Déposer"),
        _ => return None,
    };
    let period = line.expected.period.map(|p| format!(", {}", p.in_french())).unwrap_or_default();
    let site = if actor.site.is_some() { String::new() } else { format!("{} · ", loaded.site_name(&line.site)) };
    let what = format!("{}{period}", loaded.dataset_title(&line.expected.dataset));
    let context = format!("{site}{}", loaded.document.title);
    Some((due, Task { what, context, badge, date: words::day(due), href, act: act.to_owned() }))
}

/// The version that waits for this person's signature, or, for an officer, for anybody's.
fn signature_task(loaded: &Loaded, actor: &Actor, today: NaiveDate) -> Option<(NaiveDate, Task)> {
    let version = loaded.agreement.open().filter(|_| loaded.agreement.terminated.is_none())?;
    let start = version.head.starts_on;
    let state = if start < today { State::No } else { State::Todo };
    let task = |what: String, context: String, href: String, act: &str| {
        let badge = state.badge(&words::distance(start, today));
        (start, Task { what, context, badge, date: words::day(start), href, act: act.to_owned() })
    };
    if standing::to_sign(&loaded.agreement, actor).is_some() {
        let what = format!("Convention à signer, version {}", version.head.version);
        return Some(task(what, version.head.title.clone(), format!("{}/signature", loaded.base()), "Signer"));
    }
    if actor.role != Role::Officer || today > version.head.ends_on {
        return None;
    }
    let missing: Vec<String> =
        version.parties().filter(|p| !version.signed.contains_key(*p)).map(|p| version.convention.site_name(p)).collect();
    let shown = match &missing[..] {
        [a, b, c, _, ..] => format!("{a}, {b}, {c} et {}", words::plural((missing.len() - 3) as u64, "autre", "autres")),
        few => french::list(few),
    };
    let what =
        format!("{}, version {}", words::plural(missing.len() as u64, "signature attendue", "signatures attendues"), version.head.version);
    Some(task(what, format!("{shown} · {}", version.head.title), format!("{}/convention#signatures", loaded.base()), "Voir"))
}

/// The REX that a site has still to send, from the end of the experiment on.
async fn rex_task(app: &App, loaded: &Loaded, actor: &Actor, today: NaiveDate) -> crate::error::Result<Option<(NaiveDate, Task)>> {
    let (Some(site), Some(rex)) = (&actor.site, &loaded.document.rex) else { return Ok(None) };
    let submitted = answers::rows(app, actor, &loaded.agreement).await?.iter().any(|r| r.submitted_at.is_some());
    let due = crate::convention::document::days(&rex.due).and_then(|d| loaded.last_day().checked_add_days(d)).unwrap_or(loaded.last_day());
    if loaded.agreement.in_force_for(site, today).is_none() || submitted || !loaded.is_over(today) {
        return Ok(None);
    }
    let state = if due < today { State::No } else { State::Todo };
    Ok(Some((
        due,
        Task {
            what: "Retour d'expérience".to_owned(),
            context: loaded.document.title.clone(),
            badge: state.badge(&words::distance(due, today)),
            date: words::day(due),
            href: format!("{}/rex/{site}", loaded.base()),
            act: "Répondre".to_owned(),
        },
    )))
}
