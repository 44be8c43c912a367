//! What a schema may cost, told before it is compiled: a text of a kilobyte can name itself into billions of branches, and a list of
//! patterns that are each admitted can take gigabytes together.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{MAX_DEPTH, pattern};
use crate::error::Fault;

/// Branches that any schema may come to, references followed; and as many for each of its own.
const PATHS: (u64, u64) = (2_000, 16);
/// Longest way from a schema through references.
const LONGEST: usize = 4 * MAX_DEPTH;
/// Most patterns that are large once compiled.
const MAX_LARGE: usize = 50;

/// Refuses a schema whose references multiply, each row of a file having to follow them all.
pub(super) fn references(document: &Json) -> Result<(), Fault> {
    let mut paths = Paths { resources: Vec::new(), anchors: HashMap::new(), nodes: 0, known: HashMap::new(), longest: false };
    paths.survey(document, 0);
    let count = paths.of(document, 0);
    if count <= PATHS.0 + PATHS.1 * paths.nodes && !paths.longest {
        return Ok(());
    }
    let message = "Les renvois (« $ref ») de ce modèle se multiplient à l'infini ou presque : simplifiez-les.";
    Err(Fault::new("", "too_complex", message))
}

struct Paths<'d> {
    /// The document, and what stands in it under an address of its own: a pointer may be from any of them.
    resources: Vec<&'d Json>,
    anchors: HashMap<&'d str, Vec<&'d Json>>,
    nodes: u64,
    /// Branches under each reference; none while they are being counted.
    known: HashMap<&'d str, Option<u64>>,
    longest: bool,
}

impl<'d> Paths<'d> {
    fn survey(&mut self, schema: &'d Json, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match schema {
            Json::Object(map) => {
                self.nodes += 1;
                if depth == 0 || map.contains_key("$id") {
                    self.resources.push(schema);
                }
                for name in ["$anchor", "$dynamicAnchor"].iter().filter_map(|key| map.get(*key)?.as_str()) {
                    self.anchors.entry(name).or_default().push(schema);
                }
                map.values().for_each(|value| self.survey(value, depth + 1));
            }
            Json::Array(list) => list.iter().for_each(|value| self.survey(value, depth + 1)),
            _ => {}
        }
    }

    fn of(&mut self, schema: &'d Json, depth: usize) -> u64 {
        if depth > LONGEST {
            self.longest = true;
            return 0;
        }
        match schema {
            Json::Object(map) => map.iter().fold(1u64, |sum, (key, value)| {
                sum.saturating_add(match (key.as_str(), value) {
                    ("$ref" | "$dynamicRef" | "$recursiveRef", Json::String(target)) => self.under(target, depth),
                    // Data, and definitions that count where they are named.
                    ("enum" | "const" | "default" | "examples" | "$defs" | "definitions", _) => 0,
                    (_, value) => self.of(value, depth + 1),
                })
            }),
            Json::Array(list) => list.iter().fold(0u64, |sum, value| sum.saturating_add(self.of(value, depth + 1))),
            _ => 0,
        }
    }

    fn under(&mut self, target: &'d str, depth: usize) -> u64 {
        if let Some(known) = self.known.get(target) {
            // What names itself is followed no further than the row is deep.
            return known.unwrap_or_default();
        }
        self.known.insert(target, None);
        let name = target.strip_prefix('#').unwrap_or(target);
        let mut found: Vec<&'d Json> = self.anchors.get(name).cloned().unwrap_or_default();
        if name.is_empty() || name.starts_with('/') {
            found.extend(self.resources.iter().filter_map(|resource| resource.pointer(name)));
        }
        let count = found.into_iter().fold(0u64, |sum, schema| sum.saturating_add(self.of(schema, depth + 1)));
        self.known.insert(target, Some(count));
        count
    }
}

/// Refuses a schema with too many patterns that are large, however good each is.
pub(super) fn patterns(schema: &Json) -> Result<(), Fault> {
    let mut large = 0;
    let mut pointer = None;
    walk(schema, 0, &mut |text| {
        if pointer.is_none() && pattern::is_large(text) {
            large += 1;
            if large > MAX_LARGE {
                pointer = Some(text.chars().take(60).collect::<String>());
            }
        }
    });
    pointer.map_or(Ok(()), |text| {
        let message = format!("Ce modèle a plus de {MAX_LARGE} motifs de grande taille, comme « {text} » : simplifiez-les.");
        Err(Fault::new("", "pattern_too_big", message))
    })
}

fn walk<'d>(schema: &'d Json, depth: usize, take: &mut dyn FnMut(&'d str)) {
    if depth > MAX_DEPTH {
        return;
    }
    match schema {
        Json::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("pattern", Json::String(text)) => take(text),
                    ("patternProperties", Json::Object(named)) => {
                        named.keys().for_each(|text| take(text));
                        walk(value, depth + 1, take);
                    }
                    _ => walk(value, depth + 1, take),
                }
            }
        }
        Json::Array(list) => list.iter().for_each(|value| walk(value, depth + 1, take)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn doubling(levels: usize, name: impl Fn(usize) -> String, mark: impl Fn(usize) -> Option<String>) -> Json {
        let branch = |i: usize| json!({ "$ref": name(i) });
        let definition = |i: usize| {
            let mut own = if i == 0 { json!({ "type": "string" }) } else { json!({ "anyOf": [branch(i - 1), branch(i - 1)] }) };
            mark(i).into_iter().for_each(|anchor| own["$anchor"] = anchor.into());
            (format!("d{i}"), own)
        };
        json!({ "properties": { "a": branch(levels) }, "$defs": (0..=levels).map(definition).collect::<Map<_, _>>() })
    }

    #[test]
    fn references_that_multiply_are_refused_and_others_are_not() {
        let code = |schema: &Json| references(schema).map_err(|f| f.code);
        let pointer = |i: usize| format!("#/$defs/d{i}");
        assert_eq!(code(&doubling(6, pointer, |_| None)), Ok(()));
        assert_eq!(code(&doubling(200, pointer, |_| None)), Err("too_complex".into()));
        assert_eq!(code(&doubling(20, |i| format!("#n{i}"), |i| Some(format!("n{i}")))), Err("too_complex".into()));
        let mut inside = doubling(20, pointer, |_| None);
        inside["$id"] = "https://exemple.fr/m".into();
        assert_eq!(code(&json!({ "properties": { "a": inside } })), Err("too_complex".into()), "a document in the document");
        let chain: Map<String, Json> = (0..5_000).map(|i| (format!("d{i}"), json!({ "$ref": pointer(i + 1) }))).collect();
        assert_eq!(code(&json!({ "$ref": "#/$defs/d0", "$defs": chain })), Err("too_complex".into()));
        // Two thousand columns of one kind, and a schema that names itself.
        let columns: Map<String, Json> = (0..2_000).map(|i| (format!("c{i}"), json!({ "$ref": "#/$defs/a" }))).collect();
        let kind = json!({ "type": "string", "allOf": [{ "minLength": 1 }, { "maxLength": 9 }, { "not": { "const": "x" } }, { "anyOf": [{}, {}] }] });
        assert_eq!(code(&json!({ "properties": columns, "$defs": { "a": kind } })), Ok(()));
        assert_eq!(code(&json!({ "properties": { "a": {} }, "allOf": [{ "$ref": "#" }] })), Ok(()));
    }

    #[test]
    fn many_large_patterns_are_refused_and_many_small_ones_are_not() {
        let of = |pattern: &str| {
            let properties: Map<String, Json> =
                (0..2_000).map(|i| (format!("c{i}"), json!({ "pattern": format!("^{i}{pattern}$") }))).collect();
            patterns(&json!({ "properties": properties })).map_err(|f| f.code)
        };
        assert_eq!(of("[A-Z0-9]{2,20}"), Ok(()));
        assert_eq!(of("\\p{L}{40}"), Err("pattern_too_big".into()));
        let named: Map<String, Json> = (0..60).map(|i| (format!("^{i}\\p{{L}}{{40}}"), json!({}))).collect();
        assert_eq!(patterns(&json!({ "patternProperties": named })).map_err(|f| f.code), Err("pattern_too_big".into()));
    }
}
