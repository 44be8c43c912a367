//! The grid of a schema.

use serde_json::Value as Json;

use super::{
    Field, Group, Look, Names, Node, Shape, member,
    values::{hidden, raw},
};
use crate::http::editor::{
    escape,
    spec::{Ask, Choices, Spec, hinted, spec},
};

/// The kinds of columns.
const COLUMN_TYPES: Choices = &[
    ("string", "Texte"),
    ("integer", "Nombre entier"),
    ("number", "Nombre"),
    ("boolean", "Oui ou non"),
    ("date", "Date"),
    ("datetime", "Date et heure"),
];

/// The kinds of personal data.
const PERSONAL: Choices =
    &[("pseudonym", "Pseudonyme"), ("indirect", "Identifie indirectement"), ("direct", "Identifie directement"), ("sensitive", "Sensible")];

/// Forms of text.
const FORMATS: Choices = &[
    ("insee-commune", "Code INSEE d'une commune"),
    ("siren", "SIREN"),
    ("siret", "SIRET"),
    ("code-postal", "Code postal"),
    ("email", "Adresse électronique"),
    ("telephone", "Téléphone"),
    ("uri", "Adresse web"),
    ("year-month", "Année et mois"),
    ("lonlat-france", "Longitude et latitude en France"),
    ("opening-hours", "Horaires d'ouverture (OpenStreetMap)"),
    ("time", "Heure"),
    ("uuid", "Identifiant UUID"),
];

/// What else is asked of a column, under its line of the grid.
const COLUMN_MORE: &[Spec] = &[
    hinted("nullable", "Une cellule vide vaut « inconnu »", Ask::Check, ""),
    spec("format", "Forme", Ask::Choice(FORMATS)),
    hinted("enum", "Valeurs possibles", Ask::Lines, "Une par ligne."),
    spec("minimum", "Minimum", Ask::Number),
    spec("maximum", "Maximum", Ask::Number),
    spec("minLength", "Caractères, au moins", Ask::Number),
    spec("maxLength", "Caractères, au plus", Ask::Number),
    hinted("pattern", "Motif", Ask::Code, "Une expression régulière, par exemple ^A[0-9]{4}$."),
    spec("example", "Exemple", Ask::Text),
    spec("description", "Description", Ask::Text),
];

pub(super) fn schema(spec: &Spec, value: Option<&Json>, pointer: &str) -> Vec<Node> {
    let Some(value) = value else {
        return vec![raw_schema(spec, &format!("{pointer}/$raw"), pointer, None)];
    };
    if value.get("$grid").is_none() {
        return vec![hidden("o", pointer, "drop"), raw_schema(spec, &format!("{pointer}/$raw"), pointer, value.get("$raw"))];
    }
    let kind = value["$grid"].as_str().unwrap_or_default();
    let at = format!("{pointer}/columns");
    let mut nodes = vec![hidden("o", pointer, "keep"), hidden("t", &format!("{pointer}/$grid"), kind), hidden("a", &at, "keep")];
    let columns = value["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (i, column) in columns.iter().enumerate() {
        nodes.push(Node::Group(line(column, &format!("{at}/{i}"), pointer, kind, i)));
    }
    for key in ["order", "personal"] {
        if let Some(value) = value.get(key) {
            nodes.push(hidden("j", &format!("{pointer}/{key}"), &value.to_string()));
        }
    }
    let rest = value.get("rest").filter(|r| r.as_object().is_some_and(|r| !r.is_empty()));
    let rest = match rest {
        Some(rest) => raw(&format!("{pointer}/rest"), "Ce que le modèle dit d'autre", rest),
        None => hidden("j", &format!("{pointer}/rest"), "{}"),
    };
    let folded = Group {
        title: "Réglages avancés du modèle".to_owned(),
        pointer: format!("{pointer}/rest"),
        shape: Shape::Folded,
        nodes: vec![rest],
        ..Group::default()
    };
    nodes.push(Node::Group(folded));
    let mut whole = Group { title: spec.label.to_owned(), pointer: pointer.to_owned(), shape: Shape::Part, nodes, ..Group::default() };
    whole.hint = "Une ligne par colonne attendue. Ne demandez que ce qui sert à l'évaluation.".to_owned();
    whole.acts.push((format!("column:{at}"), "Ajouter une colonne".to_owned()));
    vec![Node::Group(whole)]
}

pub(super) fn raw_schema(spec: &Spec, name: &str, pointer: &str, value: Option<&Json>) -> Node {
    Node::Field(Field {
        name: format!("j:{name}"),
        pointer: pointer.to_owned(),
        label: spec.label.to_owned(),
        hint: "Ce modèle ne tient pas dans la grille : il s'écrit en JSON (JSON Schema d'une ligne, ou Table Schema).".to_owned(),
        value: value.map(|v| serde_json::to_string_pretty(v).unwrap_or_default()).unwrap_or_default(),
        look: Look::Code,
    })
}

/// One line of the grid.
pub(super) fn line(column: &Json, at: &str, schema: &str, kind: &str, i: usize) -> Group {
    let names = Names { datasets: Vec::new(), columns: Vec::new(), own: Vec::new() };
    let name = column["name"].as_str().unwrap_or_default();
    // Where the document, which knows no grid, has this column.
    let place = if kind == "table" { format!("{schema}/fields/{i}") } else { format!("{schema}/properties/{}", escape(name)) };
    let one = |key: &'static str, label: &'static str, ask: Ask| {
        member(&names, &Spec { key, label, hint: "", ask }, column.get(key), &format!("{at}/{key}"), Shape::Inner)
    };
    let mut nodes = vec![hidden("o", at, "keep"), hidden("t", &format!("{at}/was"), name)];
    nodes.extend(one("name", "Nom", Ask::Text));
    nodes.extend(one("title", "Libellé", Ask::Text));
    nodes.extend(one("type", "Contenu", Ask::Choice(COLUMN_TYPES)));
    nodes.extend(one("personal", "Donnée personnelle", Ask::Choice(PERSONAL)));
    nodes.extend(one("required", "Obligatoire", Ask::Check));
    let mut more: Vec<Node> = COLUMN_MORE
        .iter()
        .filter(|s| kind != "table" || s.key != "nullable")
        .flat_map(|s| member(&names, s, column.get(s.key), &format!("{at}/{}", s.key), Shape::Inner))
        .collect();
    if let Some(rest) = column.get("rest") {
        more.push(raw(&format!("{at}/rest"), "Autres règles", rest));
    }
    let expected = crate::report::describe::expected_of(column, kind == "table");
    let title = if expected.is_empty() { "Règles".to_owned() } else { format!("Règles\u{a0}: {expected}") };
    nodes.push(Node::Group(Group { title, pointer: format!("{at}/more"), shape: Shape::Folded, nodes: more, ..Group::default() }));
    let mut tools = vec![(format!("remove:{at}"), "Retirer".to_owned())];
    if i > 0 {
        tools.insert(0, (format!("up:{at}"), "Monter".to_owned()));
    }
    Group { title: name.to_owned(), pointer: place, shape: Shape::Line, nodes, tools, ..Group::default() }
}
