//! The convention type that the règlement annexes (article 6): a model of our own, complete and valid once the parties and the dates
//! are in it.

use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use super::source;

/// The model, part of the program.
pub const MODEL: &str = include_str!("model.yaml");

static DOCUMENT: LazyLock<Json> = LazyLock::new(|| source::text(MODEL).unwrap_or(Json::Null));

/// The model as a document.
pub fn document() -> Json {
    DOCUMENT.clone()
}

/// The smallest thing that a draft can start from: the Métropole, and nothing else.
pub fn empty() -> Json {
    json!({
        "retex": 1, "id": "", "title": "", "track": "",
        "parties": {"metropole": {"siren": "200054781"}, "sites": []},
        "datasets": {}, "uses": {}, "retention": {"months": 24}, "evaluation": {"design": "none", "indicators": []},
        "rex": {"due": "P30D", "questionnaire": "default"},
    })
}

/// A document's `id` from its title: «Tri des demandes, 2026» → `tri-des-demandes-2026`.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.to_lowercase().chars() {
        let plain = match c {
            'à' | 'â' | 'ä' => "a",
            'ç' => "c",
            'é' | 'è' | 'ê' | 'ë' => "e",
            'î' | 'ï' => "i",
            'ô' | 'ö' => "o",
            'ù' | 'û' | 'ü' => "u",
            'œ' => "oe",
            'æ' => "ae",
            _ => "",
        };
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !plain.is_empty() {
            slug.push_str(plain);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let short: String = slug.chars().take(70).collect();
    short.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convention::Convention;

    #[test]
    fn the_model_lacks_parties_and_dates_alone() {
        let mut pointers: Vec<String> = super::super::draft_faults(&document()).into_iter().map(|f| f.pointer).collect();
        pointers.sort();
        assert_eq!(pointers, ["/parties/sites", "/period"]);
        let mut filled = document();
        filled["parties"]["sites"] = json!([{"siren": "219300480"}]);
        filled["period"] = json!({"start": "2026-09-01", "end": "2027-02-28"});
        let faults = Convention::from_json(filled).err().map(|e| e.faults);
        assert_eq!(faults, None);
    }

    #[test]
    fn a_title_makes_an_id() {
        assert_eq!(slug("  L'été des œuvres : phase n° 2 !"), "l-ete-des-oeuvres-phase-n-2");
        assert_eq!(slug("…"), "");
    }
}
