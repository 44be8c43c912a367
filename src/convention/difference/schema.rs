//! What changes in the columns of a dataset.

use serde_json::{Map, Value as Json};

use super::{Place, Walk, values};
use crate::convention::{canonical, messages::clip};

/// How many columns a dataset declares.
pub(super) fn count(dataset: &Json) -> usize {
    let schema = &dataset["schema"];
    schema["fields"].as_array().map(Vec::len).or_else(|| schema["properties"].as_object().map(Map::len)).unwrap_or_default()
}

fn column(place: &Place, name: &str) -> String {
    // The dataset is already the subject.
    format!("{}colonne {}\u{a0}: ", place.subject, values::quoted(name))
}

/// Compares two row schemas: columns by name, then whatever else they hold.
pub(super) fn compare(walk: &mut Walk, place: &Place, a: &Map<String, Json>, b: &Map<String, Json>) {
    if let (Some(Json::Object(old)), Some(Json::Object(new))) = (a.get("properties"), b.get("properties")) {
        let here = place.key("properties");
        for (name, property) in new {
            let at = here.key(name);
            match old.get(name) {
                Some(was) if canonical::same(was, property) => {}
                Some(was) => {
                    let subject = column(place, name);
                    walk.node(&at.about(subject), Some(was), Some(property));
                }
                None => walk.say(&at, format!("nouvelle colonne {}{}.", values::quoted(name), titled(property)), None, Some(property)),
            }
        }
        for (name, property) in old.iter().filter(|(n, _)| !new.contains_key(*n)) {
            walk.say(
                &here.key(name),
                format!("colonne retirée\u{a0}: {}{}.", values::quoted(name), titled(property)),
                Some(property),
                None,
            );
        }
    } else {
        walk.node(&place.key("properties"), a.get("properties"), b.get("properties"));
    }
    required(walk, place, a.get("required"), b.get("required"));
    for key in b.keys().chain(a.keys().filter(|k| !b.contains_key(*k))) {
        if key != "properties" && key != "required" {
            walk.node(&place.key(key), a.get(key), b.get(key));
        }
    }
}

fn titled(property: &Json) -> String {
    property["title"].as_str().filter(|t| !t.is_empty()).map(|t| format!(" ({})", clip(t))).unwrap_or_default()
}

/// Which columns become required, which cease to be.
fn required(walk: &mut Walk, place: &Place, a: Option<&Json>, b: Option<&Json>) {
    let names = |list: Option<&Json>| -> Option<Vec<String>> {
        match list {
            None => Some(Vec::new()),
            Some(list) => list.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
        }
    };
    let here = place.key("required");
    let same = match (a, b) {
        (Some(a), Some(b)) => canonical::same(a, b),
        (None, None) => true,
        _ => false,
    };
    if same {
        return;
    }
    let before = walk.changes.len();
    if let (Some(old), Some(new)) = (names(a), names(b)) {
        for name in new.iter().filter(|n| !old.contains(n)) {
            walk.say(&here, format!("la colonne {} devient obligatoire.", values::quoted(name)), None, Some(&Json::from(name.as_str())));
        }
        for name in old.iter().filter(|n| !new.contains(n)) {
            walk.say(&here, format!("la colonne {} n'est plus obligatoire.", values::quoted(name)), Some(&Json::from(name.as_str())), None);
        }
    }
    if walk.changes.len() == before {
        walk.say(&here, "la liste des colonnes obligatoires s'écrit autrement.", a, b);
    }
}

/// Which columns are declared as personal data.
pub(super) fn personal(walk: &mut Walk, place: &Place, a: &Map<String, Json>, b: &Map<String, Json>) {
    let said = |v: &Json| values::spoken(&place.path, v);
    for (name, kind) in b {
        let at = place.key(name);
        match a.get(name) {
            Some(was) if canonical::same(was, kind) => {}
            Some(was) => {
                let sentence = format!("la donnée personnelle {} passe de {} à {}.", values::quoted(name), said(was), said(kind));
                walk.say(&at, sentence, Some(was), Some(kind));
            }
            None => {
                let sentence = format!("la colonne {} est déclarée donnée personnelle ({}).", values::quoted(name), said(kind));
                walk.say(&at, sentence, None, Some(kind));
            }
        }
    }
    for (name, kind) in a.iter().filter(|(n, _)| !b.contains_key(*n)) {
        let sentence = format!("la colonne {} n'est plus déclarée donnée personnelle.", values::quoted(name));
        walk.say(&place.key(name), sentence, Some(kind), None);
    }
}
