//! From the fields of a form to the document that they say. No field is refused here: what a person typed is kept, and the check of
//! the document says what is wrong with it.

use serde_json::{Map, Number, Value as Json};

use super::parties;

/// Fields in the order of the page.
pub type Posted = Vec<(String, String)>;

/// Deepest place that a field may name.
const MAX_DEPTH: usize = 24;
/// Places left empty in a list before one that is filled: the second bound of an interval, say.
const MAX_GAP: usize = 3;

/// The document that the fields say, as far as they go.
pub(super) fn read(posted: &[(String, String)]) -> Json {
    let mut document = Json::Object(Map::new());
    let mut optional: Vec<&str> = Vec::new();
    let mut orders: Vec<(&str, Vec<Json>)> = Vec::new();
    for (name, value) in posted {
        let Some((kind, pointer)) = name.split_once(':').filter(|(_, p)| p.starts_with('/')) else { continue };
        let text = tidy(value);
        match kind {
            "o" | "a" => {
                let empty = if kind == "o" { Json::Object(Map::new()) } else { Json::Array(Vec::new()) };
                put(&mut document, pointer, empty);
                if value != "keep" {
                    optional.push(pointer);
                }
            }
            "x" => {
                if let Some(Json::Array(list)) = document.pointer_mut(pointer) {
                    list.push(Json::String(value.clone()));
                }
            }
            "z" => orders.push((pointer, serde_json::from_str(value).unwrap_or_default())),
            // One more party.
            "q" => {
                if !text.is_empty()
                    && let Some(Json::Array(list)) = document.pointer_mut(pointer)
                {
                    list.push(serde_json::json!({"siren": parties::siren(&text)}));
                }
            }
            // The form of a target; its figures come next.
            "g" => put(&mut document, pointer, Json::String(value.clone())),
            "h" => {
                let key = document.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
                match target(&key, &text) {
                    Some(target) => put(&mut document, pointer, target),
                    None => take(&mut document, pointer),
                }
            }
            _ => {
                if let Some(value) = scalar(kind, &text) {
                    put(&mut document, pointer, value);
                }
            }
        }
    }
    for (pointer, order) in orders {
        if let Some(Json::Array(list)) = document.pointer_mut(pointer) {
            let place = |v: &Json| order.iter().position(|o| o == v).unwrap_or(usize::MAX);
            list.sort_by_key(place);
        }
    }
    // Innermost first, so that what holds nothing but emptied parts is empty too.
    optional.sort_by_key(|p| std::cmp::Reverse(p.matches('/').count()));
    for pointer in optional {
        let is_empty = match document.pointer(pointer) {
            Some(Json::Object(map)) => map.is_empty(),
            Some(Json::Array(list)) => list.is_empty(),
            _ => false,
        };
        if is_empty {
            take(&mut document, pointer);
        }
    }
    document
}

/// As a browser sends a text, made as it was: no carriage returns, no spaces around.
pub(super) fn tidy(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned()
}

/// The value that a field of this kind gives; none where it is empty.
pub(super) fn scalar(kind: &str, text: &str) -> Option<Json> {
    if text.is_empty() {
        return None;
    }
    Some(match kind {
        "t" | "s" => Json::String(text.to_owned()),
        "n" => number(text).unwrap_or_else(|| Json::String(text.to_owned())),
        "d" if text.bytes().all(|b| b.is_ascii_digit()) => Json::String(format!("P{text}D")),
        "d" => Json::String(text.to_owned()),
        "b" => Json::Bool(text == "true"),
        "l" => text.split('\n').map(str::trim).filter(|l| !l.is_empty()).map(Json::from).collect(),
        "u" => {
            let groups = text.split('\n').map(words).filter(|g| !g.is_empty());
            groups.map(Json::from).collect()
        }
        "p" => Json::String(parties::siren(text)),
        "j" => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned())),
        _ => return None,
    })
}

fn words(line: &str) -> Vec<String> {
    line.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// A number as a French reader writes it: «−2,5», «1 000».
pub(super) fn number(text: &str) -> Option<Json> {
    let plain: String = text.replace(',', ".").replace('−', "-").chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    serde_json::from_str::<Number>(plain).ok().map(Json::Number)
}

fn target(key: &str, text: &str) -> Option<Json> {
    if key.is_empty() && text.is_empty() {
        return None;
    }
    let figures: Vec<Json> =
        text.split(';').map(str::trim).filter(|p| !p.is_empty()).map(|p| number(p).unwrap_or_else(|| Json::from(p))).collect();
    let value = match (key, figures.len()) {
        ("within", _) | (_, 2..) => Json::Array(figures),
        (_, 1) => figures.into_iter().next()?,
        _ => Json::Null,
    };
    let key = if key.is_empty() { "effect" } else { key };
    Some(Json::Object(Map::from_iter([(key.to_owned(), value)])))
}

/// Puts a value at a place whose parent is there.
fn put(document: &mut Json, pointer: &str, value: Json) {
    if pointer.matches('/').count() > MAX_DEPTH {
        return;
    }
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    // The places above a part of the document are made as they are needed.
    if document.pointer(parent).is_none() {
        put(document, parent, Json::Object(Map::new()));
    }
    match document.pointer_mut(parent) {
        Some(Json::Object(object)) => drop(object.insert(key, value)),
        Some(Json::Array(list)) => {
            let Ok(at) = key.parse::<usize>() else { return };
            if at > list.len() + MAX_GAP {
                return;
            }
            while list.len() <= at {
                list.push(Json::Null);
            }
            list[at] = value;
        }
        _ => {}
    }
}

fn take(document: &mut Json, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    if let Some(Json::Object(object)) = document.pointer_mut(parent) {
        object.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
    }
}
