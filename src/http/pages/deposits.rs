//! The list of deposits.

use askama::Template;
use axum::{
    extract::{Query, State as Extract},
    http::header,
    response::IntoResponse,
};
use serde::Deserialize;

use crate::{
    access::Actor,
    app::App,
    deposit,
    error::Result,
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        present,
        state::{Signed, percent, who},
        view::{DepositRow, Page},
        words,
    },
    ids::Siren,
    store::{
        Page as Slice,
        deposits::{Deposit, DepositFilter, DepositState},
    },
};

/// The page.
#[derive(Template)]
#[template(path = "deposits.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Deposits {
    pub page: Page,
    pub lead: String,
    pub may_deposit: bool,
    pub filters: Vec<Filter>,
    pub count: String,
    pub csv_href: String,
    pub deposits: Vec<DepositRow>,
    pub show_site: bool,
    pub pages: i64,
    pub current: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// One filter: value, words, whether it is chosen.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Filter {
    pub name: &'static str,
    pub label: &'static str,
    pub options: Vec<(String, String, bool)>,
}

/// Deposits on one page of the list.
const PER_PAGE: i64 = 50;

const STATES: [(&str, &str); 6] = [
    ("received", "Reçu"),
    ("checking", "En contrôle"),
    ("accepted", "Accepté"),
    ("rejected", "Refusé"),
    ("superseded", "Remplacé"),
    ("withdrawn", "Retiré"),
];

/// The filters, as the address carries them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    experimentation: String,
    #[serde(default)]
    structure: String,
    #[serde(default)]
    etat: String,
    #[serde(default)]
    page: i64,
}

impl Chosen {
    fn query(&self, page: i64) -> String {
        let mut parts = Vec::new();
        for (name, value) in [("experimentation", &self.experimentation), ("structure", &self.structure), ("etat", &self.etat)] {
            if !value.is_empty() {
                parts.push(format!("{name}={}", percent(value)));
            }
        }
        if page > 1 {
            parts.push(format!("page={page}"));
        }
        parts.join("&")
    }

    fn filter(&self, actor: &Actor, conventions: &[Loaded]) -> Result<DepositFilter> {
        let text = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        let convention = match text(&self.experimentation) {
            Some(name) => Some(conventions.iter().find(|l| l.head.name == name).ok_or_else(load::absent)?.head.id),
            None => None,
        };
        let wanted: Option<Siren> = text(&self.structure).map(|s| s.parse()).transpose()?;
        let state: Option<DepositState> = text(&self.etat).map(|s| s.parse()).transpose()?;
        Ok(DepositFilter { convention, site: actor.site.clone().or(wanted), state, ..DepositFilter::default() })
    }
}

/// `GET /depots`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    if !load::sees_deposits(&actor) {
        return Err(load::absent().into());
    }
    let conventions = load::conventions(&app, &actor).await?;
    let current = chosen.page.max(1);
    let slice = Slice { offset: (current - 1).saturating_mul(PER_PAGE), limit: PER_PAGE };
    let (found, count) = deposit::list(&app, &actor, &chosen.filter(&actor, &conventions)?, slice).await?;
    let pages = (count + PER_PAGE - 1) / PER_PAGE;
    let href = |page: i64| format!("/depots?{}", chosen.query(page));
    html(Deposits {
        page: Page::new("Dépôts", who(&actor), "deposits"),
        lead: if actor.site.is_some() { "Les fichiers envoyés par votre structure." } else { "Les fichiers envoyés par les structures." }
            .to_owned(),
        may_deposit: load::deposits(&actor),
        filters: filters(&chosen, &actor, &conventions),
        count: words::plural(count, "dépôt", "dépôts"),
        csv_href: format!("/depots.csv?{}", chosen.query(1)),
        deposits: rows(&found, &conventions),
        show_site: actor.site.is_none(),
        pages,
        current,
        previous: (current > 1).then(|| href(current - 1)),
        next: (current < pages).then(|| href(current + 1)),
    })
}

fn rows(found: &[Deposit], conventions: &[Loaded]) -> Vec<DepositRow> {
    let of = |d: &Deposit| conventions.iter().find(|l| l.head.name == d.convention).map(|l| present::deposit_row(d, l, true));
    found.iter().filter_map(of).collect()
}

fn filters(chosen: &Chosen, actor: &Actor, conventions: &[Loaded]) -> Vec<Filter> {
    let experiments =
        conventions.iter().map(|l| (l.head.name.clone(), l.document.title.clone(), l.head.name == chosen.experimentation)).collect();
    let states = STATES.iter().map(|(v, l)| ((*v).to_owned(), (*l).to_owned(), *v == chosen.etat)).collect();
    let mut all = vec![Filter { name: "experimentation", label: "Expérimentation", options: experiments }];
    if actor.site.is_none() {
        let mut sites: Vec<(String, String, bool)> = conventions
            .iter()
            .flat_map(|l| l.document.parties.sites.iter().map(|p| (p.siren.to_string(), l.site_name(&p.siren))))
            .map(|(siren, name)| (siren.clone(), name, siren == chosen.structure))
            .collect();
        sites.sort_by(|a, b| a.1.cmp(&b.1));
        sites.dedup_by(|a, b| a.0 == b.0);
        all.push(Filter { name: "structure", label: "Structure", options: sites });
    }
    all.push(Filter { name: "etat", label: "État", options: states });
    all
}

/// `GET /depots.csv`: the same list, whole, as a French spreadsheet opens it.
pub async fn csv(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    if !load::sees_deposits(&actor) {
        return Err(load::absent().into());
    }
    let conventions = load::conventions(&app, &actor).await?;
    let (found, _) = deposit::list(&app, &actor, &chosen.filter(&actor, &conventions)?, Slice::ALL).await?;
    let mut out =
        String::from("\u{feff}Numéro;Fichier;Structure;SIREN;Expérimentation;Jeu de données;Période;Reçu le;Lignes;État;SHA-256\r\n");
    for d in &found {
        let Some(loaded) = conventions.iter().find(|l| l.head.name == d.convention) else { continue };
        let state = d.state.to_string();
        let state = STATES.iter().find(|(v, _)| *v == state).map_or("", |(_, l)| l);
        let (site, dataset) = (loaded.site_name(&d.site), loaded.dataset_title(&d.dataset));
        let period = d.period.map(|p| p.to_string()).unwrap_or_default();
        let rows = d.rows.map(|r| r.to_string()).unwrap_or_default();
        let received = d.created_at.with_timezone(&chrono_tz::Europe::Paris).format("%d/%m/%Y %H:%M").to_string();
        let cells = [
            &d.number,
            &d.file_name,
            &site,
            d.site.as_str(),
            &loaded.document.title,
            &dataset,
            &period,
            &received,
            &rows,
            state,
            &d.sha256,
        ]
        .map(|c: &str| words::csv_cell(c));
        out.push_str(&cells.join(";"));
        out.push_str("\r\n");
    }
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"depots.csv\"")];
    Ok((headers, out).into_response())
}
