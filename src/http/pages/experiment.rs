//! One experiment: verdicts, coverage, deposits, REX.

use askama::Template;
use axum::extract::{Path, State as Extract};
use chrono::NaiveDate;

use crate::{
    access::Actor,
    app::App,
    evaluation::answers,
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        present,
        state::{Signed, who},
        view::{DepositRow, Fact, Matrix, Page, RexRow, State, Tab, VerdictRow},
        words,
    },
    report::french,
};

/// The page.
#[derive(Template)]
#[template(path = "experiment.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Experiment {
    pub page: Page,
    pub summary: Option<String>,
    pub act: Option<(String, String)>,
    pub tabs: Vec<Tab>,
    pub show_results: bool,
    pub results_title: String,
    pub results_note: Option<String>,
    pub verdicts: Vec<VerdictRow>,
    pub facts: Vec<Fact>,
    pub reports: Vec<(String, String)>,
    pub matrices: Vec<Matrix>,
    pub deposits: Vec<DepositRow>,
    pub show_site: bool,
    pub deposits_href: String,
    pub rex: Vec<RexRow>,
}

/// `GET /experimentations/{name}`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let today = load::today(&app);
    let sees = load::sees_deposits(&actor);
    let received = if sees { load::deposits_of(&app, &actor, &loaded).await? } else { Vec::new() };
    let lines = load::coverage(&loaded, &actor, &received, today);
    let snapshot = if sees { load::snapshot(&app, &actor, &loaded).await? } else { None };
    let rex = answers::rows(&app, &actor, &loaded.agreement).await?;
    let base = loaded.base();
    let results_note = snapshot.as_ref().map(|s| {
        let files = words::plural(s.evaluation.provenance.deposits.len() as u64, "fichier", "fichiers");
        format!("Calcul n°\u{a0}{} du {}, sur {files}.", s.head.number, words::moment(s.head.created_at))
    });
    html(Experiment {
        page: Page::new(&loaded.document.title, who(&actor), "experiments").under("Expérimentations", "/experimentations"),
        summary: loaded.document.summary.clone(),
        act: act(&loaded, &actor),
        tabs: present::tabs(&loaded, &actor, ""),
        show_results: sees,
        results_title: if actor.site.is_some() { "Mes résultats" } else { "Où en sont les objectifs" }.to_owned(),
        results_note,
        verdicts: snapshot
            .as_ref()
            .map(|s| present::verdict_rows(&base, &s.evaluation, &loaded.document, actor.site.as_ref()))
            .unwrap_or_default(),
        facts: facts(&loaded, &actor, today, present::counts(&lines)),
        reports: if load::evaluates(&actor) && snapshot.is_some() {
            vec![
                ("Télécharger le PDF".to_owned(), format!("{base}/rapport.pdf")),
                ("Lire en HTML".to_owned(), format!("{base}/rapport.html")),
            ]
        } else {
            Vec::new()
        },
        matrices: present::matrices(&loaded, &lines, load::deposits(&actor)),
        deposits: received.iter().take(8).map(|d| present::deposit_row(d, &loaded, false)).collect(),
        show_site: actor.site.is_none(),
        deposits_href: format!("/depots?experimentation={name}"),
        rex: present::rex_rows(&loaded, &actor, &rex, today),
    })
}

fn act(loaded: &Loaded, actor: &Actor) -> Option<(String, String)> {
    if actor.site.is_some() && load::deposits(actor) {
        Some(("Déposer un fichier".to_owned(), format!("/depots/nouveau?cible={}//", loaded.head.name)))
    } else if load::evaluates(actor) {
        Some(("Voir l'évaluation".to_owned(), format!("{}/evaluation", loaded.base())))
    } else {
        None
    }
}

fn facts(loaded: &Loaded, actor: &Actor, today: NaiveDate, (accepted, due): (u64, u64)) -> Vec<Fact> {
    let d = &loaded.document;
    let mut facts = vec![
        ("Durée", french::span(d.period.start, loaded.last_day())),
        ("Structures", words::count(d.parties.sites.len() as u64)),
        ("Dépôts acceptés", format!("{} sur {} attendus à ce jour", words::count(accepted), words::count(due))),
        ("Convention", format!("{}, version {}", loaded.head.name, loaded.head.version)),
    ];
    let state = match &actor.site {
        Some(site) => loaded.agreement.state_for(site, today),
        None => Some(loaded.agreement.state(today)),
    };
    facts.extend(state.map(|s| ("État", s.in_french().to_owned())));
    if let Some(end) = &loaded.agreement.terminated {
        facts.push(("Arrêt avant le terme", format!("le {}. {}", words::day(end.on), end.reason)));
    }
    if let Some(provider) = &d.provider {
        facts.push(("Prestataire", provider.name.clone()));
    }
    facts.into_iter().map(|(a, b)| (a.to_owned(), b)).collect()
}
