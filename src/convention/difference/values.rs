//! How the values of a document are said.

use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value as Json};

use crate::convention::{document::days, messages::clip};

/// First letter in upper case.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// «« text »», on one line.
pub(super) fn quoted(text: &str) -> String {
    format!("«\u{a0}{}\u{a0}»", clip(text))
}

/// A text as it stands, anything else as JSON.
pub(super) fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// «12 mars 2026», of a text that is a day.
pub(super) fn date(value: &Json) -> Option<String> {
    const MONTHS: [&str; 12] =
        ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];
    let text = value.as_str().filter(|t| t.len() == 10)?;
    let day: NaiveDate = text.parse().ok()?;
    let number = if day.day() == 1 { "1er".to_owned() } else { day.day().to_string() };
    Some(format!("{number}\u{a0}{} {}", MONTHS[day.month0() as usize], day.year()))
}

/// A number with a decimal comma.
fn number(value: &Json) -> Option<String> {
    value.is_number().then(|| value.to_string().replace('.', ",").replace('-', "−"))
}

/// «de » before a word, «d'» before a vowel.
pub(super) fn of(word: &str) -> String {
    if word.starts_with(['u', 'a', 'e', 'i', 'o']) { format!("d'{word}") } else { format!("de {word}") }
}

/// «un effet de −2», of a target.
pub(super) fn target(target: &Map<String, Json>) -> String {
    let bounds = |v: &Json| v.as_array().and_then(|b| Some((number(b.first()?)?, number(b.get(1)?)?)));
    match target.iter().next() {
        Some((key, v)) if target.len() == 1 => match (key.as_str(), number(v), bounds(v)) {
            ("effect", Some(n), _) => format!("un effet de {n}"),
            ("level", Some(n), _) => format!("un niveau de {n}"),
            ("relative", Some(n), _) => format!("une évolution relative de {n}"),
            ("within", _, Some((low, high))) => format!("un effet entre {low} et {high}"),
            _ => quoted(&Json::Object(target.clone()).to_string()),
        },
        _ => quoted(&Json::Object(target.clone()).to_string()),
    }
}

/// A value of the place `path`, in words.
pub(super) fn spoken(path: &[String], value: &Json) -> String {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    if let Some(day) = date(value) {
        return format!("le {day}");
    }
    let text = value.as_str();
    let last = keys.last().copied().unwrap_or_default();
    if let Some(word) = text.and_then(|t| word(&keys, t)) {
        return quoted(word);
    }
    match (last, value) {
        ("due", Json::String(due)) => {
            // chrono does not give the number back.
            let start = NaiveDate::default();
            match days(due).and_then(|d| start.checked_add_days(d)).map(|end| (end - start).num_days()) {
                Some(n) => format!("{n}\u{a0}jour{}", if n > 1 { "s" } else { "" }),
                None => quoted(due),
            }
        }
        ("months", Json::Number(n)) => format!("{n}\u{a0}mois"),
        (_, Json::Number(_)) => number(value).unwrap_or_default(),
        (_, Json::Bool(true)) => "oui".to_owned(),
        (_, Json::Bool(false)) => "non".to_owned(),
        (_, Json::Null) => "rien".to_owned(),
        (_, Json::Array(list)) if last == "baseline" || last == "trial" => {
            let days: Option<Vec<String>> = list.iter().map(date).collect();
            days.filter(|d| d.len() == 2).map_or_else(|| quoted(&value.to_string()), |d| format!("du {} au {}", d[0], d[1]))
        }
        (_, Json::String(text)) => quoted(text),
        _ => quoted(&value.to_string()),
    }
}

/// The French word of a value that the format names in English.
pub(super) fn word(path: &[&str], value: &str) -> Option<&'static str> {
    let last = path.last().copied().unwrap_or_default();
    Some(match (last, value) {
        ("periodicity", "once") => "un dépôt unique",
        ("periodicity", "week") => "un par semaine",
        ("periodicity", "month") => "un par mois",
        ("periodicity", "quarter") => "un par trimestre",
        ("sites", "named") => "avec leur nom",
        ("sites", "anonymous") => "sans leur nom",
        ("design", "none") => "sans comparaison",
        ("design", "before_after") => "avant et pendant",
        ("design", "controlled") => "groupe assisté et groupe témoin",
        ("design", "difference_in_differences") => "groupes assisté et témoin, avant et pendant",
        ("assignment", "random") => "par tirage au sort",
        ("assignment", "chosen") => "sans tirage au sort",
        ("statistic", "count") => "nombre de lignes",
        ("statistic", "sum") => "somme",
        ("statistic", "mean") => "moyenne",
        ("statistic", "proportion") => "part",
        ("statistic", "ratio") => "rapport",
        ("better", "lower") => "vers le bas",
        ("better", "higher") => "vers le haut",
        ("role", "primary") => "principal",
        ("role", "secondary") => "secondaire",
        ("effect", "mean_difference") => "différence de moyennes",
        ("effect", "hedges_g") => "différence standardisée",
        ("effect", "log_ratio_of_means") => "rapport de moyennes",
        ("effect", "risk_difference") => "différence de parts",
        ("effect", "log_risk_ratio") => "rapport de parts",
        ("effect", "log_odds_ratio") => "rapport de cotes",
        ("effect", "log_ratio_of_ratios") => "rapport de rapports",
        ("questionnaire", "default") => "celui du programme",
        ("risk", "unacceptable") => "inacceptable",
        ("risk", "high") => "élevé",
        ("risk", "limited") => "limité",
        ("risk", "minimal") => "minimal",
        ("impact_assessment", "not_required") => "non requise",
        ("impact_assessment", "planned") => "prévue",
        ("impact_assessment", "in_progress") => "en cours",
        ("impact_assessment", "done") => "faite",
        (_, "provider") if path.first() == Some(&"ai_act") => "fournisseur",
        (_, "deployer") if path.first() == Some(&"ai_act") => "déployeur",
        (_, "importer") if path.first() == Some(&"ai_act") => "importateur",
        (_, "distributor") if path.first() == Some(&"ai_act") => "distributeur",
        (_, "metropole") if matches!(path.first(), Some(&("ai_act" | "processing"))) => "la Métropole",
        (_, "sites") if matches!(path.first(), Some(&("ai_act" | "processing"))) => "les structures",
        ("principles", "general_interest") => "intérêt général",
        ("principles", "frugality") => "frugalité",
        ("principles", "fairness") => "équité",
        ("principles", "transparency") => "transparence",
        ("principles", "explainability") => "explicabilité",
        ("principles", "reliability") => "fiabilité",
        ("principles", "security") => "sécurité",
        ("principles", "compliance") => "conformité",
        ("principles", "free_software") => "logiciel libre",
        ("principles", "data_sovereignty") => "maîtrise souveraine des données",
        (_, "pseudonym") if path.contains(&"personal_data") => "pseudonyme",
        (_, "direct") if path.contains(&"personal_data") => "identifie directement",
        (_, "indirect") if path.contains(&"personal_data") => "identifie indirectement",
        (_, "sensitive") if path.contains(&"personal_data") => "sensible",
        _ => return None,
    })
}
