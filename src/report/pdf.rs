//! Lays a view out as PDF/UA-1 with typst. The view goes in as JSON, and charts as SVG: what people wrote is data, never markup.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Value as Json, json};
use typst::{
    World,
    foundations::{Bytes, Dict, IntoValue, Smart},
};
use typst_as_lib::{TypstEngine, TypstTemplateCollection, typst_kit_options::TypstKitFontOptions};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use super::{
    View,
    charts::{Theme, parts},
};
use crate::error::{Error, Result};

/// Height of the tallest chart that a page holds under an indicator's heading and conclusion, in the chart's units.
const CHART_HEIGHT: f64 = 730.0;

/// The templates and the fonts, read once. Only the fonts of the program are used, so that every machine gives the same bytes.
static ENGINE: LazyLock<TypstEngine<TypstTemplateCollection>> = LazyLock::new(|| {
    TypstEngine::builder()
        .with_static_source_file_resolver([
            ("report.typ", include_str!("templates/report.typ")),
            ("paper.typ", include_str!("templates/paper.typ")),
            ("bordereau.typ", include_str!("templates/bordereau.typ")),
        ])
        .search_fonts_with(TypstKitFontOptions::new().include_system_fonts(false).include_embedded_fonts(true))
        .build()
});

pub(super) fn render(view: &View) -> Result<Vec<u8>> {
    let data = json!({
        "view": view,
        "charts": view.results.iter().map(|r| if r.sites.is_empty() { Vec::new() } else { parts(r, Theme::Print, CHART_HEIGHT) }).collect::<Vec<_>>(),
    });
    let facts: Vec<_> = view.provenance.facts.iter().map(|f| f.text.as_str()).collect();
    compile("report.typ", data, &format!("retex/{}/{}", view.title, facts.join("/")))
}

/// Lays `data` out with one of the templates. `ident` names the document: the same one for the same content.
pub(super) fn compile(template: &'static str, mut data: Json, ident: &str) -> Result<Vec<u8>> {
    let replaced = ENGINE.with_world(template, |world| make_printable(world, &mut data)).map_err(Error::internal)?;
    data["replaced"] = Json::Bool(replaced);
    let bytes = serde_json::to_vec(&data).map_err(Error::internal)?;
    let mut inputs = Dict::new();
    inputs.insert("data".into(), Bytes::new(bytes).into_value());
    let document = ENGINE.compile_with_input(template, inputs).output.map_err(|e| failed(&e))?;
    let options = PdfOptions {
        ident: Smart::Custom(ident.to_owned()),
        creator: Smart::Custom(Some("Retex".to_owned())),
        timestamp: None,
        standards: PdfStandards::new(&[PdfStandard::Ua_1]).map_err(|e| failed(&e))?,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(|e| failed(&e))
}

fn failed(cause: &impl std::fmt::Debug) -> Error {
    Error::internal(format!("typst: {cause:?}"))
}

/// Puts «▢» for every character that no font of the program holds: PDF/UA forbids a missing glyph, and a report with one
/// unknown sign is better than none. Says whether there was any.
fn make_printable(world: &dyn World, data: &mut Json) -> bool {
    let book = world.book();
    let mut known: BTreeMap<char, bool> = BTreeMap::new();
    let mut holds = |c: char| {
        *known.entry(c).or_insert_with(|| {
            c == '\n' || !is_private(c) && (0..).map_while(|i| book.info(i)).any(|font| font.coverage.contains(c as u32))
        })
    };
    replace(data, &mut holds)
}

fn replace(data: &mut Json, holds: &mut impl FnMut(char) -> bool) -> bool {
    match data {
        Json::String(text) => {
            if text.chars().all(|c| !is_mark(c) && holds(c)) {
                return false;
            }
            *text = text.chars().filter(|c| !is_mark(*c)).map(|c| if holds(c) { c } else { '▢' }).collect();
            true
        }
        // Not `any`: every string is to be visited.
        Json::Array(items) => items.iter_mut().fold(false, |found, item| replace(item, holds) | found),
        Json::Object(fields) => fields.values_mut().fold(false, |found, item| replace(item, holds) | found),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// Signs that mean what each font wants them to.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

/// Signs that only change the one before (joiners, variation selectors, directions, the byte order mark).
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}
