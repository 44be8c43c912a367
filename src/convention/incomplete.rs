//! Every fault of a document that is still being written: those of its form, and, as far as can be seen behind them, those of its
//! meaning.
//!
//! What the parties fill in last (dates, sites, a title) must not hide that an indicator names a column that does not exist. So the
//! document is mended on a copy, place by place, until the schema takes it; the copy is checked as a whole document is; and what
//! is found at a mended place, or because of one, is left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{checks, document::Document, load, plan, source, validate};
use crate::{
    error::Fault,
    territory::{self, OrganisationKind},
};

/// Rounds of mending: each uncovers at most one more level of the document.
const ROUNDS: usize = 12;

/// Every fault that can be seen; none if the document may be opened for signature.
pub fn faults(document: &Json) -> Vec<Fault> {
    if !document.is_object() {
        return vec![Fault::new("", "type", "Une convention est un objet : des clés et leurs valeurs.")];
    }
    let mut copy = document.clone();
    let mut faults = source::inline(&mut copy, None);
    let places: Vec<String> = faults.iter().map(|f| f.pointer.trim_end_matches("/$ref").to_owned()).collect();
    faults.extend(validate::validate_keys(&copy).into_iter().filter(|f| !under(&f.pointer, &places)));
    let mut mended: Vec<String> = places;
    for _ in 0..ROUNDS {
        let left = validate::validate_keys(&copy);
        if left.is_empty() {
            faults.extend(of_meaning(document, copy, &mended));
            break;
        }
        for fault in left {
            mend(&mut copy, &fault);
            mended.push(fault.pointer);
        }
    }
    let mut seen = BTreeSet::new();
    faults.retain(|f| seen.insert((f.pointer.clone(), f.code.clone())));
    faults
}

fn under(pointer: &str, places: &[String]) -> bool {
    places.iter().any(|p| pointer.strip_prefix(p.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn of_meaning(original: &Json, copy: Json, mended: &[String]) -> Vec<Fault> {
    let Ok(document) = serde_json::from_value::<Document>(copy) else { return Vec::new() };
    let (rules, mut faults) = load::compile(&document);
    faults.extend(checks::document(&document, &rules));
    faults.extend(plan::check(&document, &rules).1);
    // A name that the document gives to a dataset which could not be mended is known all the same.
    let known = |f: &Fault| {
        f.code == "unknown_dataset"
            && original.pointer(&f.pointer).and_then(Json::as_str).is_some_and(|name| original["datasets"].get(name).is_some())
    };
    let no_design = under("/evaluation/design", mended);
    let of_design =
        |f: &Fault| no_design && f.pointer.starts_with("/evaluation") && (f.code.starts_with("effect") || f.code.contains("arms"));
    faults.retain(|f| !under(&f.pointer, mended) && !known(f) && !of_design(f));
    faults
}

/// Puts something that the schema takes at the place of a fault.
fn mend(document: &mut Json, fault: &Fault) {
    let (parent, key) = fault.pointer.rsplit_once('/').unwrap_or_default();
    let key = key.replace("~1", "/").replace("~0", "~");
    let filler = filler(document, &fault.pointer, &key);
    // A list or an object that is too short: it gets its first item.
    if matches!(fault.code.as_str(), "items" | "properties")
        && let Some(target) = document.pointer_mut(&fault.pointer)
    {
        match target {
            Json::Array(list) if list.is_empty() => {
                if let Some(Json::Array(items)) = filler {
                    *list = items;
                    return;
                }
            }
            Json::Object(map) if map.is_empty() => {
                if let Some(Json::Object(items)) = filler {
                    *map = items;
                    return;
                }
            }
            _ => {}
        }
        remove(document, parent, &key);
        return;
    }
    if fault.code == "required" {
        if let (Some(value), Some(Json::Object(object))) = (filler, document.pointer_mut(parent)) {
            object.insert(key, value);
        } else {
            let (above, last) = parent.rsplit_once('/').unwrap_or_default();
            remove(document, above, last);
        }
        return;
    }
    remove(document, parent, &key);
}

/// Takes a member out of its object; an item of a list stays, emptied, so that the others keep their places.
fn remove(document: &mut Json, parent: &str, key: &str) {
    match document.pointer_mut(parent) {
        Some(Json::Object(object)) => drop(object.shift_remove(key)),
        Some(Json::Array(list)) => {
            let objects = list.iter().any(Json::is_object);
            match key.parse::<usize>().ok().and_then(|i| list.get_mut(i)) {
                Some(item) if objects && !item.is_object() => *item = Json::Object(Map::new()),
                // A list of names with a bad one says nothing sure: it goes.
                _ => {
                    let (above, last) = parent.rsplit_once('/').unwrap_or_default();
                    if let Some(Json::Object(object)) = document.pointer_mut(above) {
                        object.shift_remove(last);
                    }
                }
            }
        }
        _ => {}
    }
}

/// What stands in for a required key.
fn filler(document: &Json, pointer: &str, key: &str) -> Option<Json> {
    let site = || {
        let taken: Vec<&str> = document["parties"]["sites"].as_array().into_iter().flatten().filter_map(|s| s["siren"].as_str()).collect();
        let free = territory::all().iter().find(|o| o.kind == OrganisationKind::Commune && !taken.contains(&o.siren.as_str()));
        free.map(|o| o.siren.to_string()).unwrap_or_default()
    };
    let dataset = || document["datasets"].as_object().and_then(|d| d.keys().next().cloned()).unwrap_or_else(|| "x".to_owned());
    let number = pointer.bytes().fold(7u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
    Some(match key {
        "retex" => json!(1),
        "id" => json!(format!("x{number}")),
        "title" | "label" | "message" | "name" | "recipient" | "obligation" | "column" | "treated" | "control" => json!("…"),
        "track" => json!("x"),
        "period" => json!({"start": "2026-01-01", "end": "2026-06-30"}),
        "start" => json!("2026-01-01"),
        "end" => json!("2026-06-30"),
        "parties" | "uses" => json!({}),
        "metropole" => json!({"siren": "200054781"}),
        "sites" if pointer.starts_with("/parties") => json!([{"siren": site()}]),
        "sites" => json!("named"),
        "siren" => json!(site()),
        "datasets" if pointer == "/datasets" => json!({"x": {"title": "…", "schema": {"x": true}}}),
        "datasets" => json!([]),
        "schema" => json!({"x": true}),
        "dataset" => json!(dataset()),
        "fields" => json!(["…"]),
        "reference" => json!("territory"),
        "check" => json!("TRUE"),
        "retention" => json!({"months": 0}),
        "months" => json!(0),
        "minimum_cell" => json!(11),
        "evaluation" => json!({"design": "none", "indicators": []}),
        "design" => json!("none"),
        "indicators" => json!([{"id": "x", "title": "…", "statistic": "count", "better": "higher", "dataset": dataset()}]),
        "statistic" => json!("count"),
        "better" => json!("higher"),
        "trial" => json!(["2026-01-01", "2026-06-30"]),
        "alpha" => json!(0.05),
        "due" => json!("P30D"),
        "questionnaire" => json!("default"),
        "sections" | "questions" => json!([]),
        "type" => json!("text"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(document: &Json) -> Vec<(String, String)> {
        faults(document).into_iter().map(|f| (f.pointer, f.code)).collect()
    }

    fn model() -> Json {
        let mut document = super::super::model::document();
        document["id"] = json!("essai-2026");
        document["period"] = json!({"start": "2026-01-05", "end": "2026-06-30"});
        document["parties"]["sites"] = json!([{"siren": "219300480"}, {"siren": "219300084"}]);
        document
    }

    #[test]
    fn a_whole_document_has_none() {
        assert_eq!(found(&model()), []);
        assert!(super::super::Convention::from_json(model()).is_ok());
    }

    #[test]
    fn what_is_empty_is_said_key_by_key_and_nothing_panics() {
        let keys: Vec<String> = found(&json!({})).into_iter().map(|(p, _)| p).collect();
        for key in ["/retex", "/id", "/title", "/track", "/period", "/parties", "/datasets", "/uses", "/retention", "/evaluation"] {
            assert!(keys.iter().any(|k| k == key), "{key} in {keys:?}");
        }
        for odd in [json!(null), json!([]), json!({"parties": 3, "datasets": [1], "evaluation": {"indicators": [null, 2, {}]}})] {
            assert!(!faults(&odd).is_empty());
        }
    }

    #[test]
    fn the_form_does_not_hide_the_meaning() {
        let mut document = model();
        document["title"] = json!("");
        document["period"] = json!({"start": "2026-01-05"});
        document["parties"]["sites"] = json!([{"siren": "219300480"}, {}, {"siren": "219300480"}, {"siren": "123456789"}]);
        document["evaluation"]["indicators"][0]["value"] = json!("inconnue + 1");
        let codes = found(&document);
        for (pointer, code) in [
            ("/title", "length"),
            ("/period/end", "required"),
            ("/parties/sites/1/siren", "required"),
            ("/parties/sites/2/siren", "duplicate_site"),
            ("/parties/sites/3/siren", "unknown_site"),
        ] {
            assert!(codes.contains(&(pointer.to_owned(), code.to_owned())), "{pointer} {code} in {codes:?}");
        }
        assert!(codes.iter().any(|(p, _)| p == "/evaluation/indicators/0/value"), "{codes:?}");
    }
}
