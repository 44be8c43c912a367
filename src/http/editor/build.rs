//! From a document to its fields.

mod columns;
mod values;

use serde_json::{Map, Value as Json};

use self::values::{columns, field, figure, groups, hidden, lines, needed, offered, raw, simple, span, target, text, ticks};
use super::{
    Section, escape, parties,
    read::Posted,
    spec::{Ask, DATASET, GENERAL, INDICATORS, PARTIES, PLAN, PRINCIPLES, PROCESSING, REX, Spec, USES},
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
        Ask::Schema => self::columns::schema(spec, value, pointer),
    }
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
