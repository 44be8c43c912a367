//! The fields of single values.

use serde_json::Value as Json;

use super::{Field, Look, Node};
use crate::http::editor::{
    read,
    spec::{Choices, Spec},
};

pub(super) fn hidden(kind: &str, pointer: &str, value: &str) -> Node {
    Node::Hidden(format!("{kind}:{pointer}"), value.to_owned())
}

pub(super) fn field(kind: &str, spec: &Spec, pointer: &str, value: String, look: Look) -> Node {
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
pub(super) fn raw(pointer: &str, label: &str, value: &Json) -> Node {
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
pub(super) fn gives_back(kind: &str, shown: &str, value: &Json) -> bool {
    read::scalar(kind, &read::tidy(shown)).as_ref() == Some(value)
}

/// A field, or the raw value where the field would not give it back.
pub(super) fn simple(
    kind: &str,
    spec: &Spec,
    value: Option<&Json>,
    pointer: &str,
    look: Look,
    show: impl Fn(&Json) -> Option<String>,
) -> Vec<Node> {
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

pub(super) fn text(value: &Json) -> Option<String> {
    value.as_str().map(str::to_owned)
}

pub(super) fn figure(value: &Json) -> Option<String> {
    value.is_number().then(|| value.to_string().replace('.', ","))
}

pub(super) fn lines(value: &Json) -> Option<String> {
    let list: Option<Vec<&str>> = value.as_array()?.iter().map(Json::as_str).collect();
    list.map(|l| l.join("\n"))
}

pub(super) fn groups(value: &Json) -> Option<String> {
    let line = |group: &Json| {
        let words: Option<Vec<&str>> = group.as_array()?.iter().map(Json::as_str).collect();
        words.map(|w| w.join(", "))
    };
    value.as_array()?.iter().map(line).collect::<Option<Vec<_>>>().map(|l| l.join("\n"))
}

pub(super) fn offered(choices: Choices) -> Vec<(String, String)> {
    choices.iter().map(|(v, w)| ((*v).to_owned(), (*w).to_owned())).collect()
}

pub(super) fn columns(names: &[String]) -> Vec<(String, String)> {
    names.iter().map(|n| (n.clone(), n.clone())).collect()
}

/// Whether an empty object or list at this place is said rather than absent: where it is there, and the format asks for it or it is empty.
pub(super) fn needed(pointer: &str, value: Option<&Json>) -> bool {
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

pub(super) fn ticks(spec: &Spec, value: Option<&Json>, pointer: &str, offered: Vec<(String, String)>) -> Vec<Node> {
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

pub(super) fn span(spec: &Spec, value: Option<&Json>, pointer: &str) -> Vec<Node> {
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

pub(super) fn target(spec: &Spec, value: Option<&Json>, pointer: &str) -> Vec<Node> {
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
