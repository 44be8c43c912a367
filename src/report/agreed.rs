//! What the parties agreed, in words: the uses of the data, the evaluation plan and its indicators. The convention's page and its
//! paper say the same.

use serde::Serialize;

use super::{
    Fact,
    french::{self, NBSP},
    scale::short,
};
use crate::convention::document::{
    Assignment, Better, Design, Document, EffectScale, Indicator, Per, Role, SiteNaming, Statistic, Target, Value,
};

/// One use of the data.
#[derive(Debug, Clone, Serialize)]
pub struct UseView {
    /// «Évaluation», «Partage».
    pub name: String,
    /// Titles of the datasets.
    pub datasets: String,
    /// Which columns; all of them mostly.
    pub fields: String,
    /// By whom, and how.
    pub terms: String,
}

/// One indicator of the plan.
#[derive(Debug, Clone, Serialize)]
pub struct IndicatorView {
    /// Its title.
    pub title: String,
    /// More words on it.
    pub description: Option<String>,
    /// «principal» or «secondaire».
    pub role: String,
    /// «moyenne (jours)».
    pub measure: String,
    /// «vers le bas».
    pub better: String,
    /// «écart de −2 jours».
    pub target: String,
    /// «écart entre moyennes».
    pub effect: Option<String>,
    /// The expressions that define it: term and expression.
    pub formula: Vec<Fact>,
}

/// Every use that is agreed, and the two first ones even where they are not.
pub fn uses(d: &Document) -> Vec<UseView> {
    let titles = |names: &[String]| {
        let titles: Vec<&str> = names.iter().map(|n| d.datasets.get(n).map_or(n.as_str(), |s| s.title.as_str())).collect();
        titles.join(" ; ")
    };
    let every = || "toutes les colonnes".to_owned();
    let of = |fields: &[String]| if fields.is_empty() { every() } else { fields.join(", ") };
    let none =
        |name: &str| UseView {
            name: name.to_owned(), datasets: "–".to_owned(), fields: "–".to_owned(), terms: "non prévue".to_owned()
        };
    let mut uses = Vec::new();
    uses.push(d.uses.evaluation.as_ref().map_or_else(
        || none("Évaluation"),
        |u| UseView {
            name: "Évaluation".to_owned(),
            datasets: titles(&u.datasets),
            fields: every(),
            terms: "par les analystes et chargés de mission de la Métropole".to_owned(),
        },
    ));
    uses.push(d.uses.comparison.as_ref().map_or_else(
        || none("Comparaison"),
        |u| {
            UseView {
                name: "Comparaison".to_owned(),
                datasets: titles(&u.datasets),
                fields: "résultats seuls".to_owned(),
                terms: match u.sites {
                    SiteNaming::Named => "entre structures, avec leur nom",
                    SiteNaming::Anonymous => "entre structures, sans leur nom",
                }
                .to_owned(),
            }
        },
    ));
    uses.extend(d.uses.sharing.iter().map(|u| {
        let until = u.until.map(|day| format!(", jusqu'au {}", french::date(day))).unwrap_or_default();
        let terms = format!("avec {}{until}", u.recipient);
        UseView { name: "Partage".to_owned(), datasets: titles(&u.datasets), fields: of(&u.fields), terms }
    }));
    uses.extend(d.uses.open_data.iter().map(|u| UseView {
        name: "Données ouvertes".to_owned(),
        datasets: titles(std::slice::from_ref(&u.dataset)),
        fields: of(&u.fields),
        terms: "publiées".to_owned(),
    }));
    uses
}

/// The plan's facts, in words.
pub fn plan(d: &Document) -> Vec<Fact> {
    let e = &d.evaluation;
    let design = match e.design {
        Design::None => "niveaux seuls, sans comparaison",
        Design::BeforeAfter => "avant et pendant l'essai, dans les mêmes structures",
        Design::Controlled => "groupe assisté et groupe témoin, dans chaque structure",
        Design::DifferenceInDifferences => "groupe assisté et groupe témoin, avant et pendant l'essai",
    };
    let assignment = match e.assignment {
        Assignment::Random => "par tirage au sort",
        Assignment::Chosen => "sans tirage au sort",
    };
    let mut facts = vec![("Comparaison", design.to_owned())];
    if let Some(arms) = &e.arms {
        let text = format!("colonne «{NBSP}{}{NBSP}»{NBSP}: {} (assisté), {} (témoin)", arms.column, arms.treated, arms.control);
        facts.push(("Groupes", text));
        facts.push(("Répartition", assignment.to_owned()));
    }
    if let Some(phases) = &e.phases {
        let span = |[a, b]: [chrono::NaiveDate; 2]| french::span(a, b);
        facts.extend(phases.baseline.map(|b| ("Avant", span(b))));
        facts.push(("Essai", span(phases.trial)));
    }
    facts.push(("Confiance des intervalles", format!("{}\u{a0}%", short(100.0 * e.confidence))));
    facts.push(("Risque d'erreur accepté", format!("{}\u{a0}%", short(100.0 * e.planning.alpha))));
    facts.into_iter().map(|(term, text)| Fact { term: term.to_owned(), text }).collect()
}

/// The statistic in words.
pub fn statistic(s: Statistic) -> &'static str {
    match s {
        Statistic::Mean => "moyenne",
        Statistic::Proportion => "part",
        Statistic::Ratio => "rapport",
        Statistic::Count => "nombre",
        Statistic::Sum => "somme",
    }
}

/// Whether an indicator carries a conclusion, in words.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Primary => "principal",
        Role::Secondary => "secondaire",
    }
}

/// An indicator of the plan, in words.
pub fn indicator(i: &Indicator) -> IndicatorView {
    let unit = i.unit.as_deref().map(|u| format!(" ({u})")).unwrap_or_default();
    IndicatorView {
        title: i.title.clone(),
        description: i.description.clone(),
        role: role(i.role).to_owned(),
        measure: format!("{}{unit}", statistic(i.statistic)),
        better: match i.better {
            Better::Lower => "vers le bas",
            Better::Higher => "vers le haut",
        }
        .to_owned(),
        target: target(i),
        effect: i.effect.map(|e| effect(e).to_owned()),
        formula: formula(i),
    }
}

fn target(i: &Indicator) -> String {
    let is_log = i.effect.is_some_and(EffectScale::is_log);
    let points = |x: f64| {
        let (x, unit) = if i.statistic == Statistic::Proportion { (100.0 * x, "points") } else { (x, i.unit.as_deref().unwrap_or("")) };
        format!("{}{NBSP}{unit}", short(x)).trim_end().to_owned()
    };
    match i.target {
        None => "–".to_owned(),
        // On a logarithmic scale the bound is said as the ratio that it is.
        Some(Target::Effect(x)) if is_log => format!("rapport de {}", short(x.exp())),
        Some(Target::Within([a, b])) if is_log => format!("rapport entre {} et {}", short(a.exp()), short(b.exp())),
        Some(Target::Effect(x)) if i.effect == Some(EffectScale::HedgesG) => format!("écart de {} écart type", short(x)),
        Some(Target::Effect(x)) => format!("écart de {}", points(x)),
        Some(Target::Level(x)) => format!("niveau de {}", points(x).replace("points", "%")),
        Some(Target::Relative(x)) => format!("écart de {}{NBSP}%", short(100.0 * x)),
        Some(Target::Within([a, b])) => format!("écart entre {} et {}", points(a), points(b)),
    }
}

fn effect(scale: EffectScale) -> &'static str {
    match scale {
        EffectScale::MeanDifference => "différence entre moyennes",
        EffectScale::HedgesG => "différence entre moyennes, en écarts types (g de Hedges)",
        EffectScale::LogRatioOfMeans => "rapport entre moyennes",
        EffectScale::RiskDifference => "différence entre parts, en points",
        EffectScale::LogRiskRatio => "rapport entre parts",
        EffectScale::LogOddsRatio => "rapport de cotes",
        EffectScale::LogRatioOfRatios => "rapport entre rapports",
    }
}

/// The expressions as they are signed: words alone would leave room for two readings.
fn formula(i: &Indicator) -> Vec<Fact> {
    let fact = |term: &str, text: &str| Fact { term: term.to_owned(), text: text.to_owned() };
    let mut facts = Vec::new();
    match &i.value {
        Some(Value::Sql(sql)) => facts.push(fact("Valeur", sql)),
        Some(Value::From(from)) => {
            facts.push(fact("Valeur", &format!("{}.{}", from.dataset, from.sql)));
            if let Some(last) = &from.last_by {
                let order = from.order.as_deref().map(|o| format!(", dans l'ordre de {o}")).unwrap_or_default();
                facts.push(fact("Lignes retenues", &format!("la dernière de chaque {last}{order}")));
            }
        }
        None => {}
    }
    facts.extend(i.dataset.iter().map(|d| fact("Jeu de données", d)));
    facts.extend(i.filter.iter().map(|f| fact("Lignes où", f)));
    match &i.per {
        Some(Per::Sql(sql)) => facts.push(fact("Rapportée à", sql)),
        Some(Per::From(per)) => {
            let of = per.value.as_deref().map(|v| format!("({v})")).unwrap_or_default();
            facts.push(fact("Rapportée à", &format!("{} de {}{of}", statistic(per.statistic), per.dataset)));
            facts.extend(per.filter.iter().map(|f| fact("Lignes du dénominateur où", f)));
        }
        None => {}
    }
    facts
}
