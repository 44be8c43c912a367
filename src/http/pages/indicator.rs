//! One indicator: forest plot, tables, method, provenance.

use askama::Template;
use axum::extract::{Path, State as Extract};

use crate::{
    app::App,
    convention::document::{Indicator, Per, Value},
    evaluation,
    evaluation::result::{Evaluation, IndicatorResult},
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        present,
        state::{Signed, who},
        view::{Fact, Notice, Page, State, Tab},
        words,
    },
    report::{
        agreed,
        charts::{self, RowKind, Table, Theme},
        scale::Display,
        sentence,
    },
};

/// The page.
#[derive(Template)]
#[template(path = "indicator.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct IndicatorPage {
    pub page: Page,
    pub experiment: String,
    pub role: String,
    pub json_href: String,
    pub tabs: Vec<Tab>,
    pub verdict: Notice,
    pub chart: Option<String>,
    pub caption: String,
    pub table_caption: String,
    pub interval_label: String,
    pub table: Table,
    pub notes: Vec<String>,
    pub warnings: Vec<String>,
    pub statistic: String,
    /// Title, whether the table is folded, rows.
    pub groups: Vec<(&'static str, bool, Vec<GroupRow>)>,
    pub method: Vec<Fact>,
    pub formulas: Vec<Fact>,
    pub provenance: Vec<Fact>,
    pub files_title: String,
    pub files: Vec<(String, String, String, String, String)>,
}

/// One group of a site.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct GroupRow {
    pub site: String,
    pub arm: String,
    pub period: String,
    pub n: String,
    pub missing: String,
    pub value: String,
    pub interval: String,
    pub sd: String,
}

/// `GET /experimentations/{name}/indicateurs/{id}`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, id)): Path<(String, String)>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let declared = loaded.document.evaluation.indicators.iter().find(|i| i.id == id).ok_or_else(load::absent)?;
    let snapshot = evaluation::latest(&app, &actor, &name).await?.ok_or_else(load::absent)?;
    let result = snapshot.evaluation.indicators.iter().find(|i| i.id == id).ok_or_else(load::absent)?;
    let plan = &loaded.document.evaluation;
    let (_, verdict, _) = sentence::verdict(result);
    html(IndicatorPage {
        page: Page::new(&declared.title, who(&actor), "experiments")
            .under("Expérimentations", "/experimentations")
            .under(&loaded.document.title, loaded.base()),
        experiment: loaded.document.title.clone(),
        role: format!("indicateur {}", agreed::role(declared.role)),
        json_href: format!("/api/v1/conventions/{name}/evaluations/latest"),
        tabs: present::tabs(&loaded, &actor, "comparer"),
        verdict: Notice::new(
            present::verdict_state(result.verdict),
            verdict,
            vec![present::said_once(&sentence::conclusion(result, plan))],
        ),
        chart: (!result.sites.is_empty()).then(|| charts::chart(result, Theme::Page)),
        caption: charts::description(result),
        table_caption: format!("{}, par structure", declared.title),
        interval_label: words::sentence(&sentence::interval_name(plan)),
        table: charts::table(result),
        notes: sentence::notes(result, plan, snapshot.head.is_final),
        warnings: result.warnings.iter().map(|w| w.message.clone()).collect(),
        statistic: words::sentence(agreed::statistic(declared.statistic)),
        groups: vec![
            ("Par groupe, sur toute la durée", false, groups(result, false)),
            ("Par groupe et par période", true, groups(result, true)),
        ],
        method: method(declared, &loaded),
        formulas: formulas(declared),
        provenance: provenance(&loaded, &snapshot),
        files_title: words::plural(snapshot.evaluation.provenance.deposits.len() as u64, "fichier compté", "fichiers comptés"),
        files: files(&loaded, &snapshot.evaluation),
    })
}

fn arm(arm: Option<&str>) -> &'static str {
    match arm {
        Some("treated") => "essai",
        Some("control") => "témoin",
        Some("baseline") => "avant",
        Some("trial") => "pendant",
        _ => "ensemble",
    }
}

/// The groups of every site: over the whole time, or period by period.
fn groups(result: &IndicatorResult, by_period: bool) -> Vec<GroupRow> {
    let display = Display::of_levels(result);
    let dash = || "–".to_owned();
    let rows = result.sites.iter().flat_map(|s| s.groups.iter().filter(|g| g.period.is_some() == by_period).map(move |g| (s, g)));
    rows.map(|(site, g)| GroupRow {
        site: site.site.name.clone(),
        arm: arm(g.arm.as_deref()).to_owned(),
        period: words::period(g.period),
        n: g.n.map_or_else(dash, words::count),
        missing: g.missing.map_or_else(dash, words::count),
        value: g.mean.map_or_else(|| g.reason.as_ref().map_or_else(dash, |r| r.message.clone()), |x| display.value(x)),
        interval: g.ci.map_or_else(dash, |ci| display.bracket(ci)),
        sd: g.sd.map_or_else(dash, |x| display.bare(x)),
    })
    .collect()
}

fn method(i: &Indicator, loaded: &Loaded) -> Vec<Fact> {
    let scale = i.effect.map(|e| {
        use crate::convention::document::EffectScale as E;
        match e {
            E::MeanDifference => "différence de moyennes",
            E::HedgesG => "différence de moyennes, en écarts-types (g de Hedges)",
            E::LogRatioOfMeans => "rapport de moyennes (logarithme)",
            E::RiskDifference => "différence de parts, en points",
            E::LogRiskRatio => "rapport de parts (logarithme)",
            E::LogOddsRatio => "rapport de cotes (logarithme)",
            E::LogRatioOfRatios => "rapport de rapports (logarithme)",
        }
    });
    let mut facts = Vec::new();
    facts.extend(i.description.clone().map(|d| ("Ce qui est mesuré".to_owned(), d)));
    facts.push(("Mesure".to_owned(), format!("{} par structure et par groupe", agreed::statistic(i.statistic))));
    facts.extend(scale.map(|s| ("Effet".to_owned(), s.to_owned())));
    facts.extend(i.effect.is_some().then(|| (
        "Mise en commun".to_owned(),
        "effets aléatoires entre structures (REML)\u{a0}; l'intervalle suit Hartung, Knapp, Sidik et Jonkman, jamais plus étroit que l'intervalle normal".to_owned(),
    )));
    facts.extend(present::facts(&agreed::plan(&loaded.document)));
    facts
}

/// The expressions as the convention writes them.
fn formulas(i: &Indicator) -> Vec<Fact> {
    let mut all = Vec::new();
    match &i.value {
        Some(Value::Sql(sql)) => all.push(("Valeur d'une ligne", sql.clone())),
        Some(Value::From(from)) => all.push(("Valeur d'une ligne", from.sql.clone())),
        None => {}
    }
    match &i.per {
        Some(Per::Sql(sql)) => all.push(("Rapportée à", sql.clone())),
        Some(Per::From(from)) => {
            all.extend(from.value.clone().map(|sql| ("Rapportée à la somme de", sql)));
            all.extend(from.filter.clone().map(|sql| ("Rapportée aux lignes où", sql)));
        }
        None => {}
    }
    all.extend(i.filter.clone().map(|sql| ("Lignes retenues", sql)));
    all.into_iter().map(|(a, b)| (a.to_owned(), b)).collect()
}

fn provenance(loaded: &Loaded, snapshot: &evaluation::Snapshot) -> Vec<Fact> {
    let e = &snapshot.evaluation;
    let kind = if snapshot.head.is_final { "définitif" } else { "provisoire" };
    let mut facts = vec![
        ("Calcul", format!("n°\u{a0}{}, {kind}, {}", snapshot.head.number, words::moment(snapshot.head.created_at))),
        ("Convention", format!("{}, version {}", loaded.head.name, e.convention.version)),
        ("Empreinte de la convention", e.convention.sha256.clone()),
        ("Programme", e.provenance.program.clone()),
    ];
    facts.extend(
        e.convention.signed_plan.as_ref().map(|p| ("Plan d'évaluation tel que signé", format!("version {}, {}", p.version, p.sha256))),
    );
    facts.into_iter().map(|(a, b)| (a.to_owned(), b)).collect()
}

fn files(loaded: &Loaded, evaluation: &Evaluation) -> Vec<(String, String, String, String, String)> {
    let row = |d: &crate::evaluation::result::DepositRef| {
        (loaded.site_name(&d.site), loaded.dataset_title(&d.dataset), words::period(d.period), words::count(d.rows), d.sha256.clone())
    };
    evaluation.provenance.deposits.iter().map(row).collect()
}
