//! What changes from one document to another, in French sentences a signatory can read. Pure.
//!
//! Both documents are walked together; every place where they part gives at least one [`Change`], whether or not a sentence was
//! thought of for it: two documents that are signed differently never have an empty difference.

mod labels;
mod schema;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use self::{
    labels::{Label, label, section},
    values::{plain, quoted, spoken},
};
use super::{
    canonical,
    messages::{clip, pointer as escape},
};
use crate::territory;

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Part of the convention: «Dates», «Jeux de données»…
    pub section: String,
    /// JSON Pointer of the place, in the newer document where it is there, else in the older.
    pub pointer: String,
    /// What changes.
    pub sentence: String,
    /// What stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// What stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
}

/// Every change from `before` to `after`, part by part of the convention; none if both are signed alike (the order of keys and the spelling
/// of a number change nothing). The provider is told too, though it is outside what is signed.
pub fn difference(before: &Json, after: &Json) -> Vec<Change> {
    let mut walk = Walk { changes: Vec::new() };
    walk.node(&Place::default(), Some(before), Some(after));
    walk.changes.sort_by_key(|c| labels::SECTIONS.iter().position(|s| *s == c.section));
    walk.changes
}

/// Where the walk stands.
#[derive(Debug, Clone, Default)]
struct Place {
    /// Keys from the root; an item of a list is its position.
    path: Vec<String>,
    /// What the sentence is about: «Indicateur « Délai »\u{a0}: ».
    subject: String,
}

impl Place {
    fn key(&self, key: &str) -> Self {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        Self { path, subject: self.subject.clone() }
    }

    fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    fn pointer(&self) -> String {
        self.path.iter().map(|k| format!("/{}", escape(k))).collect()
    }
}

struct Walk {
    changes: Vec<Change>,
}

impl Walk {
    fn say(&mut self, place: &Place, sentence: impl Into<String>, before: Option<&Json>, after: Option<&Json>) {
        self.changes.push(Change {
            section: section(&place.path).to_owned(),
            pointer: place.pointer(),
            sentence: values::capital(&format!("{}{}", place.subject, sentence.into())),
            before: before.cloned(),
            after: after.cloned(),
        });
    }

    fn node(&mut self, place: &Place, before: Option<&Json>, after: Option<&Json>) {
        match (before, after) {
            (None, None) => {}
            (Some(a), Some(b)) if canonical::same(a, b) => {}
            (Some(Json::Object(a)), Some(Json::Object(b))) => self.objects(place, a, b),
            (Some(Json::Array(a)), Some(Json::Array(b))) => self.lists(place, a, b),
            // What was not there at all is told part by part where its parts have words of their own.
            (None, Some(Json::Object(b))) if told_in_parts(&place.path) && !b.is_empty() => self.objects(place, &Map::new(), b),
            (Some(Json::Object(a)), None) if told_in_parts(&place.path) && !a.is_empty() => self.objects(place, a, &Map::new()),
            _ => self.leaf(place, before, after),
        }
    }

    fn objects(&mut self, place: &Place, a: &Map<String, Json>, b: &Map<String, Json>) {
        let path: Vec<&str> = place.path.iter().map(String::as_str).collect();
        match path[..] {
            ["datasets"] => return self.datasets(place, a, b),
            ["datasets", _, "schema"] => return schema::compare(self, place, a, b),
            ["datasets", _, "personal_data"] => return schema::personal(self, place, a, b),
            ["evaluation", "indicators", _, "target"] => {
                let (from, to) = (values::target(a), values::target(b));
                let sentence = format!("l'objectif passe {} à {to}.", values::of(&from));
                return self.say(place, sentence, Some(&Json::Object(a.clone())), Some(&Json::Object(b.clone())));
            }
            _ => {}
        }
        for key in b.keys().chain(a.keys().filter(|k| !b.contains_key(*k))) {
            self.node(&place.key(key), a.get(key), b.get(key));
        }
    }

    fn datasets(&mut self, place: &Place, a: &Map<String, Json>, b: &Map<String, Json>) {
        let title = |name: &str, dataset: &Json| match dataset["title"].as_str() {
            Some(title) if !title.is_empty() => format!("«\u{a0}{}\u{a0}» ({})", clip(title), clip(name)),
            _ => format!("«\u{a0}{}\u{a0}»", clip(name)),
        };
        for (name, dataset) in b {
            let here = place.key(name);
            match a.get(name) {
                Some(old) => self.node(&here.about(format!("Jeu «\u{a0}{}\u{a0}»\u{a0}: ", clip(name))), Some(old), Some(dataset)),
                None => {
                    let columns = schema::count(dataset);
                    let plural = if columns > 1 { "s" } else { "" };
                    let sentence = format!("Nouveau jeu de données\u{a0}: {}, {columns} colonne{plural}.", title(name, dataset));
                    self.say(&here, sentence, None, Some(dataset));
                }
            }
        }
        for (name, dataset) in a.iter().filter(|(n, _)| !b.contains_key(*n)) {
            self.say(&place.key(name), format!("Jeu de données retiré\u{a0}: {}.", title(name, dataset)), Some(dataset), None);
        }
    }

    fn lists(&mut self, place: &Place, a: &[Json], b: &[Json]) {
        let path: Vec<&str> = place.path.iter().map(String::as_str).collect();
        if let Some(kind) = labels::keyed(&path)
            && let (Some(old), Some(new)) = (keys(a, kind.key), keys(b, kind.key))
        {
            return self.keyed(place, kind, (a, &old), (b, &new));
        }
        let scalars = |list: &[Json]| list.iter().all(|v| !v.is_object() && !v.is_array());
        if scalars(a) && scalars(b) && labels::is_set(&path) {
            return self.sets(place, a, b);
        }
        self.leaf(place, Some(&Json::Array(a.to_vec())), Some(&Json::Array(b.to_vec())));
    }

    /// Lists of things that have a name.
    fn keyed(&mut self, place: &Place, kind: labels::Keyed, (a, old): (&[Json], &[String]), (b, new): (&[Json], &[String])) {
        let before = self.changes.len();
        for (i, (item, name)) in b.iter().zip(new).enumerate() {
            let here = place.key(&i.to_string());
            match old.iter().position(|o| o == name).and_then(|j| a.get(j)) {
                Some(was) => {
                    let subject = format!("{}{} {}\u{a0}: ", place.subject, kind.one, self::name(kind, item));
                    self.node(&here.about(subject), Some(was), Some(item));
                }
                None => {
                    let sentence = format!("{}\u{a0}: {}{}", kind.added, self::name(kind, item), kind.then);
                    self.say(&here, sentence, None, Some(item));
                }
            }
        }
        for (i, (item, name)) in a.iter().zip(old).enumerate() {
            if !new.contains(name) {
                let sentence = format!("{}\u{a0}: {}.", kind.removed, self::name(kind, item));
                self.say(&place.key(&i.to_string()), sentence, Some(item), None);
            }
        }
        let kept = |names: &[String], others: &[String]| names.iter().filter(|n| others.contains(n)).cloned().collect::<Vec<_>>();
        if kept(old, new) != kept(new, old) || self.changes.len() == before {
            let (from, to) = (Json::Array(a.to_vec()), Json::Array(b.to_vec()));
            self.say(place, format!("{} dans un autre ordre.", kind.order), Some(&from), Some(&to));
        }
    }

    /// Lists of words whose order says little.
    fn sets(&mut self, place: &Place, a: &[Json], b: &[Json]) {
        let words = label(&place.path);
        let before = self.changes.len();
        let missing = |list: &[Json], other: &[Json]| -> Vec<Json> {
            list.iter().filter(|v| !other.iter().any(|o| canonical::same(o, v))).cloned().collect()
        };
        let list = |values: &[Json]| values.iter().map(|v| spoken(&place.path, v)).collect::<Vec<_>>().join(", ");
        let (added, removed) = (missing(b, a), missing(a, b));
        if !added.is_empty() {
            self.say(place, format!("{}\u{a0}: ajout de {}.", words.noun(), list(&added)), None, Some(&Json::Array(added.clone())));
        }
        if !removed.is_empty() {
            self.say(place, format!("{}\u{a0}: retrait de {}.", words.noun(), list(&removed)), Some(&Json::Array(removed.clone())), None);
        }
        if self.changes.len() == before {
            let (from, to) = (Json::Array(a.to_vec()), Json::Array(b.to_vec()));
            self.say(place, format!("{}\u{a0}: dans un autre ordre.", words.noun()), Some(&from), Some(&to));
        }
    }

    /// A place told as a whole.
    fn leaf(&mut self, place: &Place, before: Option<&Json>, after: Option<&Json>) {
        let words = label(&place.path);
        let said = |value: &Json| spoken(&place.path, value);
        let long = |value: &Json| plain(value).chars().count() > 80 || value.is_object() || value.is_array();
        let sentence = match (before, after) {
            (Some(a), Some(b)) => match (values::date(a), values::date(b)) {
                (Some(from), Some(to)) => format!("{} du {from} au {to}.", words.passes()),
                _ if long(a) || long(b) => format!("{}.", words.rewritten()),
                _ => format!("{} de {} à {}.", words.passes(), said(a), said(b)),
            },
            (None, Some(b)) if long(b) => format!("{}\u{a0}: ajout.", words.noun()),
            (None, Some(b)) => format!("{}\u{a0}: {}, qui n'était pas dit.", words.noun(), said(b)),
            (Some(a), None) if long(a) => format!("{}\u{a0}: retrait.", words.noun()),
            (Some(a), None) => format!("{}\u{a0}: n'est plus dit (c'était {}).", words.noun(), said(a)),
            (None, None) => return,
        };
        self.say(place, sentence, before, after);
    }
}

/// Parts that an absent object is compared by.
fn told_in_parts(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(path[..], ["period" | "ai_act" | "processing" | "provider" | "disclosure" | "retention"] | ["ai_act", "roles"])
}

/// The names of the items of a list, if each has one of its own.
fn keys(list: &[Json], key: &str) -> Option<Vec<String>> {
    let names: Option<Vec<String>> = list.iter().map(|item| item.get(key)?.as_str().map(str::to_owned)).collect();
    let names = names?;
    let mut sorted = names.clone();
    sorted.sort();
    sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(names)
}

/// How an item of a list is called.
fn name(kind: labels::Keyed, item: &Json) -> String {
    if kind.key == "siren" {
        let official = item["siren"].as_str().and_then(|s| territory::by_siren(&s.parse().ok()?)).map(|o| o.name.to_owned());
        let own = item["label"].as_str().filter(|l| !l.is_empty()).map(str::to_owned);
        return own.or(official).unwrap_or_else(|| plain(&item["siren"]));
    }
    let title = ["title", "label"].iter().find_map(|k| item[*k].as_str()).filter(|t| !t.is_empty());
    quoted(title.or_else(|| item[kind.key].as_str()).unwrap_or_default())
}

impl Label {
    /// «Le titre».
    fn noun(&self) -> &str {
        &self.words
    }

    fn passes(&self) -> String {
        format!("{} {}", self.words, if self.plural { "passent" } else { "passe" })
    }

    fn rewritten(&self) -> String {
        format!("{} {}", self.words, if self.plural { "changent" } else { "change" })
    }
}

#[cfg(test)]
#[path = "difference/tests.rs"]
mod tests;
