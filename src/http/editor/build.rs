//! From a document to its fields.

use serde_json::{Map, Value as Json};

use super::{
    escape, parties,
    read::{self, Posted},
    sections::{
        Ask, COLUMN_MORE, COLUMN_TYPES, Choices, DATASET, GENERAL, INDICATORS, PARTIES, PERSONAL, PLAN, PRINCIPLES, PROCESSING, REX,
        Section, Spec, USES,
    },
};

/// One field or a group of them.
#[derive(Debug, Clone)]
pub enum Node {
    /// A field.
    Field(Field),
    /// Fields under a title.
    Group(Group),
    /// A field that is not shown: name, value.
    Hidden(String, String),
}

/// A field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name: how it is read, and where it stands.
    pub name: String,
    /// The place in the document, for its faults.
    pub pointer: String,
    /// Words above it.
    pub label: String,
    /// Words under its label.
    pub hint: String,
    /// What it holds.
    pub value: String,
    /// What it looks like.
    pub look: Look,
}

/// What a field looks like.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// One line.
    Line,
    /// A day.
    Day,
    /// A number.
    Number,
    /// Several lines.
    Area,
    /// Several lines of what a machine reads.
    Code,
    /// Ticked or not.
    Tick(bool),
    /// One of these.
    Select(Vec<(String, String)>),
    /// An organisation, found by typing.
    Party,
    /// Two fields for one objective: the second's name, its value; and the kinds.
    Target(String, String, Vec<(String, String)>),
    /// Ticks that share a name: value, words, ticked.
    Ticks(Vec<(String, String, bool)>),
}

/// A group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Title.
    pub title: String,
    /// Words under it.
    pub hint: String,
    /// The place in the document.
    pub pointer: String,
    /// How it is laid out.
    pub shape: Shape,
    /// What it holds.
    pub nodes: Vec<Node>,
    /// Buttons under it: value, words.
    pub acts: Vec<(String, String)>,
    /// Buttons beside its title: value, words.
    pub tools: Vec<(String, String)>,
}

/// How a group is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// A part of the page.
    #[default]
    Part,
    /// Within a part.
    Inner,
    /// One item of a list.
    Item,
    /// One line of the grid.
    Line,
    /// Folded.
    Folded,
}

/// What the fields of a place may name.
struct Names {
    datasets: Vec<(String, String)>,
    /// Of every dataset.
    columns: Vec<String>,
    /// Of the dataset at hand.
    own: Vec<String>,
}

/// The nodes of a step.
pub(super) fn nodes(document: &Json, section: Section, dataset: Option<&str>) -> Vec<Node> {
    let names = Names::of(document, dataset);
    let root = |specs: &[Spec], base: &str| {
        let nothing = Json::Null;
        let at = document.pointer(base).unwrap_or(&nothing);
        specs.iter().flat_map(|s| member(&names, s, at.get(s.key), &format!("{base}/{}", s.key), Shape::Part)).collect()
    };
    match (section, dataset) {
        (Section::General, _) => root(GENERAL, ""),
        (Section::Parties, _) => root(PARTIES, ""),
        (Section::Datasets, Some(name)) => {
            let pointer = format!("/datasets/{}", escape(name));
            match document["datasets"].get(name) {
                Some(value @ Json::Object(_)) => object(&names, DATASET, value, &pointer, true),
                Some(other) => vec![raw(&pointer, "Jeu de données", other)],
                None => Vec::new(),
            }
        }
        (Section::Datasets, None) => Vec::new(),
        (Section::Uses, _) => root(USES, ""),
        (Section::Plan, _) => root(PLAN, "/evaluation"),
        (Section::Indicators, _) => root(INDICATORS, "/evaluation"),
        (Section::Rex, _) => root(REX, ""),
        (Section::Principles, _) => root(PRINCIPLES, ""),
        (Section::Processing, _) => root(PROCESSING, ""),
    }
}

impl Names {
    fn of(document: &Json, dataset: Option<&str>) -> Self {
        let all = document["datasets"].as_object();
        let columns_of = |d: &Json| -> Vec<String> {
            let schema = &d["schema"];
            let listed = schema["columns"].as_array().into_iter().flatten().filter_map(|c| c["name"].as_str());
            let raw = schema["$raw"]["properties"].as_object().into_iter().flatten().map(|(k, _)| k.as_str());
            listed.chain(raw).map(str::to_owned).collect()
        };
        let mut columns: Vec<String> = all.into_iter().flatten().flat_map(|(_, d)| columns_of(d)).collect();
        columns.dedup();
        let mut seen = std::collections::BTreeSet::new();
        columns.retain(|c| seen.insert(c.clone()));
        let title = |name: &String, d: &Json| {
            d["title"].as_str().filter(|t| !t.is_empty()).map_or_else(|| name.clone(), |t| format!("{t} ({name})"))
        };
        Self {
            datasets: all.into_iter().flatten().map(|(n, d)| (n.clone(), title(n, d))).collect(),
            own: dataset.and_then(|n| all?.get(n)).map(columns_of).unwrap_or_default(),
            columns,
        }
    }
}

fn hidden(kind: &str, pointer: &str, value: &str) -> Node {
    Node::Hidden(format!("{kind}:{pointer}"), value.to_owned())
}

fn field(kind: &str, spec: &Spec, pointer: &str, value: String, look: Look) -> Node {
    Node::Field(Field {
        name: format!("{kind}:{pointer}"),
        pointer: pointer.to_owned(),
        label: spec.label.to_owned(),
        hint: spec.hint.to_owned(),
        value,
        look,
    })
}

/// A value that no field of its own could give back.
fn raw(pointer: &str, label: &str, value: &Json) -> Node {
    Node::Field(Field {
        name: format!("j:{pointer}"),
        pointer: pointer.to_owned(),
        label: label.to_owned(),
        hint: "En JSON.".to_owned(),
        value: serde_json::to_string_pretty(value).unwrap_or_default(),
        look: Look::Code,
    })
}

/// Whether a field of this kind gives the value back as it is.
fn gives_back(kind: &str, shown: &str, value: &Json) -> bool {
    read::scalar(kind, &read::tidy(shown)).as_ref() == Some(value)
}

/// A field, or the raw value where the field would not give it back.
fn simple(kind: &str, spec: &Spec, value: Option<&Json>, pointer: &str, look: Look, show: impl Fn(&Json) -> Option<String>) -> Vec<Node> {
    let Some(value) = value else { return vec![field(kind, spec, pointer, String::new(), look)] };
    let one_line = matches!(look, Look::Line | Look::Day | Look::Number | Look::Party | Look::Select(_));
    match show(value).filter(|s| gives_back(kind, s, value) && !(one_line && s.contains(['\n', '\r']))) {
        Some(shown) => {
            let look = match look {
                // A date field shows nothing of what is not a date.
                Look::Day if shown.parse::<chrono::NaiveDate>().is_err() || shown.len() != 10 => Look::Line,
                Look::Select(mut choices) => {
                    if !choices.iter().any(|(v, _)| *v == shown) {
                        choices.push((shown.clone(), format!("{shown} (inconnu)")));
                    }
                    Look::Select(choices)
                }
                look => look,
            };
            vec![field(kind, spec, pointer, shown, look)]
        }
        None => vec![raw(pointer, spec.label, value)],
    }
}

fn text(value: &Json) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn figure(value: &Json) -> Option<String> {
    value.is_number().then(|| value.to_string().replace('.', ","))
}

fn lines(value: &Json) -> Option<String> {
    let list: Option<Vec<&str>> = value.as_array()?.iter().map(Json::as_str).collect();
    list.map(|l| l.join("\n"))
}

fn groups(value: &Json) -> Option<String> {
    let line = |group: &Json| {
        let words: Option<Vec<&str>> = group.as_array()?.iter().map(Json::as_str).collect();
        words.map(|w| w.join(", "))
    };
    value.as_array()?.iter().map(line).collect::<Option<Vec<_>>>().map(|l| l.join("\n"))
}

fn offered(choices: Choices) -> Vec<(String, String)> {
    choices.iter().map(|(v, w)| ((*v).to_owned(), (*w).to_owned())).collect()
}

fn columns(names: &[String]) -> Vec<(String, String)> {
    names.iter().map(|n| (n.clone(), n.clone())).collect()
}

/// The nodes of one member of an object.
fn member(names: &Names, spec: &Spec, value: Option<&Json>, pointer: &str, shape: Shape) -> Vec<Node> {
    match spec.ask {
        Ask::Text => simple("t", spec, value, pointer, Look::Line, text),
        Ask::Long => simple("t", spec, value, pointer, Look::Area, text),
        Ask::Code => simple("t", spec, value, pointer, Look::Code, text),
        Ask::Date => simple("t", spec, value, pointer, Look::Day, text),
        Ask::Number => simple("n", spec, value, pointer, Look::Number, figure),
        Ask::Days => simple("d", spec, value, pointer, Look::Number, |v| {
            let text = v.as_str()?;
            Some(text.strip_prefix('P').and_then(|r| r.strip_suffix('D')).unwrap_or(text).to_owned())
        }),
        Ask::Party => simple("p", spec, value, pointer, Look::Party, |v| v.as_str().map(parties::name)),
        Ask::Lines => simple("l", spec, value, pointer, Look::Area, lines),
        Ask::Groups => simple("u", spec, value, pointer, Look::Area, groups),
        Ask::Choice(choices) => simple("s", spec, value, pointer, Look::Select(offered(choices)), text),
        Ask::Dataset(territory) => {
            let mut choices = names.datasets.clone();
            if territory {
                choices.insert(0, ("territory".to_owned(), "Liste officielle des communes et EPT".to_owned()));
            }
            simple("s", spec, value, pointer, Look::Select(choices), text)
        }
        Ask::Column => {
            let own = if names.own.is_empty() { &names.columns } else { &names.own };
            simple("s", spec, value, pointer, Look::Select(columns(own)), text)
        }
        Ask::Check => match value {
            None => vec![field("b", spec, pointer, "true".to_owned(), Look::Tick(false))],
            Some(Json::Bool(ticked)) => {
                let mut nodes = vec![field("b", spec, pointer, "true".to_owned(), Look::Tick(*ticked))];
                if !ticked {
                    // «No» that was said is not the same as nothing said.
                    nodes.insert(0, hidden("b", pointer, "false"));
                }
                nodes
            }
            Some(other) => vec![raw(pointer, spec.label, other)],
        },
        Ask::Some(choices) => ticks(spec, value, pointer, offered(choices)),
        Ask::SomeDatasets => ticks(spec, value, pointer, names.datasets.clone()),
        Ask::SomeColumns => ticks(spec, value, pointer, columns(&names.own)),
        Ask::Span => span(spec, value, pointer),
        Ask::Target => target(spec, value, pointer),
        Ask::Hidden => match value {
            Some(value) => vec![hidden("j", pointer, &value.to_string())],
            None => Vec::new(),
        },
        Ask::Object(members) => match value {
            Some(other) if !other.is_object() => vec![raw(pointer, spec.label, other)],
            value => {
                let nothing = Json::Object(Map::new());
                let nodes = object(names, members, value.unwrap_or(&nothing), pointer, needed(pointer, value));
                vec![group(spec, pointer, if shape == Shape::Part { Shape::Part } else { Shape::Inner }, nodes)]
            }
        },
        Ask::List(members, one) => list(names, spec, members, one, value, pointer, shape),
        Ask::Either(members) => either(names, spec, members, value, pointer),
        Ask::Questionnaire(members) => questionnaire(names, spec, members, value, pointer),
        Ask::Schema => schema(spec, value, pointer),
    }
}

/// Whether an empty object or list at this place is said rather than absent: where it is there, and the format asks for it or it is empty.
fn needed(pointer: &str, value: Option<&Json>) -> bool {
    let empty = match value {
        None => return false,
        Some(Json::Object(map)) => map.is_empty(),
        Some(Json::Array(list)) => list.is_empty(),
        Some(_) => false,
    };
    empty
        || matches!(
            pointer,
            "/period" | "/parties" | "/parties/metropole" | "/parties/sites" | "/uses" | "/retention" | "/evaluation/indicators"
        )
}

fn group(spec: &Spec, pointer: &str, shape: Shape, nodes: Vec<Node>) -> Node {
    Node::Group(Group {
        title: spec.label.to_owned(),
        hint: spec.hint.to_owned(),
        pointer: pointer.to_owned(),
        shape,
        nodes,
        ..Group::default()
    })
}

/// The members of an object, those that the format does not know too.
fn object(names: &Names, members: &[Spec], value: &Json, pointer: &str, keep: bool) -> Vec<Node> {
    let mut nodes = vec![hidden("o", pointer, if keep { "keep" } else { "drop" })];
    for spec in members {
        nodes.extend(member(names, spec, value.get(spec.key), &format!("{pointer}/{}", spec.key), Shape::Inner));
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        if !members.iter().any(|s| s.key == key) {
            nodes.push(raw(&format!("{pointer}/{}", escape(key)), &format!("Clé «\u{a0}{key}\u{a0}»"), value));
        }
    }
    nodes
}

fn list(names: &Names, spec: &Spec, members: &[Spec], one: &str, value: Option<&Json>, pointer: &str, shape: Shape) -> Vec<Node> {
    let items = match value {
        None => &[][..],
        Some(Json::Array(items)) => items,
        Some(other) => return vec![raw(pointer, spec.label, other)],
    };
    let mut nodes = vec![hidden("a", pointer, if needed(pointer, value) { "keep" } else { "drop" })];
    for (i, item) in items.iter().enumerate() {
        let at = format!("{pointer}/{i}");
        let inner = match item {
            Json::Object(_) => object(names, members, item, &at, true),
            other => vec![raw(&at, one, other)],
        };
        let title = ["title", "label", "name", "id", "recipient"].iter().find_map(|k| item[*k].as_str()).filter(|t| !t.is_empty());
        let title = match item["siren"].as_str() {
            Some(siren) => parties::name(siren),
            None => title.map_or_else(|| format!("{} {}", crate::http::words::sentence(one), i + 1), str::to_owned),
        };
        let mut tools = vec![(format!("remove:{at}"), "Retirer".to_owned())];
        if i > 0 {
            tools.insert(0, (format!("up:{at}"), "Monter".to_owned()));
        }
        nodes.push(Node::Group(Group { title, pointer: at, shape: Shape::Item, nodes: inner, tools, ..Group::default() }));
    }
    let feminine = ["structure", "référence", "règle", "rubrique", "question", "obligation"].contains(&one);
    let add = format!("Ajouter un{} {one}", if feminine { "e" } else { "" });
    if pointer == "/parties/sites" {
        nodes.push(Node::Field(Field {
            name: format!("q:{pointer}"),
            pointer: String::new(),
            label: add.clone(),
            hint: "Tapez le nom d'une commune ou d'un EPT, son SIREN ou son code INSEE.".to_owned(),
            value: String::new(),
            look: Look::Party,
        }));
    }
    let act = if pointer == "/parties/sites" { "save".to_owned() } else { format!("add:{pointer}") };
    let mut whole = Group {
        title: spec.label.to_owned(),
        hint: spec.hint.to_owned(),
        pointer: pointer.to_owned(),
        shape: if shape == Shape::Part { Shape::Part } else { Shape::Inner },
        nodes,
        ..Group::default()
    };
    whole.acts.push((act, if pointer == "/parties/sites" { "Ajouter".to_owned() } else { add }));
    vec![Node::Group(whole)]
}

fn ticks(spec: &Spec, value: Option<&Json>, pointer: &str, offered: Vec<(String, String)>) -> Vec<Node> {
    let chosen: Vec<&str> = match value {
        None => Vec::new(),
        Some(Json::Array(list)) => {
            let texts: Option<Vec<&str>> = list.iter().map(Json::as_str).collect();
            // A browser sends a box's value as it is, but for line breaks; each box once.
            match texts.filter(|t| t.iter().enumerate().all(|(i, v)| !t[..i].contains(v) && !v.contains(['\n', '\r']))) {
                Some(texts) => texts,
                None => return vec![raw(pointer, spec.label, &Json::Array(list.clone()))],
            }
        }
        Some(other) => return vec![raw(pointer, spec.label, other)],
    };
    let mut boxes: Vec<(String, String, bool)> = offered
        .into_iter()
        .map(|(v, words)| {
            let ticked = chosen.contains(&v.as_str());
            (v, words, ticked)
        })
        .collect();
    for value in &chosen {
        if !boxes.iter().any(|(v, ..)| v == value) {
            boxes.push(((*value).to_owned(), format!("{value} (inconnu)"), true));
        }
    }
    let order = serde_json::to_string(&chosen).unwrap_or_default();
    vec![
        hidden("a", pointer, if needed(pointer, value) { "keep" } else { "drop" }),
        field("x", spec, pointer, String::new(), Look::Ticks(boxes)),
        hidden("z", pointer, &order),
    ]
}

fn span(spec: &Spec, value: Option<&Json>, pointer: &str) -> Vec<Node> {
    let days = match value {
        None => [String::new(), String::new()],
        Some(Json::Array(days)) => match days.as_slice() {
            [Json::String(a), Json::String(b)]
                if [a, b].iter().all(|d| gives_back("t", d, &Json::from(d.as_str())) && !d.contains('\n')) =>
            {
                [a.clone(), b.clone()]
            }
            _ => return vec![raw(pointer, spec.label, &Json::Array(days.clone()))],
        },
        Some(other) => return vec![raw(pointer, spec.label, other)],
    };
    let look =
        |day: &String| if day.is_empty() || day.len() == 10 && day.parse::<chrono::NaiveDate>().is_ok() { Look::Day } else { Look::Line };
    let one = |i: usize, words: &str| {
        Node::Field(Field {
            name: format!("t:{pointer}/{i}"),
            pointer: format!("{pointer}/{i}"),
            label: format!("{}, {words}", spec.label),
            hint: String::new(),
            value: days[i].clone(),
            look: look(&days[i]),
        })
    };
    vec![hidden("a", pointer, "drop"), one(0, "premier jour"), one(1, "dernier jour")]
}

fn target(spec: &Spec, value: Option<&Json>, pointer: &str) -> Vec<Node> {
    let kinds = offered(&[
        ("effect", "Effet"),
        ("level", "Niveau du groupe assisté"),
        ("relative", "Évolution relative (−0,2 : un cinquième de moins)"),
        ("within", "Effet entre deux bornes"),
    ]);
    let (kind, figures) = match value {
        None => (String::new(), String::new()),
        Some(value) => {
            let one = value.as_object().filter(|m| m.len() == 1).and_then(|m| m.iter().next());
            let shown = one.and_then(|(key, v)| {
                let figures = match v {
                    Json::Array(bounds) => bounds.iter().map(figure).collect::<Option<Vec<_>>>()?.join("\u{a0}; "),
                    v => figure(v)?,
                };
                Some((key.clone(), figures))
            });
            // Tried as a browser would send it.
            let back = |(key, figures): &(String, String)| {
                let fields = [(format!("g:{pointer}"), key.clone()), (format!("h:{pointer}"), figures.clone())];
                kinds.iter().any(|(k, _)| k == key) && read::read(&fields).pointer(pointer) == Some(value)
            };
            match shown.filter(back) {
                Some(shown) => shown,
                None => return vec![raw(pointer, spec.label, value)],
            }
        }
    };
    vec![field("g", spec, pointer, kind, Look::Target(format!("h:{pointer}"), figures, kinds))]
}

fn either(names: &Names, spec: &Spec, members: &[Spec], value: Option<&Json>, pointer: &str) -> Vec<Node> {
    match value {
        Some(value @ Json::Object(_)) => {
            let nodes = object(names, members, value, pointer, true);
            let tools = vec![(format!("text:{pointer}"), "Calculer sur la même ligne".to_owned())];
            let hint = String::new();
            let group = Group {
                title: spec.label.to_owned(),
                hint,
                pointer: pointer.to_owned(),
                shape: Shape::Inner,
                nodes,
                tools,
                ..Group::default()
            };
            vec![Node::Group(group)]
        }
        value => {
            let nodes = simple("t", spec, value, pointer, Look::Code, text);
            let tools = vec![(format!("object:{pointer}"), "Prendre dans un autre jeu".to_owned())];
            vec![Node::Group(Group { pointer: pointer.to_owned(), shape: Shape::Inner, nodes, tools, ..Group::default() })]
        }
    }
}

fn questionnaire(names: &Names, spec: &Spec, members: &[Spec], value: Option<&Json>, pointer: &str) -> Vec<Node> {
    match value {
        Some(value @ Json::Object(_)) => {
            let nodes = object(names, members, value, pointer, true);
            let tools = vec![(format!("default:{pointer}"), "Revenir au questionnaire du programme".to_owned())];
            let group =
                Group { title: spec.label.to_owned(), pointer: pointer.to_owned(), shape: Shape::Inner, nodes, tools, ..Group::default() };
            vec![Node::Group(group)]
        }
        value => {
            let choices = offered(&[("default", "Celui du programme")]);
            let nodes = simple("s", spec, value, pointer, Look::Select(choices), text);
            let acts = vec![(format!("own:{pointer}"), "Écrire notre propre questionnaire".to_owned())];
            vec![Node::Group(Group { pointer: pointer.to_owned(), shape: Shape::Inner, nodes, acts, ..Group::default() })]
        }
    }
}

fn schema(spec: &Spec, value: Option<&Json>, pointer: &str) -> Vec<Node> {
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

fn raw_schema(spec: &Spec, name: &str, pointer: &str, value: Option<&Json>) -> Node {
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
fn line(column: &Json, at: &str, schema: &str, kind: &str, i: usize) -> Group {
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

/// The fields of nodes as a browser would send them untouched.
pub fn fields(nodes: &[Node]) -> Posted {
    let mut out = Posted::new();
    for node in nodes {
        match node {
            Node::Hidden(name, value) => out.push((name.clone(), value.clone())),
            Node::Group(group) => out.extend(fields(&group.nodes)),
            Node::Field(field) => match &field.look {
                Look::Tick(false) => {}
                Look::Ticks(boxes) => out.extend(boxes.iter().filter(|(.., t)| *t).map(|(v, ..)| (field.name.clone(), v.clone()))),
                Look::Target(name, value, _) => {
                    out.push((field.name.clone(), field.value.clone()));
                    out.push((name.clone(), value.clone()));
                }
                Look::Area | Look::Code => out.push((field.name.clone(), field.value.replace('\n', "\r\n"))),
                _ => out.push((field.name.clone(), field.value.clone())),
            },
        }
    }
    out
}
