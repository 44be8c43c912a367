//! The fields as HTML, each with its faults beside it.

use super::build::{Field, Group, Look, Node, Shape};
use crate::{
    error::Fault,
    http::view::{Markup, escape},
};

/// The identity of a place on the page.
fn id(pointer: &str) -> String {
    let mut id = String::from("f");
    for c in pointer.chars() {
        match c {
            '/' => id.push('-'),
            c if c.is_ascii_alphanumeric() || c == '_' => id.push(c),
            c => id += &format!(".{:x}", u32::from(c)),
        }
    }
    id
}

/// Where a fault is said on the page of these nodes: the identity and the name of the nearest field or group.
pub fn locate(nodes: &[Node], pointer: &str) -> Option<(String, String)> {
    let mut best: Option<(usize, String, String)> = None;
    nearest(nodes, pointer, &mut best);
    best.map(|(_, pointer, label)| (id(&pointer), label))
}

fn nearest(nodes: &[Node], pointer: &str, best: &mut Option<(usize, String, String)>) {
    let mut consider = |place: &str, label: &str| {
        let holds = !place.is_empty() && pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if holds && best.as_ref().is_none_or(|(length, ..)| place.len() > *length) {
            *best = Some((place.len(), place.to_owned(), label.to_owned()));
        }
    };
    for node in nodes {
        match node {
            Node::Field(field) => consider(&field.pointer, &field.label),
            Node::Group(group) => {
                if group.shape != Shape::Folded {
                    consider(&group.pointer, &group.title);
                }
            }
            Node::Hidden(..) => {}
        }
    }
    for node in nodes {
        if let Node::Group(group) = node {
            nearest(&group.nodes, pointer, best);
        }
    }
}

/// What a fault says beside its field.
fn beside(fault: &Fault) -> &str {
    if fault.code == "required" { "À compléter." } else { &fault.message }
}

/// The page of the nodes.
pub fn render(nodes: &[Node], faults: &[Fault], writes: bool) -> Markup {
    let placed: Vec<(String, &Fault)> = faults.iter().filter_map(|f| locate(nodes, &f.pointer).map(|(id, _)| (id, f))).collect();
    let mut page = Page { out: String::new(), placed: &placed, writes };
    page.nodes(nodes, 2);
    Markup(page.out)
}

struct Page<'a> {
    out: String,
    placed: &'a [(String, &'a Fault)],
    writes: bool,
}

impl Page<'_> {
    fn push(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn nodes(&mut self, nodes: &[Node], level: usize) {
        for node in nodes {
            match node {
                Node::Hidden(name, value) => {
                    let html = format!(r#"<input type="hidden" name="{}" value="{}">"#, escape(name), escape(value));
                    self.push(&html);
                }
                Node::Field(field) => self.field(field),
                Node::Group(group) => self.group(group, level),
            }
        }
    }

    /// The faults of a place; gives what refers to them.
    fn faults(&mut self, id: &str) -> Option<String> {
        let said: Vec<String> = self.placed.iter().filter(|(at, _)| at == id).map(|(_, f)| escape(beside(f))).collect();
        if said.is_empty() {
            return None;
        }
        let html = format!(r#"<p class="field-fault" id="e-{id}">{}</p>"#, said.join("<br>"));
        self.push(&html);
        Some(format!(r#" aria-invalid="true" aria-describedby="e-{id}""#))
    }

    fn buttons(&mut self, acts: &[(String, String)], about: &str, class: &str) {
        if !self.writes || acts.is_empty() {
            return;
        }
        self.push(&format!(r#"<div class="{class}">"#));
        for (value, words) in acts {
            let what = if about.is_empty() { String::new() } else { format!(r#"<span class="visually-hidden"> {}</span>"#, escape(about)) };
            let html = format!(r#"<button class="slim" name="act" value="{}">{}{what}</button>"#, escape(value), escape(words));
            self.push(&html);
        }
        self.push("</div>");
    }

    fn group(&mut self, group: &Group, level: usize) {
        let id = id(&group.pointer);
        let title = escape(&group.title);
        match group.shape {
            Shape::Folded => {
                self.push(&format!(r#"<details><summary>{title}</summary><div class="more">"#));
                self.nodes(&group.nodes, level + 1);
                self.push("</div></details>");
            }
            Shape::Line | Shape::Item => {
                let class = if group.shape == Shape::Line { "line" } else { "item" };
                self.push(&format!(r#"<fieldset class="{class}" id="{id}"><legend>{title}</legend>"#));
                self.faults(&id);
                self.buttons(&group.tools, &group.title, "tools");
                self.push(r#"<div class="fields">"#);
                self.nodes(&group.nodes, level + 1);
                self.push("</div></fieldset>");
            }
            Shape::Part | Shape::Inner => {
                let class = if group.shape == Shape::Part { "part" } else { "inner" };
                self.push(&format!(r#"<section class="{class}" id="{id}">"#));
                if !group.title.is_empty() {
                    let level = level.min(4);
                    self.push(&format!("<h{level}>{title}</h{level}>"));
                }
                if !group.hint.is_empty() {
                    self.push(&format!(r#"<p class="hint">{}</p>"#, escape(&group.hint)));
                }
                self.faults(&id);
                self.nodes(&group.nodes, level + 1);
                self.buttons(&group.tools, "", "acts");
                self.buttons(&group.acts, "", "acts");
                self.push("</section>");
            }
        }
    }

    fn field(&mut self, field: &Field) {
        let id = if field.pointer.is_empty() { format!("new{}", self::id(&field.name)) } else { self::id(&field.pointer) };
        let (label, name, value) = (escape(&field.label), escape(&field.name), escape(&field.value));
        let hint = if field.hint.is_empty() { String::new() } else { format!(r#"<span class="hint">{}</span>"#, escape(&field.hint)) };
        match &field.look {
            Look::Tick(ticked) => {
                self.push(r#"<div class="field tick">"#);
                let refers = self.faults(&id).unwrap_or_default();
                let checked = if *ticked { " checked" } else { "" };
                let html = format!(
                    r#"<label class="choice"><input type="checkbox" id="{id}" name="{name}" value="{value}"{checked}{refers}>{label}</label></div>"#
                );
                self.push(&html);
                return;
            }
            Look::Ticks(boxes) => {
                self.push(&format!(r#"<fieldset class="field ticks" id="{id}"><legend>{label}</legend>{hint}"#));
                self.faults(&id);
                for (value, words, ticked) in boxes {
                    let checked = if *ticked { " checked" } else { "" };
                    let html = format!(
                        r#"<label class="choice"><input type="checkbox" name="{name}" value="{}"{checked}>{}</label>"#,
                        escape(value),
                        escape(words)
                    );
                    self.push(&html);
                }
                if boxes.is_empty() {
                    self.push(r#"<p class="muted">Rien à choisir pour le moment.</p>"#);
                }
                self.push("</fieldset>");
                return;
            }
            _ => {}
        }
        let class = match field.look {
            Look::Area | Look::Code => "field wide-field",
            Look::Target(..) => "field target-field",
            _ => "field",
        };
        self.push(&format!(r#"<div class="{class}"><label for="{id}">{label}</label>{hint}"#));
        let refers = self.faults(&id).unwrap_or_default();
        let html = match &field.look {
            Look::Area => {
                let rows = (field.value.lines().count() + 1).clamp(3, 12);
                format!(r#"<textarea id="{id}" name="{name}" rows="{rows}"{refers}>{value}</textarea>"#)
            }
            Look::Code => {
                let rows = field.value.lines().count().clamp(1, 20);
                format!(r#"<textarea class="code" spellcheck="false" id="{id}" name="{name}" rows="{rows}"{refers}>{value}</textarea>"#)
            }
            Look::Day => format!(r#"<input type="date" id="{id}" name="{name}" value="{value}"{refers}>"#),
            Look::Number => format!(r#"<input inputmode="decimal" class="short" id="{id}" name="{name}" value="{value}"{refers}>"#),
            Look::Party => format!(r#"<input list="territoire" autocomplete="off" id="{id}" name="{name}" value="{value}"{refers}>"#),
            Look::Select(choices) => select(&id, &name, &field.value, choices, &refers),
            Look::Target(second, figures, kinds) => format!(
                r#"<div class="valued">{}<input aria-label="{label}, valeur" inputmode="decimal" class="short" name="{}" value="{}"></div>"#,
                select(&id, &name, &field.value, kinds, &refers),
                escape(second),
                escape(figures)
            ),
            _ => format!(r#"<input id="{id}" name="{name}" value="{value}"{refers}>"#),
        };
        self.push(&html);
        self.push("</div>");
    }
}

fn select(id: &str, name: &str, value: &str, choices: &[(String, String)], refers: &str) -> String {
    let mut html = format!(r#"<select id="{id}" name="{name}"{refers}>"#);
    if value.is_empty() || !choices.iter().any(|(v, _)| v.is_empty()) {
        html += r#"<option value="">–</option>"#;
    }
    for (v, words) in choices {
        let selected = if v == value { " selected" } else { "" };
        html += &format!(r#"<option value="{}"{selected}>{}</option>"#, escape(v), escape(words));
    }
    html + "</select>"
}
