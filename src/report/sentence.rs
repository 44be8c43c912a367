//! What an indicator says, in words. The words follow the design: «a réduit» only where arms were drawn by lot, «diffère de»
//! where they were chosen, «a évolué de» before and after; nothing is concluded before the final snapshot, «non concluant» is
//! never «sans effet», and «équivalent» is said only of a margin that the whole interval keeps.

use crate::{
    convention::document::{Assignment, Design, Plan},
    evaluation::result::{IndicatorResult, Interval, Verdict},
    report::{
        french::{self, typeset},
        scale::{Display, Kind, is_level, pooled_value, short},
    },
};

/// The state of an indicator: its name, and the mark that shows it without colour.
pub fn verdict(result: &IndicatorResult) -> (&'static str, &'static str, &'static str) {
    match result.verdict {
        _ if result.exploratory.is_some() => ("exploratory", "Exploratoire", "·"),
        Verdict::Provisional => ("provisional", "Provisoire", "◔"),
        Verdict::Reached => ("reached", "Objectif atteint", "✓"),
        Verdict::Missed => ("missed", "Objectif non atteint", "✗"),
        Verdict::Inconclusive => ("inconclusive", "Non concluant", "~"),
        Verdict::NotEvaluable => ("not_evaluable", "Non évaluable", "–"),
        Verdict::None => ("none", "Pour information", "·"),
        Verdict::Withheld => ("withheld", "Non affiché", "–"),
    }
}

/// What the interval is called: «intervalle à 95 %».
pub fn interval_name(plan: &Plan) -> String {
    typeset(&format!("intervalle à {} %", short(100.0 * plan.confidence)))
}

/// Whether the design allows «a réduit».
fn is_causal(plan: &Plan) -> bool {
    plan.assignment == Assignment::Random && matches!(plan.design, Design::Controlled | Design::DifferenceInDifferences)
}

/// The sentences of an indicator: what was found, then what it says of the target.
pub fn conclusion(result: &IndicatorResult, plan: &Plan) -> String {
    let Some(value) = pooled_value(result) else {
        return typeset(&match &result.pooled.reason {
            Some(reason) => format!("Pas de valeur d'ensemble. {}", full_stop(&reason.message)),
            None if result.scale.is_none() => "Une valeur par structure, sans groupe de comparaison : aucun effet n'est estimé.".to_owned(),
            None => "Pas de valeur d'ensemble.".to_owned(),
        });
    };
    let found = estimated(result, plan, value);
    if let Some(reason) = &result.exploratory {
        return typeset(&format!("{found} {}", reason.message));
    }
    typeset(&match result.verdict {
        Verdict::Provisional => {
            format!("Provisoire : {} Aucune conclusion n'est tirée avant que les données soient arrêtées.", lower_first(&found))
        }
        Verdict::Reached | Verdict::Missed => {
            let established = established(result, plan, value).unwrap_or(found);
            format!("{established} {}", on_target(result))
        }
        Verdict::Inconclusive => format!("{found} {}", on_target(result)),
        Verdict::NotEvaluable => format!("{found} Non évaluable : les données ne permettent pas de conclure."),
        Verdict::Withheld => format!("{found} La conclusion n'est pas affichée : elle vient de données plus récentes."),
        Verdict::None if result.role == "primary" => format!("{found} Aucun objectif n'a été convenu : aucune conclusion n'en est tirée."),
        Verdict::None => format!("{found} Indicateur secondaire : aucune conclusion n'en est tirée."),
    })
}

/// «L'écart entre … est estimé à −2,4 jours (intervalle à 95 % : de −3,6 à −1,2 jours).»
fn estimated(result: &IndicatorResult, plan: &Plan, (estimate, ci): (f64, Interval)) -> String {
    let display = Display::of_pooled(result);
    let ratio = display.kind == Kind::Ratio;
    let (subject, verb) = if is_level(result) {
        match plan.design {
            _ if result.scale.is_none() => ("Le niveau moyen des structures", "estimé"),
            Design::BeforeAfter => ("Le niveau moyen pendant l'essai", "estimé"),
            Design::None => ("Le niveau moyen des structures", "estimé"),
            Design::Controlled | Design::DifferenceInDifferences => ("Le niveau moyen du groupe d'essai", "estimé"),
        }
    } else {
        match (plan.design, ratio) {
            (Design::BeforeAfter, false) => ("L'évolution entre avant et pendant l'essai", "estimée"),
            (Design::BeforeAfter, true) => ("Le rapport entre pendant et avant l'essai", "estimé"),
            (Design::DifferenceInDifferences, false) => ("L'écart d'évolution entre le groupe d'essai et le groupe témoin", "estimé"),
            (Design::DifferenceInDifferences, true) => ("Le rapport d'évolution entre le groupe d'essai et le groupe témoin", "estimé"),
            (Design::Controlled | Design::None, false) => ("L'écart entre le groupe d'essai et le groupe témoin", "estimé"),
            (Design::Controlled | Design::None, true) => ("Le rapport entre le groupe d'essai et le groupe témoin", "estimé"),
        }
    };
    format!("{subject} est {verb} à {} ({} : {}).", display.value(estimate), interval_name(plan), display.interval(ci))
}

/// The first sentence of a conclusion, where the interval leaves no doubt on the direction; else none.
fn established(result: &IndicatorResult, plan: &Plan, (estimate, ci): (f64, Interval)) -> Option<String> {
    let within = result.target.as_ref().is_some_and(|t| t.kind == "within");
    if within || is_level(result) {
        return None;
    }
    let [Some(low), Some(high)] = ci else { return None };
    if low <= 0.0 && high >= 0.0 {
        return None;
    }
    let display = Display::of_pooled(result);
    let interval = format!("{} : {}", interval_name(plan), display.interval(ci));
    // A ratio of odds is not a change of the indicator by so many percent.
    let odds = result.scale.as_deref() == Some("log_odds_ratio");
    let (by, of_what) = match display.kind {
        Kind::Ratio if odds => (String::new(), format!("rapport des cotes de {}", display.value(estimate))),
        Kind::Ratio => (format!(" de {}", percent_change(estimate, ci)), format!("rapport de {}", display.value(estimate))),
        _ => (format!(" de {}", display.size(estimate)), String::new()),
    };
    let detail = if of_what.is_empty() { interval.clone() } else { format!("{of_what} ; {interval}") };
    let change = if odds { String::new() } else { signed_change(&display, estimate, ci) };
    Some(match plan.design {
        Design::Controlled | Design::DifferenceInDifferences if is_causal(plan) => {
            let verb = if estimate < 0.0 { "a réduit" } else { "a augmenté" };
            format!("L'expérimentation {verb} cet indicateur{by} ({detail}).")
        }
        Design::Controlled | Design::None => format!("Le groupe d'essai diffère du groupe témoin{change} ({detail})."),
        Design::DifferenceInDifferences => {
            format!("L'évolution du groupe d'essai diffère de celle du groupe témoin{change} ({detail}).")
        }
        Design::BeforeAfter => format!("Cet indicateur a évolué{change} entre avant et pendant l'essai ({detail})."),
    })
}

fn signed_change(display: &Display, estimate: f64, ci: Interval) -> String {
    if display.kind == Kind::Ratio {
        let sign = if estimate < 0.0 { "−" } else { "+" };
        return format!(" de {sign}{}", percent_change(estimate, ci));
    }
    format!(" de {}", display.value(estimate))
}

/// «17 %», of a ratio whose logarithm is the estimate, with one more digit where the interval is narrow.
fn percent_change(estimate: f64, ci: Interval) -> String {
    let percent = |x: f64| 100.0 * (x.exp() - 1.0);
    let half = match ci {
        [Some(low), Some(high)] => (percent(high) - percent(low)) / 2.0,
        _ => f64::NAN,
    };
    let decimals = if half.is_finite() { french::decimals(half).min(2) } else { 0 };
    format!("{} %", french::number(percent(estimate).abs(), decimals))
}

/// «Objectif atteint : au moins 2 jours de moins.»
fn on_target(result: &IndicatorResult) -> String {
    let within = result.target.as_ref().is_some_and(|t| t.kind == "within");
    let Some(target) = target(result) else { return String::new() };
    match result.verdict {
        Verdict::Reached if within => format!("Équivalent : tout l'intervalle tient dans la marge convenue ({target})."),
        Verdict::Reached => format!("Objectif atteint : {target}."),
        Verdict::Missed => format!("Objectif non atteint : {target}."),
        _ => format!("Non concluant : l'intervalle ne permet de dire ni que l'objectif ({target}) est atteint, ni qu'il ne l'est pas."),
    }
}

/// The target in words: «au moins 2 jours de moins», «5 jours au plus», «écart compris entre −1 et 1 jour».
pub fn target(result: &IndicatorResult) -> Option<String> {
    let target = result.target.as_ref()?;
    let lower = result.better == "lower";
    let display = if target.kind == "level" { Display::of_levels(result) } else { Display::of_effects(result) };
    let first = *target.value.first()?;
    let bound = if lower { "au plus" } else { "au moins" };
    Some(typeset(&match target.kind.as_str() {
        "level" => format!("{} {bound}", display.agreed(first)),
        "relative" if first == 0.0 => unchanged(lower).to_owned(),
        "relative" => {
            let (bound, side) = direction(first, lower);
            format!("{bound} {} % {side}", short(100.0 * first.abs()))
        }
        "within" => {
            let second = *target.value.get(1)?;
            let name = if display.kind == Kind::Ratio { "rapport" } else { "écart" };
            format!("{name} compris entre {} et {}", display.agreed_bare(first), display.agreed_signed(second))
        }
        _ if display.kind == Kind::Ratio => format!("rapport de {} {bound}", display.agreed(first)),
        _ if first == 0.0 => unchanged(lower).to_owned(),
        _ => {
            let (bound, side) = direction(first, lower);
            format!("{bound} {} {side}", display.agreed(first))
        }
    }))
}

fn unchanged(lower: bool) -> &'static str {
    if lower { "pas de hausse" } else { "pas de baisse" }
}

/// «au moins … de moins» for a drop that is wanted, «au plus … de plus» for a rise that is borne.
fn direction(x: f64, lower: bool) -> (&'static str, &'static str) {
    let side = if x < 0.0 { "de moins" } else { "de plus" };
    (if (x < 0.0) == lower { "au moins" } else { "au plus" }, side)
}

/// Lower case for the first letter, unless a word of capitals begins.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(a), Some(b)) if !b.is_uppercase() => a.to_lowercase().chain(std::iter::once(b)).chain(chars).collect(),
        _ => text.to_owned(),
    }
}

fn full_stop(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

/// What else the pooled result says: what a new site may expect, and how much sites differ. No p before the final snapshot.
pub fn notes(result: &IndicatorResult, plan: &Plan, is_final: bool) -> Vec<String> {
    if let Some(between) = &result.pooled.between {
        return vec![typeset(&format!(
            "Chaque structure est d'un seul groupe : {} sont comparées à {}, et chacune compte pour une.",
            french::count(between.treated, "structure d'essai", "structures d'essai"),
            french::count(between.control, "structure témoin", "structures témoins"),
        ))];
    }
    let Some(random) = &result.pooled.random else { return Vec::new() };
    let Some((between, i2)) = random.tau2.zip(random.i2) else { return Vec::new() };
    let display = Display::of_pooled(result);
    let level = short(100.0 * plan.confidence);
    let mut notes = vec![format!(
        "Dans une structure de plus, la valeur attendue va {} (intervalle de prédiction à {level} %).",
        display.interval(random.prediction)
    )];
    let tau2 = |x: f64| {
        if x == 0.0 {
            return "0".to_owned();
        }
        let size = if x > 0.0 { x } else { 1.0 };
        french::number(x, french::decimals(size).min(5))
    };
    let tau2_interval = match random.tau2_ci {
        Some([low, high]) => {
            let bound = |b: Option<f64>| b.map_or("…".to_owned(), tau2);
            format!(" [{} ; {}]", bound(low), bound(high))
        }
        None => " (intervalle vide)".to_owned(),
    };
    let mut spread = format!("D'une structure à l'autre : τ² = {}{tau2_interval}, I² = {} %", tau2(between), french::number(i2, 0));
    if let (Some(q), Some(df)) = (result.pooled.q, result.pooled.q_df) {
        spread += &format!(", Q = {} pour {} degrés de liberté", french::number(q, 2), french::number(df, 0));
        if let Some(p) = result.pooled.q_p.filter(|_| is_final) {
            spread += &if p < 0.001 { " (p < 0,001)".to_owned() } else { format!(" (p = {})", french::number(p, 3)) };
        }
    }
    notes.push(spread + ".");
    notes.into_iter().map(|n| typeset(&n)).collect()
}
