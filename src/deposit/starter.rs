//! A dataset proposed from what somebody has at hand: a Table Schema, a JSON Schema of a row, or an example of the file.
//!
//! From an example, columns that look like personal data are set aside: what is not collected needs no protection. An officer may
//! put them back. No value of the file is kept, but for the few that a column repeats.

use std::{collections::BTreeSet, io::Write};

use serde_json::{Map, Value as Json, json};

use super::{
    decode::{self, Cells, Expected, Origin, Table},
    validate::read,
};
use crate::{
    convention::{
        Convention,
        model::slug,
        personal::{PersonalKind, find},
        rules::{Dates, Format, Rules},
    },
    error::{Error, Result},
};

/// A dataset to be read over by an officer.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// A title, from the schema or the file's name.
    pub title: String,
    /// As a convention writes it.
    pub dataset: Json,
    /// Columns left out: name, and what they look like.
    pub set_aside: Vec<(String, &'static str)>,
}

/// Columns that a proposal looks at.
const MAX_COLUMNS: usize = 200;
/// Most values of a column that is a list of values.
const MAX_VALUES: usize = 8;

/// Proposes a dataset from a file: a schema where it is one, else an example of the data.
///
/// # Errors
/// `starter_unreadable`; the schema's faults, located.
pub fn propose(file: &[u8], name: &str) -> Result<Proposal> {
    // A schema that does not parse is not an example without rows: its first fault is said.
    let is_document =
        |text: &str| name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json") && text.trim_start().starts_with('{');
    if let Some(Err(error)) = std::str::from_utf8(file).ok().filter(|text| is_document(text)).map(Convention::parse) {
        return Err(error);
    }
    if let Ok(text) = std::str::from_utf8(file)
        && (text.trim_start().starts_with('{') || name.ends_with(".yaml") || name.ends_with(".yml"))
        && let Ok(document) = Convention::parse(text)
        && (document["fields"].is_array() || document["properties"].is_object())
    {
        return from_schema(document, name);
    }
    from_example(file, name)
}

fn title_of(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let words: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut chars = words.chars().take(100);
    chars.next().map_or_else(|| "Données".to_owned(), |c| c.to_uppercase().chain(chars).collect())
}

fn from_schema(schema: Json, name: &str) -> Result<Proposal> {
    let rules = Rules::from_schema(&schema)
        .map_err(|faults| Error::invalid("starter_schema", "Ce modèle a des points à corriger avant de servir.").with_faults(faults))?;
    let title =
        schema["title"].as_str().filter(|t| !t.trim().is_empty()).map_or_else(|| title_of(name), |t| t.trim().chars().take(300).collect());
    let key = match &schema["primaryKey"] {
        Json::String(one) => json!([one]),
        Json::Array(list) if !list.is_empty() && list.iter().all(Json::is_string) => Json::Array(list.clone()),
        _ => Json::Null,
    };
    let mut dataset = json!({"title": title});
    if let Some(description) = schema["description"].as_str().filter(|d| !d.is_empty() && d.chars().count() <= 2000) {
        dataset["description"] = Json::from(description);
    }
    dataset["schema"] = schema;
    let known = |n: &Json| rules.columns().iter().any(|c| Some(c.name.as_str()) == n.as_str());
    if key.as_array().is_some_and(|k| k.iter().all(known)) {
        dataset["primary_key"] = key;
    }
    dataset["periodicity"] = json!("month");
    dataset["due"] = json!("P20D");
    Ok(Proposal { title, dataset, set_aside: Vec::new() })
}

fn from_example(file: &[u8], name: &str) -> Result<Proposal> {
    let mut copy = tempfile::NamedTempFile::new()?;
    copy.write_all(file)?;
    copy.flush()?;
    let table = decode::read(copy.path(), Expected::default()).map_err(|e| Error::invalid("starter_unreadable", e.message))?;
    if table.head.names.is_empty() || table.height() == 0 {
        return Err(Error::invalid("starter_unreadable", "Ce fichier n'a pas de lignes sous ses titres : donnez un exemple rempli."));
    }
    Ok(from_table(&table, &title_of(name)))
}

fn from_table(table: &Table, title: &str) -> Proposal {
    let (mut properties, mut required, mut set_aside) = (Map::new(), Vec::new(), Vec::new());
    let mut key = None;
    for (header, cells) in table.head.names.iter().zip(&table.columns).take(MAX_COLUMNS) {
        if header.is_empty() || properties.contains_key(header) {
            continue;
        }
        if let Some(what) = personal(header, cells) {
            set_aside.push((header.clone(), what));
            continue;
        }
        let seen = Seen::of(cells);
        if seen.empty == 0 {
            required.push(Json::from(header.as_str()));
            if key.is_none() && seen.distinct == cells.len() && cells.len() > 1 && seen.kind != "number" {
                key = Some(header.clone());
            }
        }
        properties.insert(header.clone(), seen.property(header));
    }
    let mut schema = json!({"type": "object", "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = Json::Array(required);
    }
    schema["properties"] = Json::Object(properties);
    let mut dataset = json!({"title": title, "schema": schema});
    if let Some(key) = key {
        dataset["primary_key"] = json!([key]);
    }
    dataset["periodicity"] = json!("month");
    dataset["due"] = json!("P20D");
    Proposal { title: title.to_owned(), dataset, set_aside }
}

/// What a column of an example holds.
struct Seen {
    kind: &'static str,
    format: Option<&'static str>,
    empty: usize,
    distinct: usize,
    values: Option<Vec<String>>,
    longest: usize,
    negative: bool,
}

impl Seen {
    fn of(cells: &Cells) -> Self {
        let filled: Vec<&str> = cells.iter().map(str::trim).filter(|c| !c.is_empty()).collect();
        let set: BTreeSet<&str> = filled.iter().copied().collect();
        let every = |test: &dyn Fn(&str) -> bool| !filled.is_empty() && filled.iter().all(|c| test(c));
        // «01» is a code, not a number.
        let coded = filled.iter().any(|c| c.len() > 1 && c.starts_with('0') && c.bytes().all(|b| b.is_ascii_digit()));
        let whole = |c: &str| [',', '.'].iter().any(|d| read::integer(c, *d, None, true, false).is_ok());
        let figure = |c: &str| [',', '.'].iter().any(|d| read::number(c, *d, None, true).is_ok());
        let words = |c: &str| ["oui", "non", "vrai", "faux", "true", "false"].iter().any(|w| c.eq_ignore_ascii_case(w));
        let origin = |wanted: Origin| (0..cells.len()).all(|i| cells.get(i).trim().is_empty() || cells.origin(i) == wanted);
        let shape = ["siren", "siret", "insee-commune", "code-postal"];
        let shaped = shape.into_iter().find(|name| {
            Format::parse(name).is_some_and(|f| every(&|c| f.accepts(c))) && (*name != "code-postal" || coded || set.len() > 1)
        });
        let kind = if every(&words) || !filled.is_empty() && origin(Origin::Boolean) {
            "boolean"
        } else if every(&|c| read::day(c, &Dates::Detect).is_ok()) {
            "date"
        } else if every(&|c| read::instant(c, &Dates::Detect).is_ok()) {
            "datetime"
        } else if coded || shaped.is_some_and(|s| s != "code-postal" || coded) && !origin(Origin::Number) {
            "string"
        } else if every(&whole) {
            "integer"
        } else if every(&figure) {
            "number"
        } else {
            "string"
        };
        let repeated = kind == "string" && set.len() <= MAX_VALUES && filled.len() >= 3 * set.len() && set.iter().all(|v| v.len() <= 40);
        Self {
            kind,
            format: shaped.filter(|_| kind == "string"),
            empty: cells.len() - filled.len(),
            distinct: set.len(),
            values: repeated.then(|| set.iter().map(|v| (*v).to_owned()).collect()),
            longest: filled.iter().map(|c| c.chars().count()).max().unwrap_or(0),
            negative: filled.iter().any(|c| c.starts_with(['-', '\u{2212}'])),
        }
    }

    fn property(&self, header: &str) -> Json {
        let nullable = self.empty > 0 || self.distinct == 0;
        let (kind, format) = match self.kind {
            "date" => ("string", Some("date")),
            "datetime" => ("string", Some("date-time")),
            kind => (kind, self.format),
        };
        let mut property = Map::new();
        property.insert("type".to_owned(), if nullable { json!([kind, "null"]) } else { json!(kind) });
        if let Some(format) = format {
            property.insert("format".to_owned(), json!(format));
        }
        match &self.values {
            Some(values) => {
                let mut list: Vec<Json> = values.iter().map(|v| json!(v)).collect();
                if nullable {
                    list.push(Json::Null);
                }
                property.insert("enum".to_owned(), Json::Array(list));
            }
            None if self.kind == "string" && self.format.is_none() => {
                // Room for what the example does not show.
                let room = (2 * self.longest).clamp(20, 2000).next_multiple_of(10);
                property.insert("maxLength".to_owned(), json!(room));
            }
            None => {}
        }
        if matches!(self.kind, "integer" | "number") && !self.negative && self.distinct > 0 {
            property.insert("minimum".to_owned(), json!(0));
        }
        let words = header.replace(['_', '-'], " ");
        property.insert("title".to_owned(), json!(crate::deposit::starter::capital(&words)));
        Json::Object(property)
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// What personal data a column looks like, by its name or by what most of its cells are.
fn personal(header: &str, cells: &Cells) -> Option<&'static str> {
    let folded = slug(header);
    let words: Vec<&str> = folded.split('-').collect();
    let has = |list: &[&str]| list.iter().any(|w| words.contains(w));
    if has(&["nom", "noms", "prenom", "prenoms", "patronyme", "name", "lastname", "firstname", "usager", "demandeur"])
        && !has(&["commune", "service", "fichier", "rue", "nombre"])
    {
        return Some("un nom de personne");
    }
    if has(&["email", "mail", "courriel", "mel"]) {
        return Some("une adresse électronique");
    }
    if has(&["tel", "telephone", "portable", "mobile", "phone"]) {
        return Some("un numéro de téléphone");
    }
    if has(&["nir", "iban", "rib"]) || folded.contains("securite-sociale") {
        return Some("un numéro personnel");
    }
    if has(&["naissance", "birthdate"]) {
        return Some("une date de naissance");
    }
    let filled: Vec<&str> = cells.iter().map(str::trim).filter(|c| !c.is_empty()).take(1000).collect();
    let holds = |cell: &str, kind| find(cell).iter().any(|(found, _)| *found == kind);
    let most = |kind| !filled.is_empty() && 2 * filled.iter().filter(|c| holds(c, kind)).count() >= filled.len();
    let kinds = [PersonalKind::Email, PersonalKind::Iban, PersonalKind::Nir, PersonalKind::Phone];
    kinds.into_iter().find(|kind| most(*kind)).map(PersonalKind::words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "N° dossier;Nom;courriel;contact;Date dépôt;Statut;Montant;Nb;Note;insee;ref;urgent\n\
        D1;Durand;a@b.fr;06 12 34 56 78;12/03/2026;ouvert;12,5;3;;93048;007;oui\n\
        D2;Petit;c@d.fr;0145678910;13/03/2026;clos;7,25;4;bien;93008;008;non\n\
        D3;Roux;e@f.fr;+33145678911;14/03/2026;clos;100;-1;;92002;009;non\n\
        D4;Vidal;;;15/03/2026;clos;3;2;;92002;010;oui\n\
        D5;Morel;;;16/03/2026;ouvert;3;2;;92002;011;oui\n\
        D6;Benali;;;17/03/2026;clos;3;2;;92002;012;oui\n";

    #[test]
    fn an_example_proposes_its_columns_and_sets_people_aside() {
        let found = propose(EXAMPLE.as_bytes(), "Export GRC_mars.csv").unwrap();
        assert_eq!(found.title, "Export GRC mars");
        let aside: Vec<&str> = found.set_aside.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(aside, ["Nom", "courriel", "contact"]);
        let text = found.dataset.to_string();
        assert!(!text.contains("Durand") && !text.contains("a@b.fr"));
        insta::assert_json_snapshot!(found.dataset);
        let mut document = crate::convention::model::document();
        document["datasets"]["exemple"] = found.dataset;
        let faults: Vec<_> =
            crate::convention::draft_faults(&document).into_iter().filter(|f| f.pointer.starts_with("/datasets")).collect();
        assert_eq!(faults, []);
    }

    #[test]
    fn a_schema_is_taken_as_it_is() {
        let schema =
            json!({"title": "Bornes", "primaryKey": "id", "fields": [{"name": "id", "type": "string"}, {"name": "n", "type": "integer"}]});
        let found = propose(schema.to_string().as_bytes(), "x.json").unwrap();
        assert_eq!((found.title.as_str(), &found.dataset["schema"], &found.dataset["primary_key"]), ("Bornes", &schema, &json!(["id"])));
        let bad = propose(br#"{"fields": [{"name": "a", "type": "entier"}]}"#, "x.json").unwrap_err();
        assert_eq!((bad.code, bad.faults[0].code.as_str()), ("starter_schema", "type_unknown"));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for (file, name) in [(&b""[..], "a.csv"), (b"\x00\x01\x02", "a.xlsx"), (b"%PDF-1.7", "a.pdf"), (b"a;b\n", "a.csv")] {
            assert_eq!(propose(file, name).unwrap_err().code, "starter_unreadable", "{name}");
        }
    }
}
