//! What the buttons of the form do to the document: add, remove, move, turn one form of a value into another.

use serde_json::{Map, Value as Json, json};

use super::{escape, grid};
use crate::convention::model;

/// Does what a button says, on a shaped document; nothing if it is none of these.
pub(super) fn perform(document: &mut Json, act: &str) {
    let Some((verb, pointer)) = act.split_once(':').filter(|(_, p)| p.starts_with('/')) else { return };
    match verb {
        "add" => add(document, pointer, json!({})),
        "column" => {
            let names: Vec<String> = document
                .pointer(pointer)
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(|c| c["name"].as_str().map(str::to_owned))
                .collect();
            let kind =
                document.pointer(pointer.trim_end_matches("/columns")).and_then(|s| s["$grid"].as_str()).unwrap_or("json").to_owned();
            add(document, pointer, grid::new_column(&names, &kind));
        }
        "remove" | "up" => {
            let Some((parent, key)) = pointer.rsplit_once('/') else { return };
            let Some(Json::Array(list)) = document.pointer_mut(parent) else { return };
            let Ok(at) = key.parse::<usize>() else { return };
            if at < list.len() && verb == "remove" {
                list.remove(at);
            } else if at < list.len() && at > 0 {
                list.swap(at, at - 1);
            }
        }
        // A calculation becomes one on a dataset of its own, and back.
        "object" => {
            let sql = document.pointer(pointer).cloned().unwrap_or_default();
            let object = match (sql, pointer.ends_with("/per")) {
                (Json::String(sql), true) => json!({"dataset": "", "statistic": "sum", "value": sql}),
                (_, true) => json!({"dataset": "", "statistic": "count"}),
                (Json::String(sql), false) => json!({"dataset": "", "sql": sql}),
                (_, false) => json!({"dataset": "", "sql": ""}),
            };
            put(document, pointer, object);
        }
        "text" => {
            let kept = document.pointer(pointer).and_then(|v| v.get("sql").or_else(|| v.get("value"))).filter(|v| v.is_string()).cloned();
            put(document, pointer, kept.unwrap_or_else(|| json!("")));
        }
        "own" => put(document, pointer, json!({"sections": own_questionnaire()})),
        "default" => put(document, pointer, json!("default")),
        _ => {}
    }
}

/// A first section to write from.
fn own_questionnaire() -> Json {
    json!([{"id": "bilan", "title": "Bilan", "questions": [
        {"id": "deroule", "label": "Comment l'expérimentation s'est-elle déroulée ?", "type": "text", "required": true},
        {"id": "poursuite", "label": "Souhaitez-vous poursuivre ?", "type": "choice", "choices": ["oui", "oui, sous conditions", "non"]},
    ]}])
}

fn add(document: &mut Json, pointer: &str, item: Json) {
    match document.pointer_mut(pointer) {
        Some(Json::Array(list)) => list.push(item),
        Some(_) => {}
        None => put(document, pointer, json!([item])),
    }
}

fn put(document: &mut Json, pointer: &str, value: Json) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    if document.pointer(parent).is_none() && parent.matches('/').count() < 8 {
        put(document, parent, json!({}));
    }
    if let Some(Json::Object(object)) = document.pointer_mut(parent) {
        object.insert(key.replace("~1", "/").replace("~0", "~"), value);
    }
}

/// Columns that were given another name keep what refers to them: keys, groups, phases.
pub(super) fn follow_columns(document: &mut Json, dataset: &str) {
    let pointer = format!("/datasets/{}", escape(dataset));
    let Some(columns) = document.pointer(&format!("{pointer}/schema/columns")).and_then(Json::as_array) else { return };
    let renamed: Vec<(String, String)> = columns
        .iter()
        .filter_map(|c| Some((c["was"].as_str()?.to_owned(), c["name"].as_str()?.to_owned())))
        .filter(|(was, name)| !was.is_empty() && was != name)
        .collect();
    let new = |value: &Json| renamed.iter().find(|(was, _)| value == was).map(|(_, name)| Json::from(name.as_str()));
    let follow = |list: Option<&mut Json>| {
        for value in list.and_then(Json::as_array_mut).into_iter().flatten() {
            if let Some(name) = new(value) {
                *value = name;
            }
        }
    };
    follow(document.pointer_mut(&format!("{pointer}/primary_key")));
    follow(document.pointer_mut(&format!("{pointer}/schema/order")));
    if let Some(Json::Array(groups)) = document.pointer_mut(&format!("{pointer}/unique_keys")) {
        groups.iter_mut().for_each(|g| follow(Some(g)));
    }
    if let Some(Json::Array(keys)) = document.pointer_mut(&format!("{pointer}/foreign_keys")) {
        keys.iter_mut().for_each(|k| follow(k.get_mut("fields")));
    }
    if let Some(value) = document.pointer_mut(&format!("{pointer}/coverage/date"))
        && let Some(name) = new(value)
    {
        *value = name;
    }
    for place in ["/evaluation/arms/column", "/evaluation/phases/column", "/evaluation/cluster"] {
        if let Some(value) = document.pointer_mut(place)
            && let Some(name) = new(value)
        {
            *value = name;
        }
    }
}

/// Adds a dataset under a name made of its title; gives the name.
pub fn add_dataset(document: &mut Json, title: &str, dataset: Json) -> String {
    let base: String = model::slug(title).replace('-', "_").chars().skip_while(|c| !c.is_ascii_lowercase()).take(50).collect();
    let base = if base.is_empty() { "donnees".to_owned() } else { base };
    if !document["datasets"].is_object() {
        document["datasets"] = json!({});
    }
    let Some(datasets) = document["datasets"].as_object_mut() else { return base };
    let free = |n: &String| !datasets.contains_key(n);
    let name = std::iter::once(base.clone()).chain((2..).map(|i| format!("{base}_{i}"))).find(free).unwrap_or(base);
    datasets.insert(name.clone(), dataset);
    name
}

/// An empty dataset.
pub fn new_dataset(title: &str) -> Json {
    json!({
        "title": title,
        "schema": {"type": "object", "additionalProperties": false, "required": ["identifiant"], "properties": {"identifiant": {"type": "string", "maxLength": 40, "title": "Identifiant"}}},
        "primary_key": ["identifiant"], "periodicity": "month", "due": "P20D",
    })
}

/// Takes a dataset out.
pub fn remove_dataset(document: &mut Json, name: &str) {
    if let Some(Json::Object(datasets)) = document.get_mut("datasets") {
        datasets.shift_remove(name);
    }
}

/// Gives a dataset another name, and follows it wherever the document names it; false if the name is taken or there is none such.
pub fn rename_dataset(document: &mut Json, old: &str, new: &str) -> bool {
    let Some(Json::Object(datasets)) = document.get_mut("datasets") else { return false };
    if new.is_empty() || datasets.contains_key(new) || !datasets.contains_key(old) {
        return false;
    }
    let renamed: Map<String, Json> =
        std::mem::take(datasets).into_iter().map(|(k, v)| (if k == old { new.to_owned() } else { k }, v)).collect();
    *datasets = renamed;
    for dataset in datasets.values_mut() {
        for key in dataset.get_mut("foreign_keys").and_then(Json::as_array_mut).into_iter().flatten() {
            follow(key.get_mut("reference"), old, new);
        }
    }
    for place in ["/uses/evaluation/datasets", "/uses/comparison/datasets"] {
        for name in document.pointer_mut(place).and_then(Json::as_array_mut).into_iter().flatten() {
            follow(Some(name), old, new);
        }
    }
    for shared in document.pointer_mut("/uses/sharing").and_then(Json::as_array_mut).into_iter().flatten() {
        for name in shared.get_mut("datasets").and_then(Json::as_array_mut).into_iter().flatten() {
            follow(Some(name), old, new);
        }
    }
    for open in document.pointer_mut("/uses/open_data").and_then(Json::as_array_mut).into_iter().flatten() {
        follow(open.get_mut("dataset"), old, new);
    }
    for indicator in document.pointer_mut("/evaluation/indicators").and_then(Json::as_array_mut).into_iter().flatten() {
        follow(indicator.get_mut("dataset"), old, new);
        for part in ["value", "per"] {
            follow(indicator.get_mut(part).and_then(|p| p.get_mut("dataset")), old, new);
        }
    }
    true
}

fn follow(value: Option<&mut Json>, old: &str, new: &str) {
    if let Some(value) = value
        && value == old
    {
        *value = Json::from(new);
    }
}
