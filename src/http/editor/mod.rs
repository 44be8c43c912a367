//! The form over a convention's document: what fields show it, and what document the fields say.
//!
//! A field's name says where it stands and how it is read: `t:/title` is a text, `n:/retention/months` a number. A value that its
//! field could not give back as it is (a number where a text is expected, in a draft that came from elsewhere) is shown as raw JSON
//! instead: whatever the document holds survives the form, which a property test proves.

pub mod acts;
mod build;
pub mod grid;
mod html;
mod parties;
mod read;
mod sections;
mod spec;

use serde_json::{Map, Value as Json};

pub use self::{
    build::{Node, fields},
    html::{locate, render},
    parties::directory,
    read::Posted,
    sections::{SECTIONS, Section},
};

/// The members of a document in the order in which the format describes them; those that it does not know come last.
const ORDER: [&str; 16] = [
    "retex",
    "id",
    "title",
    "track",
    "summary",
    "period",
    "parties",
    "provider",
    "datasets",
    "uses",
    "retention",
    "disclosure",
    "evaluation",
    "rex",
    "principles",
    "ai_act",
];

/// The document with its members in the format's order.
pub fn ordered(document: Json) -> Json {
    let Json::Object(mut map) = document else { return document };
    let mut out = Map::new();
    for key in ORDER {
        if let Some(value) = map.shift_remove(key) {
            out.insert(key.to_owned(), value);
        }
    }
    out.extend(map);
    Json::Object(out)
}

/// The fields of a part of a document. `dataset` is which one, on the page of one.
pub fn form(document: &Json, section: Section, dataset: Option<&str>) -> Vec<Node> {
    let shaped = grid::shape(document);
    build::nodes(&shaped, section, dataset)
}

/// The document once a part of it is what the fields say, and the button pressed is done; the rest stays.
pub fn apply(document: &Json, section: Section, dataset: Option<&str>, posted: &[(String, String)]) -> Json {
    let mut shaped = grid::shape(document);
    let said = read::read(posted);
    for root in section.roots(dataset) {
        replace(&mut shaped, &root, said.pointer(&root));
    }
    if let Some(name) = dataset {
        acts::follow_columns(&mut shaped, name);
    }
    let act = posted.iter().find(|(n, _)| n == "act").map_or("", |(_, v)| v);
    acts::perform(&mut shaped, act);
    ordered(grid::plain(shaped))
}

/// Puts a value at the place of another, or takes it away.
fn replace(document: &mut Json, pointer: &str, value: Option<&Json>) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    if value.is_some() && !document.pointer(parent).is_some_and(Json::is_object) {
        replace(document, parent, Some(&Json::Object(Map::new())));
    }
    if let Some(Json::Object(object)) = document.pointer_mut(parent) {
        match value {
            Some(value) => drop(object.insert(key, value.clone())),
            None => drop(object.shift_remove(&key)),
        }
    }
}

/// `key` as a part of a JSON Pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
