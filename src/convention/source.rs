//! From bytes to JSON: JSON or YAML, within limits, no key twice; files that the document names are put in its place.

use std::{
    fmt, fs,
    io::Read,
    path::{Component, Path},
};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::messages::{clip, pointer};
use crate::error::{Error, Fault, Kind, Result};

/// Bytes of a convention or of a file that it names.
const MAX_BYTES: u64 = 2 << 20;
/// Nested lists and objects.
const MAX_DEPTH: usize = 64;

/// Reads a JSON or YAML document, by the file's extension, else by its first character.
pub(super) fn read(path: &Path) -> Result<Json> {
    let shown = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let unreadable = |why: &str, e: Option<std::io::Error>| {
        Error::invalid("convention_unreadable", format!("Le fichier « {} » {why}.", clip(&shown)))
            .with_source(e.map_or_else(|| "".into(), Box::<dyn std::error::Error + Send + Sync>::from))
    };
    if path.is_dir() {
        return Err(unreadable("est un dossier : indiquez un fichier", None));
    }
    let file = fs::File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => unreadable("n'existe pas", Some(e)),
        _ => unreadable("ne peut pas être ouvert", Some(e)),
    })?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| unreadable("ne peut pas être lu", Some(e)))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::new(
            Kind::TooLarge,
            "convention_too_large",
            format!("Le fichier « {} » dépasse {} Mio.", clip(&shown), MAX_BYTES >> 20),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|_| unreadable("n'est pas un texte en UTF-8 : enregistrez-le dans cet encodage", None))?;
    let text = text.trim_start_matches('\u{feff}');
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let json = match extension.as_deref() {
        Some("json") => true,
        Some("yaml" | "yml") => false,
        _ => text.trim_start().starts_with(['{', '[']),
    };
    let wrong = |faults: Vec<Fault>| {
        Error::invalid("convention_syntax", format!("Le fichier « {} » ne se lit pas.", clip(&shown))).with_faults(faults)
    };
    parse(text, json).map_err(wrong)
}

/// Reads a JSON or YAML text that is nobody's file: pasted, or sent by a form.
pub(super) fn text(text: &str) -> Result<Json> {
    if text.len() as u64 > MAX_BYTES {
        return Err(Error::new(Kind::TooLarge, "convention_too_large", format!("Ce texte dépasse {} Mio.", MAX_BYTES >> 20)));
    }
    let text = text.trim_start_matches('\u{feff}');
    parse(text, text.trim_start().starts_with(['{', '[']))
        .map_err(|faults| Error::invalid("convention_syntax", "Ce texte ne se lit pas.").with_faults(faults))
}

/// Parses JSON or YAML.
fn parse(text: &str, json: bool) -> Result<Json, Vec<Fault>> {
    if text.trim().is_empty() {
        return Err(vec![Fault::new("", "empty", "Le document est vide.")]);
    }
    let mut faults = Vec::new();
    let seed = Node { path: String::new(), depth: 0, faults: &mut faults };
    let parsed = if json {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let parsed = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
        parsed.map_err(|e| {
            syntax(e.line() as u64, e.column() as u64, if e.is_eof() { "il s'arrête avant la fin" } else { "il y a une faute d'écriture" })
        })
    } else {
        yaml(text, seed)
    };
    match parsed {
        // A depth fault explains the failure better than the parser does.
        Err(fault) if faults.is_empty() => Err(vec![fault]),
        Ok(value) if faults.is_empty() => Ok(value),
        _ => Err(faults),
    }
}

fn syntax(line: u64, column: u64, what: &str) -> Fault {
    Fault::new("", "syntax", format!("Le document ne se lit pas à la ligne {line}, colonne {column} : {what}."))
}

fn yaml(text: &str, seed: Node<'_>) -> Result<Json, Fault> {
    let mut options = serde_saphyr::Options::default();
    let mut budget = serde_saphyr::Budget::default();
    budget.max_events = 200_000;
    budget.max_nodes = 100_000;
    budget.max_depth = MAX_DEPTH + 8;
    budget.max_aliases = 1_000;
    budget.max_anchors = 1_000;
    options.budget = Some(budget);
    options.alias_limits.max_total_replayed_events = 50_000;
    options.alias_limits.max_replay_stack_depth = 16;
    options.duplicate_keys = serde_saphyr::options::DuplicateKeyPolicy::PassThrough;
    // «no» and «on» are words of a convention, and a code keeps its leading zero.
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.with_snippet = false;
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| seed.deserialize(deserializer)).map_err(|e| {
        let (line, column) = e.location().map_or((1, 1), |l| (l.line(), l.column()));
        let what = match e.without_snippet() {
            serde_saphyr::Error::Budget { .. }
            | serde_saphyr::Error::AliasReplayLimitExceeded { .. }
            | serde_saphyr::Error::AliasReplayStackDepthExceeded { .. }
            | serde_saphyr::Error::AliasExpansionLimitExceeded { .. } => "il est trop long ou trop imbriqué",
            _ => "il y a une faute d'écriture (vérifiez le décalage des lignes et les guillemets)",
        };
        syntax(line, column, what)
    })
}

/// One value of the document, read with its place.
struct Node<'f> {
    path: String,
    depth: usize,
    faults: &'f mut Vec<Fault>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Node<'_> {
    fn child(&mut self, key: &str) -> Node<'_> {
        Node { path: format!("{}/{}", self.path, pointer(key)), depth: self.depth + 1, faults: self.faults }
    }

    /// Stops before the stack does.
    fn deep<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.depth < MAX_DEPTH {
            return Ok(());
        }
        self.faults.push(Fault::new(&self.path, "too_deep", format!("Le document est trop imbriqué : {MAX_DEPTH} niveaux au plus.")));
        Err(E::custom("too deep"))
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Json, E> {
        Ok(v.into())
    }
    fn visit_i64<E>(self, v: i64) -> Result<Json, E> {
        Ok(v.into())
    }
    fn visit_u64<E>(self, v: u64) -> Result<Json, E> {
        Ok(v.into())
    }
    fn visit_f64<E>(self, v: f64) -> Result<Json, E> {
        Ok(v.into())
    }
    fn visit_str<E>(self, v: &str) -> Result<Json, E> {
        Ok(v.into())
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_none<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Json, A::Error> {
        self.deep()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.child(&items.len().to_string()))? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Json, A::Error> {
        self.deep()?;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let child = self.child(&key);
            let place = child.path.clone();
            let value = map.next_value_seed(child)?;
            if object.insert(key.clone(), value).is_some() {
                self.faults.push(Fault::new(
                    place,
                    "duplicate_key",
                    format!("La clé « {} » est écrite deux fois : gardez-en une.", clip(&key)),
                ));
            }
        }
        Ok(Json::Object(object))
    }
}

/// Puts the files that the document names (`{$ref: ./file.json}`, as a dataset's schema or as the questionnaire) in place of
/// their references. Without a folder, a reference to a file is a fault.
pub(super) fn inline(json: &mut Json, folder: Option<&Path>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut places = Vec::new();
    if let Some(datasets) = json.get("datasets").and_then(Json::as_object) {
        places.extend(datasets.keys().map(|name| format!("/datasets/{}/schema", pointer(name))));
    }
    places.push("/rex/questionnaire".to_owned());
    for place in places {
        let Some(target) = json.pointer_mut(&place) else { continue };
        // A reference inside the schema (`#/$defs/…`) is the schema's own affair.
        let Some(name) = target.get("$ref").and_then(Json::as_str).filter(|r| !r.starts_with('#')).map(str::to_owned) else { continue };
        if target.as_object().is_some_and(|o| o.len() > 1) {
            faults.push(Fault::new(place, "ref_alone", "« $ref » remplace tout : retirez les autres clés."));
            continue;
        }
        match folder.map(|folder| referenced(folder, &name)) {
            None => faults.push(Fault::new(
                format!("{place}/$ref"),
                "ref_not_inlined",
                format!("Ce document renvoie au fichier « {} » : mettez son contenu à cet endroit.", clip(&name)),
            )),
            Some(Ok(value)) => *target = value,
            Some(Err(mut found)) => {
                found.iter_mut().for_each(|f| f.pointer = format!("{place}/$ref"));
                faults.append(&mut found);
            }
        }
    }
    faults
}

/// The document at `name` under `folder`: never elsewhere on the disk, nor on the network.
fn referenced(folder: &Path, name: &str) -> Result<Json, Vec<Fault>> {
    let relative = Path::new(name);
    let inside = !name.contains([':', '\\', '\0']) && relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    let outside = || {
        vec![Fault::new(
            "",
            "ref_outside",
            format!("« {} » n'est pas dans le dossier de la convention : écrivez un chemin relatif, ./fichier.json.", clip(name)),
        )]
    };
    if !inside || name.is_empty() {
        return Err(outside());
    }
    let path = folder.join(relative);
    // A link may lead elsewhere.
    if let (Ok(folder), Ok(path)) = (folder.canonicalize(), path.canonicalize())
        && !path.starts_with(&folder)
    {
        return Err(outside());
    }
    read(&path).map_err(|e| {
        let detail = e.faults.first().map(|f| format!(" {}", f.message)).unwrap_or_default();
        vec![Fault::new("", "ref_unreadable", format!("{}{detail}", e.message))]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str, json: bool) -> Vec<(String, String)> {
        parse(text, json).map_or_else(|f| f.into_iter().map(|f| (f.pointer, f.code)).collect(), |v| vec![(v.to_string(), "ok".into())])
    }

    #[test]
    fn a_key_written_twice_is_refused_where_it_stands() {
        let twice = vec![("/a/1/b".to_owned(), "duplicate_key".to_owned())];
        assert_eq!(codes(r#"{"a": [0, {"b": 1, "c": 2, "b": 3}]}"#, true), twice);
        assert_eq!(codes("a:\n  - 0\n  - b: 1\n    c: 2\n    b: 3\n", false), twice);
    }

    #[test]
    fn yaml_scalars_keep_what_was_meant() {
        let text = "a: 2026-01-05\nb: no\nc: 0123\nd: 1.5\ne: -2\nf: ~\ng: [null, true]\n1: x\n";
        let json = r#"{"a":"2026-01-05","b":"no","c":"0123","d":1.5,"e":-2,"f":null,"g":[null,true],"1":"x"}"#;
        assert_eq!(codes(text, false), vec![(json.to_owned(), "ok".to_owned())]);
    }

    #[test]
    fn bombs_and_broken_text_are_refused_at_once() {
        let start = std::time::Instant::now();
        let bomb = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, i| {
            let alias = format!("*a{}", i - 1);
            format!("{text}a{i}: &a{i} [{}]\n", [alias.as_str(); 10].join(", "))
        });
        for (code, json, text) in [
            ("syntax", false, bomb),
            ("too_deep", true, "[".repeat(100) + &"]".repeat(100)),
            ("too_deep", false, "[".repeat(70) + &"]".repeat(70)),
            ("syntax", false, "[".repeat(20_000)),
            ("too_deep", true, "[".repeat(200_000)),
            ("too_deep", true, r#"{"a":"#.repeat(200_000)),
            ("syntax", true, r#"{"a": 1"#.to_owned()),
            ("syntax", true, r#"{"a": 1} {"b": 2}"#.to_owned()),
            ("syntax", false, "a: [1, 2\nb: 3".to_owned()),
            ("syntax", false, "a: 1\n---\nb: 2\n".to_owned()),
            ("syntax", false, "a: .nan".to_owned()),
            ("syntax", true, r#"{"a": NaN}"#.to_owned()),
            ("empty", false, " \n".to_owned()),
        ] {
            let found = codes(&text, json);
            assert_eq!(found.first().map(|f| f.1.as_str()), Some(code), "{} {found:?}", &text[..text.len().min(40)]);
        }
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }

    #[test]
    fn a_reference_stays_in_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("in");
        fs::create_dir(&inside).expect("a folder");
        fs::write(folder.path().join("secret.json"), "{}").expect("a file");
        fs::write(inside.join("s.json"), r#"{"fields": []}"#).expect("a file");
        fs::write(inside.join("broken.json"), "{").expect("a file");
        std::os::unix::fs::symlink(folder.path().join("secret.json"), inside.join("link.json")).expect("a link");
        for (name, code) in [
            ("./s.json", None),
            ("s.json", None),
            ("../secret.json", Some("ref_outside")),
            ("./../in/s.json", Some("ref_outside")),
            ("/etc/passwd", Some("ref_outside")),
            ("https://exemple.fr/s.json", Some("ref_outside")),
            ("file:s.json", Some("ref_outside")),
            ("..\\secret.json", Some("ref_outside")),
            ("link.json", Some("ref_outside")),
            ("", Some("ref_outside")),
            ("absent.json", Some("ref_unreadable")),
            (".", Some("ref_unreadable")),
            ("broken.json", Some("ref_unreadable")),
        ] {
            let mut json = serde_json::json!({"datasets": {"a/b": {"schema": {"$ref": name}}}});
            let faults = inline(&mut json, Some(&inside));
            assert_eq!(faults.first().map(|f| f.code.as_str()), code, "{name}");
            assert!(faults.iter().all(|f| f.pointer == "/datasets/a~1b/schema/$ref"), "{name}");
        }
        let mut own =
            serde_json::json!({"datasets": {"d": {"schema": {"$ref": "#/$defs/x"}}}, "rex": {"questionnaire": {"$ref": "q.json"}}});
        let faults = inline(&mut own, None);
        assert_eq!(
            faults.iter().map(|f| (f.pointer.as_str(), f.code.as_str())).collect::<Vec<_>>(),
            [("/rex/questionnaire/$ref", "ref_not_inlined")]
        );
    }
}
