//! One deposit: progress, then receipt or faults.

use std::{convert::Infallible, time::Duration};

use askama::Template;
use axum::{
    Json,
    extract::{Path, Query, State as Extract},
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;
use serde::Deserialize;

use super::{
    convention_acts::{XLSX, attachment},
    deposit_fixes::{self, Beside},
    deposit_report::{ColumnSummary, FaultGroup, groups, personal, read, summary, warnings},
};
use crate::{
    access::Actor,
    app::App,
    convention::document::SiteNaming,
    deposit,
    deposit::report::CheckReport,
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        present,
        state::{Signed, who},
        view::{Fact, Notice, Page, State},
        words,
    },
    store::deposits::{Deposit, DepositState},
};

/// The page.
#[derive(Template)]
#[template(path = "deposit.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DepositPage {
    pub page: Page,
    pub file: String,
    pub dataset: String,
    pub period: String,
    pub site: String,
    pub act: Option<(String, String)>,
    pub report_href: Option<String>,
    pub annotated_href: Option<String>,
    pub confirm_href: Option<String>,
    pub withdraw_href: Option<String>,
    pub running: bool,
    pub events_href: String,
    pub steps: Vec<(String, String)>,
    pub notice: Option<Notice>,
    pub groups_title: String,
    pub groups: Vec<FaultGroup>,
    pub read: Vec<Fact>,
    pub columns: Vec<ColumnSummary>,
    pub warnings: Vec<String>,
    pub receipt: Vec<Fact>,
    pub sha256: Option<String>,
    pub seen: Vec<String>,
    pub beside: Beside,
}

/// Days that a refused file stays visible.
const REFUSED_DAYS: u64 = 30;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    deja: String,
}

/// `GET /depots/{id}`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>, Query(asked): Query<Asked>) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    let loaded = load::convention(&app, &actor, &deposit.convention).await?;
    let report = deposit::report(&app, &actor, deposit.id).await?;
    let by = app.store.account(deposit.created_by).await?.map(|a| a.name);
    let mut page = base(&actor, &deposit, &loaded, report.as_ref());
    page.receipt = receipt(&deposit, &loaded, by);
    page.sha256 = Some(deposit.sha256.clone());
    page.beside = deposit_fixes::beside(&app, &actor, &deposit, report.as_ref()).await?;
    if deposit.state == DepositState::Accepted {
        page.seen = seen(&loaded, &deposit.dataset);
    }
    if !asked.deja.is_empty() {
        let said = "Vous aviez déjà déposé ce même fichier\u{a0}: voici ce qui en a été dit.".to_owned();
        match &mut page.notice {
            Some(notice) => notice.lines.push(said),
            None => page.warnings.insert(0, said),
        }
    }
    html(page)
}

fn base(actor: &Actor, deposit: &Deposit, loaded: &Loaded, report: Option<&CheckReport>) -> DepositPage {
    let running = !deposit.state.is_decided();
    let href = format!("/depots/{}", deposit.id);
    let again = format!("/depots/nouveau?cible={}", present::target(loaded, &deposit.dataset, deposit.period));
    let may = load::deposits(actor);
    let mut frame = Page::new(&deposit.file_name, who(actor), "deposits").under("Dépôts", "/depots");
    frame.refresh = running.then_some(3);
    let refused = report.filter(|_| deposit.state == DepositState::Rejected);
    let waits = deposit.state == DepositState::AwaitingConfirmation;
    DepositPage {
        page: frame,
        file: deposit.file_name.clone(),
        dataset: loaded.dataset_title(&deposit.dataset),
        period: words::sentence(&words::period(deposit.period)),
        site: loaded.site_name(&deposit.site),
        act: (may && (waits || deposit.state == DepositState::Rejected))
            .then(|| (if waits { "Déposer un fichier corrigé" } else { "Déposer à nouveau" }.to_owned(), again)),
        confirm_href: (may && waits && deposit.original_key.is_some()).then(|| format!("{href}/confirmation")),
        report_href: report.map(|_| format!("{href}/rapport")),
        annotated_href: refused
            .filter(|r| r.source_error.is_none() && deposit.original_key.is_some())
            .map(|_| format!("{href}/annote.xlsx")),
        withdraw_href: (may && (waits || matches!(deposit.state, DepositState::Accepted | DepositState::Rejected)))
            .then(|| format!("{href}/retrait")),
        running,
        events_href: format!("{href}/evenements"),
        steps: steps(deposit),
        notice: notice(deposit, report),
        groups_title: if waits { "Ce qu'il faut vérifier" } else { "Ce qu'il faut corriger" }.to_owned(),
        groups: match report {
            Some(report) if waits => personal(report),
            _ => refused.map(groups).unwrap_or_default(),
        },
        read: report.map(read).unwrap_or_default(),
        columns: report.map(summary).unwrap_or_default(),
        warnings: report.map(warnings).unwrap_or_default(),
        receipt: Vec::new(),
        sha256: None,
        seen: Vec::new(),
        beside: Beside::default(),
    }
}

/// The page of a file that was checked without being deposited.
pub fn checked(actor: &Actor, report: &CheckReport, dataset: String, period: String, back: String) -> DepositPage {
    let notice = if report.valid {
        let rows = words::plural(report.stats.rows, "ligne prête", "lignes prêtes");
        Notice::new(
            State::Ok,
            format!("Fichier conforme\u{a0}: {rows}"),
            vec![
                "Rien n'a été déposé. Vous pouvez maintenant déposer ce fichier.".to_owned(),
                if report.personal.is_empty() {
                    ""
                } else {
                    "Il attendra alors que vous ayez vérifié ce qui ressemble à des données personnelles."
                }
                .to_owned(),
            ]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect(),
        )
    } else {
        Notice::new(
            State::No,
            format!("Fichier non conforme\u{a0}: {}", problems(report)),
            vec!["Rien n'a été déposé ni conservé.".to_owned()],
        )
    };
    DepositPage {
        page: Page::new("Contrôle sans dépôt", who(actor), "new").under("Déposer", &back),
        file: report.file.name.clone(),
        dataset,
        period,
        site: "contrôle sans dépôt".to_owned(),
        act: Some((if report.valid { "Déposer ce fichier" } else { "Contrôler ou déposer à nouveau" }.to_owned(), back)),
        report_href: None,
        confirm_href: None,
        annotated_href: None,
        withdraw_href: None,
        running: false,
        events_href: String::new(),
        steps: Vec::new(),
        notice: Some(notice),
        groups_title: "Ce qu'il faut corriger".to_owned(),
        groups: if report.valid { personal(report) } else { groups(report) },
        read: read(report),
        columns: summary(report),
        warnings: warnings(report),
        receipt: Vec::new(),
        sha256: None,
        seen: Vec::new(),
        beside: Beside::default(),
    }
}

fn steps(deposit: &Deposit) -> Vec<(String, String)> {
    let order = ["reading", "checking", "storing"];
    let at = deposit.step.as_deref().and_then(|s| order.iter().position(|o| *o == s)).unwrap_or(0);
    let class = |i: usize| match i.cmp(&at) {
        std::cmp::Ordering::Less => "done",
        std::cmp::Ordering::Equal => "now",
        std::cmp::Ordering::Greater => "",
    };
    ["Lecture", "Contrôle", "Enregistrement"].iter().enumerate().map(|(i, l)| ((*l).to_owned(), class(i).to_owned())).collect()
}

fn problems(report: &CheckReport) -> String {
    let count = if report.source_error.is_some() { 1 } else { report.by_rule.len() };
    words::plural(count as u64, "problème à corriger", "problèmes à corriger")
}

/// Whether the file held a column that the convention does not cover: it was deleted then.
fn is_outside(report: &CheckReport) -> bool {
    report.by_rule.iter().any(|r| matches!(r.code.as_str(), "outside_perimeter" | "extra_column" | "unexpected_column" | "unknown_column"))
}

fn notice(deposit: &Deposit, report: Option<&CheckReport>) -> Option<Notice> {
    match deposit.state {
        DepositState::Received | DepositState::Checking => None,
        DepositState::Accepted => Some(Notice::new(
            State::Ok,
            words::plural(deposit.rows.unwrap_or(0), "ligne enregistrée", "lignes enregistrées"),
            vec!["Votre dépôt compte dès maintenant dans les indicateurs de l'expérimentation.".to_owned()],
        )),
        DepositState::Rejected if report.is_none() => {
            let gone = format!("Le fichier et ce que le contrôle en disait ont été effacés après {REFUSED_DAYS}\u{a0}jours.");
            Some(Notice::new(State::No, "Fichier non retenu\u{a0}: aucune ligne ne compte.", vec![gone]))
        }
        DepositState::Rejected => {
            let until = deposit.decided_at.and_then(|at| words::today(at).checked_add_days(chrono::Days::new(REFUSED_DAYS)));
            let kept = match (report.is_some_and(is_outside), until) {
                (true, _) => "Une colonne n'est pas prévue par la convention\u{a0}: votre fichier a été effacé aussitôt, et aucune valeur de cette colonne n'est montrée.".to_owned(),
                (false, Some(day)) => format!("Votre fichier reste visible de votre structure {REFUSED_DAYS}\u{a0}jours, jusqu'au {}.", words::day(day)),
                (false, None) => format!("Votre fichier reste visible de votre structure {REFUSED_DAYS}\u{a0}jours."),
            };
            let count = report.map(problems).unwrap_or_default();
            Some(Notice::new(State::No, format!("Fichier non retenu\u{a0}: aucune ligne ne compte. {count}."), vec![kept]))
        }
        DepositState::AwaitingConfirmation if deposit.original_key.is_none() => Some(Notice::new(
            State::No,
            "Fichier effacé\u{a0}: personne n'a confirmé ce qu'il contient",
            vec![format!("Il a attendu {REFUSED_DAYS}\u{a0}jours. Déposez-le à nouveau.")],
        )),
        DepositState::AwaitingConfirmation => Some(Notice::new(
            State::Todo,
            "Fichier conforme, mais des valeurs ressemblent à des données personnelles",
            vec![
                "Rien ne compte encore. Si ce sont des données personnelles, retirez-les et déposez un fichier corrigé\u{a0}; sinon, confirmez-le."
                    .to_owned(),
            ],
        )),
        DepositState::Superseded => Some(Notice::new(
            State::Open,
            "Remplacé par un dépôt plus récent",
            vec!["Ce fichier ne compte plus. Il reste ici pour mémoire.".to_owned()],
        )),
        DepositState::Withdrawn => {
            let reason = deposit.reason.as_deref().filter(|r| !r.is_empty()).map(|r| format!("Motif\u{a0}: {r}")).into_iter().collect();
            Some(Notice::new(State::Open, "Dépôt retiré\u{a0}: aucune de ses lignes ne compte", reason))
        }
        DepositState::Purged => Some(Notice::new(
            State::Open,
            "Données détruites au terme de leur conservation",
            vec!["Le fichier et ses valeurs n'existent plus ici. Le récépissé et son empreinte sont gardés.".to_owned()],
        )),
    }
}

fn receipt(deposit: &Deposit, loaded: &Loaded, by: Option<String>) -> Vec<Fact> {
    let mut facts = vec![("Numéro", deposit.number.clone()), ("Reçu le", words::moment(deposit.created_at))];
    facts.extend(by.map(|name| ("Déposé par", name)));
    facts.push(("Structure", loaded.site_name(&deposit.site)));
    facts.push(("Taille", words::bytes(deposit.bytes.unsigned_abs())));
    facts.extend(deposit.decided_at.map(|at| ("Décidé le", words::moment(at))));
    // The version that it was checked under, which may not be the one in force now.
    let version = loaded.agreement.version(deposit.convention_id).map_or(loaded.head.version, |v| v.head.version);
    facts.push(("Convention", format!("{}, version {version}", loaded.document.title)));
    facts.into_iter().map(|(a, b)| (a.to_owned(), b)).chain(deposit_fixes::imposed(deposit)).collect()
}

/// Who sees what of an accepted deposit, as the convention says.
fn seen(loaded: &Loaded, dataset: &str) -> Vec<String> {
    let uses = &loaded.document.uses;
    let mut seen = Vec::new();
    if uses.evaluation.as_ref().is_some_and(|u| u.datasets.iter().any(|d| d == dataset)) {
        seen.push("La Métropole voit les lignes, pour l'évaluation.".to_owned());
    }
    match uses.comparison.as_ref().filter(|u| u.datasets.iter().any(|d| d == dataset)).map(|u| u.sites) {
        Some(SiteNaming::Named) => seen.push("Les autres structures voient vos résultats avec votre nom, jamais vos lignes.".to_owned()),
        Some(SiteNaming::Anonymous) => {
            seen.push("Les autres structures voient vos résultats sans votre nom, jamais vos lignes.".to_owned())
        }
        None => seen.push("Les autres structures ne voient ni vos lignes ni vos résultats.".to_owned()),
    }
    seen
}

/// `GET /depots/{id}/rapport.json`.
pub async fn report(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    let report = deposit::report(&app, &actor, deposit.id).await?.ok_or_else(load::absent)?;
    Ok(Json(report).into_response())
}

/// `GET /depots/{id}/rapport.csv`.
pub async fn report_csv(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    let report = deposit::report(&app, &actor, deposit.id).await?.ok_or_else(load::absent)?;
    Ok(attachment(&format!("{}-rapport", deposit.number), "csv", "text/csv; charset=utf-8", deposit::export::csv(&report)))
}

/// `GET /depots/{id}/annote.xlsx`.
pub async fn annotated(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    let (deposit, bytes) = deposit::annotated::annotated(&app, &actor, deposit.id).await?;
    Ok(attachment(&format!("{}-annote", deposit.number), "xlsx", XLSX, bytes))
}

/// `GET /depots/{id}/evenements`: `step` at each change, `done` when it is decided; ends by itself after ten minutes.
pub async fn events(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    const PACE: Duration = Duration::from_millis(300);
    const TURNS: u32 = 2000;
    let deposit = load::deposit(&app, &actor, &id).await?;
    let news = stream::unfold(((app, actor), deposit.id, None::<String>, 0u32, false), |((app, actor), id, last, turn, over)| async move {
        if over || turn > TURNS {
            return None;
        }
        let mut turn = turn;
        loop {
            // A right that ends, ends this.
            let deposit = deposit::find(&app, &actor, id).await.ok()?;
            if deposit.state.is_decided() {
                let event = Event::default().event("done").data(deposit.state.to_string());
                return Some((Ok::<_, Infallible>(event), ((app, actor), id, last, turn, true)));
            }
            let now = serde_json::json!({"step": deposit.step, "percent": deposit.progress}).to_string();
            if last.as_ref() != Some(&now) {
                return Some((Ok(Event::default().event("step").data(now.clone())), ((app, actor), id, Some(now), turn, false)));
            }
            turn += 1;
            if turn > TURNS {
                return None;
            }
            tokio::time::sleep(PACE).await;
        }
    });
    Ok(Sse::new(news).keep_alive(KeepAlive::default()).into_response())
}
